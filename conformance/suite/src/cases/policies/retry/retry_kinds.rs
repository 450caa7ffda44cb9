//! Recovery, retries: every kind of work can be retried.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::library::{RetryStrategy, TaskContext};

use super::retries::{after, exhausted};
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

pub async fn async_work_in_place_borrows_and_need_not_be_send<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (tries, text) = (Rc::new(Cell::new(0)), String::from("borrowed"));
    let builder = AsyncTask::to::<usize>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let attempt = || {
        let tries = tries.clone();
        let text = &text;
        async move {
            tries.set(tries.get() + 1);
            yield_now().await;
            if tries.get() < 3 { Err("an attempt") } else { Ok(text.len()) }
        }
    };
    ensure!(builder.clone().run(attempt).await? == 8 && tries.get() == 3);
    ensure!(builder.clone().run_with(|_| attempt()).await? == 8 && tries.get() == 4);
    ensure!(builder.inline().run(|| text.len()).await? == 8);
    Ok(())
}

pub async fn run_tries_each_kind_of_work_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let calls = || Arc::new(Calls::default());
    let c = calls();
    ensure!(builder.clone().run(move || after(2, &c)).await? == 3, "on the pool");
    let c = calls();
    ensure!(builder.clone().inline().run(|| after(2, &c)).await? == 3, "inline");
    let c = calls();
    ensure!(builder.clone().run_with(|_: TaskContext| async { after(2, &c) }).await? == 3, "run_with");
    let c = calls();
    ensure!(
        builder.clone().run_with(move |_: TaskContext| after(2, &c)).await? == 3,
        "run_with, on the pool"
    );
    let c = calls();
    ensure!(builder.clone().run_blocking(move || after(2, &c)).await? == 3, "run_blocking");
    let c = calls();
    ensure!(builder.clone().try_run(|| async { Ok(after(2, &c)?) }).await? == 3, "try_run");
    let c = calls();
    let handled = builder.clone().await_result(|| async { after(2, &c) }, |result| result.map(|n| n + 1));
    ensure!(handled.await? == 4, "await_result");
    let c = calls();
    ensure!(exhausted(builder.run_blocking(move || after(3, &c)).await)?.attempts() == 3);
    Ok(())
}

pub async fn spawn_tries_each_kind_of_work_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let calls = || Arc::new(Calls::default());
    let c = calls();
    ensure!(builder.clone().spawn(move || after(2, &c)).await? == 3, "on the pool");
    let c = calls();
    ensure!(builder.clone().inline().spawn(move || after(2, &c)).await? == 3, "inline");
    let c = calls();
    let with = move |_: TaskContext| {
        let c = c.clone();
        async move { after(2, &c) }
    };
    ensure!(builder.clone().spawn_with(with).await? == 3, "spawn_with");
    let c = calls();
    ensure!(builder.clone().spawn_with(move |_: TaskContext| after(2, &c)).await? == 3);
    let c = calls();
    ensure!(builder.clone().spawn_blocking(move || after(2, &c)).await? == 3, "spawn_blocking");
    let c = calls();
    let tried = move || {
        let c = c.clone();
        async move { Ok(after(2, &c)?) }
    };
    ensure!(builder.clone().try_spawn(tried).await? == 3, "try_spawn");
    let c = calls();
    ensure!(builder.clone().spawn_with_timeout(1.hours(), move || after(2, &c)).await? == 3);
    let c = calls();
    ensure!(exhausted(builder.spawn_blocking(move || after(3, &c)).await)?.attempts() == 3);
    Ok(())
}

pub async fn the_closure_itself_may_fail_an_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).retry(5).backoff(RetryStrategy::Immediate);
    let run = builder.run(|| {
        if calls.next() == 2 {
            crate::kit::explode::<()>("no future");
        }
        async { Err::<u32, _>(Broken(calls.made())) }
    });
    let error = failed(run.await)?;
    ensure!(error.is_panic() && calls.made() == 2, "a panic is not tried again: {error:?}");
    Ok(())
}

pub async fn a_member_of_a_scope_is_tried_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (failures, due) in [(2, Ok(3)), (5, Err(3))] {
        let (inner, calls) = (rt.clone(), Calls::default());
        let counted = calls.clone();
        let scope = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
            let builder = AsyncTask::to::<u32>().on(&inner).retry(2).backoff(RetryStrategy::Immediate);
            let member = s.spawn_as(builder, move || {
                let counted = counted.clone();
                async move { after(failures, &counted) }
            });
            Ok(member.await?)
        });
        match (scope.await, due) {
            (Ok(call), Ok(due)) => ensure!(call == due && calls.made() == due),
            // The last failure is the scope's.
            (error @ Err(_), Err(due)) => ensure!(exhausted(error)?.attempts() == due && calls.made() == due),
            other => bail!("{other:?}"),
        }
    }
    Ok(())
}
