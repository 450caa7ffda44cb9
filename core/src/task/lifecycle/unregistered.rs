//! In-place tasks that have no record yet.
//!
//! One is made when something asks for it (a spawn, its context), or when the first poll does not end the task
//! with a value. Where the settings need a record from the begin on, and deep within other such tasks, it is
//! made before the first poll.

use std::cell::{Cell, OnceCell};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tracing::Span;

use crate::body::{Body, ENDED};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::lifecycle::grace::make_grace;
use crate::task::lifecycle::spawn::{Kind, Registered, SpawnRequest};
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::settings::configured::Configured;
use crate::task::work::body::Polled;
use crate::tree::current::{Frame, WithAttempt, current_task, has_room, in_frame, note, with_registered};
use crate::tree::node::TaskRef;
use crate::tree::span::current_span;

/// An in-place task before it is registered: its settings, and its frame.
pub(crate) struct Unregistered<S> {
    source: S,
    settings: Configured,
    /// The source location of the call of its builder.
    location: &'static Location<'static>,
    stage: Stage,
    /// The time from which its limit counts, if it has one.
    begun: Option<Instant>,
    /// The span that the caller was in at the begin; in a box, since most programs have none.
    span: Option<Box<Span>>,
    /// As `location`, or that of the last await of the library in it.
    noted: Cell<&'static Location<'static>>,
    /// The task, from its registration to the end of the poll in which that comes.
    task: OnceCell<TaskRef>,
    /// The attempt that shares the frame, by the location that is to be noted for it.
    attempt: Cell<Option<&'static Location<'static>>>,
    /// The task of that attempt, from its registration on.
    attempt_task: OnceCell<TaskRef>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Begun,
    /// It has ended without a record.
    Over,
}

impl<S: RuntimeSource> Unregistered<S> {
    pub(crate) fn new(source: S, settings: Configured, location: &'static Location<'static>) -> Self {
        Self {
            source,
            settings,
            location,
            stage: Stage::New,
            begun: None,
            span: None,
            noted: Cell::new(location),
            task: OnceCell::new(),
            attempt: Cell::new(None),
            attempt_task: OnceCell::new(),
        }
    }

    /// As [`new`](Self::new), for a task that was polled once: the location to note is `noted`.
    pub(crate) fn noted_at(
        noted: &'static Location<'static>,
        (source, settings, location): (S, Configured, &'static Location<'static>),
    ) -> Self {
        let span = current_span().map(Box::new);
        Self { noted: Cell::new(noted), stage: Stage::Begun, span, ..Self::new(source, settings, location) }
    }

    /// Registers the task before its first poll.
    pub(crate) fn register_first(&self) -> Result<Registered<S::Runtime>, AsyncTaskError> {
        register_in_place(&self.source, &self.settings, self.location)
    }

    /// True from the begin on, until it has ended without a record.
    pub(crate) fn is_under_way(&self) -> bool {
        self.stage == Stage::Begun
    }

    /// The source of the runtime.
    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// Begins the task now, and not at its first poll: its limit counts from here, and it has the span that the
    /// caller is in.
    ///
    /// # Errors
    ///
    /// There is no runtime, whose clock the limit needs.
    pub(crate) fn begin(&mut self) -> Result<(), AsyncTaskError> {
        if self.stage != Stage::New {
            return Ok(());
        }
        if self.settings.limit.is_some() {
            self.source.check().map_err(|error| error.not_started(self.settings.name.as_ref()))?;
            self.begun = Some(self.source.clock());
        }
        self.span = current_span().map(Box::new);
        self.stage = Stage::Begun;
        Ok(())
    }

