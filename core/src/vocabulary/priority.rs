//! The priority of tasks.

use std::cmp::{Ordering, Reverse};
use std::error::Error;
use std::fmt;

/// The urgency class of a task. `Ord` is by urgency: [`Critical`](Self::Critical) is the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TaskPriority {
    /// The most urgent class.
    Critical = 0,
    /// More urgent than the default.
    High = 1,
    /// The default.
    #[default]
    Normal = 2,
    /// Less urgent than the default.
    Low = 3,
    /// The least urgent class.
    Background = 4,
}

/// All classes, the most urgent first.
const ALL: [TaskPriority; CLASSES] = [
    TaskPriority::Critical,
    TaskPriority::High,
    TaskPriority::Normal,
    TaskPriority::Low,
    TaskPriority::Background,
];

/// The number of classes.
pub(crate) const CLASSES: usize = 5;

impl TaskPriority {
    /// One class more urgent; the most urgent stays.
    pub fn increased(self) -> Self {
        Self::of_rank(self.number().saturating_sub(1))
    }

    /// One class less urgent; the least urgent stays.
    pub fn decreased(self) -> Self {
        Self::of_rank(self.number().saturating_add(1))
    }

    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// The class with this number; a number beyond the last gives the last.
    pub(crate) fn of_rank(rank: u8) -> Self {
        ALL.get(usize::from(rank)).copied().unwrap_or(Self::Background)
    }
}

impl Ord for TaskPriority {
    fn cmp(&self, other: &Self) -> Ordering {
        Reverse(self.number()).cmp(&Reverse(other.number()))
    }
}

impl PartialOrd for TaskPriority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TaskPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
            Self::Background => "background",
        })
    }
}

/// The number on the wire: 0 is the most urgent.
impl From<TaskPriority> for u8 {
    fn from(priority: TaskPriority) -> Self {
        priority.number()
    }
}

/// The error of a number that is no priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPriority(pub u8);

impl fmt::Display for UnknownPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no priority: 0 (critical) to 4 (background)", self.0)
    }
}

impl Error for UnknownPriority {}

impl TryFrom<u8> for TaskPriority {
    type Error = UnknownPriority;

    fn try_from(rank: u8) -> Result<Self, UnknownPriority> {
        ALL.get(usize::from(rank)).copied().ok_or(UnknownPriority(rank))
    }
}

/// A value that can be ordered by its urgency.
pub trait RankableByPriority {
    /// The current urgency.
    fn rank(&self) -> TaskPriority;

    /// True if this is more urgent than `other`.
    fn is_more_urgent_than(&self, other: &impl RankableByPriority) -> bool
    where
        Self: Sized,
    {
        self.rank() > other.rank()
    }
}

impl RankableByPriority for TaskPriority {
    fn rank(&self) -> TaskPriority {
        *self
    }
}
