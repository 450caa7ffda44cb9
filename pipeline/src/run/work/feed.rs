//! The rows of a chunk on their way to a handler, and their outcomes.

use std::cell::Cell;
use std::time::Instant;

use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::outcome::row_error::RowContext;
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::shared::rejection::OnReject;
use crate::run::work::call::admission::deadline;
use crate::run::work::call::values::values;
use crate::run::work::rows::Rows;
use crate::run::work::state::{ChunkData, WorkerState};
use crate::stage::chain::{Answer, Chain, MORE, SyncChain};
use crate::text::decode::{Decoded, Fault};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::Runtime as _;

/// The events of a worker that wait for their batch to be full.
pub struct PendingEvents<'a, T> {
    pub(crate) state: &'a mut WorkerState,
    pub(crate) events: &'a mut Vec<Event<T>>,
    pub(crate) retrying: Option<&'a RetryEvents<T>>,
}

impl<T> PendingEvents<'_, T> {
    /// The pending events that are still wanted; `None` if there are none.
    pub(crate) fn batch(&mut self) -> Option<Batch<T>> {
        self.state.pending_batch.hand_over();
        let room = self.events.len();
        let mut events = std::mem::replace(self.events, Vec::with_capacity(room));
        let limit = &self.state.control.limit;
        if limit.is_set() {
            events.retain(|event| limit.allows(event.sequence));
        }
        (!events.is_empty()).then(|| Batch::new(events))
    }
}

/// The rows of one chunk, handed out one by one, and their outcomes. `chain` makes values of them.
pub struct Feed<'a, X: Chain> {
    rows: &'a mut Rows<X::Row>,
    row: LastRow<'a>,
    events: &'a mut Vec<Event<X::Out>>,
    pub(crate) chain: &'a X,
    pub(crate) retrying: Option<&'a RetryEvents<X::Row>>,
}

/// The row that was handed out last, and the worker's state, which takes its outcome.
struct LastRow<'a> {
    state: &'a mut WorkerState,
    chunk: &'a ChunkData<'a>,
}

/// Events that are passed on together, and the number of rows that they stand for. Stages may have left no
/// event of a row, or several.
pub(crate) struct Taken<T> {
    pub(crate) events: Vec<Event<T>>,
    pub(crate) rows: u64,
}

impl<T> Default for Taken<T> {
    fn default() -> Self {
        Self { events: Vec::new(), rows: 0 }
    }
}

impl<'a, X: Chain> Feed<'a, X> {
    pub(crate) fn new(
        (rows, chunk): (&'a mut Rows<X::Row>, &'a ChunkData<'a>),
        chain: &'a X,
        retrying: Option<&'a RetryEvents<X::Row>>,
        (state, events): (&'a mut WorkerState, &'a mut Vec<Event<X::Out>>),
    ) -> Self {
        Self { rows, row: LastRow { state, chunk }, events, chain, retrying }
    }

    pub(crate) fn state(&mut self) -> &mut WorkerState {
        self.row.state
    }

    #[cfg_attr(not(feature = "json"), allow(dead_code, reason = "for values that are published, as JSON"))]
    pub(crate) fn chunk(&self) -> &'a ChunkData<'a> {
        self.row.chunk
    }

    pub(crate) fn pending_events(&mut self) -> PendingEvents<'_, X::Out> {
        let retrying = self.retrying.and_then(X::retries_of_values);
        PendingEvents { state: self.row.state, events: self.events, retrying }
    }

    /// True if a call may be waited for, whatever its receiver is.
    pub(crate) fn waits(&self) -> bool {
        self.retrying.is_some() || self.row.state.control.guards.is_set()
    }

    /// The next row as an event, or `Some(None)` for a row that could not be parsed and is rejected here.
    pub(crate) fn next_event(&mut self) -> Option<Option<Event<X::Row>>> {
        self.row.event(self.rows.next()?)
    }

    /// Takes the outcome of the row that was handed out last.
    pub(crate) fn handled(&mut self, answer: Answer) {
        self.row.handled(answer);
    }

