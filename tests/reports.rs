//! Reports for other programs: durations are seconds, and ids, places and statuses are texts.
#![cfg(all(feature = "pipeline", feature = "serde", feature = "sim"))]

use std::error::Error;

use serde_json::{Value, json};
use sweet_async::CircuitBreaker;
use sweet_async::prelude::*;
use sweet_async::sim::SimRuntime;

type TestResult = Result<(), Box<dyn Error>>;

/// The value at `path` of `report`; null if there is none.
fn at<'a>(report: &'a Value, path: &str) -> &'a Value {
    report.pointer(path).unwrap_or(&Value::Null)
}

#[test]
fn a_snapshot_lists_the_tasks() -> TestResult {
    let sim = SimRuntime::new(1);
    let rt = sim.runtime().clone();
    let snapshot = sim.block_on(async {
        let task =
            AsyncTask::to::<()>().on(&rt).name("waits").metrics(true).spawn(std::future::pending::<()>);
        rt.sleep(1.5.seconds()).await?;
        let snapshot = serde_json::to_value(rt.snapshot())?;
        drop(task);
        Ok::<_, Box<dyn Error>>(snapshot)
    })??;
    assert_eq!(at(&snapshot, "/runtime"), "sim");
    assert_eq!(at(&snapshot, "/statistics/live"), 1);
    let task = at(&snapshot, "/tasks/0");
    assert_eq!((at(task, "/info/name"), at(task, "/info/status")), (&json!("waits"), &json!("running")));
    assert_eq!(at(task, "/age"), 1.5);
    let place = at(task, "/info/location").as_str().ok_or("no location")?;
    assert!(place.contains("reports.rs:"), "{place}");
    let metrics = serde_json::to_value(rt.metrics())?;
    assert_eq!(at(&metrics, "/tasks/spawned"), 1);
    Ok(())
}

#[test]
fn a_breaker_shows_its_state() -> TestResult {
    let breaker = CircuitBreaker::builder().build()?;
    breaker.isolate();
    let shown = serde_json::to_value(breaker.statistics())?;
    assert_eq!((at(&shown, "/state"), at(&shown, "/calls")), (&json!("isolated"), &Value::Null));
    Ok(())
}

#[test]
fn a_pipeline_lists_its_rejected_rows() -> TestResult {
    let sim = SimRuntime::new(1);
    let rt = sim.runtime().clone();
    let pipeline = AsyncTask::emits::<u32>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of_bytes("1\nx\n3\n").lines().into_chunks(2.lines()))
        .for_each(|_: sweet_async::pipeline::Event<u32>| {});
    let summary = serde_json::to_value(sim.block_on(pipeline.into_future())??)?;
    assert_eq!((at(&summary, "/handled"), at(&summary, "/rejected")), (&json!(2), &json!(1)));
    let rejected = at(&summary, "/errors/0");
    assert_eq!((at(rejected, "/line"), at(rejected, "/sequence")), (&json!(2), &json!(1)));
    assert!(
        at(rejected, "/error").as_str().is_some_and(|error| error.contains("invalid digit")),
        "{rejected}"
    );
    Ok(())
}
