//! The suite against planted faults: an engine with a fault fails the case about it, and passes the case without the
//! fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conformance_queues::{
    Backend as _, CASES, Failure, LeasedQueue, LeasedReceipt, Outcome, QueueHarness, Sim, queue_case,
};
use futures_lite::future::yield_now;
use sweet_async_core::{AsyncTaskError, CurrentRuntime, DynRuntime, Runtime as _};
use sweet_async_pipeline::{Claims, DeadLetter, Depth, Queue, QueueMessage};

#[allow(dead_code, reason = "each file uses a part")]
#[path = "engines/mod.rs"]
mod engines;

use engines::Named;

/// The fault of one engine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The receipts of an acknowledgement name a message, and not its delivery.
    AckIgnoresTheDelivery,
    /// A message that is given back is not handed out again.
    LosesANack,
    /// A publisher looks whether the job is sealed, and adds its message later.
    SealRacesAPublish,
    /// The lease is computed by the clock of the client.
    LeaseByTheClientsClock,
    /// A released delivery counts.
    ReleaseCounts,
    /// A buried message says nothing of why.
    DropsTheReason,
    /// A claim says "over" where there is nothing for now.
    SaysOverTooEarly,
    /// A known key is published once more.
    ForgetsKeys,
    /// A delay is ignored.
    IgnoresDelays,
}

/// An engine with a fault.
#[derive(Clone)]
struct Faulty {
    inner: LeasedQueue<DynRuntime>,
    engine: DynRuntime,
    fault: Fault,
    is_sealed: Arc<AtomicBool>,
}

