//! The identity of a task.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A task's number: unique within the process, unless its runtime counts for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

impl TaskId {
    /// The next number of the process-wide counter, from 1.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only uniqueness is asked of it, and nothing is published with it.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The id with this number, for a backend that counts for itself.
    pub fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TaskId {
    type Err = ParseTaskIdError;

    /// Takes what [`Display`](fmt::Display) writes, and nothing else: no sign, no blank, no leading zero.
    fn from_str(text: &str) -> Result<Self, ParseTaskIdError> {
        let number = text.parse().map_err(|_| ParseTaskIdError(()))?;
        // The standard library's parser takes more than it writes: a sign, and zeros in front.
        let is_written_so = !text.starts_with('+') && (text == "0" || !text.starts_with('0'));
        if is_written_so { Ok(Self(number)) } else { Err(ParseTaskIdError(())) }
    }
}

/// A text is not the id of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a task: that is a number in decimal digits")]
pub struct ParseTaskIdError(());
