//! Rows whose stages run before the receiver gets any value of their chunk.
//!
//! Under source order, they run before the turn of their chunk: this is the part that runs in parallel. And where
//! a worker runs the stages of several rows at the same time, the receiver gets the values in the order of their
//! rows afterwards.

use std::ops::ControlFlow;

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::event::single::{Event, Origin};
use crate::policy::RetryEvents;
use crate::run::shared::control::Control;
use crate::run::work::call::admission::{after_faults, deadline, injected};
use crate::run::work::call::values::values;
use crate::run::work::keys::KeySlot;
use crate::run::work::rows::Rows;
use crate::run::work::state::WorkerState;
use crate::stage::chain::{Answer, Chain, MORE, Next, SyncChain};
use crate::text::decode::{Decoded, Fault};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// A row whose stages have run, as the data of a row.
pub(crate) enum Made<R, U> {
    /// The first attempt, as far as the receiver. The spare row is there for another attempt. The slots are those
    /// of the values' keys, where they have keys; `None` if they are not known, since there are no values yet.
    First { values: Result<Values<U>, AsyncTaskError>, spare: Option<Spare<R>>, slots: Option<Vec<KeySlot>> },
    /// Another attempt: the stages run again.
    Again(Spare<R>),
}

/// The values of one row. Most rows have one or none, and need no memory for them.
pub(crate) enum Values<U> {
    None,
    One(U),
    Many(Vec<U>),
}

impl<U> Values<U> {
    /// Takes the values of `events`, which come from one row.
    fn take(events: &mut Vec<Event<U>>) -> Self {
        let mut all = events.drain(..).map(|event| event.data);
        match all.len() {
            0 | 1 => all.next().map_or(Self::None, Self::One),
            _ => Self::Many(all.collect()),
        }
    }
}

/// A clone of a row, and the function that clones it.
pub(crate) struct Spare<R> {
    row: R,
    clone: fn(&R) -> R,
}

impl<R> Spare<R> {
    fn again<U>(&self) -> Made<R, U> {
        Made::Again(Self { row: (self.clone)(&self.row), clone: self.clone })
    }
}

impl<R, U> Made<R, U> {
    /// The slots of its keys; `None` if they are not known.
    pub(crate) fn slots(&self) -> Option<&[KeySlot]> {
        match self {
            Self::First { slots, .. } => slots.as_deref(),
            Self::Again(_) => Some(&[]),
        }
    }

    /// The row for another attempt.
    fn again(&self) -> Self {
        match self {
            Self::First { spare: Some(spare), .. } | Self::Again(spare) => spare.again(),
            // Where events are retried, each row has a spare one.
            Self::First { spare: None, .. } => {
                let error = AsyncTaskError::InvalidState("no further attempt was prepared");
                Self::First { values: Err(error), spare: None, slots: Some(Vec::new()) }
            }
        }
    }
}

/// The retries of rows as those of rows whose stages have run.
pub(crate) fn retries_of_made<R, U>(retries: &RetryEvents<R>) -> RetryEvents<Made<R, U>> {
    RetryEvents { retry: retries.retry.clone(), clone: Made::again }
}

/// Takes rows from `rows`, and runs their stages. Rows that are not wanted any more are left out.
pub(crate) async fn ahead<X: Chain>(
    chain: &X,
    rows: &mut Rows<X::Row>,
    retrying: Option<&RetryEvents<X::Row>>,
    origin: Origin,
    state: &mut WorkerState,
) -> Vec<Decoded<Made<X::Row, X::Out>>> {
    let retrying = retrying.filter(|retrying| retrying.retry.max_retries() > 0);
    match state.control.concurrent {
        1 => one_by_one(chain, rows, retrying, origin, state).await,
        _ => at_once(chain, rows, retrying, origin, state).await,
    }
}

/// Runs the stages of one row after the other.
async fn one_by_one<X: Chain>(
    chain: &X,
    rows: &mut Rows<X::Row>,
    retrying: Option<&RetryEvents<X::Row>>,
    origin: Origin,
    state: &mut WorkerState,
) -> Vec<Decoded<Made<X::Row, X::Out>>> {
    let (mut all, mut events) = (Vec::new(), Vec::new());
    loop {
        let most = if chain.synchronous().is_some() { state.time_slice.rows() } else { 1 };
        for _ in 0..most {
            let Some(row) = rows.next() else { return all };
            let Some(row) = made(chain, row, retrying, origin, &state.control, &mut events).await else {
                return all;
            };
            all.push(row);
        }
        state.rest().await;
    }
}

/// Runs the stages of as many rows at the same time as the pipeline permits.
async fn at_once<X: Chain>(
    chain: &X,
    rows: &mut Rows<X::Row>,
    retrying: Option<&RetryEvents<X::Row>>,
    origin: Origin,
    state: &mut WorkerState,
) -> Vec<Decoded<Made<X::Row, X::Out>>> {
    let shared = state.control.clone();
    let control = &*shared;
    let run = move |row| async move { made(chain, row, retrying, origin, control, &mut Vec::new()).await };
    let mut running: FuturesUnordered<_> = rows.by_ref().take(control.concurrent).map(run).collect();
    let mut all = Vec::new();
    while let Some(row) = running.next().await {
        // Of a row that is not wanted the rows after it are not either.
        if let Some(row) = row {
            all.push(row);
            running.extend(rows.next().map(run));
        }
        state.rest().await;
    }
    all.sort_unstable_by_key(|row: &Decoded<_>| row.sequence);
    all
}

