//! What a worker, or the sender, has done: it counts rows, and keeps the errors that are to be kept.

use std::sync::Arc;

use crate::collect::deferred_rejections::Duplicate;
use crate::outcome::failure::Place;
use crate::outcome::failure::RowError;
use crate::outcome::firsts::Firsts;
use crate::policy::AskAboutErrors;
use crate::policy::{ErrorAction, ErrorStrategy};
use crate::run::shared::control::Control;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::Runtime;

/// What is done about rejected rows.
pub(crate) struct Policy {
    pub(crate) on_reject: OnReject,
    pub(crate) max_errors: usize,
    pub(crate) fail_after: Option<u64>,
    pub(crate) keep_raw: bool,
}

pub(crate) enum OnReject {
    Stop,
    GoOn,
    Ask(AskAboutErrors),
}

impl<T> From<&ErrorStrategy<T>> for OnReject {
    fn from(strategy: &ErrorStrategy<T>) -> Self {
        match strategy {
            ErrorStrategy::StopOnFirst => Self::Stop,
            ErrorStrategy::ContinueOnError | ErrorStrategy::Retry(_) => Self::GoOn,
            ErrorStrategy::Custom(ask) => Self::Ask(ask.clone()),
        }
    }
}

impl Policy {
    /// Whether the first rejected row ends the pipeline.
    pub(crate) fn stops_on_first(&self) -> bool {
        matches!(self.on_reject, OnReject::Stop)
    }

    /// How many errors are kept; a limit tells the first.
    fn keeps(&self) -> usize {
        self.max_errors.max(usize::from(self.fail_after.is_some()))
    }
}

/// Errors, the first in source order of them.
#[derive(Default)]
pub(crate) struct Kept {
    errors: Firsts<u64, RowError>,
    /// The one that ends the pipeline.
    pub(crate) stop: Option<RowError>,
}

impl Kept {
    fn new(policy: &Policy) -> Self {
        Self { errors: Firsts::new(policy.keeps()), ..Self::default() }
    }

    fn stop(&mut self, error: RowError) {
        if self.stop.as_ref().is_none_or(|stop| error.sequence < stop.sequence) {
            self.stop = Some(error);
        }
    }

    /// Joins what all have kept.
    pub(crate) fn merge(
        all: impl IntoIterator<Item = Self>,
        policy: &Policy,
    ) -> (Vec<RowError>, Option<RowError>) {
        let mut merged = Self::default();
        let mut errors = Vec::new();
        for one in all {
            errors.extend(one.errors.into_sorted());
            if let Some(stop) = one.stop {
                merged.stop(stop);
            }
        }
        errors.sort_by_key(|error| error.sequence);
        errors.truncate(policy.keeps());
        (errors, merged.stop)
    }
}

/// What one of them has done. Whatever ends it, its counts and errors are not lost.
pub(crate) struct Tally<R: Runtime> {
    control: Arc<Control<R>>,
    /// Not told yet.
    pub(crate) handled: u64,
    kept: Kept,
}

impl<R: Runtime> Tally<R> {
    pub(crate) fn new(control: Arc<Control<R>>) -> Self {
        let kept = Kept::new(&control.policy);
        Self { control, handled: 0, kept }
    }

    /// Tells how many rows were handled.
    pub(crate) fn tell(&mut self) {
        self.control.counters.handled.add(std::mem::take(&mut self.handled));
    }

    /// Rejects the row at `place`.
    pub(crate) fn reject(&mut self, place: &Place<'_>, error: AsyncTaskError) {
        self.reject_all(place.error(error), 1);
    }

    /// Rejects rows for one error, which is the first one's.
    pub(crate) fn reject_all(&mut self, mut error: RowError, rows: u64) {
        let Control { policy, limit, counters, .. } = &*self.control;
        let before = counters.rejected.add(rows);
        let stops = match &policy.on_reject {
            OnReject::Stop => true,
            OnReject::GoOn => false,
            OnReject::Ask(ask) => match caught(|| (ask.0)(&error)) {
                Ok(action) => action == ErrorAction::Stop,
                Err(panic) => {
                    error.error = panic;
                    true
                }
            },
        };
        if stops || policy.fail_after.is_some_and(|most| before + rows >= most) {
            limit.stop_at(error.sequence);
        }
        match stops {
            true => self.kept.stop(error),
            false => self.kept.errors.add(error.sequence, error),
        }
    }
}

/// Rejects rows that were handled. None of them is rejected already: a refused row has left nothing under its keys.
pub(crate) fn reject_late<R: Runtime>(control: &Arc<Control<R>>, rows: Vec<Duplicate>) {
    let mut tally = Tally::new(control.clone());
    for row in rows {
        control.counters.handled.sub(1);
        tally.reject_all(row.row(&control.names), 1);
    }
}

impl<R: Runtime> Drop for Tally<R> {
    fn drop(&mut self) {
        self.tell();
        // It takes as many as there are.
        let _ = self.control.kept.push(std::mem::take(&mut self.kept));
    }
}
