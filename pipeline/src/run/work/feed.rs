//! The rows of a chunk on their way to a handler, and their outcomes.

use std::cell::Cell;

use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::outcome::failure::RowContext;
use crate::policy::RetryEvents;
use crate::run::work::call::answer::Answer;
use crate::run::work::rows::Rows;
use crate::run::work::state::{ChunkData, WorkerState};
use crate::text::decode::{Decoded, Fault};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::Runtime as _;

/// The events that a worker has gathered for a batch.
pub struct Gathering<'a, T> {
    pub(crate) state: &'a mut WorkerState,
    pub(crate) events: &'a mut Vec<Event<T>>,
    pub(crate) retrying: Option<&'a RetryEvents<T>>,
}

impl<T> Gathering<'_, T> {
    /// The gathered events that are still wanted; `None` if there are none.
    pub(crate) fn batch(&mut self) -> Option<Batch<T>> {
        self.state.gathered.hand_over();
        let room = self.events.len();
        let mut events = std::mem::replace(self.events, Vec::with_capacity(room));
        let limit = &self.state.control.limit;
        if limit.is_set() {
            events.retain(|event| limit.allows(event.sequence));
        }
        (!events.is_empty()).then(|| Batch::new(events))
    }
}

/// The rows of one chunk, handed out one by one, and their outcomes.
pub struct Feed<'a, T> {
    rows: &'a mut Rows<T>,
    row: LastRow<'a>,
    events: &'a mut Vec<Event<T>>,
    pub(crate) retrying: Option<&'a RetryEvents<T>>,
}

/// The row that was handed out last, and the worker's state, which takes its outcome.
struct LastRow<'a> {
    state: &'a mut WorkerState,
    chunk: &'a ChunkData<'a>,
}

impl<'a, T> Feed<'a, T> {
    pub(crate) fn new(
        rows: &'a mut Rows<T>,
        chunk: &'a ChunkData<'a>,
        Gathering { state, events, retrying }: Gathering<'a, T>,
    ) -> Self {
        Self { rows, row: LastRow { state, chunk }, events, retrying }
    }

    pub(crate) fn state(&mut self) -> &mut WorkerState {
        self.row.state
    }

    pub(crate) fn gathering(&mut self) -> Gathering<'_, T> {
        Gathering { state: self.row.state, events: self.events, retrying: self.retrying }
    }

    /// True if a call may be waited for, whatever its receiver is.
    pub(crate) fn waits(&self) -> bool {
        self.retrying.is_some() || self.row.state.control.guards.is_set()
    }

    /// The next row as an event, or `Some(None)` for a row that could not be parsed and is rejected here.
    pub(crate) fn next_event(&mut self) -> Option<Option<Event<T>>> {
        self.row.event(self.rows.next()?)
    }

    /// Takes the outcome of the row that was handed out last.
    pub(crate) fn handled(&mut self, answer: Answer) {
        self.row.handled(answer);
    }

    /// Passes rows to `call` until a slice is full. Returns true if there may be more. `end` gets the success
    /// or failure of each call.
    #[inline]
    pub(crate) fn slice(&mut self, call: impl FnMut(Event<T>) -> Answer, end: impl Fn(bool)) -> bool {
        match &mut *self.rows {
            // A loop of its own: items take so little time that a look at the kind of rows for each of them
            // shows. Not in a debug build, which is to be built quickly: the second loop would be compiled
            // for each pipeline.
            #[cfg(not(debug_assertions))]
            Rows::Items(items) => slice(items, &mut self.row, call, end),
            rows => slice(rows, &mut self.row, call, end),
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
    pub(crate) fn gather(&mut self, size: usize) -> Gather {
        for _ in 0..self.row.state.time_slice.rows() {
            let Some(event) = self.next_event() else { return Gather::End };
            let Some(event) = event else { continue };
            self.events.push(event);
            let WorkerState { control, gathered, .. } = &mut *self.row.state;
            if gathered.add(|| control.runtime.now()) >= size {
                return Gather::Full;
            }
        }
        Gather::More
    }
}

#[inline]
fn slice<T>(
    rows: &mut impl Iterator<Item = Decoded<T>>,
    row: &mut LastRow<'_>,
    mut call: impl FnMut(Event<T>) -> Answer,
    end: impl Fn(bool),
) -> bool {
    let (mut remaining, calling) = (row.state.time_slice.rows(), Cell::new(false));
    loop {
        // One catch for many rows: a panic is the error of its row, and the rows after it are handled in a
        // new catch.
        let run = caught(|| {
            while remaining > 0 {
                let Some(event) = rows.next().and_then(|next| row.event(next)) else { return false };
                remaining -= 1;
                let Some(event) = event else { continue };
                calling.set(true);
                let result = call(event);
                end(result.is_ok());
                calling.set(false);
                row.handled(result);
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
                row.reject(panic);
            }
        }
    }
}

impl LastRow<'_> {
    /// The row as an event; `None` if no more rows are wanted, and `Some(None)` for a row that could not be
    /// parsed and is rejected here.
    #[inline]
    fn event<T>(&mut self, decoded: Decoded<T>) -> Option<Option<Event<T>>> {
        let Decoded { sequence, line, byte, len, data } = decoded;
        let origin = self.chunk.origin;
        let sequence = origin.base + sequence;
        let limit = &self.state.control.limit;
        if !limit.allows(sequence) {
            return None;
        }
        let position = &mut self.state.last;
        // Field by field: an assignment of the whole would have to drop the old value.
        (position.sequence, position.line, position.byte, position.len) = (sequence, line, byte, len);
        match data {
            Ok(data) if limit.take(sequence) => {
                Some(Some(Event { data, origin, sequence, line, byte, attempt: 1 }))
            }
            // As many events as are wanted were handed out.
            Ok(_) => self.cut_short(),
            Err(_) if limit.has_taken_all() => self.cut_short(),
            Err(fault) => {
                self.reject_unreadable(fault);
                Some(None)
            }
        }
    }

    /// Notes that the chunk has more rows than are handed out. The result is that of [`event`](Self::event).
    #[cold]
    fn cut_short<T>(&mut self) -> Option<Option<Event<T>>> {
        self.state.is_cut_short = true;
        None
    }

    #[inline]
    fn handled(&mut self, answer: Answer) {
        match answer {
            Ok(flow) => {
                self.state.counts.handled += 1;
                if flow.is_break() {
                    self.state.control.limit.end_after(self.state.last.sequence);
                }
            }
            Err(error) => self.reject(error),
        }
    }

    fn context(&self) -> RowContext<'_> {
        let Decoded { sequence, line, byte, .. } = self.state.last;
        let ChunkData { origin, name, .. } = self.chunk;
        RowContext { name, origin: *origin, sequence, line, byte, raw: None }
    }

    #[cold]
    fn reject_unreadable(&mut self, fault: Fault) {
        let error = match fault {
            Fault::Bad(reason) => self.context().unreadable(&reason),
            Fault::Panicked(panic) => panic,
        };
        self.reject(error);
    }

    #[cold]
    fn reject(&mut self, error: AsyncTaskError) {
        let Self { state, chunk } = self;
        let Decoded { sequence, line, byte, len, .. } = state.last;
        let raw = chunk.text.as_ref().map(|text| text.text(byte, len));
        let (name, origin) = (chunk.name, chunk.origin);
        let context = RowContext { name, origin, sequence, line, byte, raw: raw.as_deref() };
        state.counts.reject(&context, error);
    }
}

/// The reason why gathering has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gather {
    /// The batch is full.
    Full,
    /// There may be more rows.
    More,
    /// The chunk has no more rows.
    End,
}
