//! The end of a pipeline, as its handler learns of it.

/// The end of a pipeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) succeeded: bool,
    /// True if no source was skipped after a failure, and each queue was read to the end of its jobs.
    pub(crate) is_whole: bool,
    /// The number of rejected rows.
    pub(crate) rejected: u64,
}
