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

/// A span that was recorded, as it is by now.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    id: Id,
    pub(crate) name: &'static str,
    /// Which of the spans it is in; `None` for the recorded one itself.
    pub(crate) parent: Option<usize>,
    pub(crate) fields: Fields,
    /// Each value that `task.status` has had.
    pub(crate) statuses: Vec<String>,
    pub(crate) closed: bool,
}

/// An event that was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Which of the spans it was in; `None` for the recorded one itself.
    pub(crate) span: Option<usize>,
    pub(crate) level: Level,
    pub(crate) fields: Fields,
}

impl Told {
    pub(crate) fn message(&self) -> &str {
        self.fields.get("message").map_or("", String::as_str)
    }
}

/// What was recorded so far, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) spans: Vec<Seen>,
    pub(crate) events: Vec<Told>,
}

impl Account {
    /// The spans of this name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Seen> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }

    /// The one span of tasks whose `task.name` is this, and its place among all.
    pub(crate) fn task(&self, name: &str) -> Result<(usize, &Seen), Failure> {
        let is_it =
            |span: &Seen| span.name == "task" && span.fields.get("task.name").is_some_and(|n| n == name);
        let mut found = self.spans.iter().enumerate().filter(|(_, span)| is_it(span));
        let first = found.next().with_context(|| format!("no span of `{name}`: {self:?}"))?;
        anyhow::ensure!(found.next().is_none(), "two spans of `{name}`");
        Ok(first)
    }

    /// The messages told in that span itself.
    pub(crate) fn messages(&self, span: usize) -> Vec<&str> {
        self.events.iter().filter(|event| event.span == Some(span)).map(Told::message).collect()
    }

    // A closed span's id is used again.
    fn place(&self, id: &Id) -> Option<usize> {
        self.spans.iter().rposition(|span| span.id == *id && !span.closed)
    }

    fn add(&mut self, note: Note) {
        match note {
            Note::Opened { id, parent, name, fields } => {
                let parent = parent.and_then(|parent| self.place(&parent));
                let statuses = fields.get("task.status").cloned().into_iter().collect();
                self.spans.push(Seen { id, name, parent, fields, statuses, closed: false });
            }
            Note::Recorded { id, fields } => {
                if let Some(span) = self.place(&id).and_then(|place| self.spans.get_mut(place)) {
                    span.statuses.extend(fields.get("task.status").cloned());
                    span.fields.extend(fields);
                }
            }
            Note::Told { span, level, fields } => {
                let span = span.and_then(|span| self.place(&span));
                self.events.push(Told { span, level, fields });
            }
            Note::Closed { id } => {
                if let Some(span) = self.place(&id).and_then(|place| self.spans.get_mut(place)) {
                    span.closed = true;
                }
            }
        }
    }
}

/// A recording that goes on.
pub(crate) struct Tape {
    notes: Receiver<Note>,
    account: Account,
}

impl Tape {
    /// What was recorded by now.
    pub(crate) fn read(&mut self) -> &Account {
        while let Ok(note) = self.notes.try_recv() {
            self.account.add(note);
        }
        &self.account
    }
}

/// Records what happens below `span` from now on, on whatever thread.
pub(crate) fn record(span: &Span) -> Result<Tape, Failure> {
    let (sender, notes) = unbounded();
    let id = span.id().context("the span is disabled")?;
    look_up(&id, |span| drop(span.extensions_mut().replace(Recorder(sender))))
        .context("the span is unknown")?;
    Ok(Tape { notes, account: Account::default() })
}

#[derive(Debug)]
enum Note {
    Opened { id: Id, parent: Option<Id>, name: &'static str, fields: Fields },
    Recorded { id: Id, fields: Fields },
    Told { span: Option<Id>, level: Level, fields: Fields },
    Closed { id: Id },
}

/// Where the notes go: into the span itself, so that cases that run at the same time do not meet.
struct Recorder(Sender<Note>);

/// The part of the subscriber that takes notes.
pub(crate) struct Recording;

/// Gives `note` to the recorder of the nearest span above that has one.
fn take_note<'a, S: LookupSpan<'a>>(span: Option<SpanRef<'a, S>>, note: Note) {
    let Some(span) = span else { return };
    for above in span.scope() {
        if let Some(Recorder(recorder)) = above.extensions().get() {
            let _ = recorder.try_send(note);
            return;
        }
    }
}

#[derive(Default)]
struct Reading(Fields);

impl Visit for Reading {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recording {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut fields = Reading::default();
        attributes.record(&mut fields);
        let parent = cx.span(id).and_then(|span| span.parent());
        let (above, name) = (parent.as_ref().map(SpanRef::id), attributes.metadata().name());
        take_note(parent, Note::Opened { id: id.clone(), parent: above, name, fields: fields.0 });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let mut fields = Reading::default();
        values.record(&mut fields);
        take_note(cx.span(id), Note::Recorded { id: id.clone(), fields: fields.0 });
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Reading::default();
        event.record(&mut fields);
        let span = cx.event_span(event);
        let id = span.as_ref().map(SpanRef::id);
        take_note(span, Note::Told { span: id, level: *event.metadata().level(), fields: fields.0 });
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        take_note(cx.span(&id), Note::Closed { id: id.clone() });
    }
}
