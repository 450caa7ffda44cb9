//! Spans as a subscriber sees them: the span that work is in, and the warnings within a span.

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

use super::tape::RecordingLayer;
use crate::{Failure, Outcome};

/// True if the subscriber of this module is installed. A process has one, and it cannot be taken back.
static INSTALLED: OnceLock<bool> = OnceLock::new();

/// Returns a new span that has no parent.
pub(crate) fn span() -> Result<Span, Failure> {
    let install = || {
        dispatcher::set_global_default(Registry::default().with(Warnings).with(RecordingLayer).into()).is_ok()
    };
    ensure!(
        INSTALLED.get_or_init(install),
        "the process has a subscriber already, and cases about spans bring one"
    );
    let span = tracing::info_span!(parent: None, "caller");
    ensure!(!span.is_disabled(), "the subscriber takes no spans");
    Ok(span)
}

/// Returns the span that work here is in: the one that would be the parent of a span made here.
pub(crate) fn current_span() -> Option<Id> {
    let probe = tracing::info_span!("probe");
    look_up(&probe.id()?, |probe| probe.parent().map(|parent| parent.id())).flatten()
}

/// True if the span is still held.
pub(crate) fn is_open(id: &Id) -> bool {
    look_up(id, |_| ()).is_some()
}

/// Returns a check that is true where work is in `span`. It can be moved into other work.
pub(crate) fn inside(span: &Span) -> impl Fn() -> bool + Clone + Send + Sync + 'static {
    let id = span.id();
    move || id.is_some() && current_span() == id
}

/// A counter of calls inside and outside of a span. Clones share it.
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

    /// Checks that there were exactly `right` calls, all of them in the span.
    pub(crate) fn are(&self, right: usize) -> Outcome {
        let counted = (self.right.load(Ordering::SeqCst), self.wrong.load(Ordering::SeqCst));
        ensure!(counted == (right, 0), "calls inside and outside of the span: {counted:?}");
        Ok(())
    }
}

/// A value that reports, when it is dropped, whether that happens in its span.
pub(crate) struct ReportsSpanOnDrop<I: Fn() -> bool>(pub(crate) I, pub(crate) Sender<bool>);

impl<I: Fn() -> bool> Drop for ReportsSpanOnDrop<I> {
    fn drop(&mut self) {
        let _ = self.1.try_send((self.0)());
    }
}

/// Returns the warnings within `span` from now on, on any thread; not those within spans below it.
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

/// The parts of a warning that cases check.
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

/// The receiver of a span's warnings. It is stored in the span itself, so that cases that run at the same
/// time do not share one.
struct Sink(Sender<Warning>);

/// The layer of the subscriber that passes warnings on.
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