/// Makes the first attempt for a row as it was decoded. `None` if the row is not wanted any more.
async fn made<X: Chain>(
    chain: &X,
    row: Decoded<X::Row>,
    retrying: Option<&RetryEvents<X::Row>>,
    origin: Origin,
    control: &Control,
    events: &mut Vec<Event<X::Out>>,
) -> Option<Decoded<Made<X::Row, X::Out>>> {
    let Decoded { sequence, line, byte, len, data } = row;
    let at = origin.base + sequence;
    if !control.limit.allows(at) {
        return None;
    }
    let data = match data {
        Ok(data) => {
            let event = Event { data, origin, sequence: at, line, byte, attempt: 1 };
            if !control.permits(at).await {
                return None;
            }
            first(chain, event, retrying, control, events).await
        }
        Err(fault) => Err(fault),
    };
    Some(Decoded { sequence, line, byte, len, data })
}

/// Makes the first attempt for a row, as far as the receiver. `events` is empty before and after.
async fn first<X: Chain>(
    chain: &X,
    event: Event<X::Row>,
    retrying: Option<&RetryEvents<X::Row>>,
    control: &Control,
    events: &mut Vec<Event<X::Out>>,
) -> Result<Made<X::Row, X::Out>, Fault> {
    let spare = |retrying: &RetryEvents<X::Row>| {
        let clone = retrying.clone;
        caught(|| Spare { row: clone(&event.data), clone }).map_err(Fault::Panicked)
    };
    let spare = retrying.map(spare).transpose()?;
    let deadline = deadline(control);
    // A batch is one call, so its rows have no faults of their own.
    let faults = if control.batches.is_some() { None } else { injected(control, deadline) };
    let event = match faults {
        None => Ok(event),
        Some(faults) => after_faults(event, faults).await,
    };
    let made = match event {
        Ok(event) => values(chain, event, (control, deadline), events).await,
        Err(error) => Err(error),
    };
    let (values, slots) = match made.and_then(|()| slots(chain, events)) {
        Ok(slots) => (Ok(Values::take(events)), Some(slots)),
        Err(error) => {
            // The destructors of values are user code. The row has failed already.
            let _ = caught(|| events.clear());
            // Another attempt may make values, of any key.
            let is_last = spare.is_none() || error.is_panic();
            (Err(error), is_last.then(Vec::new))
        }
    };
    Ok(Made::First { values, spare, slots })
}

/// The slots of the keys of a row's values, each of them once.
fn slots<X: Chain>(chain: &X, events: &[Event<X::Out>]) -> Result<Vec<KeySlot>, AsyncTaskError> {
    if !X::HAS_KEYS {
        return Ok(Vec::new());
    }
    let slot = |event: &Event<X::Out>| KeySlot::of(chain.hash_of(&event.data));
    let mut slots: Vec<_> = caught(|| events.iter().map(slot).collect())?;
    slots.sort_unstable();
    slots.dedup();
    Ok(slots)
}

/// A chain whose stages have run for the first attempt.
pub(crate) struct Resumed<X>(pub(crate) X);

/// A [`Resumed`] as a function.
pub(crate) struct SyncResumed<C>(C);

impl<X: Chain> Chain for Resumed<X> {
    type Row = Made<X::Row, X::Out>;
    type Out = X::Out;
    type Synchronous<'a> = SyncResumed<X::Synchronous<'a>>;

    fn synchronous(&self) -> Option<Self::Synchronous<'_>> {
        self.0.synchronous().map(SyncResumed)
    }

    fn has_begun(row: &Self::Row) -> bool {
        matches!(row, Made::First { .. })
    }

    async fn run<N: Next<X::Out>>(&self, row: Self::Row, mut next: N) -> Answer {
        match row {
            Made::First { values, .. } => match values? {
                Values::None => Ok(MORE),
                Values::One(value) => next.take(value).await,
                Values::Many(values) => {
                    for value in values {
                        if next.take(value).await?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    Ok(MORE)
                }
            },
            Made::Again(spare) => self.0.run(spare.row, next).await,
        }
    }
}

impl<C: SyncChain> SyncChain for SyncResumed<C> {
    type Row = Made<C::Row, C::Out>;
    type Out = C::Out;

    fn push(&self, row: Self::Row, next: &mut impl FnMut(C::Out) -> Answer) -> Answer {
        match row {
            Made::First { values, .. } => match values? {
                Values::None => Ok(MORE),
                Values::One(value) => next(value),
                Values::Many(values) => {
                    for value in values {
                        if next(value)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    Ok(MORE)
                }
            },
            Made::Again(spare) => self.0.push(spare.row, next),
        }
    }
}
