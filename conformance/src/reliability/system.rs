//! What the operating system says of this process; `None` where it does not say.

use std::fs;

/// Resident memory in bytes. Linux only: the pages of 4 KiB that every architecture we test on has.
pub(super) fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| pages * 4096)
}

/// How many threads there are.
pub(super) fn threads() -> Option<usize> {
    fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

/// How many descriptors are open.
pub(super) fn descriptors() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// `bytes` in MiB, for people.
pub(super) fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".into(), |bytes| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64))
}
