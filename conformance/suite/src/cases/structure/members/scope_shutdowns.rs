//! Promise 8, scopes: daemons, and members that wait for a permit, under a shutdown of their runtime.

use super::daemons::until_asked;
use crate::cases::limiters::with_permits;
use crate::cases::scopes::scope_on;
use crate::kit::ending::ended;
use crate::kit::prelude::*;

pub fn daemons_are_cancelled_after_the_members(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let ((see, seen), started, inner) = (async_channel::unbounded(), Latch::new(), rt.clone());
        let start = started.clone();
        let task = AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
            let by_member = see.clone();
            let scope = scope_on(&inner, |s| async move {
                drop(s.spawn_daemon(|| async move {
                    until_asked().await?;
                    let _ = see.try_send("the daemon");
                    Ok(())
                }));
                drop(s.spawn(|| async move {
                    start.set();
                    until_asked().await?;
                    yield_now().await;
                    let _ = by_member.try_send("the member");
                    Ok(())
                }));
                Ok(())
            });
            Ok(scope.await?)
        });
        started.wait().await;
        rt.shutdown(60.seconds()).await?;
        for due in ["the member", "the daemon"] {
            let heard = seen.recv().await?;
            ensure!(heard == due, "{heard} in place of {due}");
        }
        task.await?;
        Ok(())
    })
}

pub fn a_runtime_that_has_shut_down_takes_no_task_with_a_permit(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (limiter, called) = (with_permits(1)?, Latch::new());
        let call = called.clone();
        rt.shutdown(Duration::ZERO).await?;
        let late = AsyncTask::to::<()>().on(&rt).spawn_in(&limiter, || async move { call.set() });
        let error = failed(late.await)?;
        ensure!(error.is_shutdown(), "{error:?}");
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "{limiter:?}");
        ensure!(!called.is_set(), "refused work was called");
        Ok(())
    })
}
