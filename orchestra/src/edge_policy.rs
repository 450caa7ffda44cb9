//! The condition of a dependency.

/// When a task may begin, as far as one that it depends on goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EdgePolicy {
    /// Once that has succeeded; it is skipped if that does not.
    #[default]
    Success,
    /// Once that has ended, however: succeeded, failed, cancelled or skipped.
    AnyEnd,
}
