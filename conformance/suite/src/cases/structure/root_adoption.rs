//! Promise 8, scopes: the root scope adopts the children of a dropped scope without an enclosing task.
//! It counts them, and a shutdown waits for them, as a task tracker does.

use std::sync::Arc;

use crate::library::{BoxError, TaskContext};
use futures_lite::future::zip;

use super::adoption::{dropped_at, held};
use super::scopes::{scope_on, stays_pending, stubborn};
use crate::kit::ending::{ended, killed_are_gone, left};
use crate::kit::prelude::*;

pub fn members_of_a_dropped_scope_are_counted_until_they_end(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (latch, alive, started) = (Latch::new(), Census::default(), Latch::new());
        let (open, below, start) = (latch.clone(), alive.clone(), started.clone());
        let scope = AsyncTask::to().on(&rt).scope(|s| async move {
            drop(s.spawn(|| held(start, open, below)));
            pending::<Result<(), BoxError>>().await
        });
        dropped_at(&started, scope).await;
        ensure!(rt.active_task_count() == 1 && alive.alive() == 1);
        let mut ending = Box::pin(rt.shutdown(1.hours()));
        for _ in 0..50 {
            ensure!(poll_once(&mut ending).await.is_none(), "the shutdown does not wait for it");
            yield_now().await;
        }
        latch.set();
        ending.await?;
        ensure!(rt.active_task_count() == 0 && alive.alive() == 0);
        Ok(())
    })
}

pub fn children_of_dropped_work_in_place_are_counted_until_they_end(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (latch, alive, started) = (Latch::new(), Census::default(), Latch::new());
        let (open, below, start, inner) = (latch.clone(), alive.clone(), started.clone(), rt.clone());
        let work = AsyncTask::to::<()>().on(&rt).run_with(|_| async move {
            AsyncTask::to::<()>().on(&inner).spawn(|| held(start, open, below)).await
        });
        dropped_at(&started, work).await;
        ensure!(rt.active_task_count() == 1 && alive.alive() == 1);
        latch.set();
        rt.shutdown(1.hours()).await?;
        ensure!(rt.active_task_count() == 0 && alive.alive() == 0);
        Ok(())
    })
}

pub fn a_scope_itself_is_no_task_of_the_root(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let inner = rt.clone();
        AsyncTask::to()
            .on(&rt)
            .scope(|s| async move {
                let counted = inner.active_task_count();
                let open = Latch::new();
                let opened = open.clone();
                let member = s.spawn(|| async move {
                    opened.wait().await;
                    Ok(())
                });
                let with_member = inner.active_task_count();
                open.set();
                member.await?;
                if (counted, with_member) == (0, 1) { Ok(()) } else { Err("it is counted".into()) }
            })
            .await?;
        ensure!(rt.active_task_count() == 0);
        Ok(())
    })
}

pub fn the_count_falls_by_one_for_each_end(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let mut tasks = Vec::new();
        for before in 0..10 {
            ensure!(rt.active_task_count() == before);
            let latch = Latch::new();
            let opened = latch.clone();
            tasks.push((latch, AsyncTask::to::<()>().on(&rt).spawn(|| async move { opened.wait().await })));
        }
        for (after, (latch, task)) in tasks.into_iter().enumerate().map(|(ended, task)| (9 - ended, task)) {
            latch.set();
            task.await?;
            ensure!(rt.active_task_count() == after, "{} are counted", rt.active_task_count());
        }
        Ok(())
    })
}

pub fn a_shutdown_after_any_number_of_ends_waits_for_the_rest(harness: Started) -> Outcome {
    let flavour = harness.flavour();
    drop(harness);
    for before in 0..=5 {
        ended(&flavour.start()?, |rt| async move {
            let mut latches = Vec::new();
            for _ in 0..5 {
                let latch = Latch::new();
                let (opened, done) = (latch.clone(), Latch::new());
                let leaving = done.on_drop();
                AsyncTask::to::<()>()
                    .on(&rt)
                    .spawn(|| async move {
                        let _leaving = leaving;
                        opened.wait().await;
                    })
                    .detach();
                latches.push((latch, done));
            }
            for (latch, done) in latches.iter().take(before) {
                latch.set();
                done.wait().await;
            }
            let mut ending = Box::pin(rt.shutdown(1.hours()));
            for (latch, _) in latches.iter().skip(before) {
                ensure!(poll_once(&mut ending).await.is_none(), "it ends before its tasks");
                latch.set();
            }
            ending.await?;
            ensure!(latches.iter().all(|(_, done)| done.is_set()) && rt.active_task_count() == 0);
            Ok(())
        })?;
    }
    Ok(())
}

