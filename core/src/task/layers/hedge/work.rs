//! The work of hedged attempts, by its type: a thin shell around [`Rounds`].

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Clear, ENDED, Holds, Slot, finish};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::hedge::attempt::{BeginWork, RoundWork};
use crate::task::layers::hedge::rounds::{AllRounds, Rounds};
use crate::task::layers::recovery::Recovery;
use crate::task::view::context::TaskContext;
use crate::task::work::attempts::{Informed, MakeAttempt, Shared};
use crate::tree::extras::recovery::RecoveryWork;

/// The maker of the work of hedged attempts. It is as [`MakeAttempt`], and may change with each call.
pub trait MakeWork<S, B> {
    /// See [`MakeAttempt::NEEDS_CONTEXT`].
    #[doc(hidden)]
    const NEEDS_CONTEXT: bool;

    /// See [`MakeAttempt::make`].
    #[doc(hidden)]
    fn make_work(&mut self, source: &S, context: Option<TaskContext>) -> Option<B>;
}

impl<F, I, S, B> MakeWork<S, B> for Shared<F, I>
where
    Self: MakeAttempt<S, B>,
{
    const NEEDS_CONTEXT: bool = <Self as MakeAttempt<S, B>>::NEEDS_CONTEXT;

    fn make_work(&mut self, source: &S, context: Option<TaskContext>) -> Option<B> {
        self.make(source, context)
    }
}

impl<F, S, B> MakeWork<S, B> for Informed<F>
where
    Self: MakeAttempt<S, B>,
{
    const NEEDS_CONTEXT: bool = <Self as MakeAttempt<S, B>>::NEEDS_CONTEXT;

    fn make_work(&mut self, source: &S, context: Option<TaskContext>) -> Option<B> {
        self.make(source, context)
    }
}

/// The work of each attempt of a round, and then a value.
struct Kept<'a, B, T> {
    first: Pin<&'a mut Slot<B, T>>,
    further: &'a mut Vec<Pin<Box<Slot<B, T>>>>,
}

impl<B, T> Kept<'_, B, T> {
    fn slot(&mut self, index: usize) -> Option<Pin<&mut Slot<B, T>>> {
        match index.checked_sub(1) {
            None => Some(self.first.as_mut()),
            Some(index) => self.further.get_mut(index).map(|slot| slot.as_mut()),
        }
    }

    /// Takes the value of the attempt that has succeeded. The others were cleared.
    fn take(&mut self) -> Option<T> {
        let further = || self.further.iter_mut().find_map(|slot| slot.as_mut().take());
        self.first.as_mut().take().or_else(further)
    }
}

impl<B, T> RoundWork for Kept<'_, B, T> {
    fn part(&mut self, index: usize) -> Option<Pin<&mut dyn Clear>> {
        let part: Pin<&mut dyn Clear> = self.slot(index)?;
        Some(part)
    }

    fn clear(&mut self) {
        // Each by itself: of several destructors, more than one may panic.
        let _ = caught(|| self.first.as_mut().clear());
        for mut slot in self.further.drain(..) {
            let _ = caught(|| slot.as_mut().clear());
        }
    }
}

/// The work of the attempts of a round, each made by `make`.
struct Making<'a, K, B, T> {
    make: &'a mut K,
    kept: Kept<'a, B, T>,
}

impl<K, B, T> RoundWork for Making<'_, K, B, T> {
    fn part(&mut self, index: usize) -> Option<Pin<&mut dyn Clear>> {
        self.kept.part(index)
    }

    fn clear(&mut self) {
        self.kept.clear();
    }
}

impl<K, B, T, S> BeginWork<S> for Making<'_, K, B, T>
where
    K: MakeWork<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn needs_context(&self) -> bool {
        K::NEEDS_CONTEXT
    }

    fn begin(&mut self, index: usize, source: &S, context: Option<TaskContext>) {
        let work = self.make.make_work(source, context);
        let slot = work.map_or(Slot::Cleared, |work| Slot::Work { work });
        match index {
            0 => self.kept.first.set(slot),
            _ => self.kept.further.push(Box::pin(slot)),
        }
    }

    fn body(&mut self, index: usize) -> Option<Pin<&mut dyn Body>> {
        let body: Pin<&mut dyn Body> = self.kept.slot(index)?;
        Some(body)
    }
}

pin_project! {
    /// Hedged work, and its recovery.
    pub struct Hedged<K, B, T, S: RuntimeSource> {
        #[pin]
        first: Slot<B, T>,
        further: Vec<Pin<Box<Slot<B, T>>>>,
        // `None` once the whole has ended.
        make: Option<K>,
        #[pin]
        rounds: Rounds<S>,
        recovery: Option<Box<Recovery<T>>>,
    }

    impl<K, B, T, S: RuntimeSource> PinnedDrop for Hedged<K, B, T, S> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.rounds.abandon(&mut Kept { first: this.first, further: this.further });
        }
    }
}

impl<K, B, T, S: RuntimeSource> Hedged<K, B, T, S> {
    pub(crate) fn new(make: K, rounds: Rounds<S>, recovery: Option<RecoveryWork<T>>) -> Self {
        let recovery = Recovery::boxed(recovery);
        Self { first: Slot::Cleared, further: Vec::new(), make: Some(make), rounds, recovery }
    }

    /// The attempts, before the first poll.
    pub(crate) fn rounds_mut(&mut self) -> &mut Rounds<S> {
        &mut self.rounds
    }
}

impl<K, B, T, S> Body for Hedged<K, B, T, S>
where
    K: MakeWork<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.project();
        let Some(make) = this.make else { return Poll::Ready(Err(ENDED)) };
        let kept = Kept { first: this.first.as_mut(), further: &mut *this.further };
        let mut work = Making { make, kept };
        let mut all = pin!(AllRounds { rounds: this.rounds, work: &mut work });
        let result = match this.recovery {
            None => ready!(all.as_mut().poll(cx)),
            Some(recovery) => {
                let answer = ready!(recovery.poll(all, cx));
                *this.recovery = None;
                ready!(this.first.keep_answer(answer))
            }
        };
        // The closure is dropped before the end of the task is reported.
        *this.make = None;
        Poll::Ready(result)
    }
}

impl<K, B, T, S: RuntimeSource> Clear for Hedged<K, B, T, S> {
    fn clear(self: Pin<&mut Self>) {
        let this = self.project();
        let made = (this.make.take(), this.recovery.take());
        this.rounds.abandon(&mut Kept { first: this.first, further: this.further });
        drop(made);
    }
}

impl<K, B, T, S> Holds<T> for Hedged<K, B, T, S>
where
    K: MakeWork<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn take_value(self: Pin<&mut Self>) -> Option<T> {
        let this = self.project();
        Kept { first: this.first, further: this.further }.take()
    }
}

impl<K, B, T, S> Future for Hedged<K, B, T, S>
where
    K: MakeWork<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Body::poll(self.as_mut(), cx));
        Poll::Ready(finish(self, result))
    }
}
