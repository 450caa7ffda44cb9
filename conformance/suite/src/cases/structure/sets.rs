//! Promise 8, scopes: a `TaskSet` gives results in the order of their ends, and a dropped await loses none.
//! Members in place may borrow.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use crate::library::{BoxError, CancellableTask as _, ScopedTask, TaskSet, all, any, n_of};

use super::scopes::{check, stays_pending};
use crate::kit::cause_of;
use crate::kit::prelude::*;

/// A task that gives `value` once `latch` is set.
fn waits_for<R: Runtime>(rt: &R, latch: &Latch, value: u32) -> Task<u32, R> {
    let latch = latch.clone();
    AsyncTask::to::<u32>().on(rt).spawn(move || async move {
        latch.wait().await;
        value
    })
}

pub async fn next_gives_results_in_the_order_of_their_ends<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let latches: Vec<_> = (0..10).map(|_| Latch::new()).collect();
    let mut set: TaskSet<_> = latches.iter().zip(0..).map(|(latch, n)| waits_for(&rt, latch, n)).collect();
    for (latch, n) in latches.iter().zip(0..10).rev() {
        {
            let mut next = pin!(set.next());
            stays_pending(&rt, &mut next).await?;
        }
        ensure!(set.len() == n as usize + 1);
        latch.set();
        ensure!(set.next().await.context("it is empty")?? == n);
    }
    ensure!(set.is_empty() && set.next().await.is_none() && set.next().await.is_none());
    Ok(())
}

pub async fn a_member_may_be_pushed_between_results<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut set = TaskSet::new();
    set.push(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 0 }));
    let mut seen = Vec::new();
    for n in 1..=16u32 {
        set.push(AsyncTask::to::<u32>().on(&rt).spawn(move || async move { n }));
        ensure!(set.len() == 2);
        seen.push(set.next().await.context("it is empty")??);
        ensure!(set.len() == 1);
    }
    seen.push(set.next().await.context("it is empty")??);
    // An empty one takes members again.
    ensure!(set.next().await.is_none());
    set.extend((17..20).map(|n| AsyncTask::to::<u32>().on(&rt).spawn(move || async move { n })));
    while let Some(value) = set.next().await {
        seen.push(value?);
    }
    seen.sort_unstable();
    ensure!(seen.into_iter().eq(0..20), "lost, or given twice");
    Ok(())
}

pub async fn members_in_place_borrow_and_need_not_be_send<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (sum, shared) = (Cell::new(0), Rc::new(1));
    let work = |n: u32| {
        let (sum, shared) = (&sum, shared.clone());
        AsyncTask::to::<u32>().on(&rt).run(move || async move {
            yield_now().await;
            sum.set(sum.get() + n * *shared);
            n
        })
    };
    let mut set = TaskSet::new();
    (0..10).for_each(|n| set.push(work(n)));
    // They are polled only while something of the set is awaited.
    yield_now().await;
    ensure!(sum.get() == 0);
    ensure!(set.all().await?.into_iter().eq(0..10));
    ensure!(sum.get() == 45);
    ensure!(any([work(100)]).await? == 100 && sum.get() == 145);
    drop(set);
    ensure!(Rc::strong_count(&shared) == 1, "a member is kept");
    Ok(())
}

pub async fn all_gives_values_in_the_order_of_pushing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Each member lets the one before it end.
    let latches: Vec<_> = (0..10).map(|_| Latch::new()).collect();
    let members = latches.iter().zip(0..10u32).map(|(latch, n)| {
        let before = n.checked_sub(1).and_then(|before| latches.get(before as usize)).cloned();
        let latch = latch.clone();
        AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
            latch.wait().await;
            before.inspect(Latch::set);
            n
        })
    });
    let members: Vec<_> = members.collect();
    latches.last().context("no latch")?.set();
    ensure!(all(members).await?.into_iter().eq(0..10));
    Ok(())
}

pub async fn an_empty_set_has_all_and_none<R: Runtime>(_: R, _: Facts) -> Outcome {
    let none = || std::iter::empty::<Task<u32, R>>();
    ensure!(all(none()).await?.is_empty());
    ensure!(n_of(0, none()).await?.is_empty());
    for error in [failed(any(none()).await)?, failed(n_of(1, none()).await.map(drop))?] {
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    let mut set: TaskSet<Task<u32, R>> = TaskSet::default();
    ensure!(set.is_empty() && set.next().await.is_none() && set.stop().await.is_empty());
    Ok(())
}

pub async fn a_dropped_next_has_taken_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let latches: Vec<_> = (0..5).map(|_| Latch::new()).collect();
    let mut set: TaskSet<_> = latches.iter().zip(0..).map(|(latch, n)| waits_for(&rt, latch, n)).collect();
    let mut seen = Vec::new();
    for latch in &latches {
        for _ in 0..3 {
            ensure!(poll_once(set.next()).await.is_none());
        }
        latch.set();
        // The result comes to one of these polls, whichever it is.
        let value = loop {
            if let Some(value) = poll_once(set.next()).await {
                break value;
            }
            yield_now().await;
        };
        seen.push(value.context("it is empty")??);
    }
    ensure!(seen.into_iter().eq(0..5) && set.is_empty());
    Ok(())
}

