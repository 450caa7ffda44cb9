//! The handler that keeps all values, in source order.

use std::sync::Arc;
use std::vec;

use futures_lite::future::yield_now;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::run::work::feed::Feed;
use crate::run::work::handlers::handler::Handler;
use crate::run::work::slot::StateSlot;
use crate::stage::chain::{Chain, MORE};
use sweet_async_core::error::AsyncTaskError;

/// The most values that are moved at the end before other tasks run.
const SLICE: usize = 1 << 13;

/// Keeps the values of each worker, with their sequences. At the end they become one list.
pub(crate) struct Listing;

/// The values of one worker. They are in source order, unless sources are read at the same time.
type Values<T> = Vec<(u64, T)>;

impl<T: Send + 'static> Handler<T> for Listing {
    type Local = Values<T>;
    type End = Vec<T>;

    fn can_retry(&self) -> bool {
        false
    }

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Values<T>> {
        workers.iter().map(|_| Vec::new()).collect()
    }

    async fn handle<X: Chain<Out = T>>(&self, slot: &StateSlot<Values<T>>, feed: &mut Feed<'_, X>) -> bool {
        loop {
            let more = match self.slice(slot, feed) {
                Some(more) => more,
                None => feed.whole_rows(|events| keep_all(slot, events)).await,
            };
            feed.state().rest().await;
            if !more {
                return false;
            }
        }
    }

    fn slice<X: Chain<Out = T>>(&self, slot: &StateSlot<Values<T>>, feed: &mut Feed<'_, X>) -> Option<bool> {
        // A row whose stages fail after its first value is to leave none of its values.
        if X::HAS_STAGES {
            return None;
        }
        slot.with(|values| {
            let values = values.get_or_insert_default();
            let keep = |(), event: Event<T>| {
                values.push((event.sequence, event.data));
                Ok(MORE)
            };
            feed.slice(|| (), keep, |_| ())
        })
    }

    async fn close(&self, locals: Vec<Values<T>>, _: &Names) -> (DeferredRejections, Vec<T>) {
        (DeferredRejections::default(), merged(locals).await)
    }
}

/// Keeps the values of a row.
fn keep_all<T>(slot: &StateSlot<Values<T>>, events: &mut Vec<Event<T>>) -> Result<(), AsyncTaskError> {
    slot.with(|values| {
        let all = events.drain(..).map(|event| (event.sequence, event.data));
        values.get_or_insert_default().extend(all);
    });
    Ok(())
}

/// The values of all workers, in source order, and those of one row in their own.
async fn merged<T>(lists: Vec<Values<T>>) -> Vec<T> {
    let mut all = Vec::with_capacity(lists.iter().map(Vec::len).sum());
    let mut rest = Vec::with_capacity(lists.len());
    for mut list in lists {
        if !list.is_sorted_by_key(|(sequence, _)| *sequence) {
            list.sort_by_key(|(sequence, _)| *sequence);
            yield_now().await;
        }
        rest.push(list.into_iter());
    }
    loop {
        // A worker has whole chunks, so the list that has the next value mostly has some more.
        rest.sort_unstable_by_key(next);
        let until = rest.get(1).map_or(u64::MAX, next);
        let Some(first) = rest.first_mut() else { return all };
        let before = all.len();
        while next(first) < until && all.len() - before < SLICE {
            all.extend(first.next().map(|(_, value)| value));
        }
        if all.len() == before {
            return all;
        }
        if all.len() / SLICE != before / SLICE {
            yield_now().await;
        }
    }
}

/// The sequence of the next value; `u64::MAX` if there is none.
fn next<T>(rest: &vec::IntoIter<(u64, T)>) -> u64 {
    rest.as_slice().first().map_or(u64::MAX, |(sequence, _)| *sequence)
}
