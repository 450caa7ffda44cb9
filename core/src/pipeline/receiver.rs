//! How a receiver's closure is called: synchronous ones in slices, asynchronous ones one await at a time; with an event,
//! or with a batch of them.

use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use futures_lite::future::or;

use super::engine::{Control, Desk, Feed, Gather, Pace};
use super::failure::Place;
use super::rows::Decoded;
use super::strategy::RetryEvents;
use super::{Batch, Event};
use crate::error::{AsyncTaskError, TimeoutError, TimeoutKind};
use crate::runtime::Runtime;
use crate::task::{Async, InPlace, IntoResult, Pause, Sync, caught};
use crate::time::Sleep;

/// How receivers that return an `O` are called. Implemented by the markers that inference picks for
/// [`IntoAsyncResult`](crate::task::IntoAsyncResult).
#[diagnostic::on_unimplemented(
    message = "this receiver cannot be called here",
    note = "a receiver returns `()` or `Result<(), E>`, or a `Send` future of one of them"
)]
pub trait Receive<O>: sealed::Sealed + Send + 'static {
    /// Calls the receiver for each event of a chunk. `poll` is called around each run of user code, on the thread
    /// that runs it.
    #[doc(hidden)]
    fn drive<T, R, I, C, P>(
        feed: &mut Feed<'_, T, R, I>,
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

    /// Calls the receiver once.
    #[doc(hidden)]
    fn once<A, R, C, P>(
        argument: A,
        control: &Control<R>,
        call: &C,
        poll: &mut P,
    ) -> impl Future<Output = Result<(), AsyncTaskError>> + Send
    where
        A: Send,
        R: Runtime,
        C: Fn(A) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send;
}

impl<O, K: 'static> Receive<O> for Sync<K>
where
    O: IntoResult<(), K>,
{
    async fn drive<T, R, I, C, P>(feed: &mut Feed<'_, T, R, I>, pace: &mut Pace, call: C, mut poll: P)
    where
        T: Send + 'static,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Event<T>) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        if feed.desk.retrying.is_some() {
            return one_by_one::<Self, _, _, _, _, _, _>(feed, pace, call, poll).await;
        }
        loop {
            let mut more = false;
            poll(&mut || more = feed.slice(pace, |event| call(event).into_result()));
            feed.rest(pace).await;
            if !more {
                return;
            }
        }
    }

    async fn once<A, R, C, P>(
        argument: A,
        _: &Control<R>,
        call: &C,
        poll: &mut P,
    ) -> Result<(), AsyncTaskError>
    where
        A: Send,
        R: Runtime,
        C: Fn(A) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        let (mut argument, mut result) = (Some(argument), Ok(()));
        poll(&mut || {
            if let Some(argument) = argument.take() {
                result = caught(|| call(argument).into_result()).and_then(|result| result);
            }
        });
        result
    }
}

impl<O, K: 'static> Receive<O> for Async<K>
where
    O: Future + Send,
    O::Output: IntoResult<(), K>,
{
    async fn drive<T, R, I, C, P>(feed: &mut Feed<'_, T, R, I>, pace: &mut Pace, call: C, poll: P)
    where
        T: Send + 'static,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Event<T>) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        one_by_one::<Self, _, _, _, _, _, _>(feed, pace, call, poll).await;
    }

    async fn once<A, R, C, P>(
        argument: A,
        control: &Control<R>,
        call: &C,
        poll: &mut P,
    ) -> Result<(), AsyncTaskError>
    where
        A: Send,
        R: Runtime,
        C: Fn(A) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        let mut future = pin!(Some(InPlace::<_, O, (), K>::new(|| call(argument))));
        let deadline = control.event_timeout.map(|limit| control.runtime.now().checked_add(limit));
        let mut timer = pin!(None::<Sleep<R>>);
        std::future::poll_fn(|cx| {
            let mut polled = Poll::Pending;
            poll(&mut || {
                if let Some(future) = future.as_mut().as_pin_mut() {
                    polled = future.poll(cx);
                }
            });
            // A ready value wins; the clock is looked at afterwards. A limit that the clock cannot count to is none.
            let (Poll::Pending, Some(Some(deadline))) = (&polled, deadline) else { return polled };
            if !passed(deadline, control, &mut timer, cx) {
                return Poll::Pending;
            }
            // Its destructors are user code as well.
            let mut dropped = Ok(());
            poll(&mut || dropped = caught(|| future.set(None)));
            Poll::Ready(dropped.and_then(|()| Err(timed_out(control))))
        })
        .await
    }
}

