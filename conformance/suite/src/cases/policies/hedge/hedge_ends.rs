//! Promise 2, quiescence: when the await of hedged work returns, nothing is left of the attempts that were
//! not needed, nor of what they had spawned.

use crate::library::{CancelOutcome, CancellableTask as _, Hedge, TaskContext};

use super::hedges::stuck;
use crate::cases::adoption::held;
use crate::cases::deadlines::{is_due, passed};
use crate::cases::restarts::{Broken, Calls};
use crate::cases::scopes::stays_pending;
use crate::kit::explode;
use crate::kit::orchestras::Log;
use crate::kit::prelude::*;

/// A hedge of which all attempts begin at once.
fn at_once(most: u32) -> Hedge {
    Hedge::after(Duration::ZERO).at_most(most)
}

pub async fn losers_and_their_children_have_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for spawned in [false, true] {
        let (calls, alive, inner) = (Calls::default(), Census::default(), rt.clone());
        let (counted, inside) = (calls.clone(), alive.clone());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(at_once(3));
        let work = move || {
            // One guard is the closure's, one the future's, one the child's.
            let (call, first, inside, rt) = (counted.next(), inside.enter(), inside.clone(), inner.clone());
            async move {
                let (_first, _second, below) = (first, inside.enter(), inside.enter());
                let child = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
                    let _below = below;
                    pending::<()>().await;
                });
                yield_now().await;
                if call < 4 {
                    child.await?;
                }
                Ok::<_, AsyncTaskError>(call)
            }
        };
        let value = if spawned { builder.spawn(work).await? } else { builder.run(work).await? };
        ensure!(value == 4 && calls.made() == 4);
        ensure!((alive.alive(), alive.ever()) == (0, 12), "{} of {}", alive.alive(), alive.ever());
    }
    Ok(())
}

pub async fn a_child_of_a_loser_is_waited_for<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for spawned in [false, true] {
        let (alive, latch, won) = (Census::default(), Latch::new(), Latch::new());
        let (below, open, wins, inner) = (alive.clone(), latch.clone(), won.clone(), rt.clone());
        let (calls, started) = (Calls::default(), Latch::new());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(at_once(1));
        let work = move || {
            let (call, rt, started) = (calls.next(), inner.clone(), started.clone());
            let (below, open, wins) = (below.clone(), open.clone(), wins.clone());
            async move {
                if call == 1 {
                    let _child = AsyncTask::to::<()>().on(&rt).spawn(|| held(started, open, below));
                    return pending().await;
                }
                started.wait().await;
                wins.set();
                call
            }
        };
        if spawned {
            let mut task = builder.spawn(work);
            won.wait().await;
            stays_pending(&rt, &mut task).await?;
            ensure!(alive.alive() == 1 && task.status() == TaskStatus::Running);
            latch.set();
            ensure!(task.await? == 2 && alive.alive() == 0);
        } else {
            let mut run = Box::pin(builder.run(work));
            while !won.is_set() {
                ensure!(
                    poll_once(&mut run).await.is_none(),
                    "it ended before the child of its first attempt"
                );
                yield_now().await;
            }
            stays_pending(&rt, &mut run).await?;
            ensure!(alive.alive() == 1);
            latch.set();
            ensure!(run.await? == 2 && alive.alive() == 0);
        }
    }
    Ok(())
}

pub async fn a_loser_ends_its_shielded_region<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (entered, open, ended, beyond) = (Latch::new(), Latch::new(), Latch::new(), Latch::new());
    let (calls, won) = (Calls::default(), Latch::new());
    let (enters, opened, ends, goes_on, wins) =
        (entered.clone(), open.clone(), ended.clone(), beyond.clone(), won.clone());
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(at_once(1));
    let mut task = builder.spawn_with(move |cx: TaskContext| {
        let (call, entered, open) = (calls.next(), enters.clone(), opened.clone());
        let (ended, beyond, won) = (ends.clone(), goes_on.clone(), wins.clone());
        async move {
            if call == 2 {
                entered.wait().await;
                won.set();
                return call;
            }
            let region = async {
                entered.set();
                open.wait().await;
                ended.set();
            };
            cx.shield(region).await;
            yield_now().await;
            beyond.set();
            pending().await
        }
    });
    won.wait().await;
    stays_pending(&rt, &mut task).await?;
    ensure!(!ended.is_set());
    open.set();
    ensure!(task.await? == 2 && ended.is_set() && !beyond.is_set());
    Ok(())
}

/// Notes the cause of its attempt's cancellation when it is dropped.
struct NotesCause(TaskContext, Log);

impl Drop for NotesCause {
    fn drop(&mut self) {
        self.1.note(format!("{:?}", self.0.cause()));
    }
}

pub async fn the_cause_says_why_an_attempt_was_stopped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (fails, cause) in [(false, "Some(Unneeded)"), (true, "Some(SiblingFailed)")] {
        let (calls, log) = (Calls::default(), Log::default());
        let noted = log.clone();
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(at_once(1));
        let task = builder.spawn_with(move |cx: TaskContext| {
            let (call, log) = (calls.next(), noted.clone());
            async move {
                if call == 1 {
                    let _notes = NotesCause(cx, log);
                    pending::<()>().await;
                }
                if fails { Err(AsyncTaskError::InvalidState("no use")) } else { Ok(call) }
            }
        });
        ensure!(task.await.is_err() == fails);
        ensure!(log.read() == [cause], "{:?}", log.read());
    }
    Ok(())
}

