//! Recovery, kinds of hedged work: all asynchronous work can be hedged, in place, spawned, as a part of
//! something larger, and alone.

use std::cell::Cell;
use std::rc::Rc;

use crate::library::{BoxError, Hedge, RetryStrategy, Schedule, TaskContext};

use super::hedges::{Begun, stuck};
use crate::cases::deadlines::is_due;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::explode;
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

/// A hedge of which both attempts begin at once.
fn at_once() -> Hedge {
    Hedge::after(Duration::ZERO)
}

pub async fn work_in_place_borrows_and_need_not_be_send<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, text) = (Rc::new(Cell::new(0)), String::from("borrowed"));
    let attempt = || {
        calls.set(calls.get() + 1);
        let (own, call, text) = (calls.clone(), calls.get(), &text);
        async move {
            yield_now().await;
            if call == 1 {
                pending::<()>().await;
            }
            Ok::<_, BoxError>(text.len() + own.get())
        }
    };
    let builder = || AsyncTask::to::<usize>().on(&rt).hedge(at_once());
    ensure!(builder().run(attempt).await? == 10);
    calls.set(0);
    ensure!(builder().run_with(|_| attempt()).await? == 10);
    calls.set(0);
    ensure!(builder().retry(1).run(attempt).await? == 10);
    calls.set(0);
    ensure!(at_once().apply_on(&rt, attempt).await? == 10);
    ensure!(Rc::strong_count(&calls) == 1, "an attempt is left");
    Ok(())
}

pub async fn each_start_of_asynchronous_work_hedges_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || AsyncTask::to::<u32>().on(&rt).hedge(at_once());
    let work = || stuck(&rt, &Calls::default(), 1, Duration::ZERO);
    let with = || {
        let work = work();
        move |_: TaskContext| work()
    };
    let tried = || {
        let work = work();
        move || {
            let attempt = work();
            async move { Ok::<_, BoxError>(attempt.await?) }
        }
    };
    ensure!(builder().run(work()).await? == 2, "run");
    ensure!(builder().run_with(with()).await? == 2, "run_with");
    ensure!(builder().try_run(tried()).await? == 2, "try_run");
    let handled = builder().await_result(work(), |result| result.map(|call| call + 1));
    ensure!(handled.await? == 3, "await_result");
    ensure!(builder().spawn(work()).await? == 2, "spawn");
    ensure!(builder().spawn_with(with()).await? == 2, "spawn_with");
    ensure!(builder().try_spawn(tried()).await? == 2, "try_spawn");
    ensure!(builder().spawn_with_timeout(1.hours(), work()).await? == 2, "spawn_with_timeout");
    ensure!(builder().retry(1).spawn(work()).await? == 2, "with retries");
    Ok(())
}

pub async fn each_attempt_has_a_context_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (ids, given) = async_channel::unbounded();
    let builder = AsyncTask::to::<u32>().on(&rt).name("fetch").with(7u32).hedge(at_once());
    let calls = Calls::default();
    let task = builder.spawn_with(move |cx: TaskContext| {
        let (call, ids) = (calls.next(), ids.clone());
        async move {
            let value = cx.get::<u32>().filter(|_| cx.name().as_deref() == Some("fetch"));
            let _ = ids.try_send(cx.id());
            if call == 1 {
                pending::<()>().await;
            }
            value.map(|value| *value).ok_or("no value, or no name")
        }
    });
    let own = task.id();
    ensure!(task.await? == 7);
    let (first, second) = (given.recv().await?, given.recv().await?);
    ensure!(first != second && own != first && own != second, "{own}, {first}, {second}");
    Ok(())
}

pub async fn a_member_of_a_scope_is_hedged<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for fails in [false, true] {
        let (inner, calls) = (rt.clone(), Calls::default());
        let counted = calls.clone();
        let scope = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
            let builder = AsyncTask::to::<u32>().on(&inner).hedge(Hedge::after(1.hours()));
            let member = s.spawn_as(builder, move || {
                let call = counted.next();
                async move { if fails || call == 1 { Err(Broken(call)) } else { Ok(call) } }
            });
            Ok(member.await?)
        });
        let result = scope.await;
        ensure!(calls.made() == 2 && result.is_err() == fails, "{result:?}");
        match result {
            Ok(call) => ensure!(call == 2),
            Err(error) => ensure!(error.downcast_ref() == Some(&Broken(2)), "{error:?}"),
        }
    }
    Ok(())
}

