//! Promise 8, scopes: `all`, `any`, `n_of` and `stop` wait for the members they stop, and lose no failure.

use std::pin::pin;

use crate::library::{Canceller, TaskSet, all, any, n_of};

use super::adoption::held;
use super::scopes::stays_pending;
use crate::kit::explode;
use crate::kit::prelude::*;

fn gives<R: Runtime>(rt: &R, value: u32) -> Task<u32, R> {
    AsyncTask::to::<u32>().on(rt).spawn(move || async move { value })
}

fn fails<R: Runtime>(rt: &R, text: &'static str) -> Task<u32, R> {
    AsyncTask::to::<u32>().on(rt).spawn(move || async move { Err::<u32, _>(text) })
}

/// A task that never ends by itself, and is counted while it exists.
fn idles<R: Runtime>(rt: &R, alive: &Census) -> Task<u32, R> {
    let resident = alive.enter();
    AsyncTask::to::<u32>().on(rt).spawn(|| async move {
        let _resident = resident;
        pending::<u32>().await
    })
}

async fn was_stopped_for(canceller: &Canceller) -> Option<CancelCause> {
    canceller.cancel(CancelLevel::Kill).await.cause()
}

pub async fn the_first_failure_stops_the_others_of_all<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let idle = idles(&rt, &alive);
    let canceller = idle.canceller();
    let error = failed(all([idle, fails(&rt, "first"), idles(&rt, &alive), gives(&rt, 1)]).await)?;
    ensure!(error.is_failure() && source_text(&error) == "first", "{error:?}");
    ensure!(alive.alive() == 0, "{} are left", alive.alive());
    ensure!(was_stopped_for(&canceller).await == Some(CancelCause::SiblingFailed));
    let panics = AsyncTask::to::<u32>().on(&rt).spawn(|| async { explode::<u32>("boom") });
    ensure!(failed(all([idles(&rt, &alive), panics]).await)?.is_panic());
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn the_first_success_stops_the_others_of_any<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let idle = idles(&rt, &alive);
    let canceller = idle.canceller();
    ensure!(any([fails(&rt, "no"), idle, gives(&rt, 7), idles(&rt, &alive)]).await? == 7);
    ensure!(alive.alive() == 0, "{} are left", alive.alive());
    ensure!(was_stopped_for(&canceller).await == Some(CancelCause::Unneeded));
    Ok(())
}

pub async fn losers_have_ended_when_the_winner_is_returned<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for succeeds in [false, true] {
        let (latch, started, alive) = (Latch::new(), Latch::new(), Census::default());
        let (open, start, below) = (latch.clone(), started.clone(), alive.clone());
        let begun = started.clone();
        // It cannot be dropped before the latch is set.
        let loser = AsyncTask::to::<()>().on(&rt).spawn(|| held(start, open, below));
        let first = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
            started.wait().await;
            if succeeds { Ok(()) } else { Err("first") }
        });
        let mut set: TaskSet<_> = [loser, first].into_iter().collect();
        let mut ends = pin!(async move {
            let result = if succeeds { set.any().await } else { set.all().await.map(drop) };
            (result, set)
        });
        begun.wait().await;
        stays_pending(&rt, &mut ends).await?;
        ensure!(alive.alive() == 1);
        latch.set();
        let (result, set) = ends.await;
        ensure!(result.is_ok() == succeeds && alive.alive() == 0 && set.is_empty());
    }
    Ok(())
}

pub async fn losers_in_place_are_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for succeeds in [false, true] {
        let alive = Census::default();
        let work = |n: u32| {
            let resident = alive.enter();
            AsyncTask::to::<u32>().on(&rt).run(move || async move {
                let _resident = resident;
                yield_now().await;
                match n {
                    1 if succeeds => Ok(n),
                    1 => Err("one"),
                    _ => pending().await,
                }
            })
        };
        if succeeds {
            ensure!(any([work(0), work(1), work(2)]).await? == 1);
        } else {
            ensure!(source_text(&failed(all([work(0), work(1), work(2)]).await)?) == "one");
        }
        ensure!(alive.alive() == 0, "{} are left", alive.alive());
        let mut set: TaskSet<_> = [work(0), work(2)].into_iter().collect();
        ensure!(poll_once(set.next()).await.is_none());
        ensure!(set.stop().await.is_empty() && set.is_empty() && alive.alive() == 0);
    }
    Ok(())
}