    /// Passes the values of rows to `call` until a slice is full. Returns true if there may be more, and `None`
    /// if a stage is awaited. `begin` begins the attempt of each row, and `end` gets its success or failure.
    #[inline]
    pub(crate) fn slice<A: Copy>(
        &mut self,
        begin: impl Fn() -> A,
        call: impl FnMut(A, Event<X::Out>) -> Answer,
        end: impl Fn(bool),
    ) -> Option<bool> {
        let chain = self.chain.synchronous()?;
        Some(match &mut *self.rows {
            // A loop of its own: items take so little time that a look at the kind of rows for each of them
            // shows. Not in a debug build, which is to be built quickly: the second loop would be compiled
            // for each pipeline.
            #[cfg(not(debug_assertions))]
            Rows::Items(items) => slice(items, &mut self.row, &chain, begin, call, end),
            rows => slice(rows, &mut self.row, &chain, begin, call, end),
        })
    }

    /// The number of rows until the clock is to be read again.
    fn rows(&self) -> usize {
        match self.chain.synchronous() {
            Some(_) => self.row.state.time_slice.rows(),
            None => 1,
        }
    }

    /// Moves the values of some rows to `taken`. Returns true if there may be more rows.
    pub(crate) async fn take(&mut self, taken: &mut Taken<X::Out>) -> bool {
        for _ in 0..self.rows() {
            let Some(event) = self.next_event() else { return false };
            let Some(event) = event else { continue };
            let limit = time_limit(self.chain, &self.row.state.control);
            match values(self.chain, event, limit, &mut taken.events).await {
                Ok(()) => taken.rows += 1,
                Err(error) => self.row.reject(error),
            }
        }
        true
    }

    /// Passes the values of each row to `keep`, all of them at once, until a slice is full. A row whose stages
    /// fail is rejected before. Values that `keep` leaves are dropped. Returns true if there may be more.
    pub(crate) async fn whole_rows(
        &mut self,
        mut keep: impl FnMut(&mut Vec<Event<X::Out>>) -> Result<(), AsyncTaskError> + Send,
    ) -> bool {
        let mut events = Vec::new();
        for _ in 0..self.rows() {
            let Some(event) = self.next_event() else { return false };
            let Some(event) = event else { continue };
            let limit = time_limit(self.chain, &self.row.state.control);
            let made = values(self.chain, event, limit, &mut events).await;
            let kept = made.and_then(|()| caught(|| keep(&mut events)).and_then(|kept| kept));
            // The destructors of values are user code.
            let dropped = caught(|| events.clear());
            self.row.handled(kept.and(dropped).map(|()| MORE));
        }
        true
    }

    /// Adds the values of rows to the pending events, until there are `size` of them or a slice is full.
    pub(crate) async fn fill_batch(&mut self, size: usize) -> BatchFill {
        for _ in 0..self.rows() {
            let Some(event) = self.next_event() else { return BatchFill::End };
            let Some(event) = event else { continue };
            let before = self.events.len();
            let limit = time_limit(self.chain, &self.row.state.control);
            let made = values(self.chain, event, limit, self.events).await;
            let added = self.events.len() - before;
            if made.is_err() || added == 0 {
                self.row.handled(made.map(|()| MORE));
                continue;
            }
            let WorkerState { control, pending_batch, .. } = &mut *self.row.state;
            if pending_batch.add(added, || control.runtime.now()) >= size {
                return BatchFill::Full;
            }
        }
        BatchFill::More
    }
}

/// The control with the deadline of stages that begin now, if they are awaited.
fn time_limit<'a>(chain: &impl Chain, control: &'a Control) -> (&'a Control, Option<Instant>) {
    let deadline = if chain.synchronous().is_some() { None } else { deadline(control) };
    (control, deadline)
}

#[inline]
fn slice<C: SyncChain, A: Copy>(
    rows: &mut impl Iterator<Item = Decoded<C::Row>>,
    row: &mut LastRow<'_>,
    chain: &C,
    begin: impl Fn() -> A,
    mut call: impl FnMut(A, Event<C::Out>) -> Answer,
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
                let (value, context) = event.split();
                let attempt = begin();
                let result = chain.push(value, &mut |value| call(attempt, context.with(value)));
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
            return self.cut_short();
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
        if chunk.claimed.is_some() && matches!(state.control.policy.on_reject, OnReject::Stop) {
            state.failure.get_or_insert_with(|| format!("{error:#}").into());
        }
        state.counts.reject(&context, error);
    }
}

/// The reason why the batch gets no more events for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchFill {
    /// The batch is full.
    Full,
    /// There may be more rows.
    More,
    /// The chunk has no more rows.
    End,
}
