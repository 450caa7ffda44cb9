//! The source reader's part for queues: claims messages, sends their chunks, and settles the messages once
//! they are handled.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use futures_lite::future::{or, try_zip};

use crate::outcome::names::{Names, PublishedSource};
use crate::queue::{Claimed, Claims, QueueError, Unsealed};
use crate::run::read::chunk_sender::Stop;
use crate::run::read::source_reader::SourceReader;
use crate::run::shared::control::Control;
use crate::run::shared::idle::{Idle, SILENCE};
use crate::run::shared::lease::{Lease, LeaseOwner, Outcome, Report};
use crate::source::plan::QueuePlan;
use crate::text::chunk::RawChunk;
use crate::text::decode::DynDecoders;
use crate::text::fault::{BadRow, BadRowReason};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{InPlace, Sleep};
use sweet_async_core::internals::Fallible;
use sweet_async_core::runtime::Runtime as _;

/// The most messages of one claim: few enough for other consumers to have theirs.
const MAX_CLAIM: usize = 64;

/// The head, the source and the decoders of the last message. The next message mostly has the same.
type Last = Option<(Bytes, Arc<PublishedSource>, DynDecoders)>;

impl SourceReader {
    /// Reads a queue to its end, or to the end of the pipeline, and settles all claimed messages.
    ///
    /// With a `turn`, nothing is claimed before the turn has come. While the sources before are read, which
    /// may be the same queue, messages are not held from other consumers.
    pub(crate) async fn queue(&mut self, plan: QueuePlan, turn: Option<Receiver<()>>) -> Result<(), Stop> {
        if let Some(turn) = turn {
            let _ = self.wanted(turn.recv()).await?;
        }
        let (report_sender, reports) = async_channel::unbounded();
        let (runtime, workers) = (self.chunk_sender.control.runtime.clone(), self.chunk_sender.queue.clone());
        let QueuePlan { name, queue, settings, .. } = &plan;
        let owner = LeaseOwner { runtime: &runtime, queue: &**queue, name, settings: *settings, reports };
        // Not an error of the source: handled messages may come again, which is not to be skipped.
        let keeping = async { owner.keep(workers.closed()).await.map_err(Stop::Failed) };
        let idle = Arc::new(Idle::default());
        let claiming = async {
            let ended = self.claim(&plan, report_sender, &idle).await;
            // Set for good: workers hold all that will ever come from this queue, and the queue's end waits
            // for that.
            idle.set(&self.chunk_sender.control.idle);
            Ok(ended)
        };
        let (ended, ()) = try_zip(claiming, keeping).await?;
        ended
    }

    async fn claim(
        &mut self,
        plan: &QueuePlan,
        reports: Sender<Report>,
        idle: &Arc<Idle>,
    ) -> Result<(), Stop> {
        let (mut id, mut last) = (0, None);
        loop {
            self.wait_to_read().await?;
            let room = self
                .chunk_sender
                .queue
                .capacity()
                .map_or(1, |most| most.saturating_sub(self.chunk_sender.queue.len()));
            // This is polled first: messages that are claimed at the end would only be given back, and
            // delivered once more.
            let unwanted = async { Err(self.unwanted().await) };
            let claim = || next_messages(plan, &self.chunk_sender.control, room.clamp(1, MAX_CLAIM));
            // A panic is an error of the source too.
            let claims = InPlace::<_, _, _, Fallible<AsyncTaskError>>::new(claim);
            let claims = or(claims, mark_idle(&self.chunk_sender.control, idle));
            let claims = or(unwanted, async { Ok(claims.await) }).await?;
            idle.clear();
            let claims = claims.map_err(Stop::Source)?;
            let Some(claims) = claims else {
                self.chunk_sender.control.has_read_queue();
                return Ok(());
            };
            // All of them are reported before any is sent, since sending may take long: they are held from
            // now on.
            let leased: Vec<_> = claims
                .into_iter()
                .map(|claimed| {
                    id += 1;
                    // Unbounded, and closed only when all messages are given back anyway.
                    let _ = reports.try_send(Report::Claimed(id, claimed.receipt.clone()));
                    let (reports, idle) = (reports.clone(), idle.clone());
                    let key = claimed.message.shared_key();
                    let outcome = Outcome::Released;
                    let lease = Lease { id, key, source: None, outcome, reports, idle };
                    (claimed, Box::new(lease))
                })
                .collect();
            for (claimed, mut lease) in leased {
                match unsealed(plan, &claimed, &self.chunk_sender.control.names, &mut last) {
                    Ok((source, decoders, chunk)) => {
                        lease.source = Some(source);
                        self.chunk_sender.leased(chunk, decoders, lease).await?;
                    }
                    Err(refusal) => {
                        let reason = BadRowReason::parse(&format_args!(
                            "message {:?}: {refusal}",
                            claimed.message.key()
                        ));
                        let buried = Outcome::Buried(refusal.as_str().into());
                        // Whatever the strategy. Another message may be one that another consumer can read, so it is
                        // given back where it ends this pipeline.
                        lease.outcome = match is_worn_out(plan, &claimed) {
                            true => buried.clone(),
                            false => Outcome::Returned(Some(refusal.as_str().into())),
                        };
                        let sequence = self.chunk_sender.rows();
                        self.chunk_sender.count(1);
                        self.chunk_sender.reject(BadRow { sequence, line: 0, byte: 0, reason })?;
                        lease.outcome = buried;
                        self.chunk_sender.control.room_for_rejects().await;
                    }
                }
            }
        }
    }
}