impl Faulty {
    fn new(engine: &DynRuntime, fault: Fault) -> Self {
        Self { inner: LeasedQueue::new(engine), engine: engine.clone(), fault, is_sealed: Arc::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

impl Queue for Faulty {
    type Receipt = LeasedReceipt;
    type Error = std::io::Error;

    async fn open(&self, job: &str) -> Result<(), std::io::Error> {
        self.inner.open(job).await
    }

    async fn publish(&self, message: QueueMessage) -> Result<bool, std::io::Error> {
        let message = if self.has(Fault::ForgetsKeys) {
            let key = format!("{}#{}", message.key(), self.inner.len());
            QueueMessage::new(message.job(), key, message.body().clone())
        } else {
            message
        };
        if self.has(Fault::SealRacesAPublish) {
            if self.is_sealed.load(Ordering::SeqCst) {
                return Err(std::io::Error::other("the job is sealed"));
            }
            yield_now().await;
            // Where the job is sealed by now, consumers may have seen its end: nobody reads the message.
            return Ok(self.inner.publish(message).await.unwrap_or(true));
        }
        self.inner.publish(message).await
    }

    async fn seal(&self, job: &str) -> Result<(), std::io::Error> {
        self.is_sealed.store(true, Ordering::SeqCst);
        self.inner.seal(job).await
    }

    async fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        lease: Duration,
    ) -> Result<Claims<LeasedReceipt>, std::io::Error> {
        let lease = match CurrentRuntime::of_task().or_else(CurrentRuntime::entered) {
            Some(client) if self.has(Fault::LeaseByTheClientsClock) => {
                let due = client.into_dyn().now() + lease;
                due.saturating_duration_since(self.engine.now())
            }
            _ => lease,
        };
        if self.has(Fault::SaysOverTooEarly) && self.inner.is_empty() {
            return Ok(Claims::Over);
        }
        self.inner.claim(job, most, lease).await
    }

    async fn ack(&self, receipts: &[LeasedReceipt]) -> Result<usize, std::io::Error> {
        if self.has(Fault::AckIgnoresTheDelivery) {
            let any = |receipt: &LeasedReceipt| {
                (0..1_000).map(|delivery| (receipt.0, delivery)).collect::<Vec<_>>()
            };
            return self.inner.ack(&receipts.iter().flat_map(any).collect::<Vec<_>>()).await;
        }
        self.inner.ack(receipts).await
    }

    async fn extend(&self, receipts: &[LeasedReceipt], lease: Duration) -> Result<usize, std::io::Error> {
        self.inner.extend(receipts, lease).await
    }

    async fn nack(
        &self,
        receipts: &[LeasedReceipt],
        reason: &str,
        after: Duration,
    ) -> Result<usize, std::io::Error> {
        if self.has(Fault::LosesANack) {
            return Ok(receipts.len());
        }
        let after = if self.has(Fault::IgnoresDelays) { Duration::ZERO } else { after };
        self.inner.nack(receipts, reason, after).await
    }

    async fn release(&self, receipts: &[LeasedReceipt]) -> Result<usize, std::io::Error> {
        if self.has(Fault::ReleaseCounts) {
            return self.inner.nack(receipts, "released", Duration::ZERO).await;
        }
        self.inner.release(receipts).await
    }

    async fn bury(&self, receipts: &[LeasedReceipt], reason: &str) -> Result<usize, std::io::Error> {
        let reason = if self.has(Fault::DropsTheReason) { "" } else { reason };
        self.inner.bury(receipts, reason).await
    }

    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, std::io::Error> {
        self.inner.dead(most).await
    }

    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, std::io::Error> {
        self.inner.redrive(keys).await
    }

    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, std::io::Error> {
        self.inner.purge(keys).await
    }

    async fn depth(&self) -> Result<Depth, std::io::Error> {
        self.inner.depth().await
    }
}

/// A harness for each fault, by its number.
struct With<const FAULT: usize>(Named<Sim, Faulty>);

const FAULTS: [Fault; 10] = [
    Fault::None,
    Fault::AckIgnoresTheDelivery,
    Fault::LosesANack,
    Fault::SealRacesAPublish,
    Fault::LeaseByTheClientsClock,
    Fault::ReleaseCounts,
    Fault::DropsTheReason,
    Fault::SaysOverTooEarly,
    Fault::ForgetsKeys,
    Fault::IgnoresDelays,
];

impl<const FAULT: usize> QueueHarness for With<FAULT> {
    type Queue = Faulty;
    const CLAIM_WAITS: bool = true;
    const VIRTUAL_TIME: bool = true;
    const SEEDS: u64 = 20;

    fn start(seed: u64) -> Result<Self, Failure> {
        Named::start(seed).map(Self)
    }
    fn runtime(&self) -> DynRuntime {
        self.0.backend.runtime()
    }
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        self.0.backend.block_on(future)
    }
    async fn open(&self, name: &str) -> Result<Faulty, Failure> {
        let fault = *FAULTS.get(FAULT).context("a fault")?;
        Ok(self.0.open(name, |runtime| Faulty::new(runtime, fault)))
    }
}

/// Checks that `case` fails with the fault, for a reason of which `why` is a part, and passes without it.
fn check_noticed<const FAULT: usize>(case: &str, why: &str) -> Outcome {
    queue_case::<With<0>>(case).context("without the fault")?;
    let failure = queue_case::<With<FAULT>>(case).err().context("the fault is not noticed")?;
    let text = format!("{failure:#}");
    ensure!(text.contains(why), "it failed for another reason: {text}");
    Ok(())
}

#[test]
fn an_ack_that_ignores_the_delivery_is_noticed() -> Outcome {
    check_noticed::<1>("settling::a_receipt_of_an_earlier_delivery_changes_nothing", "[1, 0, 0, 0, 0]")?;
    check_noticed::<1>("leases::a_lease_that_has_run_out_gives_its_message_to_another", "claimed it since")
}

#[test]
fn a_lost_nack_is_noticed() -> Outcome {
    check_noticed::<2>("returning::a_message_that_is_given_back_is_handed_out_again", "empty for now")
}

#[test]
fn a_seal_that_races_a_publish_is_noticed() -> Outcome {
    check_noticed::<3>("races::a_seal_that_races_publishers_loses_no_message", "accepted messages were found")
}

#[test]
fn a_lease_by_the_clients_clock_is_noticed() -> Outcome {
    check_noticed::<4>("leases::a_lease_is_measured_by_the_engines_clock", "run out at once")
}

#[test]
fn a_released_delivery_that_counts_is_noticed() -> Outcome {
    check_noticed::<5>("returning::a_released_delivery_does_not_count", "2 times, in place of")
}

#[test]
fn a_reason_that_is_dropped_is_noticed() -> Outcome {
    check_noticed::<6>("dead_letters::a_dead_letter_says_what_it_was", "DeadLetter")
}

#[test]
fn an_end_that_is_told_too_early_is_noticed() -> Outcome {
    check_noticed::<7>("jobs::a_queue_without_a_job_is_not_over", "")
}

#[test]
fn a_key_that_is_taken_twice_is_noticed() -> Outcome {
    check_noticed::<8>("races::a_key_that_many_publish_at_once_is_taken_once", "80 were new")
}

#[test]
fn a_delay_that_is_ignored_is_noticed() -> Outcome {
    check_noticed::<9>("returning::a_delay_is_kept", "too early")
}

#[test]
fn there_are_as_many_cases_as_the_guide_says() {
    assert!(CASES.len() >= 40, "{} cases", CASES.len());
}
