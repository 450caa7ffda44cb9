//! A lane that reads a queue: claims messages, sends their chunks, and settles them once they are handled.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use futures_lite::future::{or, try_zip};

use crate::outcome::names::{Names, PublishedSource};
use crate::queue::{Claimed, Head, QueueError, Unsealed};
use crate::run::read::chunk_sender::Stop;
use crate::run::read::source_reader::SourceReader;
use crate::run::shared::control::Control;
use crate::run::shared::idle::{Idle, SILENCE};
use crate::run::shared::lease::{Keeper, Lease, Told};
use crate::source::queue::QueuePlan;
use crate::text::chunk::RawChunk;
use crate::text::decode::Decoders;
use crate::text::fault::{BadRow, BadRowReason};
use sweet_async_core::extend::Sleep;
use sweet_async_core::runtime::Runtime;

/// Messages that are claimed at a time, at most: few enough for other consumers to have theirs.
const TOGETHER: usize = 64;

/// What the rows of the last message were made of, and with: the next is mostly of the same source.
type Last<T> = Option<(Bytes, Arc<PublishedSource>, Decoders<T>)>;

impl<T: Send + 'static, R: Runtime> SourceReader<T, R> {
    /// Reads a queue to its end, or until the pipeline's, and settles all that was claimed.
    ///
    /// With a `turn`, nothing is claimed before it has come: messages are not to be held, from other consumers for one, while
    /// the sources before are read, which may be the same queue.
    pub(crate) async fn claims(
        &mut self,
        plan: QueuePlan<T>,
        turn: Option<Receiver<()>>,
    ) -> Result<(), Stop> {
        if let Some(turn) = turn {
            let _ = self.wanted(turn.recv()).await?;
        }
        let (tell, told) = async_channel::unbounded();
        let (runtime, workers) = (self.outlet.control.runtime.clone(), self.outlet.queue.clone());
        let QueuePlan { name, queue, lease, .. } = &plan;
        let keeper = Keeper { runtime: &runtime, queue: &**queue, name, lease: *lease, told };
        let keeping = async { keeper.keep(workers.closed()).await.map_err(Stop::Failed) };
        let idle = Arc::new(Idle::default());
        let claiming = async {
            let ended = self.claim(&plan, tell, &idle).await;
            // For good: what is held of it is all that there is, and its end waits for that.
            idle.set(&self.outlet.control.idle);
            Ok(ended)
        };
        let (ended, ()) = try_zip(claiming, keeping).await?;
        ended
    }

    async fn claim(&mut self, plan: &QueuePlan<T>, tell: Sender<Told>, idle: &Arc<Idle>) -> Result<(), Stop> {
        let (mut id, mut last) = (0, None);
        loop {
            self.goes_on().await?;
            let room =
                self.outlet.queue.capacity().map_or(1, |most| most.saturating_sub(self.outlet.queue.len()));
            // Whether it is wanted is looked at first: what is given back at the end would be delivered once more for nothing.
            let unwanted = async { Err(self.unwanted().await) };
            let claims = plan.queue.claim(room.clamp(1, TOGETHER), plan.lease);
            let claims = or(claims, silent(&self.outlet.control, idle));
            let claims = or(unwanted, async { Ok(claims.await) }).await?;
            idle.clear();
            let claims = claims
                .map_err(|error| Stop::Failed(QueueError::failure("claiming from", &plan.name, error)))?;
            if claims.is_empty() {
                return Ok(());
            }
            // All of them, before any is sent, which may take long: they are held from now on.
            let leased: Vec<_> = claims
                .into_iter()
                .map(|claimed| {
                    id += 1;
                    // Unbounded, and closed only where all is given back anyway.
                    let _ = tell.try_send(Told::Claimed(id, claimed.receipt.clone()));
                    let (tell, idle) = (tell.clone(), idle.clone());
                    let lease = Lease { id, source: None, handled: false, tell, idle };
                    (claimed, Box::new(lease))
                })
                .collect();
            for (claimed, mut lease) in leased {
                match unsealed(plan, &claimed, &self.outlet.control.names, &mut last) {
                    Ok((source, decoders, chunk)) => {
                        lease.source = Some(source);
                        self.outlet.leased(chunk, decoders, lease).await?;
                    }
                    Err(why) => {
                        let reason =
                            BadRowReason::parse(&format_args!("message {:?}: {why}", claimed.message.key()));
                        let sequence = self.outlet.rows();
                        self.outlet.count(1);
                        self.outlet.reject(BadRow { sequence, line: 0, byte: 0, reason })?;
                        lease.handled = true;
                    }
                }
            }
        }
    }
}

/// Says that the queue is idle once a claim has given nothing for some time. Never returns.
async fn silent<R: Runtime, O>(control: &Control<R>, idle: &Idle) -> O {
    // Only a batch holds what the queue may be waiting for.
    if control.batches.is_some() {
        let _ = Sleep::silent(&control.runtime, control.runtime.now().checked_add(SILENCE)).await;
        idle.set(&control.idle);
    }
    std::future::pending().await
}

/// The rows of a message.
#[allow(clippy::type_complexity, reason = "a name for these three would say no more")]
fn unsealed<T>(
    plan: &QueuePlan<T>,
    claimed: &Claimed,
    names: &Names,
    last: &mut Last<T>,
) -> Result<(Arc<PublishedSource>, Decoders<T>, RawChunk), String> {
    if claimed.deliveries > plan.max_deliveries {
        let most = plan.max_deliveries;
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
    let Head { source, kind } = Head::read(&head).ok_or(unknown)?;
    let made = (plan.make)(kind);
    let decoders =
        made.map_err(|kind| format!("it holds {kind}: read it as such, or give it a queue of its own"))?;
    let source = names.publish(source);
    *last = Some((head, source.clone(), decoders.clone()));
    Ok((source, decoders, chunk))
}
