//! Instruction sets, chosen at run time.

use std::fmt;
use std::str::FromStr;

/// An instruction set that the kernels are compiled for.
///
/// Results differ between sets in the last bits (sums are taken in another order), never within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Safe Rust that the compiler vectorises for the target's baseline.
    Portable,
    /// AVX2 with FMA, 8 lanes.
    Avx2,
    /// AVX-512 F, BW, DQ and VL, 16 lanes.
    Avx512,
}

/// An instruction set that this machine lacks, or that no one has heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIsa {
    /// What was asked for.
    pub found: String,
    /// What this machine can run.
    pub available: Vec<Isa>,
}

impl Isa {
    /// Every set, the slowest first.
    const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The widest set of this machine.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// The sets of this machine, the slowest first.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("fma")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// Single-precision numbers of a vector.
    pub fn lanes(self) -> usize {
        match self {
            Self::Portable => 4,
            Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = UnknownIsa;

    /// The set of that name, where this machine has it.
    fn from_str(name: &str) -> Result<Self, UnknownIsa> {
        let available = Self::available();
        let found = available.iter().copied().find(|isa| isa.name() == name);
        found.ok_or_else(|| UnknownIsa { found: name.to_owned(), available })
    }
}

impl fmt::Display for UnknownIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = self.available.iter().map(Isa::to_string).collect();
        write!(f, "no instruction set `{}` here; this machine has {}", self.found, known.join(", "))
    }
}

impl std::error::Error for UnknownIsa {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_is_found_by_its_name() {
        for isa in Isa::available() {
            assert_eq!(isa.to_string().parse::<Isa>(), Ok(isa));
        }
        assert_eq!(Isa::available()[0], Isa::Portable);
    }

    #[test]
    fn an_unknown_set_is_refused_with_what_there_is() {
        let error = "avx1024".parse::<Isa>().unwrap_err();
        assert!(error.to_string().contains("`avx1024`"), "{error}");
        assert!(error.to_string().contains("portable"), "{error}");
    }
}
