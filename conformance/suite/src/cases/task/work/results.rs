//! Work, combinators: `map`, `map_err`, `and_then`, `or_else` and `await_result` handle either outcome.
//! They work on handles and on work in place.

use std::num::ParseIntError;

use crate::library::task::Run;
use crate::library::{ScopedTask, await_result};

use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

fn task<R: Runtime>(rt: &R, result: Result<u32, &'static str>) -> Task<u32, R> {
    AsyncTask::to::<u32>().on(rt).spawn(move || async move { result })
}

fn run<R: Runtime>(
    rt: &R,
    result: Result<u32, &'static str>,
) -> Run<impl Future<Output = Result<u32, AsyncTaskError>> + use<R>> {
    AsyncTask::to::<u32>().on(rt).run(move || async move { result })
}

/// Runs `check` with a member of a scope that gives `result`.
async fn with_member<R, F, O, T>(
    rt: &R,
    result: Result<u32, &'static str>,
    check: F,
) -> Result<T, AsyncTaskError>
where
    R: Runtime,
    F: FnOnce(ScopedTask<u32, R>) -> O,
    O: Future<Output = T>,
{
    let builder = AsyncTask::to::<u32>().on(rt);
    AsyncTask::to()
        .on(rt)
        .scope(|s| async move { Ok(check(s.spawn_as(builder, move || async move { result })).await) })
        .await
}

pub async fn map_changes_a_value_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = |n: u32| n.to_string();
    ensure!(task(&rt, Ok(1)).map(text).await? == "1");
    ensure!(run(&rt, Ok(2)).map(text).await? == "2");
    ensure!(with_member(&rt, Ok(3), |member| member.map(text)).await?? == "3");
    let called = Latch::new();
    let call = |n: u32| {
        called.set();
        n
    };
    ensure!(source_text(&failed(task(&rt, Err("no")).map(call).await)?) == "no");
    ensure!(source_text(&failed(run(&rt, Err("no")).map(call).await)?) == "no");
    ensure!(source_text(&failed(with_member(&rt, Err("no"), |member| member.map(call)).await)?) == "no");
    ensure!(!called.is_set(), "there is no value to change");
    Ok(())
}

pub async fn map_err_changes_an_error_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let length = |error: AsyncTaskError| source_text(&error).len();
    ensure!(task(&rt, Err("four")).map_err(length).await == Err(4));
    ensure!(run(&rt, Err("four")).map_err(length).await == Err(4));
    // The handle of a failed member reports the failure of a sibling; the scope has the error.
    let called = Latch::new();
    let call = called.clone();
    let mapped = with_member(&rt, Err("four"), |member| {
        member.map_err(move |error| {
            if cause_of(&error) == Some(CancelCause::SiblingFailed) {
                call.set();
            }
        })
    });
    ensure!(source_text(&failed(mapped.await)?) == "four");
    let called = Latch::new();
    let call = |_| called.set();
    ensure!(task(&rt, Ok(1)).map_err(call).await == Ok(1));
    ensure!(run(&rt, Ok(2)).map_err(call).await == Ok(2));
    ensure!(with_member(&rt, Ok(3), |member| member.map_err(call)).await? == Ok(3));
    ensure!(!called.is_set(), "there is no error to change");
    Ok(())
}

