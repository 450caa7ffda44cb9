//! Capabilities, `TracingTask`: fields, events and errors that a user adds are recorded in the task's span.

use crate::library::TracingTask as _;
use tracing::Level;

use crate::kit::prelude::*;
use crate::kit::spans::span;
use crate::kit::tape::record;

pub async fn added_fields_are_in_the_span_and_in_its_events<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let (started, open) = (Latch::new(), Latch::new());
    let (start, opened) = (started.clone(), open.clone());
    let mut task = caller.in_scope(|| {
        AsyncTask::to::<()>().on(&rt).name("fields").tracing(true).spawn_with(|cx| async move {
            cx.add_trace_field("row", &1);
            cx.trace_event("parsing");
            start.set();
            opened.wait().await;
            cx.trace_event("done");
        })
    });
    started.wait().await;
    task.add_trace_field("file", &"a.csv");
    task.add_trace_field("row", &2);
    let mut fields = task.trace_fields();
    fields.sort();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (&**key, &**value)).collect();
    ensure!(fields == [("file", "a.csv"), ("row", "2")], "{fields:?}");
    open.set();
    (&mut task).await?;
    let recording = tape.read();
    let (index, span) = recording.task("fields")?;
    let text = span.fields.get("task.fields").context("the span has none")?;
    ensure!(text.contains("file=a.csv") && text.contains("row=2") && !text.contains("row=1"), "{text}");
    let with: Vec<_> = recording.events.iter().filter(|event| event.span == Some(index)).collect();
    let all = [
        ("task started", [false, false]),
        ("parsing", [true, false]),
        ("done", [false, true]),
        ("task ended", [false, true]),
    ];
    ensure!(with.len() == all.len(), "{with:?}");
    for (event, expected) in with.into_iter().zip(all) {
        let text = event.fields.get("task.fields").map_or("", String::as_str);
        let found = (
            event.message(),
            [text.contains("row=1"), text.contains("row=2") && text.contains("file=a.csv")],
        );
        ensure!(found == expected, "{event:?}");
    }
    Ok(())
}

pub async fn user_events_and_errors_are_recorded_in_the_span<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let (mut task, dropped) = {
        let dropped = Latch::new();
        let guard = dropped.on_drop();
        let task = caller.in_scope(|| {
            AsyncTask::to::<()>().on(&rt).name("own").tracing(true).spawn_with(|cx| async move {
                let _guard = guard;
                cx.trace_start();
                cx.trace_error(&AsyncTaskError::Shutdown);
                cx.trace_completion();
            })
        });
        (task, dropped)
    };
    ensure!(task.is_tracing_enabled());
    (&mut task).await?;
    ensure!(dropped.is_set());
    // Its span is closed, so the event is recorded nowhere.
    task.trace_event("too late");
    let recording = tape.read();
    let (index, _) = recording.task("own")?;
    let all = ["task started", "start", "task error", "completion", "task ended"];
    ensure!(recording.messages(index) == all, "{:?}", recording.events);
    ensure!(
        !recording.events.iter().any(|event| event.message() == "too late"),
        "recorded outside of its span"
    );
    let error =
        recording.events.iter().find(|event| event.message() == "task error").context("recorded above")?;
    ensure!(
        error.level == Level::ERROR
            && recording.events.iter().filter(|e| e.level == Level::ERROR).count() == 1
    );
    let text = error.fields.get("error").map_or("", String::as_str);
    ensure!(text == AsyncTaskError::Shutdown.to_string(), "{error:?}");
    Ok(())
}