pub async fn unfinished_members_stay_in_the_set_when_all_is_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, closed) = (Latch::new(), Latch::new());
    open.set();
    let mut set: TaskSet<_> = [waits_for(&rt, &open, 1), waits_for(&rt, &closed, 2)].into_iter().collect();
    while set.len() > 1 {
        ensure!(poll_once(set.all()).await.is_none());
        yield_now().await;
    }
    closed.set();
    ensure!(set.all().await? == [2]);
    Ok(())
}

pub async fn a_thousand_ended_members_are_all_returned<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut set: TaskSet<_> =
        (0..1000).map(|n| AsyncTask::to::<u32>().on(&rt).spawn(move || async move { n })).collect();
    // As many more that are ready in place, so that one poll finds all of them.
    let mut in_place: TaskSet<_> =
        (0..1000u32).map(|n| AsyncTask::to::<u32>().on(&rt).run(move || async move { n })).collect();
    let (mut sum, mut given) = (0, 0);
    while let Some(value) = set.next().await {
        sum += value?;
        given += 1;
    }
    ensure!((sum, given) == (499_500, 1000));
    ensure!(in_place.all().await?.into_iter().eq(0..1000));
    Ok(())
}

pub async fn killed_members_are_distinguished_from_completed_ones<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, closed) = (Latch::new(), Latch::new());
    open.set();
    let (mut set, mut cancellers) = (TaskSet::new(), Vec::new());
    for n in 0..16 {
        let task = waits_for(&rt, if n % 2 == 0 { &open } else { &closed }, n);
        cancellers.push(task.canceller());
        set.push(task);
    }
    // A kill that comes after the end changes no result.
    for even in cancellers.iter().step_by(2) {
        while !even.status().is_terminal() {
            yield_now().await;
        }
    }
    for canceller in &cancellers {
        drop(canceller.cancel(CancelLevel::Kill));
    }
    ensure!(set.len() == 16);
    let (mut values, mut killed) = (Vec::new(), 0);
    while let Some(result) = set.next().await {
        match result {
            Ok(value) => values.push(value),
            Err(error) => {
                ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
                killed += 1;
            }
        }
    }
    values.sort_unstable();
    ensure!(killed == 8 && values.into_iter().eq((0..16).step_by(2)));
    Ok(())
}

pub async fn a_dropped_set_kills_its_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let mut cancellers = Vec::new();
    let mut set = TaskSet::new();
    for _ in 0..16 {
        let resident = alive.enter();
        let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let _resident = resident;
            pending::<()>().await
        });
        cancellers.push(task.canceller());
        set.push(task);
    }
    ensure!(poll_once(set.next()).await.is_none());
    drop(set);
    for canceller in cancellers {
        let end = canceller.cancel(CancelLevel::Kill).await;
        ensure!(end.cause() == Some(CancelCause::HandleDropped), "{end:?}");
    }
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_dropped_set_leaves_members_to_their_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let done = Census::default();
    let ended = done.clone();
    AsyncTask::to()
        .on(&rt)
        .scope(|s| async move {
            let open = Latch::new();
            let mut set: TaskSet<ScopedTask<(), R>> = (0..4)
                .map(|_| {
                    let (opened, ended) = (open.clone(), ended.clone());
                    s.spawn(|| async move {
                        opened.wait().await;
                        drop(ended.enter());
                        Ok(())
                    })
                })
                .collect();
            check(poll_once(set.next()).await.is_none(), "they wait")?;
            drop(set);
            open.set();
            Ok::<(), BoxError>(())
        })
        .await?;
    ensure!(done.ever() == 4, "{} of 4 ran to their end", done.ever());
    Ok(())
}

pub async fn a_failure_in_a_set_of_members_fails_their_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let fails = s.spawn(|| async { Err::<u32, BoxError>("a member".into()) });
        let waits = s.spawn(pending::<Result<u32, BoxError>>);
        Ok(all([fails, waits]).await?)
    });
    let error = failed(result.await)?;
    ensure!(source_text(&error) == "a member", "{error}");
    Ok(())
}

pub async fn a_gracefully_cancelled_task_gives_its_value_to_the_set<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<u32>().on(&rt).spawn_with(|cx| async move {
        cx.cancelled().await;
        3
    });
    drop(task.cancel_gracefully());
    ensure!(all([task]).await? == [3]);
    Ok(())
}
