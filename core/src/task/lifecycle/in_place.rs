//! Work that runs in place and is a task all the same: it has a context, children that it waits for, and an end of its own.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::runtime::RuntimeSource;
use crate::task::lifecycle::spawn::{Kind, Registered, SpawnRequest};
use crate::task::lifecycle::supervise::Supervised;
use crate::task::settings::configured::Configured;
use crate::task::view::context::TaskContext;
use crate::tree::current::{note, with_frame};

/// What gives a task's body, once the task is there.
pub trait Make<B, S: RuntimeSource> {
    #[doc(hidden)]
    fn make(self, source: &S, runtime: &S::Runtime, context: TaskContext) -> B;
}

/// A body that was there before.
pub struct Ready<B>(pub(crate) B);

impl<B, S: RuntimeSource> Make<B, S> for Ready<B> {
    fn make(self, _: &S, _: &S::Runtime, _: TaskContext) -> B {
        self.0
    }
}

impl<F, B, S: RuntimeSource> Make<B, S> for F
where
    F: FnOnce(&S, &S::Runtime, TaskContext) -> B,
{
    fn make(self, source: &S, runtime: &S::Runtime, context: TaskContext) -> B {
        self(source, runtime, context)
    }
}

pin_project! {
    #[project = StageProj]
    enum Stage<K, S: RuntimeSource, B, T> {
        Start { start: Option<(K, S, Configured)> },
        Running { #[pin] task: Supervised<B, T, S::Runtime> },
    }
}

pin_project! {
    /// A task that is part of its caller; it begins at the first poll.
    pub struct InPlaceTask<K, S: RuntimeSource, B, T> {
        #[pin]
        stage: Stage<K, S, B, T>,
        place: &'static Location<'static>,
        body: PhantomData<fn() -> (B, T)>,
    }
}

impl<K, S: RuntimeSource, B, T> InPlaceTask<K, S, B, T> {
    /// Work that `make` makes, as a task that its caller polls.
    pub fn new(make: K, source: S, settings: Configured, place: &'static Location<'static>) -> Self {
        Self { stage: Stage::Start { start: Some((make, source, settings)) }, place, body: PhantomData }
    }
}

impl<K, S, B, T> Future for InPlaceTask<K, S, B, T>
where
    K: Make<B, S>,
    S: RuntimeSource,
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let StageProj::Start { start } = this.stage.as_mut().project() {
            let Some((make, source, settings)) = start.take() else {
                return Poll::Ready(Err(AsyncTaskError::InvalidState(
                    "this future was polled after it had ended",
                )));
            };
            let birth = SpawnRequest { kind: Kind::InPlace, place: this.place, settings: Some(&settings) };
            let runtime = source.resolve().map_err(|error| error.not_started(settings.name.as_ref()));
            let born = Registered::new(runtime?, birth);
            let body = make.make(&source, &born.task.runtime, born.context());
            let Registered { inside, parent, .. } = born;
            let task = Supervised::new(body, inside, parent);
            this.stage.set(Stage::Running { task });
        }
        let StageProj::Running { task } = this.stage.project() else { return Poll::Pending };
        let polled = task.poll(cx);
        match polled.map(crate::task::lifecycle::guarded_result::GuardedResult::open) {
            Poll::Pending => note(this.place),
            // It has heard first, in the poll in which the kill of the task around it came: that drops it now.
            Poll::Ready(Err(error)) if is_stopped(&error) && is_killed() => {}
            ready => return ready,
        }
        Poll::Pending
    }
}

fn is_stopped(error: &AsyncTaskError) -> bool {
    error.is_cancelled() || error.is_shutdown()
}

/// True if the task around is to be dropped when this poll is over.
fn is_killed() -> bool {
    with_frame(|frame| frame.task.control.is_killed()) == Some(true)
}
