//! Promise 8, scopes: a cancellation flows to every task below, whatever its kind and its depth.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::{CancelOutcome, CancellableTask as _, TaskContext};

use crate::kit::prelude::*;

type Nested = Pin<Box<dyn Future<Output = u32> + Send>>;

/// The work of every kind of task below: it is counted, waits for a cancellation, and then gives 1.
#[derive(Clone, Default)]
struct Below {
    alive: Census,
    causes: Arc<AtomicUsize>,
    ready: Latch,
}

impl Below {
    async fn wait(self, cx: TaskContext) -> u32 {
        let _here = self.alive.enter();
        cx.cancelled().await;
        let own =
            cx.cause() == Some(CancelCause::ParentCancelled) && cx.level() == Some(CancelLevel::Graceful);
        self.causes.fetch_add(usize::from(own), Ordering::SeqCst);
        // A value in the poll in which it is killed would win.
        yield_now().await;
        1
    }

    /// A child with a grandchild, a task in place with a child, and a scope with a member and a task in
    /// place: seven tasks below one.
    async fn all_kinds<R: Runtime>(self, rt: R) -> Result<u32, AsyncTaskError> {
        let builder = || AsyncTask::to::<u32>().on(&rt);
        let with_child = |below: Self| {
            let inner = rt.clone();
            move |cx: TaskContext| async move {
                let (own, deeper) = (below.clone(), below);
                let child = AsyncTask::to::<u32>().on(&inner).spawn_with(move |cx| deeper.wait(cx));
                let own = own.wait(cx).await;
                Ok::<_, AsyncTaskError>(own + child.await?)
            }
        };
        let child = builder().spawn_with(with_child(self.clone()));
        let part = builder().run_with(with_child(self.clone()));
        let (own, member) = (self.clone(), self.clone());
        let inner = rt.clone();
        let scope = builder().scope(|s| async move {
            let work = || async move {
                let cx = TaskContext::current().context("a member has a context")?;
                Ok(member.wait(cx).await)
            };
            let member = s.spawn(work);
            let cx = s.context().clone();
            let nested = AsyncTask::to::<u32>().on(&inner).run_with({
                let own = own.clone();
                move |cx| own.wait(cx)
            });
            let (own, nested) = futures_lite::future::zip(own.wait(cx), nested).await;
            Ok(own + nested? + member.await?)
        });
        let (child, (part, scope)) =
            futures_lite::future::zip(child, futures_lite::future::zip(part, scope)).await;
        Ok(child? + part? + scope?)
    }

    /// A task over all kinds, all of which run.
    async fn spawned<R: Runtime>(&self, rt: &R) -> Task<u32, R> {
        let (below, inner) = (self.clone(), rt.clone());
        let task = AsyncTask::to::<u32>().on(rt).grace(1.hours()).spawn(|| below.all_kinds(inner));
        while self.alive.alive() < 7 {
            yield_now().await;
        }
        task
    }
}

pub async fn a_graceful_request_reaches_every_kind_of_task_below<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let below = Below::default();
    let mut task = below.spawned(&rt).await;
    let end = task.cancel_gracefully().await;
    ensure!((end.outcome(), below.alive.alive()) == (CancelOutcome::Success, 0), "{end:?}");
    ensure!((&mut task).await? == 7 && below.alive.ever() == 7);
    let graceful = below.causes.load(Ordering::SeqCst);
    ensure!(graceful == 7, "{graceful} of 7 were asked gracefully, by their parent");
    Ok(())
}

pub async fn a_kill_reaches_every_kind_of_task_below<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Kill, CancelLevel::KillHard] {
        let below = Below::default();
        let task = below.spawned(&rt).await;
        drop(task.cancel(level));
        let end = task.cancel_forcefully().await;
        ensure!(end.was_cancelled() && end.level() == Some(level), "{end:?}");
        ensure!((below.alive.ever(), below.alive.alive()) == (7, 0), "{} are left", below.alive.alive());
        ensure!(failed(task.await)?.is_cancelled());
    }
    Ok(())
}

/// A thousand, or a hundred on virtual time, where each case runs with many seeds.
fn many(at: Facts) -> usize {
    if at.virtual_time { 100 } else { 1_000 }
}

/// `depth` more tasks, each with the next below it; the innermost sets `ready`.
fn chain<R: Runtime>(rt: R, depth: usize, below: Below) -> Nested {
    Box::pin(async move {
        let Some(cx) = TaskContext::current() else { return 0 };
        let next = depth.checked_sub(1).map(|depth| {
            let (inner, deeper) = (rt.clone(), below.clone());
            AsyncTask::to::<u32>().on(&rt).spawn(move || chain(inner, depth, deeper))
        });
        if next.is_none() {
            below.ready.set();
        }
        let own = below.wait(cx).await;
        match next {
            Some(next) => own + next.await.unwrap_or_default(),
            None => own,
        }
    })
}

pub async fn a_request_goes_down_a_long_chain<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let many = many(at);
    for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        let (below, inner) = (Below::default(), rt.clone());
        let deeper = below.clone();
        let task =
            AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn(move || chain(inner, many - 1, deeper));
        below.ready.wait().await;
        while below.alive.alive() < many {
            yield_now().await;
        }
        drop(task.cancel(level));
        match task.await {
            Ok(value) => {
                ensure!(level == CancelLevel::Graceful && value as usize == many, "{value} have answered")
            }
            Err(error) => ensure!(level != CancelLevel::Graceful && error.is_cancelled(), "{error:?}"),
        }
        ensure!((below.alive.ever(), below.alive.alive()) == (many, 0), "{} are left", below.alive.alive());
    }
    Ok(())
}

pub async fn a_request_reaches_many_children<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let many = many(at);
    for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        let (below, inner) = (Below::default(), rt.clone());
        let wide = below.clone();
        let task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn(move || async move {
            let child = |_| {
                let below = wide.clone();
                AsyncTask::to::<u32>().on(&inner).spawn_with(|cx| below.wait(cx))
            };
            let children: Vec<_> = (0..many).map(child).collect();
            let mut sum = 0;
            for child in children {
                sum += child.await.unwrap_or_default();
            }
            // A value in the poll in which it is killed would win.
            yield_now().await;
            sum
        });
        while below.alive.alive() < many {
            yield_now().await;
        }
        drop(task.cancel(level));
        match task.await {
            Ok(value) => {
                ensure!(level == CancelLevel::Graceful && value as usize == many, "{value} have answered")
            }
            Err(error) => ensure!(level != CancelLevel::Graceful && error.is_cancelled(), "{error:?}"),
        }
        ensure!(below.alive.alive() == 0, "{} are left", below.alive.alive());
    }
    Ok(())
}
