//! The places that a run uses beside its functions: a folder for files, a sink, a queue, a breaker and a limiter.

use std::fs;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::library::pipeline::{BoundedQueue, Compression};
use crate::library::{CircuitBreaker, Limiter};
use futures_sink::Sink;

use super::ledger::Ledger;
use super::number::{Number, is_picked};
use super::table::{Combination, Fault, Options};
use crate::kit::explode;
use crate::kit::prelude::*;
use crate::kit::published::bounded;

/// The time for which the breaker of the table is open.
pub(super) const OPEN: Duration = Duration::from_micros(50);

/// The text of a file that is there before the run.
pub(super) const OLD: &str = "old\n";

/// The places of a run.
pub(super) struct Places {
    /// Set where files are written.
    folder: Option<tempfile::TempDir>,
    pub(super) breaker: CircuitBreaker,
    pub(super) limiter: Limiter,
    pub(super) tray: Tray,
    pub(super) rejects: Rejected,
    /// The queue that is published into.
    pub(super) published: BoundedQueue,
}

impl Places {
    pub(super) fn new(combination: Combination) -> Result<Self, Failure> {
        let has_files = combination.end.writes() || combination.options == Options::RejectsFile;
        let places = Self {
            folder: if has_files { Some(tempfile::tempdir()?) } else { None },
            breaker: CircuitBreaker::builder().failure_threshold(2).open_timeout(OPEN).build()?,
            limiter: Limiter::builder().max_concurrent(1).build()?,
            tray: Tray::default(),
            rejects: Rejected::default(),
            published: bounded(64),
        };
        if combination.end.writes() {
            fs::write(places.written_path(), OLD)?;
        }
        Ok(places)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.as_ref().map(|folder| folder.path().join(name)).unwrap_or_default()
    }

    /// The file that is written.
    pub(super) fn written_path(&self) -> PathBuf {
        self.path("rows")
    }

    /// The file of rejected rows.
    pub(super) fn rejects_path(&self) -> PathBuf {
        self.path("rejects.csv")
    }

    /// The number of files.
    pub(super) fn files(&self) -> Result<usize, Failure> {
        Ok(match &self.folder {
            Some(folder) => fs::read_dir(folder.path())?.count(),
            None => 0,
        })
    }
}

/// No compression, whatever the names.
pub(super) const PLAIN_TEXT: Compression = Compression::None;

/// The rejected rows that a function was given: their sequences and numbers. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Rejected(Arc<Mutex<Vec<(u64, u64)>>>);

impl Rejected {
    pub(super) fn push(&self, sequence: u64, rows: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((sequence, rows));
    }

    pub(super) fn get(&self) -> Vec<(u64, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The values and requests that a sink was given. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Tray(Arc<Mutex<Content>>);

#[derive(Default)]
pub(super) struct Content {
    pub(super) values: Vec<(u64, u64)>,
    pub(super) is_flushed: bool,
    pub(super) is_closed: bool,
    pub(super) is_dropped: bool,
}

impl Tray {
    pub(super) fn with<O>(&self, f: impl FnOnce(&mut Content) -> O) -> O {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A sink that puts its values here.
    pub(super) fn sink(&self, combination: Combination, ledger: Arc<Ledger>) -> TraySink {
        TraySink { tray: self.clone(), combination, ledger, is_ready: false }
    }
}

/// A sink that is not ready at first for each value.
pub(super) struct TraySink {
    tray: Tray,
    combination: Combination,
    ledger: Arc<Ledger>,
    is_ready: bool,
}

impl Drop for TraySink {
    fn drop(&mut self) {
        self.tray.with(|content| content.is_dropped = true);
    }
}

impl Sink<Number> for TraySink {
    type Error = &'static str;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.ledger.called();
        if std::mem::replace(&mut self.is_ready, true) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn start_send(mut self: Pin<&mut Self>, number: Number) -> Result<(), &'static str> {
        self.ledger.called();
        self.is_ready = false;
        let is_last = number.part + 1 == self.combination.parts(number.row());
        match self.combination.fault {
            Fault::ReceiverFails if is_picked(number.row()) && is_last => return Err("the tray is full"),
            Fault::ReceiverPanics if is_picked(number.row()) && is_last => explode("the sink panics"),
            _ => {}
        }
        self.tray.with(|content| {
            content.values.push((number.row(), number.part));
            content.is_flushed = false;
        });
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.ledger.called();
        self.tray.with(|content| content.is_flushed = true);
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.ledger.called();
        if self.combination.fault == Fault::CloseFails {
            return Poll::Ready(Err("the tray cannot be closed"));
        }
        self.tray.with(|content| (content.is_flushed, content.is_closed) = (true, true));
        Poll::Ready(Ok(()))
    }
}
