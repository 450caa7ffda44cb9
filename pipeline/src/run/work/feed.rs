//! The rows of a chunk on their way through a receiver.

use std::cell::Cell;
use std::sync::Arc;

use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::event::single::Origin;
use crate::outcome::failure::Place;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::shared::counters::Tally;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::gathered::Gathered;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Fault};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::Runtime;

/// A worker's own, for the time in which it handles something.
pub struct Desk<'a, T, R: Runtime> {
    pub(crate) control: &'a Control<R>,
    pub(crate) tally: &'a mut Tally<R>,
    pub(crate) retrying: Option<&'a RetryEvents<T>>,
    pub(crate) gathered: &'a mut Gathered<T>,
}

impl<T, R: Runtime> Desk<'_, T, R> {
    /// What has been gathered, but for what is not wanted any more; `None` if that is nothing.
    pub(crate) fn batch(&mut self) -> Option<Batch<T>> {
        self.gathered.batch(&self.control.limit)
    }

    /// True if what has been gathered must wait no longer.
    pub(crate) fn is_overdue(&self) -> bool {
        let due = self.control.batch_due(self.gathered.since());
        due.is_some_and(|due| self.control.runtime.now() >= due)
    }
}

/// Some rows of one chunk, handed out one by one, and what became of them.
pub struct Feed<'a, T, R: Runtime, I> {
    rows: I,
    origin: Origin,
    name: &'a Arc<str>,
    /// Where the rows' text is, for those that are rejected, if it is wanted.
    text: Option<RawChunk>,
    pub(crate) desk: Desk<'a, T, R>,
    /// Place of the row that was handed out last.
    last: Decoded<()>,
}

impl<'a, T, R: Runtime, I: Iterator<Item = Decoded<T>>> Feed<'a, T, R, I> {
    pub(crate) fn new(
        rows: I,
        origin: Origin,
        name: &'a Arc<str>,
        text: Option<RawChunk>,
        desk: Desk<'a, T, R>,
    ) -> Self {
        let last = Decoded { sequence: 0, line: 0, byte: 0, len: 0, data: Ok(()) };
        Self { rows, origin, name, text, desk, last }
    }

    /// Lets others run if it is time, and tells before that what has been handled.
    pub(crate) async fn rest(&mut self, pace: &mut TimeSlice) {
        let runtime = &self.desk.control.runtime;
        if pace.is_over(runtime.now()) {
            self.desk.tally.tell();
            pace.pause(runtime).await;
        }
    }

    /// The next row: as an event, or `Some(None)` for one that could not be parsed and is rejected here.
    #[inline]
    pub(crate) fn next_event(&mut self) -> Option<Option<Event<T>>> {
        let Decoded { sequence, line, byte, len, data } = self.rows.next()?;
        let sequence = self.origin.base + sequence;
        if !self.desk.control.limit.allows(sequence) {
            return None;
        }
        // Number by number: as a whole, the old one would have to be dropped.
        (self.last.sequence, self.last.line, self.last.byte, self.last.len) = (sequence, line, byte, len);
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
            Ok(()) => self.desk.tally.handled += 1,
            Err(error) => self.reject(error),
        }
    }

    /// Handles rows until a slice is full. True if there may be more. `end` is told of each call's outcome.
    #[inline]
    pub(crate) fn slice(
        &mut self,
        pace: &TimeSlice,
        mut call: impl FnMut(Event<T>) -> Result<(), AsyncTaskError>,
        end: impl Fn(bool),
    ) -> bool {
        let (mut left, calling) = (pace.rows(), Cell::new(false));
        loop {
            // One catch for many rows: after a panic, which is that row's error, the rest are handled in a new one.
            let run = caught(|| {
                while left > 0 {
                    let Some(event) = self.next_event() else { return false };
                    left -= 1;
                    let Some(event) = event else { continue };
                    calling.set(true);
                    let result = call(event);
                    end(result.is_ok());
                    calling.set(false);
                    self.handled(result);
                }
                true
            });
            match run {
                Ok(more) => return more,
                Err(panic) => {
                    // Not if it was the next row's: the call before has its outcome.
                    if calling.take() {
                        end(false);
                    }
                    self.reject(panic);
                }
            }
        }
    }

    /// Moves rows to `events`, at most `most` of them. True if there may be more.
    pub(crate) fn take(&mut self, most: usize, events: &mut Vec<Event<T>>) -> bool {
        for _ in 0..most {
            let Some(event) = self.next_event() else { return false };
            events.extend(event);
        }
        true
    }

    /// Puts rows to those that wait for their batch, until it has `size` or a slice is full.
    pub(crate) fn gather(&mut self, pace: &TimeSlice, size: usize) -> Gather {
        for _ in 0..pace.rows() {
            let Some(event) = self.next_event() else { return Gather::End };
            let Some(event) = event else { continue };
            let Desk { control, gathered, .. } = &mut self.desk;
            if gathered.push(event, || control.runtime.now()) >= size {
                return Gather::Full;
            }
        }
        Gather::More
    }

    fn place(&self) -> Place<'a> {
        let Decoded { sequence, line, byte, .. } = self.last;
        Place { name: self.name, origin: self.origin, sequence, line, byte, raw: None }
    }

    #[cold]
    fn reject(&mut self, error: AsyncTaskError) {
        let raw = self.text.as_ref().map(|text| text.text(self.last.byte, self.last.len));
        let place = Place { raw: raw.as_deref(), ..self.place() };
        self.desk.tally.reject(&place, error);
    }
}

/// How gathering came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gather {
    /// The batch is whole.
    Full,
    /// There may be more rows.
    More,
    /// The chunk has no more rows.
    End,
}
