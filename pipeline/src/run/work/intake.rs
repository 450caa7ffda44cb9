//! A worker's wait for its next chunk, which ends early when pending events are due.

use std::time::Instant;

use async_channel::Receiver;
use futures_lite::future::or;

use crate::run::shared::control::Control;
use crate::run::shared::message::Message;
use crate::run::work::pending_batch::Leases;
use sweet_async_core::extend::Sleep;
use sweet_async_core::runtime::Runtime as _;

/// The next chunk, or the end of the queue. `None` once the pending events must not wait any longer.
pub(crate) async fn next(
    queue: &Receiver<Message>,
    control: &Control,
    since: Option<Instant>,
    leases: &Leases,
) -> Option<Result<Message, async_channel::RecvError>> {
    if since.is_none() {
        return Some(queue.recv().await);
    }
    let due = control.batch_due(since);
    if due.is_some_and(|due| control.runtime.now() >= due) {
        return None;
    }
    let due = or(leases.idle(&control.idle), overdue(control, due));
    let due = async {
        due.await;
        None
    };
    or(async { Some(queue.recv().await) }, due).await
}

/// Waits until the pending events must not wait any longer.
pub(crate) async fn overdue(control: &Control, due: Option<Instant>) {
    match due {
        // Only the end of the runtime is an error, and that ends the worker at its next wait.
        Some(_) => drop(Sleep::silent(&control.runtime, due).await),
        None => std::future::pending().await,
    }
}