/// Marks the queue as idle once a claim has returned nothing for [`SILENCE`]. Never returns.
async fn mark_idle<O>(control: &Control, idle: &Idle) -> O {
    // Only a batch holds leases that the queue may be waiting for.
    if control.batches.is_some() {
        let _ = Sleep::silent(&control.runtime, control.runtime.now().checked_add(SILENCE)).await;
        idle.set(&control.idle);
    }
    std::future::pending().await
}

/// Claims messages, as often as it takes. `None` once there are no more.
async fn next_messages(
    plan: &QueuePlan,
    control: &Control,
    most: usize,
) -> Result<Option<Vec<Claimed>>, AsyncTaskError> {
    let QueuePlan { name, queue, job, settings, .. } = plan;
    loop {
        let claimed = queue.claim(job.as_deref(), most, settings.lease).await;
        match claimed.map_err(|error| QueueError::failure("claiming from", name, error))? {
            Claims::Messages(claims) if !claims.is_empty() => return Ok(Some(claims)),
            Claims::Over if !settings.is_endless => return Ok(None),
            Claims::Messages(_) | Claims::Over | Claims::Empty => {}
        }
        let due = control.runtime.now().checked_add(settings.poll_every);
        let due = async { Sleep::silent(&control.runtime, due).await };
        let changed = async {
            queue.changed().await;
            Ok(())
        };
        or(changed, due).await?;
    }
}

/// True if the message was delivered as often as is permitted, and is delivered once more.
fn is_worn_out(plan: &QueuePlan, claimed: &Claimed) -> bool {
    claimed.deliveries > plan.settings.max_deliveries
}

/// The source, the decoders and the rows of a message.
#[allow(clippy::type_complexity, reason = "a name for these three would say no more")]
fn unsealed(
    plan: &QueuePlan,
    claimed: &Claimed,
    names: &Names,
    last: &mut Last,
) -> Result<(Arc<PublishedSource>, DynDecoders, RawChunk), String> {
    if is_worn_out(plan, claimed) {
        let most = plan.settings.max_deliveries;
        return Err(format!(
            "it was delivered {most} times, and never handled to its end (see max_deliveries)"
        ));
    }
    let unknown = "it is no chunk, or one that another version has published";
    let Unsealed { head, chunk } = Unsealed::read(&claimed.message).ok_or(unknown)?;
    if let Some((bytes, source, decoders)) = &*last
        && *bytes == head
    {
        return Ok((source.clone(), decoders.clone(), chunk));
    }
    let (source, decoders) = (plan.open)(&head).map_err(|other| match other {
        Some(format) => format!("it holds {format}: read it as such, or give it a queue of its own"),
        None => unknown.to_owned(),
    })?;
    let source = names.publish(source);
    *last = Some((head, source.clone(), decoders.clone()));
    Ok((source, decoders, chunk))
}
