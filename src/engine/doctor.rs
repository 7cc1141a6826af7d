//! Whether this machine, and the places that a pipeline reads and writes, do what a run needs of them.
//!
//! Everything is tried for real, and taken away again. Where one thing does not work, what rests on it is not tried.

mod bucket;
mod folder;
mod machine;

pub use bucket::{read_bucket, write_bucket};
pub use folder::{read_folder, write_folder};
pub use machine::machine;

use crate::{Error, Report};

/// One thing that was tried.
#[derive(Clone, Debug)]
pub struct Check {
    /// Of what: `machine`, `source`, `output`.
    pub of: &'static str,
    /// What of it.
    pub what: &'static str,
    /// How it stands.
    pub standing: Standing,
}

/// How something stands.
#[derive(Clone, Debug)]
pub enum Standing {
    /// As it should; with what was found.
    Fine(String),
    /// A run works, and somebody should know this.
    Odd(Report),
    /// A run would not work.
    Broken(Error),
}

impl Check {
    fn fine(of: &'static str, what: &'static str, found: impl Into<String>) -> Self {
        Self { of, what, standing: Standing::Fine(found.into()) }
    }

    fn odd(of: &'static str, what: &'static str, report: Report) -> Self {
        Self { of, what, standing: Standing::Odd(report) }
    }

    fn broken(of: &'static str, what: &'static str, error: Error) -> Self {
        Self { of, what, standing: Standing::Broken(error) }
    }

    /// Whether what rests on it need not be tried.
    pub fn is_broken(&self) -> bool {
        matches!(self.standing, Standing::Broken(_))
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    match bytes {
        big if big >= GIB => format!("{}.{} GiB", big / GIB, big % GIB * 10 / GIB),
        small => format!("{} MiB", small >> 20),
    }
}

/// Less than this is told: a run holds a ticker a thread and its open cells, a quarter of it as a rule.
const SCARCE: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_with_one_digit_rounded_down() {
        assert_eq!(size(0), "0 MiB");
        assert_eq!(size((1 << 30) - 1), "1023 MiB");
        assert_eq!(size((1 << 30) * 3 / 2), "1.5 GiB");
        assert_eq!(size((20 << 30) - 1), "19.9 GiB");
    }
}
