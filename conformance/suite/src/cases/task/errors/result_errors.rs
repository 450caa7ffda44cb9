//! Errors, several and retried: predicates, order and causes of an error that holds others.

use std::error::Error;
use std::fmt;
use std::io;

use crate::library::{BoxError, RestartPolicy, SeveralErrors, TaskSet};

use crate::kit::explode;
use crate::kit::prelude::*;

/// The kind of a member's failure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FailureKind {
    OwnError,
    Panics,
    Late,
}

const ORDERS: [[FailureKind; 3]; 3] = [
    [FailureKind::OwnError, FailureKind::Panics, FailureKind::Late],
    [FailureKind::Panics, FailureKind::Late, FailureKind::OwnError],
    [FailureKind::Late, FailureKind::OwnError, FailureKind::Panics],
];

/// The kind of a failure, by the predicates of its error. A cancellation or a shutdown is never due here.
fn kind_of(error: &AsyncTaskError) -> Result<FailureKind, Failure> {
    ensure!(!error.is_cancelled() && !error.is_shutdown(), "{error:?}");
    match (error.is_failure(), error.is_panic(), error.is_timeout()) {
        (true, false, false) => Ok(FailureKind::OwnError),
        (false, true, false) => Ok(FailureKind::Panics),
        (false, false, true) => Ok(FailureKind::Late),
        other => bail!("the predicates do not agree: {other:?} of {error:?}"),
    }
}

/// An error with a cause.
#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

async fn fail<R: Runtime>(rt: R, kind: FailureKind) -> Result<u32, BoxError> {
    match kind {
        FailureKind::OwnError => Err(Outer(io::Error::new(io::ErrorKind::NotFound, "inner")).into()),
        FailureKind::Panics => explode("panic"),
        FailureKind::Late => {
            Ok(AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).run(pending::<u32>).await?)
        }
    }
}

/// The error of `any` over work that fails in this order. It runs in place, so that each piece has failed
/// before the next goes on.
async fn in_order<R: Runtime>(rt: &R, kinds: [FailureKind; 3]) -> Result<AsyncTaskError, Failure> {
    let mut set = TaskSet::new();
    let mut turn = Latch::new();
    turn.set();
    for kind in kinds {
        let (own, next, inner) = (turn, Latch::new(), rt.clone());
        turn = next.clone();
        set.push(AsyncTask::to::<u32>().on(rt).try_run(move || async move {
            own.wait().await;
            let _next = next.on_drop();
            fail(inner, kind).await
        }));
    }
    failed(set.any().await)
}

fn several(error: AsyncTaskError) -> Result<SeveralErrors, Failure> {
    match error {
        AsyncTaskError::Several(several) => Ok(several),
        single => bail!("several were due: {single:?}"),
    }
}

pub async fn predicates_of_several_speak_of_the_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kinds in ORDERS {
        let error = in_order(&rt, kinds).await?;
        let [first, ..] = kinds;
        ensure!(kind_of(&error)? == first && kind_of(error.first())? == first, "{error:?}");
        ensure!(kind_of(several(error)?.first())? == first);
    }
    Ok(())
}

pub async fn several_errors_are_reported_in_their_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kinds in ORDERS {
        let several = several(in_order(&rt, kinds).await?)?;
        let others: Vec<FailureKind> = several.others().iter().map(kind_of).collect::<Result<_, _>>()?;
        ensure!(kinds.get(1..) == Some(&others), "{several:?}");
        let text = format!("{several:#}");
        ensure!(text.contains("and 2 more") && text.contains("outer") && text.contains("5ms"), "{text}");
        let all: Vec<FailureKind> =
            several.into_all().map(|error| kind_of(&error)).collect::<Result<_, _>>()?;
        ensure!(all == kinds, "{all:?}");
    }
    Ok(())
}

pub async fn the_first_of_several_errors_can_be_downcast<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let [first, _, last] = ORDERS;
    let error = in_order(&rt, first).await?;
    ensure!(error.downcast_ref::<Outer>().is_some() && error.downcast_ref::<io::Error>().is_none());
    let mut chain = Vec::new();
    let mut cause = error.source();
    while let Some(next) = cause {
        chain.push(next.to_string());
        cause = next.source();
    }
    ensure!(chain == ["outer", "inner"], "the causes of the first, each once: {chain:?}");
    ensure!(several(error)?.into_first().downcast::<Outer>().is_ok());
    let other = in_order(&rt, last).await?;
    ensure!(other.downcast_ref::<Outer>().is_none(), "the first is a timeout");
    Ok(())
}

pub async fn one_failure_is_not_several<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut set = TaskSet::new();
    for kind in [Some(FailureKind::OwnError), None, None] {
        let inner = rt.clone();
        set.push(AsyncTask::to::<u32>().on(&rt).try_spawn(move || async move {
            match kind {
                Some(kind) => fail(inner, kind).await,
                None => Ok(pending().await),
            }
        }));
    }
    // The others were stopped because of it, which is no failure of theirs.
    let error = failed(set.all().await)?;
    ensure!(matches!(error, AsyncTaskError::Failure(_)), "{error:?}");
    ensure!(std::ptr::eq(error.first(), &error) && error.downcast::<Outer>().is_ok());
    Ok(())
}

pub async fn work_that_failed_each_time_is_none_of_the_single_kinds<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let policy = RestartPolicy { intensity: 2, period: 1.hours() };
    for kind in [FailureKind::OwnError, FailureKind::Panics, FailureKind::Late] {
        let inner = rt.clone();
        let task = AsyncTask::to::<u32>().on(&rt).supervise(policy).spawn(move || {
            let inner = inner.clone();
            async move { fail(inner, kind).await }
        });
        let error = failed(task.await)?;
        ensure!(kind_of(&error).is_err(), "it has failed thrice, which is more than once: {error:?}");
        ensure!(error.to_string() == "the work failed 3 times", "{error}");
        ensure!(error.downcast_ref::<Outer>().is_some() == (kind == FailureKind::OwnError), "{error:?}");
        let AsyncTaskError::RetriesExhausted(retries) = &error else { bail!("{error:?}") };
        ensure!(retries.attempts() == 3 && kind_of(retries.last())? == kind);
        // The error itself, or the whole given back unchanged.
        match (kind, error.downcast::<Outer>()) {
            (FailureKind::OwnError, Ok(Outer(cause))) => ensure!(cause.kind() == io::ErrorKind::NotFound),
            (FailureKind::Panics | FailureKind::Late, Err(AsyncTaskError::RetriesExhausted(retries))) => {
                ensure!(retries.attempts() == 3 && kind_of(retries.last())? == kind);
            }
            (kind, other) => bail!("{kind:?}: {other:?}"),
        }
    }
    Ok(())
}