pub async fn a_kill_ends_all_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for dropped in [false, true] {
        let (alive, calls, second) = (Census::default(), Calls::default(), Latch::new());
        let (inside, counted, begins) = (alive.clone(), calls.clone(), second.clone());
        let builder = AsyncTask::to::<()>().on(&rt).hedge(at_once(1));
        let task = builder.spawn(move || {
            let (resident, call, begins) = (inside.enter(), counted.next(), begins.clone());
            async move {
                let _resident = resident;
                if call == 2 {
                    begins.set();
                }
                pending::<()>().await;
            }
        });
        second.wait().await;
        let canceller = task.canceller();
        if dropped {
            drop(task);
            canceller.cancel(CancelLevel::Kill).await;
        } else {
            ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
            let AsyncTaskError::Cancelled { cause, .. } = failed(task.await)? else { bail!("not cancelled") };
            ensure!(cause == CancelCause::Requested);
        }
        ensure!((alive.alive(), calls.made()) == (0, 2));
    }
    Ok(())
}

pub async fn asked_gracefully_the_first_to_end_wins<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, calls, second) = (Census::default(), Calls::default(), Latch::new());
    let (inside, begins) = (alive.clone(), second.clone());
    let builder = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).hedge(at_once(1));
    let task = builder.spawn_with(move |cx: TaskContext| {
        let (resident, call, begins) = (inside.enter(), calls.next(), begins.clone());
        async move {
            let _resident = resident;
            if call == 2 {
                begins.set();
            }
            cx.cancelled().await;
            if call == 1 {
                pending::<()>().await;
            }
            call
        }
    });
    second.wait().await;
    let end = task.cancel_gracefully().await;
    ensure!(end.outcome() == CancelOutcome::Success, "{end:?}");
    ensure!(task.await? == 2 && alive.alive() == 0);
    Ok(())
}

pub async fn the_overall_timeout_ends_all_attempts<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for spawned in [false, true] {
        let (alive, begun) = (Census::default(), rt.now());
        let inside = alive.clone();
        let builder = AsyncTask::to::<()>().on(&rt).timeout(20.millis());
        let builder = builder.hedge(Hedge::after(6.millis()).at_most(9));
        let work = move || {
            let resident = inside.enter();
            async move {
                let _resident = resident;
                pending::<()>().await;
            }
        };
        let error = passed(if spawned { builder.spawn(work).await } else { builder.run(work).await })?;
        is_due(&rt, at, begun, 20.millis())?;
        ensure!(error.attempts() as usize == alive.ever() && alive.alive() == 0, "{error:?}");
        ensure!(!at.virtual_time || error.attempts() == 4, "{error:?}");
    }
    Ok(())
}

pub async fn a_dropped_future_drops_all_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let work = || {
        let resident = alive.enter();
        async move {
            let _resident = resident;
            pending::<()>().await;
        }
    };
    let mut run = Box::pin(AsyncTask::to::<()>().on(&rt).hedge(at_once(2)).run(work));
    ensure!(poll_once(&mut run).await.is_none() && alive.alive() == 3);
    drop(run);
    ensure!(alive.alive() == 0);
    Ok(())
}

/// Panics when it is dropped.
struct Explodes;

impl Drop for Explodes {
    fn drop(&mut self) {
        explode::<()>("in a destructor");
    }
}

pub async fn a_panic_in_a_losers_destructor_leaves_the_value<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for spawned in [false, true] {
        let (alive, calls) = (Census::default(), Calls::default());
        let inside = alive.clone();
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(at_once(3));
        let work = move || {
            let (resident, call) = (inside.enter(), calls.next());
            async move {
                let _resident = resident;
                if call < 4 {
                    let _explodes = Explodes;
                    pending::<()>().await;
                }
                call
            }
        };
        let value = if spawned { builder.spawn(work).await? } else { builder.run(work).await? };
        ensure!(value == 4 && alive.alive() == 0, "{value}, {} are left", alive.alive());
    }
    Ok(())
}

pub async fn a_recovery_begins_after_all_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for spawned in [false, true] {
        let (alive, calls) = (Census::default(), Calls::default());
        let (inside, left) = (alive.clone(), alive.clone());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(at_once(1));
        let builder = builder.recover_with(move |error| {
            let is_expected = error.downcast_ref() == Some(&Broken(2)) && left.alive() == 0;
            async move { u32::from(is_expected) }
        });
        let work = move || {
            let (resident, call) = (inside.enter(), calls.next());
            async move {
                let _resident = resident;
                Err::<u32, _>(Broken(call))
            }
        };
        let value = if spawned { builder.spawn(work).await? } else { builder.run(work).await? };
        ensure!(value == 1 && alive.ever() == 2);
    }
    // The recovery of work that has timed out.
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).timeout(10.millis()).hedge(at_once(1));
    let builder = builder.recover_with(|error| async move { u32::from(error.is_timeout()) });
    ensure!(builder.run(stuck(&rt, &calls, u32::MAX, Duration::ZERO)).await? == 1 && calls.made() == 2);
    Ok(())
}
