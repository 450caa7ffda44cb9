//! The rows of a chunk on their way through a receiver.

use std::cell::Cell;
use std::sync::Arc;

use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::event::single::Origin;
use crate::outcome::failure::RowContext;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::shared::counters::LocalCounts;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::gathered::Gathered;
use crate::text::chunk::RawChunk;
use crate::text::decode::{Decoded, Fault};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::Runtime;

/// The worker's state that is lent out while it handles something.
pub struct WorkerState<'a, T, R: Runtime> {
    pub(crate) control: &'a Control<R>,
    pub(crate) counts: &'a mut LocalCounts<R>,
    pub(crate) retrying: Option<&'a RetryEvents<T>>,
    pub(crate) gathered: &'a mut Gathered<T>,
}

impl<T, R: Runtime> WorkerState<'_, T, R> {
    /// The gathered events that are still wanted; `None` if there are none.
    pub(crate) fn batch(&mut self) -> Option<Batch<T>> {
        self.gathered.batch(&self.control.limit)
    }

    /// True if the gathered events must not wait any longer.
    pub(crate) fn is_overdue(&self) -> bool {
        let due = self.control.batch_due(self.gathered.since());
        due.is_some_and(|due| self.control.runtime.now() >= due)
    }
}

/// The rows of one chunk, handed out one by one, and their outcomes.
pub struct Feed<'a, T, R: Runtime, I> {
    rows: I,
    origin: Origin,
    name: &'a Arc<str>,
    /// The text of the rows, kept for rejected ones where `keep_raw` is set.
    text: Option<RawChunk>,
    pub(crate) state: WorkerState<'a, T, R>,
    /// The position of the row that was handed out last.
    last: Decoded<()>,
}

impl<'a, T, R: Runtime, I: Iterator<Item = Decoded<T>>> Feed<'a, T, R, I> {
    pub(crate) fn new(
        rows: I,
        origin: Origin,
        name: &'a Arc<str>,
        text: Option<RawChunk>,
        state: WorkerState<'a, T, R>,
    ) -> Self {
        let last = Decoded { sequence: 0, line: 0, byte: 0, len: 0, data: Ok(()) };
        Self { rows, origin, name, text, state, last }
    }

    /// Lets other tasks run if it is time. The handled rows are counted before that.
    pub(crate) async fn rest(&mut self, time_slice: &mut TimeSlice) {
        let runtime = &self.state.control.runtime;
        if time_slice.is_over(runtime.now()) {
            self.state.counts.flush();
            time_slice.pause(runtime).await;
        }
    }

    /// The next row as an event, or `Some(None)` for a row that could not be parsed and is rejected here.
    #[inline]
    pub(crate) fn next_event(&mut self) -> Option<Option<Event<T>>> {
        let Decoded { sequence, line, byte, len, data } = self.rows.next()?;
        let sequence = self.origin.base + sequence;
        if !self.state.control.limit.allows(sequence) {
            return None;
        }
        // Field by field: an assignment of the whole would have to drop the old value.
        (self.last.sequence, self.last.line, self.last.byte, self.last.len) = (sequence, line, byte, len);
        match data {
            Ok(data) => Some(Some(Event { data, origin: self.origin, sequence, line, byte })),
            Err(fault) => {
                let error = match fault {
                    Fault::Bad(reason) => self.row_context().unreadable(&reason),
                    Fault::Panicked(panic) => panic,
                };
                self.reject(error);
                Some(None)
            }
        }
    }

    /// Takes the outcome of the row that was handed out last.
    #[inline]
    pub(crate) fn handled(&mut self, result: Result<(), AsyncTaskError>) {
        match result {
            Ok(()) => self.state.counts.handled += 1,
            Err(error) => self.reject(error),
        }
    }

    /// Handles rows until a slice is full. Returns true if there may be more. `end` is called with the
    /// outcome of each call.
    #[inline]
    pub(crate) fn slice(
        &mut self,
        time_slice: &TimeSlice,
        mut call: impl FnMut(Event<T>) -> Result<(), AsyncTaskError>,
        end: impl Fn(bool),
    ) -> bool {
        let (mut remaining, calling) = (time_slice.rows(), Cell::new(false));
        loop {
            // One catch for many rows: a panic is the error of its row, and the rows after it are handled in
            // a new catch.
            let run = caught(|| {
                while remaining > 0 {
                    let Some(event) = self.next_event() else { return false };
                    remaining -= 1;
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
                    // Not if parsing the next row has panicked: the call before already has its outcome.
                    if calling.take() {
                        end(false);
                    }
                    self.reject(panic);
                }
            }
        }
    }

    /// Moves at most `most` rows to `events`. Returns true if there may be more.
    pub(crate) fn take(&mut self, most: usize, events: &mut Vec<Event<T>>) -> bool {
        for _ in 0..most {
            let Some(event) = self.next_event() else { return false };
            events.extend(event);
        }
        true
    }

    /// Adds rows to the gathered events, until there are `size` of them or a slice is full.
    pub(crate) fn gather(&mut self, time_slice: &TimeSlice, size: usize) -> Gather {
        for _ in 0..time_slice.rows() {
            let Some(event) = self.next_event() else { return Gather::End };
            let Some(event) = event else { continue };
            let WorkerState { control, gathered, .. } = &mut self.state;
            if gathered.push(event, || control.runtime.now()) >= size {
                return Gather::Full;
            }
        }
        Gather::More
    }

    fn row_context(&self) -> RowContext<'a> {
        let Decoded { sequence, line, byte, .. } = self.last;
        RowContext { name: self.name, origin: self.origin, sequence, line, byte, raw: None }
    }

    #[cold]
    fn reject(&mut self, error: AsyncTaskError) {
        let raw = self.text.as_ref().map(|text| text.text(self.last.byte, self.last.len));
        let context = RowContext { raw: raw.as_deref(), ..self.row_context() };
        self.state.counts.reject(&context, error);
    }
}

/// The reason for which gathering has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gather {
    /// The batch is full.
    Full,
    /// There may be more rows.
    More,
    /// The chunk has no more rows.
    End,
}
