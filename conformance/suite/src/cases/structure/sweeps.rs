//! Promise 2, quiescence: a future dropped at any await leaves nothing alive, and does nothing twice.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use crate::library::{BoxError, Scope, ScopedTask, TaskContext, TaskSet, n_of};

use super::scopes::scope_on;
use crate::cases::limiters::{check_all_free, with_permits};
use crate::kit::prelude::*;

/// The number of times that each piece of work was done, and a count of the work that is alive.
#[derive(Clone, Default)]
pub(super) struct WorkCount {
    alive: Census,
    done: Arc<[AtomicUsize; 8]>,
}

impl WorkCount {
    /// Work with two awaits, which is done at its end.
    pub(super) async fn work(self, piece: usize) -> u32 {
        let _resident = self.alive.enter();
        yield_now().await;
        yield_now().await;
        self.work_at_once(piece)
    }

    /// Work without an await.
    pub(super) fn work_at_once(&self, piece: usize) -> u32 {
        let _resident = self.alive.enter();
        if let Some(done) = self.done.get(piece) {
            done.fetch_add(1, Ordering::SeqCst);
        }
        1
    }

    /// Returns the number of pieces that were done. A piece that was done twice is an error.
    fn total(&self) -> Result<usize, Failure> {
        let counts: Vec<_> = self.done.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        ensure!(counts.iter().all(|count| *count <= 1), "something was done twice: {counts:?}");
        Ok(counts.iter().sum())
    }
}

type Swept = Pin<Box<dyn Future<Output = Result<u32, AsyncTaskError>> + Send>>;

/// Inside a task, drops the future of `make` after `k` polls, for each `k` until the future is done before
/// that. Once done, it must have done `pieces`. After the await of the task, nothing of it may be left, and
/// nothing more may happen.
pub(super) async fn sweep<R: Runtime>(
    rt: &R,
    pieces: usize,
    make: impl Fn(R, WorkCount) -> Swept,
) -> Outcome {
    for k in 0..1000 {
        let count = WorkCount::default();
        let mut swept = Some(make(rt.clone(), count.clone()));
        let task = AsyncTask::to::<Option<u32>>().on(rt).spawn(move || async move {
            let mut polls = 0;
            let ended = poll_fn(|cx| {
                let Some(future) = swept.as_mut().filter(|_| polls < k) else { return Poll::Ready(None) };
                polls += 1;
                match future.as_mut().poll(cx) {
                    Poll::Ready(result) => Poll::Ready(Some(result)),
                    Poll::Pending if polls < k => Poll::Pending,
                    Poll::Pending => Poll::Ready(None),
                }
            })
            .await;
            drop(swept.take());
            ended.transpose()
        });
        let ended = task.await?;
        ensure!(count.alive.alive() == 0, "dropped at poll {k}, it leaves {} alive", count.alive.alive());
        let before = count.total()?;
        for _ in 0..3 {
            AsyncTask::to::<()>().on(rt).spawn(|| async {}).await?;
        }
        ensure!(count.total()? == before, "dropped at poll {k}, it goes on");
        if let Some(value) = ended {
            ensure!(before >= pieces && value as usize >= pieces, "{before} of {pieces} pieces, {value}");
            return Ok(());
        }
    }
    bail!("it never ends")
}

fn member<R: Runtime>(s: &Scope<R>, count: &WorkCount, piece: usize) -> ScopedTask<u32, R> {
    let count = count.clone();
    s.spawn(move || async move { Ok(count.work(piece).await) })
}

fn child<R: Runtime>(rt: &R, count: &WorkCount, piece: usize) -> Task<u32, R> {
    let count = count.clone();
    AsyncTask::to::<u32>().on(rt).spawn(move || count.work(piece))
}

pub async fn a_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 8, |rt, count| {
        Box::pin(async move {
            let scope = scope_on(&rt, |s| async move {
                let mut sum = 0;
                let members: Vec<_> = (0..4).map(|piece| member(&s, &count, piece)).collect();
                for member in members {
                    sum += member.await?;
                }
                // One member after the other, and some that are left to the scope.
                sum += member(&s, &count, 4).await?;
                (5..8).for_each(|piece| drop(member(&s, &count, piece)));
                Ok(sum + 3)
            });
            scope.await
        })
    })
    .await
}

pub async fn scopes_inside_scopes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 6, |rt, count| {
        Box::pin(async move {
            let outer = scope_on(&rt, |s| {
                let rt = &rt;
                async move {
                    let first = member(&s, &count, 0);
                    let below = count.clone();
                    let sum = scope_on(rt, |t| async move {
                        let one = member(&t, &below, 1);
                        let (again, deeper) = (t.clone(), below.clone());
                        let two = t.spawn(|| async move {
                            let two = member(&again, &deeper, 2);
                            Ok(deeper.work(3).await + two.await?)
                        });
                        Ok(one.await? + two.await?)
                    });
                    let sum = sum.await?;
                    Ok(sum + first.await? + member(&s, &count, 4).await? + count.work(5).await)
                }
            });
            outer.await
        })
    })
    .await
}

