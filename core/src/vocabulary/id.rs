//! The identity of a task.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Value;
use tracing::field::{DisplayValue, display};
#[cfg(feature = "uuid")]
use uuid::Uuid;

/// The identity of a task. It is a number, unique within the process unless its runtime keeps a counter of
/// its own. If `.uuid()` was set, it is a UUID of version 7, unique among all processes.
///
/// Numbers are ordered as they were given, UUIDs by the millisecond in which their task was spawned, and all
/// numbers come before all UUIDs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    // The first half of a UUID, which is never zero because of its version; zero for a number.
    #[cfg(feature = "uuid")]
    high: u64,
    low: u64,
}

impl TaskId {
    /// The next number of the process-wide counter, from 1.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only uniqueness is needed, and nothing is published with it.
        Self::from_u64(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The id with this number, for a backend that keeps a counter of its own.
    pub const fn from_u64(number: u64) -> Self {
        Self {
            #[cfg(feature = "uuid")]
            high: 0,
            low: number,
        }
    }

    /// The number; `None` for a UUID.
    pub const fn as_u64(self) -> Option<u64> {
        #[cfg(feature = "uuid")]
        if self.high != 0 {
            return None;
        }
        Some(self.low)
    }

    /// The UUID; `None` for a number.
    #[cfg(feature = "uuid")]
    pub const fn as_uuid(self) -> Option<Uuid> {
        if self.high == 0 { None } else { Some(Uuid::from_u64_pair(self.high, self.low)) }
    }

    /// A UUID of version 7, for a task that is spawned `since` 1970, with 128 random bits, of which 74 are
    /// used.
    #[cfg(feature = "uuid")]
    pub(crate) fn v7(since: std::time::Duration, chance: [u64; 2]) -> Self {
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let mut random = [0; 10];
        let bytes = chance.into_iter().flat_map(u64::to_be_bytes);
        random.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        let (high, low) =
            uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u64_pair();
        Self { high, low }
    }

    /// The id as a field of spans and events: a number if it is one, else a text.
    #[doc(hidden)]
    pub fn field(self) -> IdField {
        IdField { number: self.as_u64(), text: display(self) }
    }
}

/// See [`TaskId::field`].
#[doc(hidden)]
pub struct IdField {
    number: Option<u64>,
    text: DisplayValue<TaskId>,
}

impl IdField {
    /// The id as a field of a span.
    pub fn value(&self) -> &dyn Value {
        match &self.number {
            Some(number) => number,
            None => &self.text,
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "uuid")]
        if let Some(uuid) = self.as_uuid() {
            return uuid.hyphenated().fmt(f);
        }
        self.low.fmt(f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskId").field(&format_args!("{self}")).finish()
    }
}

impl FromStr for TaskId {
    type Err = ParseTaskIdError;

    /// Takes the text that [`Display`](fmt::Display) writes, and nothing else: no sign, no blank, no leading
    /// zero. With the feature `uuid`, it also takes UUIDs of version 7, with hyphens and small letters.
    fn from_str(text: &str) -> Result<Self, ParseTaskIdError> {
        let id = number(text).or_else(|| uuid_v7(text)).ok_or(ParseTaskIdError(()))?;
        Ok(id)
    }
}

fn number(text: &str) -> Option<TaskId> {
    let number = text.parse().ok()?;
    // The standard library's parser takes more than it writes: a sign, and leading zeros.
    let is_written_so = !text.starts_with('+') && (text == "0" || !text.starts_with('0'));
    is_written_so.then(|| TaskId::from_u64(number))
}

#[cfg(feature = "uuid")]
fn uuid_v7(text: &str) -> Option<TaskId> {
    let uuid = Uuid::try_parse(text).ok()?;
    let is_v7 = uuid.get_version_num() == 7 && uuid.get_variant() == uuid::Variant::RFC4122;
    let (high, low) = uuid.as_u64_pair();
    let id = TaskId { high, low };
    // The parser takes other spellings, too.
    (is_v7 && id.to_string() == text).then_some(id)
}

#[cfg(not(feature = "uuid"))]
fn uuid_v7(_: &str) -> Option<TaskId> {
    None
}

/// The error of a text that is not the id of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTaskIdError(());

impl fmt::Display for ParseTaskIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not the id of a task: that is a number in decimal digits, or, with the feature `uuid`, a UUID of version \
             7 with hyphens and small letters",
        )
    }
}

impl Error for ParseTaskIdError {}
