//! How a receiver's closure is called: synchronous ones in slices, asynchronous ones one await at a time.

use std::future::Future;
use std::task::Poll;

use super::Event;
use super::engine::{Batch, Pace};
use super::rows::Decoded;
use crate::runtime::Runtime;
use crate::task::{Async, InPlace, IntoResult, Sync};

/// How receivers that return an `O` are called. Implemented by the markers that inference picks for
/// [`IntoAsyncResult`](crate::task::IntoAsyncResult).
#[diagnostic::on_unimplemented(
    message = "this receiver cannot be called here",
    note = "a receiver returns `()` or `Result<(), E>`, or a `Send` future of one of them"
)]
pub trait Receive<O>: sealed::Sealed + Send + 'static {
    /// Calls the receiver for each event of a batch. `poll` is called around each run of user code, on the thread
    /// that runs it.
    #[doc(hidden)]
    fn drive<T, R, I, C, P>(
        batch: &mut Batch<'_, T, R, I>,
        pace: &mut Pace,
        call: C,
        poll: P,
    ) -> impl Future<Output = ()> + Send
    where
        T: Send + 'static,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Event<T>) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send;
}

impl<O, K: 'static> Receive<O> for Sync<K>
where
    O: IntoResult<(), K>,
{
    async fn drive<T, R, I, C, P>(batch: &mut Batch<'_, T, R, I>, pace: &mut Pace, call: C, mut poll: P)
    where
        T: Send + 'static,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Event<T>) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        loop {
            let mut more = false;
            poll(&mut || more = batch.slice(pace, |event| call(event).into_result()));
            pace.rest(batch.runtime()).await;
            if !more {
                return;
            }
        }
    }
}

impl<O, K: 'static> Receive<O> for Async<K>
where
    O: Future + Send,
    O::Output: IntoResult<(), K>,
{
    async fn drive<T, R, I, C, P>(batch: &mut Batch<'_, T, R, I>, pace: &mut Pace, call: C, mut poll: P)
    where
        T: Send + 'static,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Event<T>) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        while let Some(event) = batch.next_event() {
            let Some(event) = event else {
                pace.rest(batch.runtime()).await;
                continue;
            };
            let mut future = std::pin::pin!(InPlace::<_, O, (), K>::new(|| call(event)));
            let result = std::future::poll_fn(|cx| {
                let mut polled = Poll::Pending;
                poll(&mut || polled = future.as_mut().poll(cx));
                polled
            });
            let result = result.await;
            batch.handled(result);
            pace.rest(batch.runtime()).await;
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl<K> Sealed for crate::task::Sync<K> {}
    impl<K> Sealed for crate::task::Async<K> {}
}