/// True once it is `deadline`; the task is woken then.
fn passed<R: Runtime>(
    deadline: Instant,
    control: &Control<R>,
    timer: &mut std::pin::Pin<&mut Option<Sleep<R>>>,
    cx: &mut std::task::Context<'_>,
) -> bool {
    if control.runtime.now() >= deadline {
        return true;
    }
    if timer.is_none() {
        timer.set(Some(Sleep::silent(&control.runtime, Some(deadline))));
    }
    // Where the runtime has ended, its timers with it, the worker is dropped soon.
    timer.as_mut().as_pin_mut().is_some_and(|timer| matches!(timer.poll(cx), Poll::Ready(Ok(()))))
}

fn timed_out<R: Runtime>(control: &Control<R>) -> AsyncTaskError {
    let limit = control.event_timeout.unwrap_or_default();
    TimeoutError::passed(control.name.clone(), TimeoutKind::Event, limit, false)
}

/// Calls the receiver for each event of a chunk, and again where the strategy says so.
pub(crate) async fn one_by_one<M, O, T, R, I, C, P>(
    feed: &mut Feed<'_, T, R, I>,
    pace: &mut Pace,
    call: C,
    mut poll: P,
) where
    M: Receive<O>,
    T: Send + 'static,
    R: Runtime,
    I: Iterator<Item = Decoded<T>> + Send,
    C: Fn(Event<T>) -> O + Send + std::marker::Sync,
    P: FnMut(&mut dyn FnMut()) + Send,
{
    while let Some(event) = feed.next_event() {
        if let Some(event) = event {
            let result = if feed.desk.retrying.is_none() {
                M::once(event, feed.desk.control, &call, &mut poll).await
            } else {
                let Desk { control, retrying, .. } = feed.desk;
                attempts::<M, _, _, _, _, _, _>(event, control, retrying, &call, &mut poll).await
            };
            feed.handled(result);
        }
        feed.rest(pace).await;
    }
}

/// Calls the receiver, with a clone of what it was given as long as another attempt may follow.
async fn attempts<M, O, T, A, R, C, P>(
    mut argument: A,
    control: &Control<R>,
    retrying: Option<&RetryEvents<T>>,
    call: &C,
    poll: &mut P,
) -> Result<(), AsyncTaskError>
where
    M: Receive<O>,
    T: Send + 'static,
    A: Delivery<T>,
    R: Runtime,
    C: Fn(A) -> O + Send + std::marker::Sync,
    P: FnMut(&mut dyn FnMut()) + Send,
{
    let Some(retrying) = retrying else { return M::once(argument, control, call, poll).await };
    let (retry, sequence) = (&retrying.retry, argument.first_event().map_or(0, Event::sequence));
    let mut attempts = 0;
    loop {
        let may_follow = attempts < retry.max_retries();
        let spare = caught(|| may_follow.then(|| argument.spare(retrying.clone)))?;
        let result = M::once(argument, control, call, poll).await;
        attempts += 1;
        let Err(error) = result else {
            retry.succeeded();
            return caught(|| drop(spare));
        };
        let (delay, error) = retry.follow(error, attempts, attempts - 1, || control.runtime.entropy())?;
        // There is one where another attempt may follow.
        let Some(spare) = spare else { return Err(error) };
        argument = spare;
        let pause = Pause::new(&control.runtime, delay, Location::caller());
        let unwanted = async {
            control.limit.excludes(sequence).await;
            Ok(false)
        };
        // Asked to stop, or not wanted any more: it ends with what it has.
        if !or(pause, unwanted).await.unwrap_or(false) {
            return Err(error);
        }
    }
}

/// What a receiver is handed: an [`Event`], or a [`Batch`] of them.
pub trait Delivery<T>: Sequenced + Send + Sized {
    /// Hands the rows of a chunk over.
    #[doc(hidden)]
    fn drive<M, O, R, I, C, P>(
        feed: &mut Feed<'_, T, R, I>,
        pace: &mut Pace,
        call: C,
        poll: P,
    ) -> impl Future<Output = ()> + Send
    where
        M: Receive<O>,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Self) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send;

    /// Hands over what was gathered.
    #[doc(hidden)]
    fn finish<M, O, R, C, P>(desk: &mut Desk<'_, T, R>, call: C, poll: P) -> impl Future<Output = ()> + Send
    where
        M: Receive<O>,
        R: Runtime,
        C: Fn(Self) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send;

    /// A clone for another attempt.
    #[doc(hidden)]
    fn spare(&self, clone: fn(&T) -> T) -> Self;
}

