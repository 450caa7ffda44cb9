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
use crate::tree::current::{Register, Unregistered, note, with_registered};
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
        // `None` once it has begun. The maker is `None` for a body that was made before.
        start: Option<(Option<K>, S, Configured)>,
        // `None` until it has begun, and if its first poll has ended it without a record.
        life: Option<Lifecycle>,
        location: &'static Location<'static>,
    }

    impl<K, S: RuntimeSource, B, T> PinnedDrop for InPlaceTask<K, S, B, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(life) = this.life {
                life.abandon(this.slot);
            }
        }
    }
}

impl<K, S: RuntimeSource, B, T> InPlaceTask<K, S, B, T> {
    /// An in-place task whose work `make` makes.
    pub fn new(make: K, source: S, settings: Configured, location: &'static Location<'static>) -> Self {
        Self { slot: Slot::Cleared, start: Some((Some(make), source, settings)), life: None, location }
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
        Self { slot: Slot::Work { work: body }, start: Some((None, source, settings)), life: None, location }
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
        match this.start.take() {
            None => {}
            Some((None, source, settings)) => {
                let result = ready!(begin_in_place(
                    (source, settings, this.location),
                    this.life,
                    this.slot.as_mut(),
                    cx
                ));
                return Poll::Ready(this.slot.finish(result));
            }
            Some((Some(make), source, settings)) => {
                let registered = register_in_place(&source, &settings, this.location)?;
                if let Some(work) = make.make(&source, &registered.task.runtime, registered.context()) {
                    this.slot.set(Slot::Work { work });
                }
                *this.life = Some(registered.into_life());
            }
        }
        let Some(life) = this.life else { return Poll::Ready(Err(ENDED)) };
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
    match request_in_place(source, settings, location) {
        Ok(Begun::Unregistered(request)) => {
            let (begun, polled) = Lifecycle::first_poll(request, body, make, cx);
            *life = begun;
            as_part(polled, location)
        }
        Ok(Begun::Registered(begun)) => poll_in_place(life.insert(begun), body, make, location, cx),
        Err(error) => {
            // The destructor of the work may panic; the error is that of the runtime all the same.
            let _ = caught(|| body.clear());
            Poll::Ready(Err(error))
        }
    }
}

/// An in-place task that is not polled yet.
enum Begun {
    Unregistered(Box<Unregistered<dyn Register>>),
    Registered(Lifecycle),
}

fn request_in_place<S: RuntimeSource>(
    source: S,
    settings: Configured,
    location: &'static Location<'static>,
) -> Result<Begun, AsyncTaskError> {
    if settings.needs_record() {
        return Ok(Begun::Registered(register_in_place(&source, &settings, location)?.into_life()));
    }
    // The time limit counts from here.
    let begun = match settings.limit {
        Some(_) => {
            source.check().map_err(|error| error.not_started(settings.name.as_ref()))?;
            Some(source.clock())
        }
        None => None,
    };
    let request = InPlaceRequest { start: Some((source, settings)), begun, span: current_span(), location };
    Ok(Begun::Unregistered(Unregistered::boxed(request)))
}

/// An in-place task whose work needs no context, and which its caller polls later.
pub(crate) fn prepare_in_place<S: RuntimeSource>(
    source: S,
    settings: Configured,
    location: &'static Location<'static>,
) -> Result<Lifecycle, AsyncTaskError> {
    Ok(match request_in_place(source, settings, location)? {
        Begun::Unregistered(request) => Lifecycle::unregistered(request),
        Begun::Registered(life) => life,
    })
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
fn as_part(
    polled: Poll<Result<(), AsyncTaskError>>,
    location: &'static Location<'static>,
) -> Poll<Result<(), AsyncTaskError>> {
    match polled {
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
