//! In-place tasks: work that its caller polls, with a context, children that it waits for, and an end of its
//! own.
//!
//! Work that is given its context is registered before it is made. Other work is registered when it, or what
//! it calls, asks for its task, or when its first poll does not end it with a value.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;
use tracing::Span;

use crate::body::{Body, ENDED, Slot};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::lifecycle::grace::{MakeGrace, make_grace};
use crate::task::lifecycle::spawn::{Kind, Registered, SpawnRequest};
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::settings::configured::Configured;
use crate::task::view::context::TaskContext;
use crate::tree::current::{Register, Unregistered, WithAttempt, note, unshare_frame, with_registered};
use crate::tree::node::TaskRef;
use crate::tree::span::current_span;

/// The maker of a task's body, once the task is registered.
pub trait Make<B, S: RuntimeSource> {
    #[doc(hidden)]
    fn make(self, source: &S, runtime: &S::Runtime, context: TaskContext) -> Option<B>;
}

/// The maker of a body that was made before its task.
pub struct Ready;

impl<B, S: RuntimeSource> Make<B, S> for Ready {
    fn make(self, _: &S, _: &S::Runtime, _: TaskContext) -> Option<B> {
        None
    }
}

impl<F, B, S: RuntimeSource> Make<B, S> for F
where
    F: FnOnce(&S, &S::Runtime, TaskContext) -> B,
{
    fn make(self, source: &S, runtime: &S::Runtime, context: TaskContext) -> Option<B> {
        Some(self(source, runtime, context))
    }
}

pin_project! {
    /// A task that is part of its caller; it begins at the first poll.
    pub struct InPlaceTask<K, S: RuntimeSource, B, T> {
        #[pin]
        slot: Slot<B, T>,
        stage: Stage<K, S>,
        location: &'static Location<'static>,
    }

    impl<K, S: RuntimeSource, B, T> PinnedDrop for InPlaceTask<K, S, B, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Stage::Begun(Some(life)) = this.stage {
                life.abandon(this.slot);
            }
        }
    }
}

enum Stage<K, S> {
    /// The maker is `None` for a body that was made before.
    Start { make: Option<K>, source: S, settings: Configured },
    /// `None` if the first poll has ended it without a record.
    Begun(Option<Lifecycle>),
}

impl<K, S: RuntimeSource, B, T> InPlaceTask<K, S, B, T> {
    /// An in-place task whose work `make` makes.
    pub fn new(make: K, source: S, settings: Configured, location: &'static Location<'static>) -> Self {
        Self { slot: Slot::Cleared, stage: Stage::Start { make: Some(make), source, settings }, location }
    }
}

impl<S: RuntimeSource, B, T> InPlaceTask<Ready, S, B, T> {
    /// An in-place task around `body`.
    pub(crate) fn around(
        body: B,
        source: S,
        settings: Configured,
        location: &'static Location<'static>,
    ) -> Self {
        let stage = Stage::Start { make: None, source, settings };
        Self { slot: Slot::Work { work: body }, stage, location }
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
        if let Stage::Start { .. } = this.stage {
            let start = std::mem::replace(this.stage, Stage::Begun(None));
            let (Stage::Start { make, source, settings }, Stage::Begun(life)) = (start, &mut *this.stage)
            else {
                return Poll::Ready(Err(ENDED));
            };
            let Some(make) = make else {
                let start = (source, settings, *this.location);
                let result = ready!(begin_in_place(start, life, this.slot.as_mut(), cx));
                return Poll::Ready(this.slot.finish(result));
            };
            let registered = register_in_place(&source, &settings, this.location)?;
            if let Some(work) = make.make(&source, &registered.task.runtime, registered.context()) {
                this.slot.set(Slot::Work { work });
            }
            *life = Some(registered.into_life());
        }
        let Stage::Begun(Some(life)) = this.stage else { return Poll::Ready(Err(ENDED)) };
        let result =
            ready!(poll_in_place(life, this.slot.as_mut(), make_grace::<S::Runtime>, this.location, cx));
        Poll::Ready(this.slot.finish(result))
    }
}

/// Registers an in-place task.
pub(crate) fn register_in_place<S: RuntimeSource>(
    source: &S,
    settings: &Configured,
    location: &'static Location<'static>,
) -> Result<Registered<S::Runtime>, AsyncTaskError> {
    let runtime = source.resolve().map_err(|error| error.not_started(settings.name.as_ref()))?;
    Ok(Registered::new(runtime, SpawnRequest { kind: Kind::InPlace, location, settings: Some(settings) }))
}

/// The first poll of an in-place task whose work needs no context. It is registered before only if its
/// settings need that. `life` stays `None` if this poll has ended it, and it was never registered.
pub(crate) fn begin_in_place<S: RuntimeSource>(
    (source, settings, location): (S, Configured, &'static Location<'static>),
    life: &mut Option<Lifecycle>,
    body: Pin<&mut dyn Body>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), AsyncTaskError>> {
    let make = make_grace::<S::Runtime>;
    if settings.needs_record() {
        return match register_in_place(&source, &settings, location) {
            Ok(registered) => poll_in_place(life.insert(registered.into_life()), body, make, location, cx),
            Err(error) => refuse(body, error),
        };
    }
    match request(source, settings, location) {
        Ok(request) => as_part(Lifecycle::first_poll(life, request, body, make, cx), location),
        Err(error) => refuse(body, error),
    }
}

