//! The rows that one worker or sender has counted, and the errors that it keeps.

use std::sync::Arc;

use crate::collect::deferred_rejections::Duplicate;
use crate::outcome::row_error::{RowContext, RowError};
use crate::outcome::source_failure::SourceError;
use crate::output::rejects::RejectedRow;
use crate::policy::ErrorAction;
use crate::run::shared::control::Control;
use crate::run::shared::rejection::{KeptErrors, OnReject};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

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
        self.kept.add_source(error);
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
            false => self.kept.add(error),
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
