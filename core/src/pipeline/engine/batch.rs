//! The rows of a chunk on their way through a receiver.

use std::sync::Arc;

use super::control::Control;
use super::pace::Pace;
use crate::error::AsyncTaskError;
use crate::pipeline::Event;
use crate::pipeline::event::Origin;
use crate::pipeline::failure::{Place, Rejects};
use crate::pipeline::rows::{Decoded, Fault};
use crate::runtime::Runtime;
use crate::task::caught;

/// What a worker has done.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) handled: u64,
    pub(crate) rejects: Rejects,
}

/// Some rows of one chunk, handed out one by one, and what became of them.
pub struct Batch<'a, T, R, I> {
    rows: I,
    origin: Origin,
    name: &'a Arc<str>,
    control: &'a Control<R>,
    tally: &'a mut Tally,
    /// Place of the row that was handed out last.
    last: Decoded<()>,
    _rows: std::marker::PhantomData<fn() -> T>,
}

impl<'a, T, R: Runtime, I: Iterator<Item = Decoded<T>>> Batch<'a, T, R, I> {
    pub(crate) fn new(
        rows: I,
        origin: Origin,
        name: &'a Arc<str>,
        control: &'a Control<R>,
        tally: &'a mut Tally,
    ) -> Self {
        let last = Decoded { sequence: 0, line: 0, byte: 0, len: 0, data: Ok(()) };
        Self { rows, origin, name, control, tally, last, _rows: std::marker::PhantomData }
    }

    pub(crate) fn runtime(&self) -> &'a R {
        &self.control.runtime
    }

    /// The next row: as an event, or `Some(None)` for one that could not be parsed and is rejected here.
    #[inline]
    pub(crate) fn next_event(&mut self) -> Option<Option<Event<T>>> {
        let Decoded { sequence, line, byte, len, data } = self.rows.next()?;
        let sequence = self.origin.base + sequence;
        if !self.control.limit.allows(sequence) {
            return None;
        }
        self.last = Decoded { sequence, line, byte, len, data: Ok(()) };
        match data {
            Ok(data) => Some(Some(Event { data, origin: self.origin, sequence, line, byte })),
            Err(fault) => {
                let error = match fault {
                    Fault::Bad(reason) => self.place().unreadable(&reason),
                    Fault::Panicked(panic) => panic,
                };
                self.reject(error);
                Some(None)
            }
        }
    }

    /// What became of the row that was handed out last.
    #[inline]
    pub(crate) fn handled(&mut self, result: Result<(), AsyncTaskError>) {
        match result {
            Ok(()) => self.tally.handled += 1,
            Err(error) => self.reject(error),
        }
    }

    /// Handles rows until a slice is full. True if there may be more.
    pub(crate) fn slice(
        &mut self,
        pace: &Pace,
        mut call: impl FnMut(Event<T>) -> Result<(), AsyncTaskError>,
    ) -> bool {
        let mut left = pace.rows();
        loop {
            // One catch for many rows: after a panic, which is that row's error, the rest are handled in a new one.
            let run = caught(|| {
                while left > 0 {
                    let Some(event) = self.next_event() else { return false };
                    left -= 1;
                    let Some(event) = event else { continue };
                    let result = call(event);
                    self.handled(result);
                }
                true
            });
            match run {
                Ok(more) => return more,
                Err(panic) => self.reject(panic),
            }
        }
    }

    fn place(&self) -> Place<'a> {
        let Decoded { sequence, line, byte, .. } = self.last;
        Place { name: self.name, origin: self.origin, sequence, line, byte }
    }

    #[cold]
    fn reject(&mut self, error: AsyncTaskError) {
        let place = self.place();
        self.tally.rejects.add(&place, error, self.control.policy, &self.control.limit);
    }
}
