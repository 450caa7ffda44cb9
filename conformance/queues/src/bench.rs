//! The handles and helpers that a case is given.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_lite::future::poll_once;
use sweet_async_core::error::BoxError;
use sweet_async_core::{DynRuntime, RuntimeExt as _, Task, TaskBuilder};
use sweet_async_pipeline::{Claim, Claims, Queue, QueueMessage};

use crate::erased::{AnyQueue, AnyReceipt};
use crate::{Failure, Outcome};

/// A lease far longer than any case takes.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

/// The time between two looks for a message that must come.
const LOOK: Duration = Duration::from_millis(5);

/// A claimed message.
pub(crate) type Claimed = Claim<AnyReceipt>;

/// Opens a handle on the queue of a name.
type Opener = Box<dyn Fn(&str) -> Pin<Box<dyn Future<Output = Result<AnyQueue, Failure>>>>>;

/// The runtime and the engine of a case.
pub(crate) struct Bench {
    pub(crate) runtime: DynRuntime,
    /// A time that cases wait for.
    pub(crate) short: Duration,
    pub(crate) virtual_time: bool,
    pub(crate) claim_waits: bool,
    pub(crate) opener: Opener,
}

/// The answer to a claim, for now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Messages(Vec<String>),
    Empty,
    Over,
}

impl Bench {
    /// Opens a handle on the queue of a name.
    pub(crate) async fn open(&self, name: &str) -> Result<AnyQueue, Failure> {
        (self.opener)(name).await.with_context(|| format!("opening {name:?}"))
    }

    /// Opens the queue that most cases use.
    pub(crate) async fn queue(&self) -> Result<AnyQueue, Failure> {
        self.open("chunks").await
    }

    /// As [`queue`](Self::queue), for a case about leases or delays: `None` where the engine has no clock.
    pub(crate) async fn timed_queue(&self) -> Result<Option<AnyQueue>, Failure> {
        let queue = self.queue().await?;
        Ok(queue.has_clock().then_some(queue))
    }

    pub(crate) async fn sleep(&self, time: Duration) -> Outcome {
        Ok(self.runtime.sleep(time).await?)
    }

    /// Starts a task.
    pub(crate) fn spawn<T, F>(&self, work: F) -> Task<T, DynRuntime>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        TaskBuilder::<T, _>::new(self.runtime.clone()).spawn(move || work)
    }

    /// Claims at most `most` messages, if there are any. Their leases are long.
    async fn claims(
        &self,
        queue: &AnyQueue,
        job: Option<&str>,
        most: usize,
    ) -> Result<Claims<AnyReceipt>, Failure> {
        let claim = queue.claim(job, most, LONG);
        let claims =
            if self.claim_waits { poll_once(claim).await.unwrap_or(Ok(Claims::Empty)) } else { claim.await };
        let claims = claims.map_err(text)?;
        if let Claims::Messages(claims) = &claims {
            ensure!(!claims.is_empty() && claims.len() <= most, "{} of {most} messages", claims.len());
        }
        Ok(claims)
    }

    /// Returns the answer to a claim of any message, for now. Claimed messages are given back.
    pub(crate) async fn found(&self, queue: &AnyQueue, job: Option<&str>) -> Result<Found, Failure> {
        Ok(match self.claims(queue, job, 1_000).await? {
            Claims::Empty => Found::Empty,
            Claims::Over => Found::Over,
            Claims::Messages(claims) => {
                queue.release(&receipts(&claims)).await.map_err(text)?;
                Found::Messages(claims.iter().map(|claim| claim.message.key().to_owned()).collect())
            }
        })
    }

    pub(crate) async fn is_over(&self, queue: &AnyQueue, job: Option<&str>) -> Result<bool, Failure> {
        match self.found(queue, job).await? {
            Found::Messages(keys) => bail!("{keys:?} are left"),
            found => Ok(found == Found::Over),
        }
    }

    /// Claims at most `most` messages that must be there.
    pub(crate) async fn claim(&self, queue: &AnyQueue, most: usize) -> Result<Vec<Claimed>, Failure> {
        match self.claims(queue, None, most).await? {
            Claims::Messages(claims) => Ok(claims),
            Claims::Empty => bail!("the queue is empty for now"),
            Claims::Over => bail!("the queue is over"),
        }
    }

    /// Claims a message that must be there, with this key and this number of deliveries.
    pub(crate) async fn claim_one(
        &self,
        queue: &AnyQueue,
        key: &str,
        deliveries: u32,
    ) -> Result<[AnyReceipt; 1], Failure> {
        let claim = self.claim(queue, 1).await?.pop().context("no message")?;
        ensure!(
            claim.message.key() == key && claim.deliveries == deliveries,
            "{:?}, {} times, in place of {key:?}, {deliveries} times",
            claim.message.key(),
            claim.deliveries
        );
        Ok([claim.receipt])
    }

    /// Claims one message that must come in the end. Its lease is long.
    pub(crate) async fn claim_soon(&self, queue: &AnyQueue) -> Result<Claimed, Failure> {
        loop {
            match queue.claim(None, 1, LONG).await.map_err(text)? {
                Claims::Messages(mut claims) => return claims.pop().context("no message"),
                Claims::Over => bail!("the queue is over"),
                Claims::Empty => self.sleep(LOOK).await?,
            }
        }
    }

    /// Claims one message for the short time, and returns it with the time from which on it may come back.
    pub(crate) async fn claim_shortly(
        &self,
        queue: &AnyQueue,
    ) -> Result<(Claimed, std::time::Instant), Failure> {
        let before = sweet_async_core::Runtime::now(&self.runtime);
        let claims = queue.claim(None, 1, self.short).await.map_err(text)?.into_messages();
        Ok((claims.into_iter().next().context("no message")?, before + self.short))
    }

    /// Checks that it is not before `due`.
    pub(crate) fn check_due(&self, due: std::time::Instant) -> Outcome {
        let now = sweet_async_core::Runtime::now(&self.runtime);
        // Engines count milliseconds.
        let early = due.saturating_duration_since(now);
        ensure!(early <= Duration::from_millis(2), "{early:?} too early");
        Ok(())
    }
}

/// The message of `job` with this key, whose body is its key.
pub(crate) fn message(job: &str, key: &str) -> QueueMessage {
    QueueMessage::new(job, key, key.to_owned())
}

/// Publishes new messages.
pub(crate) async fn add(queue: &AnyQueue, job: &str, keys: &[&str]) -> Outcome {
    for key in keys {
        ensure!(queue.publish(message(job, key)).await.map_err(text)?, "{key:?} is known");
    }
    Ok(())
}

pub(crate) fn receipts(claims: &[Claimed]) -> Vec<AnyReceipt> {
    claims.iter().map(|claim| claim.receipt.clone()).collect()
}

pub(crate) fn keys_of(claims: &[Claimed]) -> Vec<&str> {
    claims.iter().map(|claim| claim.message.key()).collect()
}

pub(crate) fn keys(keys: &[&str]) -> Vec<Arc<str>> {
    keys.iter().map(|key| Arc::from(*key)).collect()
}

/// An engine's error as the reason for a failure.
pub(crate) fn text(error: BoxError) -> Failure {
    // `source` of a boxed error is lost otherwise.
    Failure::from_boxed(error)
}