pub async fn tasks_of_an_orchestra_are_hedged<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let begun = rt.now();
    let work = || stuck(&rt, &Calls::default(), 1, Duration::ZERO);
    let hedge = || Hedge::after(10.millis());
    let before = AsyncTask::to::<u32>().on(&rt).hedge(hedge()).orchestrator(&all);
    ensure!(before.run(work()).await? == 2, "set before");
    let after = || AsyncTask::to::<u32>().on(&rt).orchestrator(&all).hedge(hedge());
    ensure!(after().spawn(work()).await? == 2, "set after");
    let retried = after().retry(1).backoff(RetryStrategy::Immediate);
    let with = {
        let work = work();
        move |_: TaskContext| work()
    };
    ensure!(retried.run_with(with).await? == 2, "with retries");
    is_due(&rt, at, begun, 30.millis())?;
    // Nodes of a graph, with inputs and without.
    let graph = orchestra(&rt).build()?;
    let first = graph.register_task("first", AsyncTask::to::<u32>().hedge(hedge()), work())?;
    let calls = Calls::default();
    let second =
        graph.register_after("second", &first, AsyncTask::to::<u32>().hedge(at_once()), move |first| {
            let call = calls.next();
            async move {
                if call == 1 {
                    pending::<()>().await;
                }
                *first * 10 + call
            }
        })?;
    graph.run().await?;
    ensure!((first.output().as_deref(), second.output().as_deref()) == (Some(&2), Some(&22)));
    Ok(())
}

pub async fn a_node_ends_after_the_attempts_that_were_not_needed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, calls, inner, graph) =
        (Census::default(), Calls::default(), rt.clone(), orchestra(&rt).build()?);
    let inside = alive.clone();
    let node = graph.register_task("node", AsyncTask::to::<u32>().hedge(at_once()), move || {
        let (call, resident, below, rt) = (calls.next(), inside.enter(), inside.enter(), inner.clone());
        async move {
            let _resident = resident;
            let child = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
                let _below = below;
                pending::<()>().await;
            });
            yield_now().await;
            if call == 1 {
                child.await?;
            }
            Ok::<_, AsyncTaskError>(call)
        }
    })?;
    let left = alive.clone();
    let after = AsyncTask::to::<usize>();
    let after = graph.register_after("after", &node, after, move |_| async move { left.alive() })?;
    graph.run().await?;
    ensure!(after.output().as_deref() == Some(&0) && alive.ever() == 4, "{:?}", after.output());
    Ok(())
}

pub async fn each_run_of_repeated_work_is_hedged<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(at_once());
    let report = builder.repeat(Schedule::every(1.millis()).take(3)).spawn(move || {
        let call = counted.next();
        async move {
            if call % 2 == 1 {
                pending::<()>().await;
            }
            call
        }
    });
    let report = report.await?;
    ensure!((report.runs, report.failures, calls.made()) == (3, 0, 6), "{report:?}");
    Ok(())
}

pub async fn a_hedge_stands_alone<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // The work may change what it captures.
    let (mut made, begun, further) = (0, rt.now(), Begun::default());
    let clock = rt.clone();
    let work = || {
        made += 1;
        let (call, rt) = (made, clock.clone());
        async move {
            if call == 1 {
                pending::<()>().await;
            }
            rt.sleep(5.millis()).await?;
            Ok::<_, AsyncTaskError>(call)
        }
    };
    let hedge = further.of(&rt, Hedge::after(10.millis()));
    let value = hedge.apply_on(&rt, work).await?;
    ensure!((value, made) == (2, 2) && further.numbers() == [2]);
    is_due(&rt, at, begun, 15.millis())?;
    let error = failed(Hedge::after(1.hours()).apply_on(&rt, || async { Err::<(), _>("never") }).await)?;
    ensure!(format!("{error:#}") == "the work failed 2 times: never", "{error:#}");
    let broken = || async { Ok::<_, BoxError>(explode::<()>("broken")) };
    ensure!(failed(at_once().apply_on(&rt, broken).await)?.is_panic());
    let mut calls = 0;
    let panics = || {
        calls += 1;
        if calls == 2 {
            explode::<()>("no future");
        }
        pending::<Result<(), BoxError>>()
    };
    let error = failed(at_once().apply_on(&rt, panics).await)?;
    ensure!(error.is_panic() && calls == 2, "{error:?}");
    // Nothing of it is left in the task around it.
    let (alive, inner) = (Census::default(), rt.clone());
    let inside = alive.clone();
    let task = AsyncTask::to::<usize>().on(&rt).try_spawn(move || async move {
        let (calls, below) = (Calls::default(), inside.clone());
        let work = move || {
            let (call, resident) = (calls.next(), below.enter());
            async move {
                let _resident = resident;
                if call == 1 {
                    pending::<()>().await;
                }
                Ok::<_, BoxError>(call)
            }
        };
        at_once().apply_on(&inner, work).await?;
        Ok(inside.alive())
    });
    ensure!(task.await? == 0 && alive.ever() == 2);
    Ok(())
}
