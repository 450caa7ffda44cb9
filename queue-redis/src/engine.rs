//! The engine: each call of the trait is a call of a script.

use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;

use sweet_async_pipeline::{Claims, DeadLetter, Depth, Queue, QueueMessage};

use crate::arguments::{RedisReceipt, micros, packed_keys, packed_receipts};
use crate::error::RedisQueueError;
use crate::queue::RedisQueue;
use crate::reply;
use crate::script::{self, Call};

/// The most messages of a claim. A script runs alone on the server.
const MOST_CLAIMS: usize = 1000;

/// The most dead letters of one call.
const LETTERS_PAGE: usize = 1000;

/// The bytes of bodies after which an answer has no more of them: the server holds a copy meanwhile.
const ENOUGH_BYTES: usize = 32 << 20;

impl RedisQueue {
    /// Makes a call about these deliveries.
    async fn settle(
        &self,
        call: &Call,
        receipts: &[RedisReceipt],
        with: impl FnOnce(&mut Cmd) -> &mut Cmd,
    ) -> Result<usize, RedisQueueError> {
        let packed = packed_receipts(self.base(), receipts);
        self.counted(call, &packed, with).await
    }

    /// Makes a call about a list, unless it is empty.
    async fn counted(
        &self,
        call: &Call,
        packed: &str,
        with: impl FnOnce(&mut Cmd) -> &mut Cmd,
    ) -> Result<usize, RedisQueueError> {
        if packed.is_empty() {
            return Ok(0);
        }
        let command = self.command(call, |command| with(command.arg(packed)));
        let answer = self.call(call, &command).await?;
        self.understood(call, reply::count(&answer))
    }
}

impl Queue for RedisQueue {
    type Receipt = RedisReceipt;
    type Error = RedisQueueError;

    async fn open(&self, job: &str) -> Result<(), RedisQueueError> {
        let call = &script::OPEN;
        self.call(call, &self.command(call, |command| command.arg(job))).await?;
        Ok(())
    }

    /// As the trait says. The queue has room as long as the server has memory: it does not wait for any.
    async fn publish(&self, message: QueueMessage) -> Result<bool, RedisQueueError> {
        let call = &script::PUBLISH;
        let command = self
            .command(call, |command| command.arg(message.job()).arg(message.key()).arg(&**message.body()));
        let answer = self.call(call, &command).await?;
        match self.understood(call, reply::number(&answer))? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(RedisQueueError::Sealed {
                queue: self.name().clone(),
                job: message.job().into(),
                key: message.key().into(),
            }),
        }
    }

    async fn seal(&self, job: &str) -> Result<(), RedisQueueError> {
        let call = &script::SEAL;
        self.call(call, &self.command(call, |command| command.arg(job))).await?;
        Ok(())
    }

    async fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        lease: Duration,
    ) -> Result<Claims<RedisReceipt>, RedisQueueError> {
        let call = &script::CLAIM;
        let changes = self.link().notices().count();
        let command = self.command(call, |command| {
            let command = command.arg(u8::from(job.is_some())).arg(job.unwrap_or_default());
            command.arg(most.clamp(1, MOST_CLAIMS)).arg(micros(lease)).arg(ENOUGH_BYTES)
        });
        let answer = self.call(call, &command).await?;
        let claims = self.understood(call, reply::claims(answer, self.base()))?;
        if !matches!(claims, Claims::Messages(_)) {
            self.seen.found_nothing_at(changes);
        }
        Ok(claims)
    }

    async fn ack(&self, receipts: &[RedisReceipt]) -> Result<usize, RedisQueueError> {
        self.settle(&script::ACK, receipts, |command| command).await
    }

    async fn extend(&self, receipts: &[RedisReceipt], lease: Duration) -> Result<usize, RedisQueueError> {
        self.settle(&script::EXTEND, receipts, |command| command.arg(micros(lease))).await
    }

    async fn nack(
        &self,
        receipts: &[RedisReceipt],
        reason: &str,
        after: Duration,
    ) -> Result<usize, RedisQueueError> {
        self.settle(&script::NACK, receipts, |command| command.arg(reason).arg(micros(after))).await
    }

    async fn release(&self, receipts: &[RedisReceipt]) -> Result<usize, RedisQueueError> {
        self.settle(&script::RELEASE, receipts, |command| command).await
    }

    async fn bury(&self, receipts: &[RedisReceipt], reason: &str) -> Result<usize, RedisQueueError> {
        self.settle(&script::BURY, receipts, |command| command.arg(reason)).await
    }

    /// As the trait says, in one round trip for each 1000 letters, or 32 MiB of them.
    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, RedisQueueError> {
        let call = &script::DEAD;
        let (mut letters, mut after) = (Vec::new(), 0);
        while letters.len() < most {
            let page = (most - letters.len()).min(LETTERS_PAGE);
            let command = self.command(call, |command| command.arg(after).arg(page).arg(ENOUGH_BYTES));
            let answer = self.call(call, &command).await?;
            let (found, last) = self.understood(call, reply::letters(answer))?;
            if found.is_empty() {
                break;
            }
            letters.extend(found);
            after = last;
        }
        Ok(letters)
    }

    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, RedisQueueError> {
        self.counted(&script::REDRIVE, &packed_keys(keys), |command| command).await
    }

    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, RedisQueueError> {
        self.counted(&script::PURGE, &packed_keys(keys), |command| command).await
    }

    async fn depth(&self) -> Result<Depth, RedisQueueError> {
        let call = &script::DEPTH;
        let answer = self.call(call, &self.command(call, |command| command)).await?;
        self.understood(call, reply::depth(&answer))
    }

    /// Waits for a notice of the server's: that there is a message where there was none, or that a job may be over. It
    /// stays pending while there is no connection for notices, and for leases that run out and delays that pass: these
    /// are found by the next claim. The first call makes that connection, and is ready at once.
    async fn changed(&self) {
        self.seen.changed(self.link().notices()).await;
    }
}
