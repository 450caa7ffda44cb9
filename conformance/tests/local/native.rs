//! Tokio's own local tasks inside a scope of this library.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use anyhow::ensure;
use conformance::Outcome;
use futures_lite::future::yield_now;
use sweet_async::AsyncTask;

use super::{Local, held, is_dropped};

pub(super) fn tokios_own_local_tasks_work_inside(harness: &impl Local) -> Outcome {
    let (guard, dropped) = held();
    harness.scope(async {
        let shared = Rc::new(Cell::new(1));
        let own = shared.clone();
        let native = tokio::task::spawn_local(async move {
            tokio::task::yield_now().await;
            own.set(own.get() + 1);
            own
        });
        ensure!(native.await?.get() == 2);
        let inside = AsyncTask::to::<bool>().spawn_local(move || async move {
            tokio::task::spawn_local(async move { Rc::new(3) }).await.is_ok_and(|three| *three == 3)
        });
        ensure!(inside.await?);
        tokio::task::spawn_local(async move {
            let _guard = guard;
            pending::<()>().await
        });
        yield_now().await;
        Ok(())
    })?;
    ensure!(is_dropped(&dropped));
    Ok(())
}
