//! The task of one attempt: an in-place task below the task that is polled.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::body::{Body, Clear};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::lifecycle::grace::make_grace;
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::lifecycle::unregistered::{Unregistered, as_part, poll_in_place, register_in_place};
use crate::task::settings::configured::AttemptSettings;
use crate::task::view::context::TaskContext;
use crate::tree::current::{WithAttempt, share_frame, unshare_frame};

/// The task of the attempt that is under way. Most attempts are over after their first poll: nothing of them
/// was here.
pub(crate) struct AttemptTask<S> {
    life: Option<Lifecycle>,
    /// The task, where there is no runtime to register it with.
    unregistered: Option<Box<Unregistered<S>>>,
}

/// The source of the runtime, the settings of an attempt, and the source location of the call of the builder.
pub(crate) type Described<'a, S> = (&'a S, &'a AttemptSettings, &'static Location<'static>);

impl<S: RuntimeSource> AttemptTask<S> {
    /// The task of no attempt.
    pub(crate) fn none() -> Self {
        Self { life: None, unregistered: None }
    }

    /// True if there is none.
    pub(crate) fn is_none(&self) -> bool {
        self.life.is_none() && self.unregistered.is_none()
    }

    /// Registers the task of the next attempt before its first poll.
    pub(crate) fn register(
        &mut self,
        (source, settings, location): Described<'_, S>,
    ) -> Result<TaskContext, AsyncTaskError> {
        let registered = register_in_place(source, &settings.of_task(), location)?;
        let context = registered.context();
        self.life = Some(registered.into_life());
        Ok(context)
    }

    /// Begins an attempt, whose task is registered when something asks for it, or when this poll does not end
    /// it with a value. The first one shares the frame of the task around, if that is not registered; a later
    /// one has a number of its own to show.
    pub(crate) fn begin(
        &mut self,
        described: Described<'_, S>,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let (source, settings, location) = described;
        if settings.number <= 1 && share_frame(location) {
            return self.poll_sharing(described, body, cx);
        }
        let mut own = Unregistered::new(source.clone(), settings.of_task(), location);
        let polled = own.poll(&mut self.life, body, cx);
        self.keep(own, polled)
    }

    /// The poll of an attempt that shares the frame of the task around. It ends the sharing.
    fn poll_sharing(
        &mut self,
        (source, settings, location): Described<'_, S>,
        mut body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let polled = caught(|| body.as_mut().poll(cx));
        let (noted, tasks) = unshare_frame().unwrap_or((location, None));
        if let Some(WithAttempt { whole, attempt }) = tasks {
            let life = self.life.insert(Lifecycle::new(attempt, Some(whole)));
            return as_part(life.go_on(polled, body, make_grace::<S::Runtime>, cx), location);
        }
        if matches!(polled, Ok(Poll::Ready(Ok(())))) {
            return Poll::Ready(Ok(()));
        }
        // As after the first poll in a frame of its own.
        let mut own = Unregistered::noted_at(noted, (source.clone(), settings.of_task(), location));
        let polled = own.go_on(polled, &mut self.life, body, cx);
        self.keep(own, polled)
    }

    /// Keeps a task that could not be registered, and has not ended.
    fn keep(
        &mut self,
        own: Unregistered<S>,
        polled: Poll<Result<(), AsyncTaskError>>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        if polled.is_pending() && self.life.is_none() {
            self.unregistered = Some(Box::new(own));
        }
        polled
    }

    /// Polls an attempt that has begun.
    pub(crate) fn poll(
        &mut self,
        location: &'static Location<'static>,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        match (&mut self.life, &mut self.unregistered) {
            (Some(life), _) => poll_in_place::<S>(life, body, location, cx),
            (life, Some(own)) => own.poll(life, body, cx),
            (None, None) => Poll::Ready(Err(crate::body::ENDED)),
        }
    }

    /// Drops `work`, that of an attempt that has not ended, as its task's.
    pub(crate) fn abandon(&mut self, work: Pin<&mut dyn Clear>) {
        match (self.life.take(), self.unregistered.take()) {
            (Some(mut life), _) => life.abandon(work),
            // A panic in a destructor must not leave the drop of a task.
            (None, Some(_)) => drop(caught(|| work.clear())),
            (None, None) => work.clear(),
        }
    }
}
