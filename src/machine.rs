//! The machine: what the bits of a result may depend on besides the build, what a run held, and what its time
//! does.

use std::path::Path;
use std::time::Duration;

/// Architecture, operating system and the widest instruction set, as in `x86_64 linux avx512f`.
pub fn describe() -> String {
    format!("{} {} {}", std::env::consts::ARCH, std::env::consts::OS, instruction_set())
}

/// Processor time of all threads of this process so far; `None` where the system does not tell.
pub fn processor_time() -> Option<Duration> {
    let status = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th after it,
    // in hundredths of a second on every Linux.
    let (_, after) = status.rsplit_once(')')?;
    let ticks = |field: usize| after.split_whitespace().nth(field)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// The most memory that this process has held so far, MiB; `None` where the system does not tell.
pub fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

/// The memory that this process holds now, without what it has mapped from files; `None` where the system does
/// not tell.
pub fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let held = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = held.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Its name in the network, `this machine` where it has none.
pub fn name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.split_whitespace().next() {
        Some(name) => name.to_owned(),
        None => "this machine".to_owned(),
    }
}

/// What tells a folder of this machine, since it was started, from all folders of others.
pub fn folder_mark(folder: &Path) -> String {
    let started = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    format!("{} {}", started.trim(), place_on_disk(folder))
}

#[cfg(unix)]
fn place_on_disk(folder: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(folder) {
        Ok(found) => format!("{}:{}", found.dev(), found.ino()),
        Err(_) => folder.display().to_string(),
    }
}

#[cfg(not(unix))]
fn place_on_disk(folder: &Path) -> String {
    folder.display().to_string()
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

/// The processor by name, where the system tells (`/proc/cpuinfo` of Linux does, on most architectures).
pub fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(": ").map(|(_, name)| name.trim().to_owned())
}
