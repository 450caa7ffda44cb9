//! In-place tasks: work that its caller polls, with a context, children that it waits for, and an end of its
//! own.
//!
//! Work that is given its context is registered before it is made. Other work is registered when it, or what
//! it calls, asks for its task, or when its first poll does not end it with a value (`unregistered.rs`).

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Clear, Holds, Slot, finish};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::lifecycle::unregistered::Unregistered;
use crate::task::settings::configured::Configured;
use crate::task::view::context::TaskContext;

/// The maker of a task's work, once the task is registered.
pub trait Make<H, S: RuntimeSource> {
    #[doc(hidden)]
    fn make(self, body: Pin<&mut H>, source: &S, runtime: &S::Runtime, context: TaskContext);
}

/// The maker of work that was made before its task.
pub struct Ready;

impl<H, S: RuntimeSource> Make<H, S> for Ready {
    fn make(self, _: Pin<&mut H>, _: &S, _: &S::Runtime, _: TaskContext) {}
}

impl<F, B, T, S: RuntimeSource> Make<Slot<B, T>, S> for F
where
    F: FnOnce(&S, &S::Runtime, TaskContext) -> B,
{
    fn make(self, mut body: Pin<&mut Slot<B, T>>, source: &S, runtime: &S::Runtime, context: TaskContext) {
        body.set(Slot::Work { work: self(source, runtime, context) });
    }
}

pin_project! {
    /// A task that is part of its caller; it begins at the first poll.
    pub struct InPlaceTask<K, S: RuntimeSource, H: Clear, T> {
        #[pin]
        body: H,
        // The maker of the work, which needs the context of the task; `None` once it was called, and for work
        // that was made before.
        make: Option<K>,
        unregistered: Unregistered<S>,
        // `None` until it is registered.
        life: Option<Lifecycle>,
        output: PhantomData<fn() -> T>,
    }

    impl<K, S: RuntimeSource, H: Clear, T> PinnedDrop for InPlaceTask<K, S, H, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(life) = this.life {
                life.abandon(this.body);
            } else if this.unregistered.is_under_way() {
                // A panic in a destructor must not leave the drop of a task.
                let _ = caught(|| this.body.clear());
            }
        }
    }
}

impl<K, S: RuntimeSource, B, T> InPlaceTask<K, S, Slot<B, T>, T> {
    /// An in-place task whose work `make` makes.
    pub fn new(make: K, source: S, settings: Configured, location: &'static Location<'static>) -> Self {
        let unregistered = Unregistered::new(source, settings, location);
        Self { body: Slot::Cleared, make: Some(make), unregistered, life: None, output: PhantomData }
    }
}

impl<S: RuntimeSource, H: Clear, T> InPlaceTask<Ready, S, H, T> {
    /// An in-place task around `body`.
    pub(crate) fn around(
        body: H,
        source: S,
        settings: Configured,
        location: &'static Location<'static>,
    ) -> Self {
        let unregistered = Unregistered::new(source, settings, location);
        Self { body, make: None, unregistered, life: None, output: PhantomData }
    }
}

impl<K, S, H, T> Future for InPlaceTask<K, S, H, T>
where
    K: Make<H, S>,
    S: RuntimeSource,
    H: Holds<T>,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(make) = this.make.take() {
            let registered = this.unregistered.register_first()?;
            let source = this.unregistered.source();
            make.make(this.body.as_mut(), source, &registered.task.runtime, registered.context());
            *this.life = Some(registered.into_life());
        }
        let result = ready!(this.unregistered.poll(this.life, this.body.as_mut(), cx));
        Poll::Ready(finish(this.body, result))
    }
}
