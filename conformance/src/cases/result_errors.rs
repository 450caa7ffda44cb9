//! What errors that hold others say of themselves: several at once, and work that failed each time.

use std::error::Error;
use std::fmt;
use std::io;

use sweet_async::{BoxError, RestartPolicy, SeveralErrors, TaskSet};

use crate::kit::explode;
use crate::kit::prelude::*;

/// How a member fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Itself,
    Panics,
    Late,
}

const ORDERS: [[Way; 3]; 3] = [
    [Way::Itself, Way::Panics, Way::Late],
    [Way::Panics, Way::Late, Way::Itself],
    [Way::Late, Way::Itself, Way::Panics],
];

/// What the predicates say: cancelled and shutdown are never due here.
fn way_of(error: &AsyncTaskError) -> Result<Way, Failure> {
    ensure!(!error.is_cancelled() && !error.is_shutdown(), "{error:?}");
    match (error.is_failure(), error.is_panic(), error.is_timeout()) {
        (true, false, false) => Ok(Way::Itself),
        (false, true, false) => Ok(Way::Panics),
        (false, false, true) => Ok(Way::Late),
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

async fn fail<R: Runtime>(rt: R, way: Way) -> Result<u32, BoxError> {
    match way {
        Way::Itself => Err(Outer(io::Error::new(io::ErrorKind::NotFound, "inner")).into()),
        Way::Panics => explode("panic"),
        Way::Late => Ok(AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).run(pending::<u32>).await?),
    }
}

/// What comes of work of which one success was asked, and all of which fails, in this order: in place, so that each
/// has failed before the next is let go.
async fn in_turn<R: Runtime>(rt: &R, ways: [Way; 3]) -> Result<AsyncTaskError, Failure> {
    let mut set = TaskSet::new();
    let mut turn = Latch::new();
    turn.set();
    for way in ways {
        let (own, next, inner) = (turn, Latch::new(), rt.clone());
        turn = next.clone();
        set.push(AsyncTask::to::<u32>().on(rt).try_run(move || async move {
            own.wait().await;
            let _next = next.on_drop();
            fail(inner, way).await
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
    for ways in ORDERS {
        let error = in_turn(&rt, ways).await?;
        let [first, ..] = ways;
        ensure!(way_of(&error)? == first && way_of(error.first())? == first, "{error:?}");
        ensure!(way_of(several(error)?.first())? == first);
    }
    Ok(())
}

pub async fn several_are_told_in_the_order_of_their_coming<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ways in ORDERS {
        let several = several(in_turn(&rt, ways).await?)?;
        let others: Vec<Way> = several.others().iter().map(way_of).collect::<Result<_, _>>()?;
        ensure!(ways.get(1..) == Some(&others), "{several:?}");
        let text = format!("{several:#}");
        ensure!(text.contains("and 2 more") && text.contains("outer") && text.contains("5ms"), "{text}");
        let all: Vec<Way> = several.into_all().map(|error| way_of(&error)).collect::<Result<_, _>>()?;
        ensure!(all == ways, "{all:?}");
    }
    Ok(())
}

pub async fn the_first_of_several_can_be_had_as_what_it_was<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let [first, _, last] = ORDERS;
    let error = in_turn(&rt, first).await?;
    ensure!(error.downcast_ref::<Outer>().is_some() && error.downcast_ref::<io::Error>().is_none());
    let mut chain = Vec::new();
    let mut cause = error.source();
    while let Some(next) = cause {
        chain.push(next.to_string());
        cause = next.source();
    }
    ensure!(chain == ["outer", "inner"], "the causes of the first, each once: {chain:?}");
    ensure!(several(error)?.into_first().downcast::<Outer>().is_ok());
    let other = in_turn(&rt, last).await?;
    ensure!(other.downcast_ref::<Outer>().is_none(), "the first is a timeout");
    Ok(())
}

pub async fn one_failure_is_not_several<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut set = TaskSet::new();
    for way in [Some(Way::Itself), None, None] {
        let inner = rt.clone();
        set.push(AsyncTask::to::<u32>().on(&rt).try_spawn(move || async move {
            match way {
                Some(way) => fail(inner, way).await,
                None => Ok(pending().await),
            }
        }));
    }
    // The others were stopped for it, which is no failure of theirs.
    let error = failed(set.all().await)?;
    ensure!(matches!(error, AsyncTaskError::Failure(_)), "{error:?}");
    ensure!(std::ptr::eq(error.first(), &error) && error.downcast::<Outer>().is_ok());
    Ok(())
}

pub async fn work_that_failed_each_time_is_none_of_the_single_kinds<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let policy = RestartPolicy { intensity: 2, period: 1.hours() };
    for way in [Way::Itself, Way::Panics, Way::Late] {
        let inner = rt.clone();
        let task = AsyncTask::to::<u32>().on(&rt).supervise(policy).spawn(move || {
            let inner = inner.clone();
            async move { fail(inner, way).await }
        });
        let error = failed(task.await)?;
        ensure!(way_of(&error).is_err(), "it has failed thrice, which is more than once: {error:?}");
        ensure!(error.to_string() == "the work failed 3 times", "{error}");
        ensure!(error.downcast_ref::<Outer>().is_some() == (way == Way::Itself), "{error:?}");
        let AsyncTaskError::RetriesExhausted(retries) = &error else { bail!("{error:?}") };
        ensure!(retries.attempts() == 3 && way_of(retries.last())? == way);
        // As itself, or given back as it was.
        match (way, error.downcast::<Outer>()) {
            (Way::Itself, Ok(Outer(cause))) => ensure!(cause.kind() == io::ErrorKind::NotFound),
            (Way::Panics | Way::Late, Err(AsyncTaskError::RetriesExhausted(retries))) => {
                ensure!(retries.attempts() == 3 && way_of(retries.last())? == way);
            }
            (way, other) => bail!("{way:?}: {other:?}"),
        }
    }
    Ok(())
}
