//! Promise 8, scopes: a time limit or a cancellation of a scope reaches its members.

use crate::library::{BoxError, CancellableTask as _, TaskContext, TaskSet, TimedTask as _};

use super::scopes::check;
use crate::kit::cause_of;
use crate::kit::prelude::*;

pub async fn a_limit_on_it_ends_its_members<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, (handles, escaped)) = (Census::default(), async_channel::bounded(1));
    let below = alive.clone();
    let builder = AsyncTask::to::<()>().on(&rt).name("limited").timeout(5.millis());
    let result = builder.scope(|s| async move {
        for _ in 0..3 {
            let resident = below.enter();
            let member = s.spawn(|| async move {
                let _resident = resident;
                pending::<Result<(), BoxError>>().await
            });
            // A member has the deadline of its scope.
            let inherited = member.deadline().is_some() && member.deadline() == s.context().deadline();
            check(inherited, "its deadline")?;
            let _ = handles.try_send(member);
        }
        pending::<Result<(), BoxError>>().await
    });
    let error = failed(result.await)?;
    let AsyncTaskError::Timeout(_) = &error else { bail!("not a timeout: {error:?}") };
    ensure!(error.to_string().contains("limited"), "{error}");
    ensure!(alive.alive() == 0, "{} are left", alive.alive());
    ensure!(cause_of(&failed(escaped.recv().await?.await)?) == Some(CancelCause::ParentEnded));
    Ok(())
}

pub async fn a_limit_is_on_its_members_when_its_body_has_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let resident = alive.enter();
    let result = AsyncTask::to::<u32>().on(&rt).timeout(5.millis()).scope(|s| async move {
        drop(s.spawn(|| async move {
            let _resident = resident;
            pending::<Result<(), BoxError>>().await
        }));
        Ok(1)
    });
    // The scope ends when its members have ended: at the limit they had not.
    let error = failed(result.await)?;
    ensure!(error.is_timeout(), "{error:?}");
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_cancelled_scope_cancels_its_members<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, (handles, escaped)) = (Census::default(), async_channel::bounded(1));
    let below = alive.clone();
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let resident = below.enter();
        let _ = handles.try_send(s.spawn(|| async move {
            let _resident = resident;
            pending::<Result<(), BoxError>>().await
        }));
        let canceller = s.context().canceller();
        // A member may cancel its scope too.
        drop(s.spawn(|| async move {
            drop(canceller.cancel(CancelLevel::Kill));
            Ok(())
        }));
        pending::<Result<(), BoxError>>().await
    });
    let error = failed(result.await)?;
    ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
    ensure!(alive.alive() == 0);
    ensure!(cause_of(&failed(escaped.recv().await?.await)?) == Some(CancelCause::ParentCancelled));
    Ok(())
}

pub async fn values_of_body_and_members_count_after_a_graceful_request<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let value = AsyncTask::to().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async {
            let cx = TaskContext::current().ok_or("no context")?;
            cx.cancelled().await;
            Ok(1)
        });
        let cx = s.context().clone();
        drop(cx.cancel_gracefully());
        cx.cancelled().await;
        // Spawned after the request, it is cancelled too.
        let late = s.spawn(|| async {
            let cx = TaskContext::current().ok_or("no context")?;
            cx.cancelled().await;
            Ok(2)
        });
        Ok(member.await? + late.await?)
    });
    ensure!(value.await? == 3);
    Ok(())
}

/// The error of work that passes on the request of its scope.
fn passed_on() -> AsyncTaskError {
    AsyncTaskError::cancelled(CancelLevel::Graceful, CancelCause::ParentCancelled)
}

pub async fn a_member_that_passes_on_the_request_kills_no_other<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (first_ends, first_ended) = async_channel::bounded::<()>(1);
    let value = AsyncTask::to().on(&rt).scope(|s| async move {
        let first = s.spawn_with(move |cx| async move {
            let _ends = first_ends;
            cx.cancelled().await;
            Err::<u32, _>(BoxError::from(passed_on()))
        });
        let second = s.spawn_with(move |cx| async move {
            cx.cancelled().await;
            // The cleanup of this one goes on after the end of the other.
            let _ = first_ended.recv().await;
            yield_now().await;
            Ok(2)
        });
        drop(s.context().cancel_gracefully());
        check(first.await.is_err(), "its error is its own")?;
        Ok(second.await?)
    });
    ensure!(value.await? == 2);
    Ok(())
}

pub async fn a_daemon_that_passes_on_its_end_is_no_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let value = AsyncTask::to().on(&rt).scope(|s| async move {
        s.spawn_daemon_with(|cx| async move {
            cx.cancelled().await;
            let error = AsyncTaskError::cancelled(CancelLevel::Graceful, CancelCause::ScopeEnded);
            Err::<(), _>(BoxError::from(error))
        });
        Ok(3)
    });
    ensure!(value.await? == 3);
    Ok(())
}

pub async fn a_stop_for_a_failure_elsewhere_is_a_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The end of a member of another scope stands for a failure there.
    let result = AsyncTask::to::<()>().on(&rt).scope(|s| async move {
        s.spawn_with(|cx| async move {
            cx.cancelled().await;
            let error = AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::SiblingFailed);
            Err::<(), _>(BoxError::from(error))
        });
        drop(s.context().cancel_gracefully());
        Ok(())
    });
    ensure!(cause_of(&failed(result.await)?) == Some(CancelCause::SiblingFailed));
    Ok(())
}

pub async fn several_errors_are_not_lost_for_one_that_is_the_request<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let below = rt.clone();
    let result = AsyncTask::to::<()>().on(&rt).scope(|s| async move {
        s.spawn_with(move |cx| async move {
            cx.cancelled().await;
            let (first_ends, first_ended) = async_channel::bounded::<()>(1);
            let first = AsyncTask::to::<()>().on(&below).spawn(move || async move {
                let _ends = first_ends;
                Err::<(), _>(BoxError::from(passed_on()))
            });
            let second = AsyncTask::to::<()>().on(&below).spawn(move || async move {
                let _ = first_ended.recv().await;
                Err::<(), _>(BoxError::from("the disk is full"))
            });
            Ok(TaskSet::from_iter([first, second]).any().await?)
        });
        drop(s.context().cancel_gracefully());
        Ok(())
    });
    let error = failed(result.await)?;
    ensure!(format!("{error:#}").contains("the disk is full"), "{error:?}");
    Ok(())
}
