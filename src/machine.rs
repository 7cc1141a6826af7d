//! What the bits of a result may depend on besides the build.

/// Architecture, operating system and the widest instruction set, as in `x86_64 linux avx512f`.
pub fn describe() -> String {
    format!("{} {} {}", std::env::consts::ARCH, std::env::consts::OS, instruction_set())
}

#[cfg(target_arch = "x86_64")]
fn instruction_set() -> &'static str {
    if std::arch::is_x86_feature_detected!("avx512f") {
        "avx512f"
    } else if std::arch::is_x86_feature_detected!("fma") {
        "avx2+fma"
    } else {
        "sse2"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_set() -> &'static str {
    "baseline"
}