pub fn ten_shutdowns_at_once_all_end_with_the_last_task(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let latch = Latch::new();
        let opened = latch.clone();
        AsyncTask::to::<()>().on(&rt).spawn(|| async move { opened.wait().await }).detach();
        let mut endings: Vec<_> = (0..10).map(|_| Box::pin(rt.shutdown(1.hours()))).collect();
        for ending in &mut endings {
            ensure!(poll_once(ending).await.is_none());
        }
        latch.set();
        for ending in endings {
            ending.await?;
        }
        rt.shutdown(Duration::ZERO).await?;
        Ok(())
    })
}

pub fn all_tasks_spawned_before_a_shutdown_have_run(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (ran, kept) = (Census::default(), Arc::new(()));
        for _ in 0..16 {
            let (ran, captured) = (ran.clone(), kept.clone());
            AsyncTask::to::<()>()
                .on(&rt)
                .spawn(|| async move {
                    let _captured = captured;
                    yield_now().await;
                    drop(ran.enter());
                })
                .detach();
        }
        rt.shutdown(1.hours()).await?;
        ensure!(ran.ever() == 16, "{} of 16 ran", ran.ever());
        ensure!(Arc::strong_count(&kept) == 1, "what a task had is dropped before it is not counted");
        Ok(())
    })
}

pub fn a_scope_under_a_shutdown_ends_by_itself_or_is_killed(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        // The scope ends by itself after the request: its members, too, see the shutdown.
        let (inner, started) = (rt.clone(), Latch::new());
        let start = started.clone();
        let member = AsyncTask::to::<bool>().on(&rt).spawn(|| async move {
            let scope = scope_on(&inner, |s| async move {
                let member = s.spawn(|| async move {
                    let cx = TaskContext::current().ok_or("no context")?;
                    start.set();
                    cx.cancelled().await;
                    Ok(cx.cause() == Some(CancelCause::Shutdown))
                });
                Ok(member.await?)
            });
            scope.await
        });
        started.wait().await;
        let (value, ending) = zip(member, rt.shutdown(1.hours())).await;
        ensure!(value?, "it sees another cause");
        ending?;
        Ok(())
    })?;
    let harness = harness.flavour().start()?;
    ended(&harness, |rt| async move {
        let alive = Census::default();
        let below = alive.clone();
        let ignores = AsyncTask::to().on(&rt).scope(|s| async move {
            let resident = below.enter();
            drop(s.spawn(|| async move {
                let _resident = resident;
                pending::<Result<(), BoxError>>().await
            }));
            pending::<Result<(), BoxError>>().await
        });
        let begun = rt.now();
        let (result, ending) = zip(ignores, rt.shutdown(5.millis())).await;
        ensure!(failed(result)?.is_shutdown());
        ensure!(left(ending)? == (1, 0));
        killed_are_gone(&rt, begun, 5.millis()).await?;
        ensure!(alive.alive() == 0);
        Ok(())
    })
}

pub fn a_scope_whose_runtime_closes_takes_members_while_it_goes_on(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (inner, closing) = (rt.clone(), rt.clone());
        let scope = AsyncTask::to().on(&rt).scope(|s| async move {
            // Keeps the shutdown from ending at once.
            let (latch, opened) = (Latch::new(), Latch::new());
            let (go, start) = (latch.clone(), opened.clone());
            drop(s.spawn(|| async move {
                stubborn(async move {
                    start.set();
                    go.wait().await;
                })
                .await
            }));
            opened.wait().await;
            inner.root().closing().await;
            let late = s.spawn(|| async { Ok(6) });
            let value = s.context().shield(late).await;
            latch.set();
            Ok(value?)
        });
        let (value, ending) = zip(scope, closing.shutdown(1.hours())).await;
        ensure!(value? == 6);
        ending?;
        Ok(())
    })
}

pub fn a_waiting_scope_without_members_is_not_counted_by_the_root(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        // An open scope with no member at the moment has not ended, and takes the next.
        let (open, waits) = (Latch::new(), Latch::new());
        let (opened, wait) = (open.clone(), waits.clone());
        let mut scope = Box::pin(AsyncTask::to().on(&rt).scope(|s| async move {
            s.spawn(|| async { Ok(()) }).await?;
            wait.set();
            opened.wait().await;
            Ok(s.spawn(|| async { Ok(8) }).await?)
        }));
        dropped_at(&waits, &mut scope).await;
        stays_pending(&rt, &mut scope).await?;
        ensure!(rt.active_task_count() == 0);
        open.set();
        ensure!(scope.await? == 8);
        Ok(())
    })
}
