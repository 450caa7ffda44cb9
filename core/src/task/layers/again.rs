//! Work that is tried again, by its type: a thin shell around [`Attempts`].

use std::future::Future;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Clear, ENDED, Holds, Slot, finish};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::recovery::Recovery;
use crate::task::layers::retry::{AllAttempts, Attempts, Begin};
use crate::task::view::context::TaskContext;
use crate::task::work::attempts::MakeAttempt;
use crate::tree::extras::recovery::RecoveryWork;

/// The work of one attempt after the other, each made by `begin`.
struct Repeated<'a, K, B, T, S> {
    begin: &'a K,
    slot: Pin<&'a mut Slot<B, T>>,
    source: PhantomData<fn() -> S>,
}

impl<K, B, T, S> Begin<S> for Repeated<'_, K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn needs_context(&self) -> bool {
        K::NEEDS_CONTEXT
    }

    fn begin(self: Pin<&mut Self>, source: &S, context: Option<TaskContext>) {
        let this = self.get_mut();
        if let Some(work) = this.begin.make(source, context) {
            this.slot.set(Slot::Work { work });
        }
    }
}

impl<K, B, T, S> Body for Repeated<'_, K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.get_mut();
        // In the first poll of an attempt: what the closure itself does is part of the attempt, too.
        // A panic of the closure is the result of the attempt, as in `InPlace`, and passes its policies.
        if matches!(*this.slot, Slot::Cleared)
            && let Some(work) = caught(|| this.begin.make_in_poll())?
        {
            this.slot.set(Slot::Work { work });
        }
        this.slot.as_mut().poll(cx)
    }
}

impl<K, B, T, S> Clear for Repeated<'_, K, B, T, S> {
    fn clear(self: Pin<&mut Self>) {
        self.get_mut().slot.as_mut().clear();
    }
}

pin_project! {
    /// Work that is tried again, and its recovery: a thin shell of the work's type around [`Attempts`].
    pub struct Again<K, B, T, S: RuntimeSource> {
        #[pin]
        slot: Slot<B, T>,
        // `None` once the whole has ended.
        begin: Option<K>,
        #[pin]
        attempts: Attempts<S>,
        // In a box: most work has none.
        recovery: Option<Box<Recovery<T>>>,
    }

    impl<K, B, T, S: RuntimeSource> PinnedDrop for Again<K, B, T, S> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.attempts.abandon(this.slot);
        }
    }
}

impl<K, B, T, S: RuntimeSource> Again<K, B, T, S> {
    pub(crate) fn new(begin: K, attempts: Attempts<S>, recovery: Option<RecoveryWork<T>>) -> Self {
        Self { slot: Slot::Cleared, begin: Some(begin), attempts, recovery: Recovery::boxed(recovery) }
    }

    /// The attempts, before the first poll.
    pub(crate) fn attempts_mut(&mut self) -> &mut Attempts<S> {
        &mut self.attempts
    }
}

impl<K, B, T, S> Body for Again<K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.project();
        let Some(begin) = this.begin else { return Poll::Ready(Err(ENDED)) };
        let mut work = pin!(Repeated { begin: &*begin, slot: this.slot.as_mut(), source: PhantomData });
        let result = match this.recovery {
            None => ready!(this.attempts.poll(work.as_mut(), cx)),
            Some(recovery) => {
                let body = pin!(AllAttempts { attempts: this.attempts, work });
                let answer = ready!(recovery.poll(body, cx));
                *this.recovery = None;
                ready!(this.slot.keep_answer(answer))
            }
        };
        // The closure is dropped before the end of the task is reported.
        *this.begin = None;
        Poll::Ready(result)
    }
}

impl<K, B, T, S: RuntimeSource> Clear for Again<K, B, T, S> {
    fn clear(self: Pin<&mut Self>) {
        let this = self.project();
        let made = (this.begin.take(), this.recovery.take());
        this.attempts.abandon(this.slot);
        drop(made);
    }
}

impl<K, B, T, S> Holds<T> for Again<K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().slot.take()
    }
}

impl<K, B, T, S> Future for Again<K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Body::poll(self.as_mut(), cx));
        Poll::Ready(finish(self, result))
    }
}