/// The first poll of an attempt that shares the frame of the task around (`share_frame`), which it ends.
/// `life` stays `None` if this poll has ended it, and it was never registered.
pub(crate) fn begin_in_shared_frame<S: RuntimeSource>(
    (source, name, location): (&S, Option<&Arc<str>>, &'static Location<'static>),
    life: &mut Option<Lifecycle>,
    mut body: Pin<&mut dyn Body>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), AsyncTaskError>> {
    let polled = caught(|| body.as_mut().poll(cx));
    let (noted, registered) = unshare_frame().unwrap_or((location, None));
    let begun = match registered {
        None if matches!(polled, Ok(Poll::Ready(Ok(())))) => return Poll::Ready(Ok(())),
        Some(WithAttempt { whole, attempt }) => Lifecycle::new(attempt, Some(whole)),
        // It is registered below, as after the first poll in a frame of its own.
        None => match request(source.clone(), Configured::part_of(name.cloned()), noted) {
            Ok(request) => Lifecycle::unregistered(request),
            Err(error) => return refuse(body, error),
        },
    };
    as_part(life.insert(begun).go_on(polled, body, make_grace::<S::Runtime>, cx), location)
}

/// The end of an in-place task that could not begin. The destructor of the work may panic; the error is that
/// of the runtime all the same.
#[cold]
fn refuse(body: Pin<&mut dyn Body>, error: AsyncTaskError) -> Poll<Result<(), AsyncTaskError>> {
    let _ = caught(|| body.clear());
    Poll::Ready(Err(error))
}

/// The request for the record of an in-place task whose settings do not need one from its begin on.
#[inline]
fn request<S: RuntimeSource>(
    source: S,
    settings: Configured,
    location: &'static Location<'static>,
) -> Result<Box<Unregistered<dyn Register>>, AsyncTaskError> {
    // The time limit counts from here.
    let begun = match settings.limit {
        Some(_) => {
            source.check().map_err(|error| error.not_started(settings.name.as_ref()))?;
            Some(source.clock())
        }
        None => None,
    };
    let request = InPlaceRequest { start: Some((source, settings)), begun, span: current_span(), location };
    Ok(Unregistered::boxed(request))
}

/// An in-place task whose work needs no context, and which its caller polls later.
pub(crate) fn prepare_in_place<S: RuntimeSource>(
    source: S,
    settings: Configured,
    location: &'static Location<'static>,
) -> Result<Lifecycle, AsyncTaskError> {
    if settings.needs_record() {
        return Ok(register_in_place(&source, &settings, location)?.into_life());
    }
    Ok(Lifecycle::unregistered(request(source, settings, location)?))
}

/// The request for the record of an in-place task.
struct InPlaceRequest<S> {
    /// `None` once it is registered.
    start: Option<(S, Configured)>,
    begun: Option<Instant>,
    /// The span that the caller was in.
    span: Option<Span>,
    /// The source location of the call of its builder, or of the last await of the library in it.
    location: &'static Location<'static>,
}

impl<S: RuntimeSource> Register for InPlaceRequest<S> {
    fn register(&mut self, parent: Option<TaskRef>) -> Option<TaskRef> {
        let (source, settings) = self.start.as_ref()?;
        let runtime = source.resolve().ok()?;
        let task =
            Registered::in_place(runtime, parent, settings, (self.begun, self.span.take()), self.location);
        self.start = None;
        // If the root scope is closed, the task is killed by this, after its poll.
        task.begin();
        Some(task)
    }

    fn register_with_attempt(
        &mut self,
        parent: Option<TaskRef>,
        location: &'static Location<'static>,
    ) -> Option<WithAttempt> {
        let (source, settings) = self.start.as_ref()?;
        let (runtime, name, span) = (source.resolve().ok()?, settings.name.clone(), self.span.clone());
        let whole = self.register(parent)?;
        let (parent, settings) = (Some(whole.clone()), Configured::part_of(name));
        let attempt = Registered::in_place(runtime, parent, &settings, (None, span), location);
        attempt.begin();
        Some(WithAttempt { whole, attempt })
    }

    fn follows_caller(&self) -> bool {
        self.start.as_ref().is_some_and(|(source, _)| source.follows_caller())
    }

    fn name(&self) -> Option<&Arc<str>> {
        self.start.as_ref()?.1.name.as_ref()
    }

    fn note(&mut self, location: &'static Location<'static>) {
        self.location = location;
    }

    fn clear(&mut self) {
        (self.start, self.span) = (None, None);
    }
}

/// Polls an in-place task, which is part of the task that is polled here, if there is one.
pub(crate) fn poll_in_place(
    life: &mut Lifecycle,
    body: Pin<&mut dyn Body>,
    make: MakeGrace,
    location: &'static Location<'static>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), AsyncTaskError>> {
    as_part(life.poll(body, make, cx), location)
}

/// The result of a poll of an in-place task for the task that it is part of.
#[inline]
fn as_part(
    polled: Poll<Result<(), AsyncTaskError>>,
    location: &'static Location<'static>,
) -> Poll<Result<(), AsyncTaskError>> {
    match polled {
        Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
        Poll::Pending => note(location),
        // It has seen the kill of the task around it first, in the poll in which that comes: that task drops
        // it now.
        Poll::Ready(Err(error)) if is_stopped(&error) && is_killed() => {}
        ready => return ready,
    }
    Poll::Pending
}

fn is_stopped(error: &AsyncTaskError) -> bool {
    error.is_cancelled() || error.is_shutdown()
}

/// True if the body of the task around is dropped after this poll.
fn is_killed() -> bool {
    with_registered(|task| task.control.is_killed()) == Some(true)
}
