//! The policy for rejected rows, and the errors that are kept.

use crate::outcome::firsts::Firsts;
use crate::outcome::row_error::RowError;
use crate::outcome::source_failure::SourceError;
use crate::policy::{AskAboutErrors, ErrorStrategy, SourceErrorStrategy};

/// The policy for rejected rows.
pub(crate) struct Policy {
    pub(crate) on_reject: OnReject,
    pub(crate) on_source_error: SourceErrorStrategy,
    pub(crate) max_errors: usize,
    pub(crate) fail_after: Option<u64>,
    pub(crate) keep_raw: bool,
}

#[derive(Clone)]
pub(crate) enum OnReject {
    Stop,
    Continue,
    Ask(AskAboutErrors),
}

impl<T> From<&ErrorStrategy<T>> for OnReject {
    fn from(strategy: &ErrorStrategy<T>) -> Self {
        match strategy {
            ErrorStrategy::StopOnFirst => Self::Stop,
            ErrorStrategy::ContinueOnError | ErrorStrategy::Retry(_) => Self::Continue,
            ErrorStrategy::Custom(ask) => Self::Ask(ask.clone()),
        }
    }
}

impl Policy {
    /// True if the first rejected row ends the pipeline.
    pub(crate) fn stops_on_first(&self) -> bool {
        matches!(self.on_reject, OnReject::Stop)
    }

    /// True if a source that fails is skipped.
    pub(crate) fn skips_sources(&self) -> bool {
        self.on_source_error == SourceErrorStrategy::Skip
    }

    /// The number of errors that are kept: at least one where `fail_after` is set, since its error names the
    /// first.
    fn max_kept(&self) -> usize {
        self.max_errors.max(usize::from(self.fail_after.is_some()))
    }
}

/// The kept errors: the first ones in source order.
#[derive(Default)]
pub(crate) struct KeptErrors {
    errors: Firsts<u64, RowError>,
    /// The sources that failed and were skipped.
    sources: Firsts<u32, SourceError>,
    /// The error that ends the pipeline.
    stop: Option<RowError>,
}

impl KeptErrors {
    pub(crate) fn new(policy: &Policy) -> Self {
        let (errors, sources) = (Firsts::new(policy.max_kept()), Firsts::new(policy.max_errors));
        Self { errors, sources, stop: None }
    }

    pub(crate) fn add(&mut self, error: RowError) {
        self.errors.add(error.sequence, error);
    }

    /// Adds the error of a source that is skipped.
    pub(crate) fn add_source(&mut self, error: SourceError) {
        self.sources.add(error.source, error);
    }

    /// Adds an error that ends the pipeline, unless an earlier one does.
    pub(crate) fn stop(&mut self, error: RowError) {
        if self.stop.as_ref().is_none_or(|stop| error.sequence < stop.sequence) {
            self.stop = Some(error);
        }
    }

    /// Merges the errors that all workers and senders have kept. A row at `enough` or after it ends no
    /// pipeline: an earlier one was the last that was wanted.
    pub(crate) fn merge(
        all: impl IntoIterator<Item = Self>,
        policy: &Policy,
        enough: Option<u64>,
    ) -> MergedErrors {
        let mut merged = MergedErrors::default();
        let MergedErrors { errors, source_errors, failed_sources, stop } = &mut merged;
        let mut first = Self::default();
        for part in all {
            errors.extend(part.errors.into_sorted());
            *failed_sources += part.sources.count();
            source_errors.extend(part.sources.into_sorted());
            match part.stop {
                Some(late) if enough.is_some_and(|end| late.sequence >= end) => errors.push(late),
                Some(stop) => first.stop(stop),
                None => {}
            }
        }
        errors.sort_by_key(|error| error.sequence);
        errors.truncate(policy.max_kept());
        source_errors.sort_by_key(|error| error.source);
        source_errors.truncate(policy.max_errors);
        *stop = first.stop;
        merged
    }
}

/// The errors of all workers and senders.
#[derive(Default)]
pub(crate) struct MergedErrors {
    /// The first rejected rows in source order.
    pub(crate) errors: Vec<RowError>,
    /// The first sources in their order that failed and were skipped.
    pub(crate) source_errors: Vec<SourceError>,
    pub(crate) failed_sources: u64,
    /// The error that ends the pipeline.
    pub(crate) stop: Option<RowError>,
}