    /// Polls the task. `life` is `None` until it is registered, and stays so if this poll ends it before.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        life: &mut Option<Lifecycle>,
        mut body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        if let Some(life) = life {
            return poll_in_place::<S>(life, body, self.location, cx);
        }
        if self.stage == Stage::Over {
            return Poll::Ready(Err(ENDED));
        }
        let needs_record = self.settings.needs_record();
        if needs_record || !has_room() {
            match self.register_first() {
                Ok(registered) => {
                    let life = life.insert(registered.into_life());
                    return poll_in_place::<S>(life, body, self.location, cx);
                }
                Err(error) if needs_record => return self.refuse(body, error),
                // Without a runtime there is nothing that could ask for the task.
                Err(_) => return self.poll_without_frame(body, cx),
            }
        }
        if let Err(error) = self.begin() {
            return self.refuse(body, error);
        }
        let frame = &*self;
        let polled = caught(|| in_frame(frame, || body.as_mut().poll(cx)));
        if matches!(polled, Ok(Poll::Ready(Ok(())))) && self.task.get().is_none() {
            self.stage = Stage::Over;
            return Poll::Ready(Ok(()));
        }
        self.go_on(polled, life, body, cx)
    }

    #[cold]
    fn poll_without_frame(
        &mut self,
        mut body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        if let Err(error) = self.begin() {
            return self.refuse(body, error);
        }
        let polled = caught(|| body.as_mut().poll(cx));
        as_part(self.without_record(polled, body), self.location)
    }

    /// Goes on after a poll that has not ended the task with a value, or in which it was registered.
    #[cold]
    pub(crate) fn go_on(
        &mut self,
        polled: Polled,
        life: &mut Option<Lifecycle>,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        // A panic at the begin of an attempt may have left it.
        self.attempt.set(None);
        if self.task.get().is_none() {
            self.register(current_task());
        }
        let polled = match self.task.take() {
            Some(task) => {
                // The record has them now.
                (self.span, _) = (None, self.attempt_task.take());
                let parent = task.parent();
                life.insert(Lifecycle::new(task, parent)).go_on(polled, body, make_grace::<S::Runtime>, cx)
            }
            // There is no runtime to register it with, and nothing else knows of it.
            None => self.without_record(polled, body),
        };
        as_part(polled, self.location)
    }

    fn without_record(
        &mut self,
        polled: Polled,
        body: Pin<&mut dyn Body>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut error = match polled {
            Ok(Poll::Ready(Err(error))) | Err(error) => error,
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(()))) => {
                self.stage = Stage::Over;
                return Poll::Ready(Ok(()));
            }
        };
        if let Some(name) = &self.settings.name {
            error.name(name);
        }
        self.refuse(body, error)
    }

    /// Ends the task with `error`, which is the end of all that there is of it. The destructor of the work may
    /// panic; the error stays the same.
    #[cold]
    fn refuse(
        &mut self,
        body: Pin<&mut dyn Body>,
        error: AsyncTaskError,
    ) -> Poll<Result<(), AsyncTaskError>> {
        self.stage = Stage::Over;
        let _ = caught(|| body.clear());
        Poll::Ready(Err(error))
    }
}

impl<S: RuntimeSource> Frame for Unregistered<S> {
    fn registered(&self) -> Option<&TaskRef> {
        match self.attempt.get() {
            None => self.task.get(),
            Some(_) => self.attempt_task.get(),
        }
    }

    fn register(&self, parent: Option<TaskRef>) {
        if self.task.get().is_some() {
            return;
        }
        let Ok(runtime) = self.source.resolve() else { return };
        let span = || self.span.as_deref().cloned();
        let begun = (self.begun, span());
        let task = Registered::in_place(runtime.clone(), parent, &self.settings, begun, self.noted.get());
        // If the root scope is closed, the task is killed by its begin, after its poll.
        if self.task.set(task.clone()).is_ok() {
            task.begin();
        }
        if let Some(location) = self.attempt.get() {
            let settings = Configured::part_of(self.settings.name.clone());
            let attempt = Registered::in_place(runtime, Some(task), &settings, (None, span()), location);
            if self.attempt_task.set(attempt.clone()).is_ok() {
                attempt.begin();
            }
        }
    }

    fn follows_caller(&self) -> bool {
        self.source.follows_caller()
    }

    fn note(&self, location: &'static Location<'static>) {
        match (self.registered(), self.attempt.get()) {
            (Some(task), _) => task.control.note(location),
            (None, Some(_)) => self.attempt.set(Some(location)),
            (None, None) => self.noted.set(location),
        }
    }

    fn share(&self, location: &'static Location<'static>) -> bool {
        let is_unregistered = self.task.get().is_none();
        if is_unregistered {
            self.attempt.set(Some(location));
        }
        is_unregistered
    }

    fn unshare(&self) -> Option<(&'static Location<'static>, Option<WithAttempt>)> {
        let location = self.attempt.take()?;
        let tasks = self.task.get().cloned().zip(self.attempt_task.get().cloned());
        Some((location, tasks.map(|(whole, attempt)| WithAttempt { whole, attempt })))
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

/// Polls an in-place task that is registered, and part of the task that is polled here, if there is one.
pub(crate) fn poll_in_place<S: RuntimeSource>(
    life: &mut Lifecycle,
    body: Pin<&mut dyn Body>,
    location: &'static Location<'static>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), AsyncTaskError>> {
    as_part(life.poll(body, make_grace::<S::Runtime>, cx), location)
}

/// The result of a poll of an in-place task for the task that it is part of.
#[inline]
pub(crate) fn as_part(
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
