//! Errors: each text stands once in the chain of sources, and the error names its task.

use std::error::Error;
use std::num::ParseIntError;

use crate::library::{BoxError, RestartPolicy, RetryStrategy, TaskSet};

use crate::cases::restarts::Broken;
use crate::kit::explode;
use crate::kit::prelude::*;

/// Returns the texts of the error and of all its sources, as a reporter prints them.
fn chain_texts(error: &(dyn Error + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |error| (*error).source()).map(ToString::to_string).collect()
}

/// Checks the chain, and the error printed on one line.
fn is(error: &AsyncTaskError, due: &[&str]) -> Outcome {
    ensure!(chain_texts(error) == due, "{:?}", chain_texts(error));
    ensure!(format!("{error:#}") == due.join(": "), "{error:#}");
    Ok(())
}

fn holds<E: Error + 'static>(error: &AsyncTaskError) -> bool {
    let top: &(dyn Error + 'static) = error;
    std::iter::successors(Some(top), |error| (*error).source()).any(|error| error.is::<E>())
}

const JUNK: &str = "invalid digit found in string";

pub async fn the_works_own_error_is_in_the_chain<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let parse = || async { "x".parse::<u32>() };
    for (name, due) in [(None, "the work failed"), (Some("parse"), "task `parse` failed")] {
        let bare = || AsyncTask::to::<u32>().on(&rt);
        let errors = match name {
            None => vec![
                failed(bare().run(parse).await)?,
                failed(bare().spawn(parse).await)?,
                failed(bare().timeout(1.hours()).run(parse).await)?,
                failed(bare().run_with(|_| parse()).await)?,
                failed(bare().spawn_blocking(|| "x".parse::<u32>()).await)?,
            ],
            Some(name) => vec![
                failed(bare().name(name).run(parse).await)?,
                failed(bare().name(name).spawn(parse).await)?,
                failed(bare().timeout(1.hours()).name(name).run(parse).await)?,
                failed(bare().timeout(Duration::MAX).name(name).run(parse).await)?,
                failed(bare().name(name).run_with(|_| parse()).await)?,
                failed(bare().name(name).spawn_blocking(|| "x".parse::<u32>()).await)?,
                failed(bare().name(name).retry(0).run(parse).await)?,
            ],
        };
        for error in errors {
            is(&error, &[due, JUNK])?;
            ensure!(holds::<ParseIntError>(&error) && error.downcast_ref::<ParseIntError>().is_some());
            let AsyncTaskError::Failure(failure) = error else { bail!("not a failure") };
            ensure!(failure.task() == name && failure.error().is::<ParseIntError>());
        }
    }
    Ok(())
}

pub async fn a_reporter_prints_each_text_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<u32>().on(&rt).name("load").spawn(|| async { "x".parse::<u32>() });
    let report = anyhow::Error::from(failed(task.await)?).context("starting");
    ensure!(format!("{report:#}") == format!("starting: task `load` failed: {JUNK}"), "{report:#}");
    ensure!(report.chain().any(|error| error.is::<ParseIntError>()));
    Ok(())
}

pub async fn exhausted_retries_report_the_count_and_the_last_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || AsyncTask::to::<u32>().on(&rt).name("fetch");
    let retried = builder().retry(2).backoff(RetryStrategy::Immediate);
    let error = failed(retried.spawn(|| async { "x".parse::<u32>() }).await)?;
    is(&error, &["task `fetch` failed 3 times", JUNK])?;
    ensure!(holds::<ParseIntError>(&error));
    let policy = RestartPolicy { intensity: 1, period: 1.hours() };
    let supervised = builder().supervise(policy).spawn(|| async { "x".parse::<u32>() });
    is(&failed(supervised.await)?, &["task `fetch` failed 2 times", JUNK])?;
    // The limit of the last attempt is a source of its own.
    let late = builder().attempt_timeout(5.millis()).retry(1).backoff(RetryStrategy::Immediate);
    let error = failed(late.spawn(pending::<u32>).await)?;
    is(&error, &["task `fetch` failed 2 times", "task `fetch` timed out after 5ms (limit of one attempt)"])?;
    Ok(())
}

pub async fn a_panic_names_its_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let named = AsyncTask::to::<()>().on(&rt).name("parse");
    for error in [
        failed(named.clone().spawn(|| async { explode::<()>("boom") }).await)?,
        failed(named.run(|| async { explode::<()>("boom") }).await)?,
    ] {
        is(&error, &["task `parse` panicked: boom"])?;
        let AsyncTaskError::Panic(panic) = error else { bail!("not a panic") };
        ensure!(panic.task() == Some("parse") && panic.message() == "boom");
    }
    let bare = AsyncTask::to::<()>().on(&rt).spawn(|| async { explode::<()>("boom") });
    is(&failed(bare.await)?, &["the work panicked: boom"])
}

pub async fn only_the_nearest_named_task_of_an_error_is_named<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let outer = AsyncTask::to::<u32>().on(&rt).name("outer").spawn(move || async move {
        AsyncTask::to::<u32>().on(&inner).name("inner").spawn(|| async { Err::<u32, _>(Broken(1)) }).await
    });
    is(&failed(outer.await)?, &["task `inner` failed", "broken 1"])?;
    // Work without a name is part of the nearest task that has one.
    let inner = rt.clone();
    let outer = AsyncTask::to::<u32>().on(&rt).name("outer").spawn(move || async move {
        AsyncTask::to::<u32>().on(&inner).spawn(|| async { Err::<u32, _>(Broken(1)) }).await
    });
    is(&failed(outer.await)?, &["task `outer` failed", "broken 1"])
}

pub async fn each_of_several_errors_is_reported_with_its_causes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut set = TaskSet::new();
    let mut turn = Latch::new();
    turn.set();
    for n in [1, 2] {
        let (own, next) = (turn, Latch::new());
        turn = next.clone();
        let builder = AsyncTask::to::<u32>().on(&rt).name(n.to_string());
        set.push(builder.try_run(move || async move {
            own.wait().await;
            let _next = next.on_drop();
            Err::<u32, BoxError>(Broken(n).into())
        }));
    }
    let error = failed(set.any().await)?;
    is(&error, &["task `1` failed (and 1 more; task `2` failed: broken 2)", "broken 1"])?;
    ensure!(error.downcast_ref() == Some(&Broken(1)));
    Ok(())
}
