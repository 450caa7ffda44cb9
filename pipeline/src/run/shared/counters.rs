//! The rows that one worker or sender has counted, the errors that it keeps, and the policy for rejected
//! rows.

use std::sync::Arc;

use crate::collect::deferred_rejections::Duplicate;
use crate::outcome::failure::RowContext;
use crate::outcome::failure::RowError;
use crate::outcome::firsts::Firsts;
use crate::outcome::source_failure::SourceError;
use crate::output::rejects::RejectedRow;
use crate::policy::AskAboutErrors;
use crate::policy::{ErrorAction, ErrorStrategy, SourceErrorStrategy};
use crate::run::shared::control::Control;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

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
    pub(crate) stop: Option<RowError>,
}

impl KeptErrors {
    fn new(policy: &Policy) -> Self {
        let (errors, sources) = (Firsts::new(policy.max_kept()), Firsts::new(policy.max_errors));
        Self { errors, sources, stop: None }
    }

    fn stop(&mut self, error: RowError) {
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

/// The counts and errors of one worker or sender. They are not lost, whatever ends it.
pub(crate) struct LocalCounts {
    control: Arc<Control>,
    /// Handled rows that were not added to the pipeline's counters yet.
    pub(crate) handled: u64,
    kept: KeptErrors,
}

impl LocalCounts {
    pub(crate) fn new(control: Arc<Control>) -> Self {
        let kept = KeptErrors::new(&control.policy);
        Self { control, handled: 0, kept }
    }

    /// Adds the handled rows to the pipeline's counters.
    pub(crate) fn flush(&mut self) {
        self.control.counters.handled.add(std::mem::take(&mut self.handled));
    }

    /// Rejects the row of `context`.
    pub(crate) fn reject(&mut self, context: &RowContext<'_>, error: AsyncTaskError) {
        let kept = context.raw.filter(|_| self.control.policy.keep_raw);
        self.add(RowContext { raw: kept, ..*context }.error(error), 1, context.raw);
    }

    /// Keeps and counts the error of a source that is skipped.
    pub(crate) fn skip_source(&mut self, error: SourceError) {
        self.kept.sources.add(error.source, error);
    }

    /// Rejects `rows` rows with one error, which is at the first of them.
    pub(crate) fn reject_all(&mut self, error: RowError, rows: u64) {
        self.add(error, rows, None);
    }

    fn add(&mut self, mut error: RowError, rows: u64, text: Option<&[u8]>) {
        let Control { policy, limit, counters, rejects, .. } = &*self.control;
        let before = counters.rejected.add(rows);
        let stops = match &policy.on_reject {
            OnReject::Stop => true,
            OnReject::Continue => false,
            OnReject::Ask(ask) => match caught(|| (ask.0)(&error)) {
                Ok(action) => action == ErrorAction::Stop,
                Err(panic) => {
                    error.error = panic;
                    true
                }
            },
        };
        if let Some(rejects) = rejects {
            rejects.push(RejectedRow::new(&error, rows, text));
        }
        if stops || policy.fail_after.is_some_and(|most| before + rows >= most) {
            limit.stop_at(error.sequence);
        }
        match stops {
            true => self.kept.stop(error),
            false => self.kept.errors.add(error.sequence, error),
        }
    }
}

/// Rejects rows that were handled before. None of them is rejected already: a refused row has left nothing
/// under its keys.
pub(crate) fn reject_deferred(control: &Arc<Control>, rows: Vec<Duplicate>) {
    let mut counts = LocalCounts::new(control.clone());
    for row in rows {
        control.counters.handled.sub(1);
        counts.reject_all(row.row(&control.names), 1);
    }
}

impl Drop for LocalCounts {
    fn drop(&mut self) {
        self.flush();
        // The queue is unbounded.
        let _ = self.control.kept.push(std::mem::take(&mut self.kept));
    }
}
