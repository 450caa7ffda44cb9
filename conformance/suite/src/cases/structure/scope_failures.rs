//! Promise 8, scopes: a failure of the body or of a member ends all of them, and no error is lost.

use std::fmt;
use std::sync::Arc;

use crate::library::{BoxError, ScopedTask, StatusEnabledTask as _, TaskContext};

use super::scopes::check;
use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

#[derive(Debug, PartialEq)]
pub(super) struct Refusal(pub(super) u32);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refusal {}", self.0)
    }
}

impl std::error::Error for Refusal {}

async fn forever<T>(alive: Census) -> Result<T, BoxError> {
    let _resident = alive.enter();
    pending::<Result<T, BoxError>>().await
}

pub async fn a_member_that_fails_ends_its_siblings_and_the_body<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for panics in [false, true] {
        let (alive, (handles, escaped)) = (Census::default(), async_channel::unbounded());
        let below = alive.clone();
        let result = AsyncTask::to().on(&rt).scope(|s| async move {
            let _resident = below.enter();
            let sibling = below.clone();
            let _ = handles.try_send(s.spawn(|| forever::<()>(sibling)));
            let _ = handles.try_send(s.spawn(move || async move {
                yield_now().await;
                if panics { explode("boom") } else { Err("boom".into()) }
            }));
            pending::<Result<(), BoxError>>().await
        });
        let error = failed(result.await)?;
        ensure!((error.is_panic(), error.is_failure()) == (panics, !panics), "{error:?}");
        ensure!(format!("{error:#}").contains("boom"), "{error:#}");
        ensure!(alive.alive() == 0, "{} are left", alive.alive());
        // The scope has the failure; each handle, also that of the failed member, reports only a sibling's.
        for _ in 0..2 {
            let member: ScopedTask<(), R> = escaped.recv().await?;
            ensure!(cause_of(&failed(member.await)?) == Some(CancelCause::SiblingFailed));
        }
    }
    Ok(())
}

pub async fn a_member_may_fail_after_the_body_has_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, ended) = (Census::default(), Latch::new());
    let (below, leaving, go) = (alive.clone(), ended.on_drop(), ended.clone());
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let _leaving = leaving;
        drop(s.spawn(|| forever::<()>(below)));
        drop(s.spawn(|| async move {
            go.wait().await;
            Err::<(), BoxError>(Refusal(1).into())
        }));
        Ok(())
    });
    ensure!(failed(result.await)?.downcast_ref() == Some(&Refusal(1)));
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_body_that_fails_ends_its_members<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for panics in [false, true] {
        let (alive, (handles, escaped)) = (Census::default(), async_channel::bounded(1));
        let below = alive.clone();
        let result = AsyncTask::to().on(&rt).scope(|s| async move {
            let _ = handles.try_send(s.spawn(|| forever::<()>(below)));
            yield_now().await;
            if panics { explode("body") } else { Err::<(), BoxError>("body".into()) }
        });
        let error = failed(result.await)?;
        ensure!((error.is_panic(), error.is_failure()) == (panics, !panics), "{error:?}");
        ensure!(alive.alive() == 0);
        ensure!(cause_of(&failed(escaped.recv().await?.await)?) == Some(CancelCause::ParentEnded));
    }
    Ok(())
}

pub async fn a_member_that_is_cancelled_alone_is_no_failure<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, open) = (Census::default(), Latch::new());
    let below = alive.clone();
    let value = AsyncTask::to().on(&rt).scope(|s| async move {
        let opened = open.clone();
        let sibling = s.spawn(|| async move {
            opened.wait().await;
            Ok(1)
        });
        let (one, other) = (below.clone(), below.clone());
        let killed = s.spawn(|| forever::<()>(one));
        check(killed.canceller().cancel(CancelLevel::Kill).await.was_cancelled(), "killed")?;
        check(cause_of(&failed(killed.await)?) == Some(CancelCause::Requested), "its cause")?;
        let asked = s.spawn(|| forever::<()>(other));
        asked.set_status(TaskStatus::Cancelled)?;
        check(failed(asked.await)?.is_cancelled(), "killed by its status")?;
        open.set();
        Ok(sibling.await?)
    });
    ensure!(value.await? == 1);
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_member_that_passes_on_a_cancellation_has_failed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let killed = s.spawn(pending::<Result<(), BoxError>>);
        drop(killed.canceller().cancel(CancelLevel::Kill));
        drop(s.spawn(|| async move { Ok(killed.await?) }));
        pending::<Result<(), BoxError>>().await
    });
    let error = failed(result.await)?;
    ensure!(cause_of(&error) == Some(CancelCause::Requested), "{error:?}");
    Ok(())
}

pub async fn an_error_of_another_scope_passed_on_by_a_member_is_a_failure<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (sender, escaped) = async_channel::bounded(1);
    let other = AsyncTask::to().on(&rt).scope(|s| async move {
        let _ = sender.try_send(s.spawn(|| async { Err::<(), BoxError>("other".into()) }));
        Ok(())
    });
    ensure!(source_text(&failed(other.await)?) == "other");
    let lost: ScopedTask<(), R> = escaped.recv().await?;
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        drop(s.spawn(|| async move { Ok(lost.await?) }));
        Ok(())
    });
    ensure!(result.await.is_err(), "a member has failed, and its scope has not");
    Ok(())
}

pub async fn a_members_own_limit_is_a_failure_of_the_scope<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let builder = AsyncTask::to::<()>().on(&inner).name("slow").timeout(5.millis());
        drop(s.spawn_as(builder, pending::<()>));
        pending::<Result<(), BoxError>>().await
    });
    let error = failed(result.await)?;
    ensure!(error.is_timeout() && error.to_string().contains("slow"), "{error}");
    Ok(())
}

pub async fn nothing_of_a_scope_is_kept_whatever_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for end in 0..3 {
        let kept = Arc::new(());
        let (mine, theirs) = (kept.clone(), kept.clone());
        let result = AsyncTask::to().on(&rt).scope(|s| async move {
            let scope = s.clone();
            let member = s.spawn(move || async move {
                let _theirs = theirs;
                // A member holds its scope, its context and, by a callback, itself.
                let own = TaskContext::current().ok_or("no context")?;
                let held = (own.clone(), scope.clone());
                own.on_cancel(move || drop(held))?;
                match end {
                    0 => Ok(()),
                    1 => Err("member".into()),
                    _ => pending::<Result<(), BoxError>>().await,
                }
            });
            let _mine = mine;
            if end == 2 { Err("body".into()) } else { Ok(member.await?) }
        });
        ensure!(result.await.is_ok() == (end == 0));
        ensure!(Arc::strong_count(&kept) == 1, "{} are kept at end {end}", Arc::strong_count(&kept));
    }
    Ok(())
}

pub async fn callbacks_of_members_are_dropped_before_the_scope_ends<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for _ in 0..300 {
        let alive = Census::default();
        let below = alive.clone();
        AsyncTask::to()
            .on(&rt)
            .scope(|s| async move {
                for _ in 0..4 {
                    let resident = below.enter();
                    drop(s.spawn(|| async move {
                        let cx = TaskContext::current().ok_or("no context")?;
                        // Never run, since the task is not cancelled.
                        cx.on_cancel(move || drop(resident))?;
                        Ok(())
                    }));
                }
                Ok(())
            })
            .await?;
        ensure!(alive.alive() == 0, "{} are left", alive.alive());
    }
    Ok(())
}
