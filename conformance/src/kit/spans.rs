//! Spans as a subscriber sees them: which one work is in, and what was warned of within one.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, ensure};
use async_channel::{Receiver, Sender, unbounded};
use tracing::field::{Field, Visit};
use tracing::span::Id;
use tracing::{Dispatch, Event, Level, Span, Subscriber, dispatcher};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry, SpanRef};

use super::tape::Recording;
use crate::{Failure, Outcome};

/// There is one subscriber for a process, and no way to take it back.
static INSTALLED: OnceLock<bool> = OnceLock::new();

/// A new span that has no parent.
pub(crate) fn span() -> Result<Span, Failure> {
    let install =
        || dispatcher::set_global_default(Registry::default().with(Warnings).with(Recording).into()).is_ok();
    ensure!(
        INSTALLED.get_or_init(install),
        "the process has a subscriber already, and cases about spans bring one"
    );
    let span = tracing::info_span!(parent: None, "caller");
    ensure!(!span.is_disabled(), "the subscriber takes no spans");
    Ok(span)
}

/// The span that work here is in: the one that would be the parent of a span made here.
pub(crate) fn here() -> Option<Id> {
    let probe = tracing::info_span!("probe");
    look_up(&probe.id()?, |probe| probe.parent().map(|parent| parent.id())).flatten()
}

/// Whether anybody still holds the span.
pub(crate) fn is_open(id: &Id) -> bool {
    look_up(id, |_| ()).is_some()
}

/// Whether work here is in `span`; a check that can be taken along.
pub(crate) fn inside(span: &Span) -> impl Fn() -> bool + Clone + Send + Sync + 'static {
    let id = span.id();
    move || id.is_some() && here() == id
}

/// Counts the calls of a pipeline's parts, and those outside of a span.
#[derive(Clone)]
pub(crate) struct Calls<I> {
    within: I,
    right: Arc<AtomicUsize>,
    wrong: Arc<AtomicUsize>,
}

impl<I: Fn() -> bool> Calls<I> {
    pub(crate) fn new(within: I) -> Self {
        Self { within, right: Arc::default(), wrong: Arc::default() }
    }

    pub(crate) fn call(&self) {
        let counter = if (self.within)() { &self.right } else { &self.wrong };
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// True if there were exactly `right` calls, all in the span.
    pub(crate) fn are(&self, right: usize) -> Outcome {
        let counted = (self.right.load(Ordering::SeqCst), self.wrong.load(Ordering::SeqCst));
        ensure!(counted == (right, 0), "calls inside and outside of the span: {counted:?}");
        Ok(())
    }
}

/// Says, where it is dropped, whether that is in its span.
pub(crate) struct Tells<I: Fn() -> bool>(pub(crate) I, pub(crate) Sender<bool>);

impl<I: Fn() -> bool> Drop for Tells<I> {
    fn drop(&mut self) {
        let _ = self.1.try_send((self.0)());
    }
}

/// What is warned of within `span` from now on, on whatever thread; not within spans below it.
pub(crate) fn warnings(span: &Span) -> Result<Receiver<Warning>, Failure> {
    let (sender, warnings) = unbounded();
    let id = span.id().context("the span is disabled")?;
    look_up(&id, |span| drop(span.extensions_mut().replace(Sink(sender)))).context("the span is unknown")?;
    Ok(warnings)
}

pub(crate) fn look_up<O>(id: &Id, f: impl FnOnce(SpanRef<'_, Registry>) -> O) -> Option<O> {
    let dispatch = dispatcher::get_default(Dispatch::clone);
    Some(f(dispatch.downcast_ref::<Registry>()?.span(id)?))
}

/// A warning, as far as cases look at it.
#[derive(Debug, Default)]
pub(crate) struct Warning {
    pub(crate) task_id: Option<u64>,
    pub(crate) task_name: Option<String>,
    pub(crate) message: String,
}

impl Visit for Warning {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "task.id" {
            self.task_id = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "task.name" {
            self.task_name = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

/// Where a span's warnings go: into the span itself, so that cases that run at the same time do not meet.
struct Sink(Sender<Warning>);

/// The part of the subscriber that hands warnings on.
struct Warnings;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        if *event.metadata().level() == Level::WARN
            && let Some(span) = cx.event_span(event)
            && let Some(Sink(sink)) = span.extensions().get()
        {
            let mut warning = Warning::default();
            event.record(&mut warning);
            let _ = sink.try_send(warning);
        }
    }
}
