//! Rows that could not be handled: what is done about them, and how they are kept.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_listener::Event;

use super::Position;
use super::event::{Origin, position};
use crate::error::AsyncTaskError;

/// What a pipeline does about a row that cannot be parsed, or that its receiver refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorStrategy {
    /// Ends with the error of the first such row in source order, whatever the number of workers. Rows after it may
    /// have been handled by then.
    #[default]
    StopOnFirst,
    /// Goes on; such rows are counted exactly, and the first of them kept with line, byte offset and reason.
    ContinueOnError,
}

/// A row that was rejected: where it stands, and why.
#[derive(Debug)]
pub struct RowError {
    pub(crate) origin: Arc<str>,
    pub(crate) position: Position,
    pub(crate) sequence: u64,
    pub(crate) error: AsyncTaskError,
}

impl RowError {
    /// The source's name.
    pub fn source_name(&self) -> &str {
        &self.origin
    }

    /// Where the row stands in its source.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The row's place in source order.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Why: [`AsyncTaskError::Parse`], or what the receiver returned.
    pub fn error(&self) -> &AsyncTaskError {
        &self.error
    }

    /// Why, without the place.
    pub fn reason(&self) -> String {
        match &self.error {
            AsyncTaskError::Parse { reason, .. } => reason.to_string(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.origin, self.position, self.reason())
    }
}

impl std::error::Error for RowError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

/// Where a pipeline stops: at the earliest row that ended it, wherever that was found.
///
/// Rows before it are still handled, by whichever worker has them, so the row that ends a pipeline is the first bad
/// one in source order and not the first that somebody happened to meet.
pub(crate) struct Limit {
    first: AtomicU64,
    /// Wakes a sender that waits for a source: what comes later is not wanted.
    set: Event,
}

impl Limit {
    pub(crate) fn none() -> Self {
        Self { first: AtomicU64::new(u64::MAX), set: Event::new() }
    }

    // Relaxed throughout: the number alone matters, and a worker that sees it late handles a row too many.
    pub(crate) fn stop_at(&self, sequence: u64) {
        self.first.fetch_min(sequence, Ordering::Relaxed);
        self.set.notify(usize::MAX);
    }

    pub(crate) fn allows(&self, sequence: u64) -> bool {
        sequence < self.first.load(Ordering::Relaxed)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.first.load(Ordering::Relaxed) != u64::MAX
    }

    /// Waits until it is set.
    pub(crate) async fn reached(&self) {
        while !self.is_set() {
            // Listen, then look again: `stop_at` sets before it notifies, and both fence.
            let set = self.set.listen();
            if !self.is_set() {
                set.await;
            }
        }
    }
}

/// The rejected rows of one worker.
#[derive(Default)]
pub(crate) struct Rejects {
    pub(crate) count: u64,
    pub(crate) kept: Vec<RowError>,
    /// The rows' sequences, where they may have to be told from others at the end.
    pub(crate) sequences: Vec<u64>,
}

/// What is done about rejected rows, and how many are kept.
#[derive(Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) strategy: ErrorStrategy,
    pub(crate) max_errors: usize,
    /// Keeps the sequences of all rejected rows.
    pub(crate) remember: bool,
}

impl Policy {
    fn keeps(self) -> usize {
        match self.strategy {
            // The one that ends the pipeline.
            ErrorStrategy::StopOnFirst => 1,
            ErrorStrategy::ContinueOnError => self.max_errors,
        }
    }
}

/// Where a row stood, for its error.
pub(crate) struct Place<'a> {
    pub(crate) name: &'a Arc<str>,
    pub(crate) origin: Origin,
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl Place<'_> {
    pub(crate) fn unreadable(&self, reason: &impl fmt::Display) -> AsyncTaskError {
        AsyncTaskError::Parse {
            origin: self.name.clone(),
            position: Box::new(position(self.origin.source, self.line, self.byte)),
            reason: reason.to_string().into(),
        }
    }
}

impl Rejects {
    pub(crate) fn add(&mut self, place: &Place<'_>, error: AsyncTaskError, policy: Policy, limit: &Limit) {
        self.push(place.sequence, policy, limit, || RowError {
            origin: place.name.clone(),
            position: position(place.origin.source, place.line, place.byte),
            sequence: place.sequence,
            error,
        });
    }

    /// A rejected row, later in source order than those before.
    pub(crate) fn push(
        &mut self,
        sequence: u64,
        policy: Policy,
        limit: &Limit,
        row: impl FnOnce() -> RowError,
    ) {
        self.count += 1;
        if policy.remember {
            self.sequences.push(sequence);
        }
        if policy.strategy == ErrorStrategy::StopOnFirst {
            limit.stop_at(sequence);
        }
        // A worker meets its rows in source order, so its first ones are all that can be among the first of all.
        if self.kept.len() < policy.keeps() {
            self.kept.push(row());
        }
    }

    /// Joins the rejects of all workers: the counts add up, the first in source order stay.
    pub(crate) fn merge(all: impl IntoIterator<Item = Self>, policy: Policy) -> Self {
        let mut merged = Self::default();
        for one in all {
            merged.count += one.count;
            merged.kept.extend(one.kept);
        }
        merged.kept.sort_by_key(|error| error.sequence);
        merged.kept.truncate(policy.keeps());
        merged
    }
}
