//! The capability of a task to report events through `tracing`.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;

use crate::task::capabilities::Handle;
use crate::tree::extras::trace::Trace;

/// A task that reports events through `tracing`. A task that was built with `.tracing(true)` has a span with
/// its id, name, parent and status, in which its work runs, and reports its start and its end by itself. The
/// span and the event of the end of a cancelled task have the [reason](crate::Task::cancel_because) as well,
/// `task.reason`, if one was given. For other tasks these methods do nothing.
pub trait TracingTask {
    /// Reports that a part of the task begins.
    fn trace_start(&self);

    /// Reports that a part of it is done.
    fn trace_completion(&self);

    /// Reports an error that does not end it.
    fn trace_error(&self, error: &dyn Error);

    /// Reports `message`, with the fields.
    fn trace_event(&self, message: &str);

    /// Adds a field to its span and to its events from now on, or replaces the value of the field.
    fn add_trace_field(&self, key: &str, value: &dyn Display);

    /// The fields that were added, in the order in which each was last set.
    fn trace_fields(&self) -> Vec<(Arc<str>, Arc<str>)>;

    /// True if it was built with `.tracing(true)`.
    fn is_tracing_enabled(&self) -> bool;
}

/// Runs `f` on the trace of a task and its span, if it is traced.
fn traced<O>(handle: &impl Handle, f: impl FnOnce(&Trace, Option<&tracing::Span>) -> O) -> Option<O> {
    let task = handle.task_ref()?;
    let trace = task.control.trace()?;
    Some(f(trace, task.control.span().as_deref()))
}

impl<H: Handle> TracingTask for H {
    fn trace_start(&self) {
        traced(self, |trace, span| trace.event(span, "start"));
    }

    fn trace_completion(&self) {
        traced(self, |trace, span| trace.event(span, "completion"));
    }

    fn trace_error(&self, error: &dyn Error) {
        traced(self, |trace, span| trace.error(span, error));
    }

    fn trace_event(&self, message: &str) {
        traced(self, |trace, span| trace.event(span, message));
    }

    fn add_trace_field(&self, key: &str, value: &dyn Display) {
        traced(self, |trace, span| trace.add(span, key, &value.to_string()));
    }

    fn trace_fields(&self) -> Vec<(Arc<str>, Arc<str>)> {
        traced(self, |trace, _| trace.fields()).unwrap_or_default()
    }

    fn is_tracing_enabled(&self) -> bool {
        traced(self, |_, _| ()).is_some()
    }
}
