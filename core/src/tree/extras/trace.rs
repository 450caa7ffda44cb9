//! The trace of a task: its span, its fields and its events.

use std::error::Error;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::{Span, field};

use crate::panic::caught;
use crate::runtime::erased::ErasedRuntime;
use crate::tree::ending::Ending;
use crate::tree::node::{Shared, TaskRef};
use crate::vocabulary::id::IdField;

/// The fields that a user has added. The span of the task is in its extras.
#[derive(Default)]
pub struct Trace {
    fields: ArcSwap<Vec<(Arc<str>, Arc<str>)>>,
}

/// The id of the task, and that of its parent.
fn ids(task: &Shared<dyn ErasedRuntime>) -> (IdField, Option<IdField>) {
    (task.control.id().field(), task.parent().map(|parent| parent.control.id().field()))
}

/// The span of one task, below the one that its caller is in.
pub(crate) fn task_span(task: &Shared<dyn ErasedRuntime>) -> Span {
    let control = &task.control;
    let (id, parent) = ids(task);
    tracing::info_span!(
        "task",
        task.id = id.value(),
        task.name = control.name().as_deref(),
        task.parent = parent.as_ref().map(IdField::value),
        task.status = field::Empty,
        task.reason = field::Empty,
        task.fields = field::Empty,
    )
}

/// The span of one attempt of a task, below the task's.
pub(crate) fn attempt_span(task: &Shared<dyn ErasedRuntime>, attempt: u32) -> Span {
    let control = &task.control;
    let (id, parent) = ids(task);
    tracing::info_span!(
        "attempt",
        task.id = id.value(),
        task.name = control.name().as_deref(),
        task.parent = parent.as_ref().map(IdField::value),
        task.attempt = attempt,
        task.status = field::Empty,
        task.reason = field::Empty,
        task.fields = field::Empty,
    )
}

impl Trace {
    pub(crate) fn fields(&self) -> Vec<(Arc<str>, Arc<str>)> {
        self.fields.load().to_vec()
    }

    /// Adds a field, or replaces its value.
    pub fn add(&self, span: Option<&Span>, key: &str, value: &str) {
        let (key, value): (Arc<str>, Arc<str>) = (key.into(), value.into());
        self.fields.rcu(|fields| {
            let mut fields: Vec<_> = fields.iter().filter(|(other, _)| *other != key).cloned().collect();
            fields.push((key.clone(), value.clone()));
            fields
        });
        if let Some(span) = span {
            span.record("task.fields", self.text());
        }
    }

    fn text(&self) -> String {
        let fields = self.fields.load();
        let each: Vec<_> = fields.iter().map(|(key, value)| format!("{key}={value}")).collect();
        each.join(" ")
    }

    // A subscriber is foreign code; its panic is not the task's.
    fn emit(&self, span: Option<&Span>, f: impl FnOnce(&str)) {
        let Some(span) = span else { return };
        let _ = caught(|| span.in_scope(|| f(&self.text())));
    }

    pub(crate) fn event(&self, span: Option<&Span>, message: &str) {
        self.emit(span, |fields| tracing::info!(task.fields = fields, "{message}"));
    }

    pub(crate) fn error(&self, span: Option<&Span>, error: &dyn Error) {
        self.emit(span, |fields| tracing::error!(task.fields = fields, error = %error, "task error"));
    }

    pub(crate) fn started(&self, span: Option<&Span>) {
        self.emit(span, |fields| {
            Span::current().record("task.status", "running");
            tracing::info!(task.fields = fields, "task started");
        });
    }

    /// Reports the end; `reason` is that of the cancellation that has ended the task.
    pub(crate) fn ended(&self, span: Option<&Span>, ending: Ending, reason: Option<&str>) {
        let status = match ending {
            Ending::Completed => "completed",
            Ending::Failed => "failed",
            Ending::TimedOut => "timed out",
            Ending::Cancelled => "cancelled",
        };
        self.emit(span, |fields| {
            let span = Span::current();
            span.record("task.status", status);
            if let Some(reason) = reason {
                span.record("task.reason", reason);
            }
            tracing::info!(task.fields = fields, task.status = status, task.reason = reason, "task ended");
        });
    }
}

/// Gives the attempt a span of its own if the task around it is traced.
pub(crate) fn trace_attempt(task: &TaskRef, attempt: u32) {
    if task.parent().is_some_and(|parent| parent.control.trace().is_some()) {
        task.control.set_trace(Trace::default());
        // A subscriber is foreign code.
        task.control.set_span(caught(|| attempt_span(task, attempt)).ok());
    }
}