pub async fn children_of_in_place_losers_end_with_the_enclosing_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let (below, inner) = (alive.clone(), rt.clone());
    let task = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let work = |n: u32| {
            let (below, rt) = (below.clone(), inner.clone());
            AsyncTask::to::<u32>().on(&inner).run_with(move |_| async move {
                let child = if n == 1 { gives(&rt, n) } else { idles(&rt, &below) };
                child.await
            })
        };
        any([work(0), work(1), work(2)]).await
    });
    ensure!(task.await? == 1);
    // The number that had begun by then depends on the threads.
    ensure!(alive.alive() == 0, "{} are left", alive.alive());
    Ok(())
}

pub async fn any_without_a_success_reports_all_failures<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let latch = Latch::new();
    let opens = latch.on_drop();
    let first = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        let _opens = opens;
        Err::<u32, _>("first")
    });
    let second = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        latch.wait().await;
        Err::<u32, _>("second")
    });
    let error = failed(any([second, first]).await)?;
    let AsyncTaskError::Several(several) = error else { bail!("not several: {error:?}") };
    let mut all: Vec<_> = several.into_all().map(|error| source_text(&error)).collect();
    all.sort_unstable();
    ensure!(all == ["first", "second"], "{all:?}");
    // A single failure stays as it is.
    ensure!(!matches!(failed(any([fails(&rt, "one")]).await)?, AsyncTaskError::Several(_)));
    Ok(())
}

pub async fn n_of_gives_the_first_in_the_order_of_their_success<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let mut opened = Latch::new();
    opened.set();
    // The member that was pushed last is the first to end, and so on backwards.
    let mut members: Vec<_> = (0..5u32)
        .map(|n| {
            let (latch, next) = (opened.clone(), Latch::new());
            opened = next.clone();
            AsyncTask::to::<u32>().on(&rt).run(move || async move {
                latch.wait().await;
                next.set();
                n
            })
        })
        .collect();
    members.reverse();
    ensure!(n_of(3, members).await? == [0, 1, 2]);
    let some = [gives(&rt, 1), idles(&rt, &alive), fails(&rt, "no"), gives(&rt, 2), idles(&rt, &alive)];
    let mut two = n_of(2, some).await?;
    two.sort_unstable();
    ensure!(two == [1, 2] && alive.alive() == 0, "{two:?}, {} are left", alive.alive());
    Ok(())
}

pub async fn n_of_ends_when_so_many_cannot_succeed_any_more<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let some = [fails(&rt, "a"), idles(&rt, &alive), fails(&rt, "b"), idles(&rt, &alive)];
    let error = failed(n_of(3, some).await)?;
    ensure!(error.is_failure(), "{error:?}");
    ensure!(alive.alive() == 0, "{} are left", alive.alive());
    let none = [idles(&rt, &alive), idles(&rt, &alive)];
    ensure!(n_of(0, none).await?.is_empty() && alive.alive() == 0);
    Ok(())
}

pub async fn n_of_more_than_the_members_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut set: TaskSet<_> = [gives(&rt, 1), gives(&rt, 2)].into_iter().collect();
    for too_many in [3, usize::MAX] {
        let error = failed(set.n_of(too_many).await)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    // The refused call has cancelled no member.
    ensure!(set.n_of(2).await?.len() == 2);
    Ok(())
}

pub async fn a_failure_during_the_stop_is_attached<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let late = AsyncTask::to::<u32>().on(&rt).spawn_with(|cx| async move {
        start.set();
        cx.shield(cx.cancelled()).await;
        Err::<u32, _>("late")
    });
    let first = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        started.wait().await;
        Err::<u32, _>("first")
    });
    let AsyncTaskError::Several(several) = failed(all([late, first]).await)? else { bail!("not several") };
    let all: Vec<_> = several.into_all().map(|error| source_text(&error)).collect();
    ensure!(all == ["first", "late"], "{all:?}");
    Ok(())
}

pub async fn stop_waits_and_returns_only_the_members_own_failures<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, ended) = (Census::default(), fails(&rt, "own"));
    let killed = idles(&rt, &alive);
    killed.cancel(CancelLevel::Kill).await;
    while !ended.status().is_terminal() {
        yield_now().await;
    }
    let mut set: TaskSet<_> = [idles(&rt, &alive), ended, killed, gives(&rt, 1)].into_iter().collect();
    let mut failures: Vec<_> = set.stop().await.iter().map(source_text).collect();
    failures.sort_unstable();
    ensure!(failures.len() == 2 && failures.iter().any(|text| text == "own"), "{failures:?}");
    ensure!(set.is_empty() && set.next().await.is_none() && alive.alive() == 0);
    set.push(gives(&rt, 2));
    ensure!(set.all().await? == [2], "it cannot be used again");
    Ok(())
}
