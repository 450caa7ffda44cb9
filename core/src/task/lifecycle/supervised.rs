//! A task's future: a thin shell of the work's type around the state machine.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Slot, finish};
use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::lifecycle::grace::make_grace;
use crate::task::lifecycle::guarded_result::GuardedResult;
use crate::task::lifecycle::supervise::Lifecycle;
use crate::tree::node::TaskRef;

pin_project! {
    /// A task's work with everything that makes it a task: a thin shell of the work's type around
    /// [`Lifecycle`].
    pub(crate) struct Supervised<B, T, R: Runtime> {
        #[pin]
        slot: Slot<B, T>,
        life: Lifecycle,
        runtime: PhantomData<fn() -> R>,
    }

    impl<B, T, R: Runtime> PinnedDrop for Supervised<B, T, R> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.life.abandon(this.slot);
        }
    }
}

impl<B, T, R: Runtime> Supervised<B, T, R> {
    pub(crate) fn new(work: B, life: Lifecycle) -> Self {
        Self { slot: Slot::Work { work }, life, runtime: PhantomData }
    }

    /// The task; `None` once it has ended.
    pub(crate) fn task_ref(&self) -> Option<&TaskRef> {
        self.life.task_ref()
    }
}

impl<B, T, R> Future for Supervised<B, T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
{
    type Output = GuardedResult<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GuardedResult<T>> {
        let mut this = self.project();
        let result = ready!(this.life.poll(this.slot.as_mut(), make_grace::<R>, cx));
        Poll::Ready(GuardedResult::new(finish(this.slot, result)))
    }
}
