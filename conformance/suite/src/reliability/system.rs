//! Figures of this process from the operating system; `None` where it gives none.

use std::fs;

/// Returns the resident memory in bytes. Linux only, with the pages of 4 KiB that every tested architecture
/// has.
pub(super) fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * 4096)
}

/// Returns the peak of the resident memory, in bytes.
pub(super) fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

/// Returns the number of threads, without those of smol's blocking pool: that belongs to the process, and
/// keeps as many threads as were ever needed.
pub(super) fn threads() -> Option<usize> {
    let of_pool = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("blocking-"))
    };
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    Some(tasks.flatten().filter(|task| !of_pool(task)).count())
}

/// Returns the number of open descriptors.
pub(super) fn descriptors() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// Formats `bytes` in MiB.
pub(super) fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".into(), |bytes| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64))
}
