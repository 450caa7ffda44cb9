//! Builders are clonable, whatever their values are. All of it holds if this compiles.
#![cfg(all(feature = "pipeline", feature = "json"))]

use std::num::ParseIntError;
use std::str::FromStr;

use sweet_async::RestartPolicy;
use sweet_async::pipeline::BoundedQueue;
use sweet_async::prelude::*;

/// A value that can neither be cloned nor be shown.
#[derive(serde::Serialize)]
struct Bare(#[allow(dead_code, reason = "a value has some content")] u64);

impl FromStr for Bare {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        Ok(Self(text.parse()?))
    }
}

fn clonable(_: &impl Clone) {}

fn shown(_: &impl std::fmt::Debug) {}

#[test]
fn builders_of_tasks_can_be_cloned() {
    let builder = AsyncTask::to::<Bare>().name("bare").timeout(1.seconds());
    clonable(&builder);
    shown(&builder);
    clonable(&builder.clone().retry(2));
    clonable(&builder.clone().repeat(Schedule::every(1.seconds())));
    clonable(&builder.supervise(RestartPolicy { intensity: 1, period: 1.seconds() }));
}

#[test]
fn descriptions_of_pipelines_can_be_cloned() {
    let builder = AsyncTask::emits::<Bare>();
    clonable(&builder);
    let sender = builder.sender(|sources| sources.of_bytes("1\n2\n").lines().into_chunks(1.lines()));
    clonable(&sender);
    clonable(&sender.clone().batched(2, 1.seconds()));
    clonable(&sender.clone().map(|bare| bare));
    clonable(&sender.clone().collect_vec());
    clonable(&sender.clone().write_json_lines("rows.jsonl"));
    clonable(&sender.clone().publish_items(&BoundedQueue::new(std::num::NonZeroUsize::MIN), "job"));
    clonable(&sender.receiver(|_event: Event<Bare>, _collector: Collector<u64, u64>| {}));
}
