//! The retries of an engine's calls, in the simulation: its clock tells exactly how long they take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use conformance_queues::{Backend as _, Outcome, Sim};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use sweet_async_core::{DurationExt as _, Retry, RetryStrategy, Runtime as _};
use sweet_async_pipeline::Reconnect;

/// The errors of an engine: a lost connection, and any other.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the connection was lost")]
    Lost,
    #[error("the job is sealed")]
    Sealed,
}

fn is_lost(error: &Failed) -> bool {
    matches!(error, Failed::Lost)
}

fn twice() -> Reconnect {
    Reconnect::new(
        Retry::new(2)
            .backoff(RetryStrategy::Fixed { delay: 3.seconds() })
            .jitter(sweet_async_core::Jitter::None),
    )
}

#[test]
fn a_call_is_made_again_after_a_lost_connection_alone() -> Outcome {
    let sim = Sim::start(1)?;
    sim.block_on(async {
        let calls = AtomicU32::new(0);
        let call = || async {
            match calls.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Failed::Lost),
                1 => Ok(7),
                _ => Err(Failed::Sealed),
            }
        };
        let begun = sim.runtime().now();
        ensure!(matches!(twice().call("publish", is_lost, call).await?, Ok(7)));
        ensure!(sim.runtime().now() - begun == 3.seconds(), "one wait");
        ensure!(matches!(twice().call("publish", is_lost, call).await?, Err(Failed::Sealed)));
        ensure!(calls.load(Ordering::SeqCst) == 3, "another error is not retried");
        Ok(())
    })?
}

#[test]
fn retries_that_are_used_up_say_so_with_the_last_error() -> Outcome {
    let sim = Sim::start(1)?;
    sim.block_on(async {
        let lost = || async { Err::<(), _>(Failed::Lost) };
        let Err(error) = twice().call("claim", is_lost, lost).await else {
            anyhow::bail!("an error was due")
        };
        ensure!(error.downcast_ref::<Failed>().is_some_and(is_lost), "{error:?}");
        ensure!(error.to_string().contains("claim"), "{error}");
        Ok(())
    })?
}

#[test]
fn an_attempt_without_an_answer_is_given_up_and_made_again() -> Outcome {
    let sim = Sim::start(1)?;
    sim.block_on(async {
        let calls = AtomicU32::new(0);
        let call = || async {
            if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                std::future::pending::<()>().await;
            }
            Ok::<_, Failed>(())
        };
        let begun = sim.runtime().now();
        twice().response_timeout(10.seconds()).call("claim", is_lost, call).await??;
        let took: Duration = sim.runtime().now() - begun;
        ensure!(took == 13.seconds(), "{took:?}: the limit, and one wait");
        Ok(())
    })?
}

/// A recorder of one counter.
#[derive(Default)]
struct Lost(Arc<AtomicU64>);

impl Recorder for Lost {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let is_due = key.name() == "sweet_async.queue.connections.lost"
            && key.labels().any(|label| (label.key(), label.value()) == ("queue.call", "publish"));
        if is_due { Counter::from_arc(self.0.clone()) } else { Counter::noop() }
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn lost_connections_are_counted() -> Outcome {
    let (sim, recorder) = (Sim::start(1)?, Lost::default());
    metrics::with_local_recorder(&recorder, || {
        sim.block_on(async {
            let lost = || async { Err::<(), _>(Failed::Lost) };
            ensure!(twice().call("publish", is_lost, lost).await.is_err(), "an error was due");
            let sealed = || async { Err::<(), _>(Failed::Sealed) };
            ensure!(matches!(twice().call("publish", is_lost, sealed).await?, Err(Failed::Sealed)));
            Ok(())
        })
    })??;
    let count = recorder.0.load(Ordering::SeqCst);
    ensure!(count == 3, "{count}: each attempt has lost its connection");
    Ok(())
}