pub async fn a_scope_that_fails<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 0, |rt, count| {
        Box::pin(async move {
            let scope = scope_on(&rt, |s| async move {
                (0..4).for_each(|piece| drop(member(&s, &count, piece)));
                let resident = count.alive.enter();
                drop(s.spawn(|| async move {
                    let _resident = resident;
                    yield_now().await;
                    Err::<(), BoxError>("a member".into())
                }));
                pending::<Result<u32, BoxError>>().await
            });
            let error = scope.await.err().ok_or(AsyncTaskError::InvalidState("it did not fail"))?;
            if source_text(&error) == "a member" { Ok(0) } else { Err(error) }
        })
    })
    .await
}

/// A daemon whose work is done once it is asked to stop.
fn daemon<R: Runtime>(s: &Scope<R>, count: &WorkCount, piece: usize) -> ScopedTask<u32, R> {
    let count = count.clone();
    s.spawn_daemon(move || async move {
        let _resident = count.alive.enter();
        let cx = TaskContext::current().ok_or("no context")?;
        cx.cancelled().await;
        Ok(count.work(piece).await)
    })
}

pub async fn a_scope_with_daemons<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 6, |rt, count| {
        Box::pin(async move {
            let scope = scope_on(&rt, |s| async move {
                (0..2).for_each(|piece| drop(daemon(&s, &count, piece)));
                let first = member(&s, &count, 2);
                (3..6).for_each(|piece| drop(member(&s, &count, piece)));
                Ok(first.await? + 5)
            });
            scope.await
        })
    })
    .await
}

pub async fn a_scope_that_spawns_in_a_limiter<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(2)?;
    sweep(&rt, 6, |rt, count| {
        let limiter = limiter.clone();
        Box::pin(async move {
            let scope = scope_on(&rt, |s| async move {
                for piece in 0..6 {
                    let count = count.clone();
                    let member = s.spawn_in(&limiter, move || async move { Ok(count.work(piece).await) });
                    drop(member.await?);
                }
                Ok(6)
            });
            scope.await
        })
    })
    .await?;
    check_all_free(&rt, &limiter, 2).await
}

pub async fn a_set<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 8, |rt, count| {
        Box::pin(async move {
            let mut set: TaskSet<_> = (0..4).map(|piece| child(&rt, &count, piece)).collect();
            let mut sum = 0;
            let mut pushed = 4;
            while let Some(value) = set.next().await {
                sum += value?;
                if pushed < 8 {
                    set.push(child(&rt, &count, pushed));
                    pushed += 1;
                }
            }
            Ok(sum)
        })
    })
    .await
}

pub async fn a_set_of_work_in_place<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 6, |rt, count| {
        Box::pin(async move {
            let run = |piece| {
                let (count, below, rt) = (count.clone(), count.clone(), rt.clone());
                AsyncTask::to::<u32>().on(&rt.clone()).run_with(move |_| async move {
                    let inner = child(&rt, &below, piece + 3);
                    Ok::<_, AsyncTaskError>(count.work(piece).await + inner.await?)
                })
            };
            let mut set: TaskSet<_> = (0..3).map(run).collect();
            Ok(set.all().await?.into_iter().sum())
        })
    })
    .await
}

pub async fn the_first_of_many<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 2, |rt, count| {
        Box::pin(async move {
            let values = n_of(2, (0..8).map(|piece| child(&rt, &count, piece))).await?;
            Ok(values.into_iter().sum())
        })
    })
    .await
}

pub async fn work_with_a_context<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 4, |rt, count| {
        Box::pin(async move {
            let here = rt.clone();
            let work = AsyncTask::to::<u32>().on(&rt).run_with(|_| async move {
                let (first, second) = (child(&here, &count, 0), child(&here, &count, 1));
                let sum = count.clone().work(2).await + first.await?;
                let third = child(&here, &count, 3).await?;
                Ok::<_, AsyncTaskError>(sum + second.await? + third)
            });
            work.await
        })
    })
    .await
}

/// `depth` tasks below each other, each with work of its own before and after.
fn tree<R: Runtime>(rt: R, count: WorkCount, depth: usize) -> Swept {
    Box::pin(async move {
        if depth == 0 {
            return Ok(0);
        }
        let (inner, below) = (rt.clone(), count.clone());
        let next = AsyncTask::to::<u32>().on(&rt).spawn(move || tree(inner, below, depth - 1));
        let own = count.work(depth).await;
        Ok(own + next.await?)
    })
}

pub async fn a_tree_of_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 5, |rt, count| tree(rt, count, 5)).await
}

pub async fn blocking_work_in_place<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, 2, |rt, count| {
        Box::pin(async move {
            let mut sum = 0;
            for piece in 0..2 {
                let count = count.clone();
                let job = AsyncTask::to::<u32>().on(&rt).run_blocking(move || count.work_at_once(piece));
                sum += job.await?;
            }
            Ok(sum)
        })
    })
    .await
}