pub async fn and_then_goes_on_with_a_value<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let half = |n: u32| async move { if n.is_multiple_of(2) { Ok(n / 2) } else { Err("odd") } };
    // The closure may give any future of a `Result`, a task, or work in place.
    ensure!(task(&rt, Ok(4)).and_then(half).await? == 2);
    ensure!(task(&rt, Ok(4)).and_then(|n| task(&rt, Ok(n + 1))).await? == 5);
    ensure!(run(&rt, Ok(4)).and_then(|n| run(&rt, Ok(n + 1))).await? == 5);
    ensure!(with_member(&rt, Ok(4), |member| member.and_then(half)).await?? == 2);
    // The error of the second.
    for error in [
        failed(task(&rt, Ok(3)).and_then(half).await)?,
        failed(run(&rt, Ok(3)).and_then(half).await)?,
        failed(with_member(&rt, Ok(3), |member| member.and_then(half)).await?)?,
        failed(task(&rt, Ok(3)).and_then(|_| task(&rt, Err("odd"))).await)?,
    ] {
        ensure!(error.is_failure() && source_text(&error) == "odd", "{error:?}");
    }
    let parse = |_| async { "x".parse::<u32>() };
    ensure!(failed(task(&rt, Ok(1)).and_then(parse).await)?.downcast_ref::<ParseIntError>().is_some());
    let late = |_| AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).run(pending::<u32>);
    ensure!(failed(task(&rt, Ok(1)).and_then(late).await)?.is_timeout(), "an error of ours is not nested");
    // The error of the first; the second is never created.
    let called = Latch::new();
    let call = |n: u32| {
        called.set();
        async move { Ok::<_, AsyncTaskError>(n) }
    };
    ensure!(source_text(&failed(task(&rt, Err("no")).and_then(call).await)?) == "no");
    ensure!(source_text(&failed(run(&rt, Err("no")).and_then(call).await)?) == "no");
    ensure!(!called.is_set());
    Ok(())
}

pub async fn or_else_goes_on_with_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let length =
        |error: AsyncTaskError| async move { source_text(&error).len().try_into() as Result<u32, _> };
    ensure!(task(&rt, Err("four")).or_else(length).await? == 4);
    ensure!(task(&rt, Err("four")).or_else(|_| task(&rt, Ok(5))).await? == 5);
    ensure!(run(&rt, Err("four")).or_else(length).await? == 4);
    ensure!(run(&rt, Err("four")).or_else(|_| run(&rt, Ok(5))).await? == 5);
    let second = |_| async { Err("second") };
    ensure!(source_text(&failed(task(&rt, Err("first")).or_else(second).await)?) == "second");
    ensure!(source_text(&failed(run(&rt, Err("first")).or_else(second).await)?) == "second");
    let same = |error: AsyncTaskError| async move { Err(error) };
    let late = AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).spawn(pending::<u32>);
    ensure!(failed(late.or_else(same).await)?.is_timeout(), "an error of ours is not nested");
    let called = Latch::new();
    let call = |_| {
        called.set();
        async { Ok::<u32, AsyncTaskError>(0) }
    };
    ensure!(task(&rt, Ok(1)).or_else(call).await? == 1);
    ensure!(run(&rt, Ok(2)).or_else(call).await? == 2);
    ensure!(with_member(&rt, Ok(3), |member| member.or_else(call)).await?? == 3);
    ensure!(!called.is_set());
    Ok(())
}

pub async fn nothing_happens_before_a_combination_is_awaited<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let called = Latch::new();
    let work = || async {
        called.set();
        1
    };
    let mapped = AsyncTask::to::<u32>().on(&rt).run(work).map(|n| n + 1);
    drop(mapped);
    ensure!(!called.is_set());
    let mapped = AsyncTask::to::<u32>().on(&rt).run(work).map(|n| n + 1);
    ensure!(mapped.await? == 2 && called.is_set());
    Ok(())
}

pub async fn a_dropped_combination_drops_the_work_it_waits_for<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    let canceller = task.canceller();
    let mut mapped = Box::pin(task.map(|()| 1));
    ensure!(poll_once(mapped.as_mut()).await.is_none());
    drop(mapped);
    let end = canceller.cancel(CancelLevel::Kill).await;
    ensure!(end.cause() == Some(CancelCause::HandleDropped), "{end:?}");

    let dropped = Latch::new();
    let guard = dropped.on_drop();
    let run = AsyncTask::to::<()>().on(&rt).run(|| async move {
        let _guard = guard;
        pending::<()>().await
    });
    let mut mapped = Box::pin(run.or_else(|error| async move { Err(error) }));
    ensure!(poll_once(mapped.as_mut()).await.is_none());
    drop(mapped);
    ensure!(dropped.is_set());

    // A member is left to its scope.
    let (done, open) = (Latch::new(), Latch::new());
    let (finish, opened) = (done.clone(), open.clone());
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async move {
            opened.wait().await;
            finish.set();
            Ok(())
        });
        let mut mapped = Box::pin(member.map(|()| 1));
        let early = poll_once(mapped.as_mut()).await.is_some();
        drop(mapped);
        open.set();
        Ok(early)
    });
    ensure!(!scope.await? && done.is_set(), "it was stopped");
    Ok(())
}

