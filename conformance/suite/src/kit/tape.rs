//! A recording of the spans and events below one span.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context as _;
use async_channel::{Receiver, Sender, unbounded};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::spans::look_up;
use crate::Failure;

/// Fields by name, as text.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// A span that was recorded, in its latest state.
#[derive(Clone, Debug)]
pub(crate) struct RecordedSpan {
    id: Id,
    pub(crate) name: &'static str,
    /// The index of the span it is in; `None` for the recorded one itself.
    pub(crate) parent: Option<usize>,
    pub(crate) fields: Fields,
    /// All values that `task.status` has had, in order.
    pub(crate) statuses: Vec<String>,
    pub(crate) closed: bool,
}

/// An event that was recorded.
#[derive(Clone, Debug)]
pub(crate) struct RecordedEvent {
    /// The index of the span it was in; `None` for the recorded one itself.
    pub(crate) span: Option<usize>,
    pub(crate) level: Level,
    pub(crate) fields: Fields,
}

impl RecordedEvent {
    pub(crate) fn message(&self) -> &str {
        self.fields.get("message").map_or("", String::as_str)
    }
}

/// Everything recorded so far, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) spans: Vec<RecordedSpan>,
    pub(crate) events: Vec<RecordedEvent>,
}

impl Recording {
    /// Returns the spans of this name.
    pub(crate) fn named(&self, name: &str) -> Vec<&RecordedSpan> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }

    /// Returns the one span of a task whose `task.name` is this, with its index.
    pub(crate) fn task(&self, name: &str) -> Result<(usize, &RecordedSpan), Failure> {
        let is_it = |span: &RecordedSpan| {
            span.name == "task" && span.fields.get("task.name").is_some_and(|n| n == name)
        };
        let mut found = self.spans.iter().enumerate().filter(|(_, span)| is_it(span));
        let first = found.next().with_context(|| format!("no span of `{name}`: {self:?}"))?;
        anyhow::ensure!(found.next().is_none(), "two spans of `{name}`");
        Ok(first)
    }

    /// Returns the messages of the events in that span itself.
    pub(crate) fn messages(&self, span: usize) -> Vec<&str> {
        self.events.iter().filter(|event| event.span == Some(span)).map(RecordedEvent::message).collect()
    }

    // Only an open span: the id of a closed one is used again.
    fn index(&self, id: &Id) -> Option<usize> {
        self.spans.iter().rposition(|span| span.id == *id && !span.closed)
    }

    fn add(&mut self, note: Note) {
        match note {
            Note::Opened { id, parent, name, fields } => {
                let parent = parent.and_then(|parent| self.index(&parent));
                let statuses = fields.get("task.status").cloned().into_iter().collect();
                self.spans.push(RecordedSpan { id, name, parent, fields, statuses, closed: false });
            }
            Note::Recorded { id, fields } => {
                if let Some(span) = self.index(&id).and_then(|index| self.spans.get_mut(index)) {
                    span.statuses.extend(fields.get("task.status").cloned());
                    span.fields.extend(fields);
                }
            }
            Note::Emitted { span, level, fields } => {
                let span = span.and_then(|span| self.index(&span));
                self.events.push(RecordedEvent { span, level, fields });
            }
            Note::Closed { id } => {
                if let Some(span) = self.index(&id).and_then(|index| self.spans.get_mut(index)) {
                    span.closed = true;
                }
            }
        }
    }
}

/// A recording in progress.
pub(crate) struct Tape {
    notes: Receiver<Note>,
    recording: Recording,
}

impl Tape {
    /// Returns everything recorded so far.
    pub(crate) fn read(&mut self) -> &Recording {
        while let Ok(note) = self.notes.try_recv() {
            self.recording.add(note);
        }
        &self.recording
    }
}

/// Records what happens below `span` from now on, on any thread.
pub(crate) fn record(span: &Span) -> Result<Tape, Failure> {
    let (sender, notes) = unbounded();
    let id = span.id().context("the span is disabled")?;
    look_up(&id, |span| drop(span.extensions_mut().replace(Recorder(sender))))
        .context("the span is unknown")?;
    Ok(Tape { notes, recording: Recording::default() })
}

#[derive(Debug)]
enum Note {
    Opened { id: Id, parent: Option<Id>, name: &'static str, fields: Fields },
    Recorded { id: Id, fields: Fields },
    Emitted { span: Option<Id>, level: Level, fields: Fields },
    Closed { id: Id },
}

/// The receiver of the notes. It is stored in the span itself, so that cases that run at the same time do not
/// share one.
struct Recorder(Sender<Note>);

/// The layer of the subscriber that takes notes.
pub(crate) struct RecordingLayer;

/// Passes `note` to the recorder of the nearest span above that has one.
fn take_note<'a, S: LookupSpan<'a>>(span: Option<SpanRef<'a, S>>, note: Note) {
    let Some(span) = span else { return };
    for nearest in span.scope() {
        if let Some(Recorder(recorder)) = nearest.extensions().get() {
            let _ = recorder.try_send(note);
            return;
        }
    }
}

#[derive(Default)]
struct FieldVisitor(Fields);

impl Visit for FieldVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RecordingLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut fields = FieldVisitor::default();
        attributes.record(&mut fields);
        let parent = cx.span(id).and_then(|span| span.parent());
        let (nearest, name) = (parent.as_ref().map(SpanRef::id), attributes.metadata().name());
        take_note(parent, Note::Opened { id: id.clone(), parent: nearest, name, fields: fields.0 });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let mut fields = FieldVisitor::default();
        values.record(&mut fields);
        take_note(cx.span(id), Note::Recorded { id: id.clone(), fields: fields.0 });
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = FieldVisitor::default();
        event.record(&mut fields);
        let span = cx.event_span(event);
        let id = span.as_ref().map(SpanRef::id);
        take_note(span, Note::Emitted { span: id, level: *event.metadata().level(), fields: fields.0 });
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        take_note(cx.span(&id), Note::Closed { id: id.clone() });
    }
}
