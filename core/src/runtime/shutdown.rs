//! Ending everything that runs on a runtime, in bounded time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::{RootScope, Runtime, is_inside};
use crate::error::RuntimeError;

/// How long killed tasks are waited for: they end at their next poll, which is at once unless a poll is under way.
const KILLED: Duration = Duration::from_millis(100);

/// See [`Runtime::shutdown`].
pub(super) async fn shutdown<R: Runtime>(runtime: &R, limit: Duration) -> Result<(), RuntimeError> {
    let root = runtime.root();
    if is_inside(root) {
        return Err(RuntimeError::InsideTask);
    }
    root.begin_closing();
    if until_idle(runtime, limit, RootScope::is_idle).await {
        root.close_idle();
        return Ok(());
    }
    let (tasks, blocking, named) = (root.active_tasks(), root.active_blocking_jobs(), root.live_tasks());
    root.close();
    until_idle(runtime, KILLED, |root| root.active_tasks() == 0).await;
    Err(RuntimeError::TasksLeft { limit, tasks, blocking, named })
}

/// True once `idle` holds, false if that takes longer than `limit`.
async fn until_idle<R: Runtime>(runtime: &R, limit: Duration, idle: fn(&RootScope) -> bool) -> bool {
    let root = runtime.root();
    let mut limit = pin!(async {
        match runtime.now().checked_add(limit) {
            Some(deadline) => runtime.sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    });
    loop {
        // Listen first, then look: an end that comes in between is seen or heard.
        let mut heard = root.listen();
        if idle(root) {
            return true;
        }
        let passed = poll_fn(|cx| {
            if limit.as_mut().poll(cx).is_ready() {
                return Poll::Ready(true);
            }
            std::pin::Pin::new(&mut heard).poll(cx).map(|()| false)
        });
        if passed.await {
            return idle(root);
        }
    }
}