pub async fn a_panic_of_a_combinators_closure_is_the_callers_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut caller, inner, after) = {
        let (inner, after) = (rt.clone(), Latch::new());
        let passed_by = after.clone();
        let own = inner.clone();
        let caller = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
            let result = task(&own, Ok(1)).map(|_| explode::<u32>("in the closure")).await;
            passed_by.set();
            result
        });
        (caller, inner, after)
    };
    let error = failed((&mut caller).await)?;
    ensure!(error.is_panic() && error.to_string().contains("in the closure"), "{error:?}");
    ensure!(!after.is_set(), "it was caught before the caller");
    ensure!(task(&inner, Ok(1)).await? == 1);
    Ok(())
}

pub async fn await_result_hands_over_either_outcome<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt);
    let describe = |result: Result<u32, AsyncTaskError>| match result {
        Ok(value) => format!("value {value}"),
        Err(error) => format!("error {}", source_text(&error)),
    };
    ensure!(builder.clone().await_result(|| async { 1 }, describe).await == "value 1");
    ensure!(builder.clone().await_result(|| 2, describe).await == "value 2");
    ensure!(builder.clone().await_result(|| async { Err::<u32, _>("no") }, describe).await == "error no");
    let limited = builder.clone().name("late").timeout(5.millis());
    let late = limited.await_result(pending::<u32>, |result| result.is_err_and(|error| error.is_timeout()));
    ensure!(late.await);
    let panicked =
        builder.await_result(|| async { explode::<u32>("no") }, |result| result.map_err(|e| e.is_panic()));
    ensure!(panicked.await == Err(true));
    Ok(())
}

pub async fn the_short_spelling_has_an_arm_for_each_outcome<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The `OK` arm is wrapped; the `ERR` arm is a `Result` itself.
    let ok: Result<u32, AsyncTaskError> =
        await_result!(task(&rt, Ok(4)), |result| { OK(n) => n * 2, ERR(error) => Err(error) });
    ensure!(ok? == 8);
    let mended: Result<u32, AsyncTaskError> =
        await_result!(run(&rt, Err("no")), |result| { OK(n) => n, ERR(_) => Ok(5) });
    ensure!(mended? == 5);
    let passed_on: Result<u32, AsyncTaskError> =
        await_result!(task(&rt, Err("no")), |result| { OK(n) => n, ERR(error) => Err(error), });
    ensure!(source_text(&failed(passed_on)?) == "no");
    let other: Result<u32, usize> =
        await_result!(run(&rt, Err("four")), |result| { OK(n) => n, ERR(e) => Err(source_text(&e).len()) });
    ensure!(other == Err(4));
    let member = with_member(&rt, Ok(3), |member| async {
        let tripled: Result<u32, AsyncTaskError> =
            await_result!(member, |result| { OK(n) => n * 3, ERR(error) => Err(error) });
        tripled
    });
    ensure!(member.await?? == 9);
    // Arms may leave the enclosing function.
    async fn leaves<R: Runtime>(rt: &R) -> Result<u32, AsyncTaskError> {
        await_result!(task(rt, Ok(1)), |result| { OK(_) => task(rt, Err("inside")).await?, ERR(error) => Err(error) })
    }
    ensure!(source_text(&failed(leaves(&rt).await)?) == "inside");
    Ok(())
}