/// What has a place in source order.
pub trait Sequenced: sealed::Sealed {
    /// What an event carries.
    type Data;

    /// The event, or the first one of several.
    #[doc(hidden)]
    fn first_event(&self) -> Option<&Event<Self::Data>>;
}

impl<T> Sequenced for Event<T> {
    type Data = T;

    fn first_event(&self) -> Option<&Event<T>> {
        Some(self)
    }
}

impl<T> Sequenced for Batch<T> {
    type Data = T;

    fn first_event(&self) -> Option<&Event<T>> {
        self.first()
    }
}

impl<T: Send + 'static> Delivery<T> for Event<T> {
    fn drive<M, O, R, I, C, P>(
        feed: &mut Feed<'_, T, R, I>,
        pace: &mut Pace,
        call: C,
        poll: P,
    ) -> impl Future<Output = ()> + Send
    where
        M: Receive<O>,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Self) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        M::drive(feed, pace, call, poll)
    }

    async fn finish<M, O, R, C, P>(_: &mut Desk<'_, T, R>, _: C, _: P)
    where
        M: Receive<O>,
        R: Runtime,
        C: Fn(Self) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
    }

    fn spare(&self, clone: fn(&T) -> T) -> Self {
        let Self { ref data, origin, sequence, line, byte } = *self;
        Self { data: clone(data), origin, sequence, line, byte }
    }
}

impl<T: Send + 'static> Delivery<T> for Batch<T> {
    async fn drive<M, O, R, I, C, P>(feed: &mut Feed<'_, T, R, I>, pace: &mut Pace, call: C, mut poll: P)
    where
        M: Receive<O>,
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
        C: Fn(Self) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        let size = feed.desk.control.batches.map_or(1, |batches| batches.size);
        loop {
            let gathered = feed.gather(pace, size);
            if gathered == Gather::Full {
                deliver::<M, _, _, _, _, _>(&mut feed.desk, &call, &mut poll).await;
            }
            feed.rest(pace).await;
            if gathered == Gather::End {
                return;
            }
        }
    }

    async fn finish<M, O, R, C, P>(desk: &mut Desk<'_, T, R>, call: C, mut poll: P)
    where
        M: Receive<O>,
        R: Runtime,
        C: Fn(Self) -> O + Send + std::marker::Sync,
        P: FnMut(&mut dyn FnMut()) + Send,
    {
        deliver::<M, _, _, _, _, _>(desk, &call, &mut poll).await;
    }

    fn spare(&self, clone: fn(&T) -> T) -> Self {
        Self::new(self.iter().map(|event| event.spare(clone)).collect())
    }
}

/// Hands over what was gathered. Refused, all of its rows are rejected, with one error at the first of them.
async fn deliver<M, O, T, R, C, P>(desk: &mut Desk<'_, T, R>, call: &C, poll: &mut P)
where
    M: Receive<O>,
    T: Send + 'static,
    R: Runtime,
    C: Fn(Batch<T>) -> O + Send + std::marker::Sync,
    P: FnMut(&mut dyn FnMut()) + Send,
{
    let Some(batch) = desk.batch() else { return };
    let sequences: Vec<u64> = batch.iter().map(|event| event.sequence).collect();
    let place = batch.first().and_then(|first| Place::of(first, &desk.control.names));
    let Desk { control, retrying, .. } = *desk;
    match (attempts::<M, _, _, _, _, _, _>(batch, control, retrying, call, poll).await, place) {
        (Err(error), Some(place)) => desk.tally.reject_all(place.error(error), &sequences),
        _ => desk.tally.handled += sequences.len() as u64,
    }
}

mod sealed {
    pub trait Sealed {}
    impl<K> Sealed for crate::task::Sync<K> {}
    impl<K> Sealed for crate::task::Async<K> {}
    impl<T> Sealed for crate::pipeline::Event<T> {}
    impl<T> Sealed for crate::pipeline::Batch<T> {}
}
