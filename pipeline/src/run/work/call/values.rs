//! The values that the stages make of a row, where no receiver takes them one by one.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::event::single::Event;
use crate::run::shared::control::Control;
use crate::run::work::call::timed::timed;
use crate::stage::chain::{Answer, Chain, MORE, Next, SyncChain};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{InPlace, caught};
use sweet_async_core::internals::Fallible;

/// Adds the values of a row to `events`, or none of them if a stage fails, panics, or is awaited after `deadline`.
pub(crate) async fn values<X: Chain>(
    chain: &X,
    event: Event<X::Row>,
    (control, deadline): (&Control, Option<Instant>),
    events: &mut Vec<Event<X::Out>>,
) -> Result<(), AsyncTaskError> {
    let before = events.len();
    let (row, context) = event.split();
    let pushed = push(chain, row, |value| events.push(context.with(value)));
    let result = match pushed {
        Ok(answer) => answer,
        Err(row) => {
            let run = || chain.run(row, Adding { context, events: &mut *events });
            let run = InPlace::<_, _, ControlFlow<()>, Fallible<AsyncTaskError>>::new(run);
            timed::<(), (), _, _>(run, control, deadline, &|()| ()).await
        }
    };
    if result.is_err() {
        // The destructors of values are user code. The row has failed already.
        let _ = caught(|| events.truncate(before));
    }
    result.map(|_| ())
}

/// Passes the values of a row to `add`. Returns the row if a stage is awaited.
fn push<X: Chain>(chain: &X, row: X::Row, mut add: impl FnMut(X::Out)) -> Result<Answer, X::Row> {
    let Some(chain) = chain.synchronous() else { return Err(row) };
    let mut next = |value| {
        add(value);
        Ok(MORE)
    };
    Ok(caught(|| chain.push(row, &mut next)).and_then(|result| result))
}

/// Adds the values of a row to events.
struct Adding<'a, T> {
    context: Event<()>,
    events: &'a mut Vec<Event<T>>,
}

impl<T: Send> Next<T> for Adding<'_, T> {
    async fn take(&mut self, value: T) -> Answer {
        self.events.push(self.context.with(value));
        Ok(MORE)
    }
}
