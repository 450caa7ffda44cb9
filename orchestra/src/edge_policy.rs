//! The condition of a dependency.

/// The condition that one of its dependencies must meet before a task may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EdgePolicy {
    /// The dependency has succeeded. If it does not succeed, the task is skipped.
    #[default]
    Success,
    /// The dependency has ended, in any way: succeeded, failed, cancelled or skipped.
    AnyEnd,
}
