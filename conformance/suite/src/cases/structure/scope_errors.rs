//! Promise 8, scopes: the first error is the main one, and the others are attached to it, none of them twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::{BoxError, TaskContext};

use super::scope_failures::Refusal;
use super::scopes::{scope_on, stubborn};
use crate::kit::explode;
use crate::kit::prelude::*;

/// The texts of all errors, the main one first.
fn texts(error: AsyncTaskError) -> Vec<String> {
    match error {
        AsyncTaskError::Several(several) => several.into_all().map(|error| source_text(&error)).collect(),
        single => vec![source_text(&single)],
    }
}

/// Sets `started`, and awaits `future`.
async fn after<F: Future>(started: Latch, future: F) -> F::Output {
    started.set();
    future.await
}

/// Panics when it is dropped.
struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        explode::<()>("a destructor");
    }
}

pub async fn later_failures_are_attached_in_their_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        // Killed for the failure before theirs, two members go on all the same, and fail in turn.
        let (second, third) = (Latch::new(), Latch::new());
        let (starts, last_starts, scope) = (second.clone(), third.clone(), s.context().clone());
        let fails = s.spawn(|| async move {
            stubborn(after(starts, scope.cancelled())).await?;
            Err::<(), BoxError>("second".into())
        });
        let second_dropped = fails.ready();
        drop(s.spawn(|| async move {
            stubborn(after(last_starts, second_dropped)).await?.err().ok_or("it was never ready")?;
            Err::<(), BoxError>("third".into())
        }));
        second.wait().await;
        third.wait().await;
        drop(s.spawn(|| async move { Err::<(), BoxError>("first".into()) }));
        Ok(())
    });
    let error = failed(result.await)?;
    ensure!(error.is_failure() && source_text(error.first()) == "first", "{error}");
    ensure!(error.to_string().contains("third"), "{error}");
    let all = texts(error);
    ensure!(all == ["first", "second", "third"], "{all:?}");
    Ok(())
}

pub async fn a_body_that_fails_after_a_member_is_attached_to_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        drop(s.spawn(|| async move { Err::<(), BoxError>("member".into()) }));
        let scope = s.context();
        scope.shield(scope.cancelled()).await;
        Err::<(), BoxError>("body".into())
    });
    let all = texts(failed(result.await)?);
    ensure!(all == ["member", "body"], "{all:?}");
    Ok(())
}

pub async fn a_member_that_fails_after_the_body_is_attached_to_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        drop(s.spawn(|| async move {
            let cx = TaskContext::current().ok_or("no context")?;
            // The end of the body cancels this member.
            stubborn(after(start, cx.cancelled())).await?;
            Err::<(), BoxError>("member".into())
        }));
        started.wait().await;
        Err::<(), BoxError>("body".into())
    });
    let all = texts(failed(result.await)?);
    ensure!(all == ["body", "member"], "{all:?}");
    Ok(())
}

pub async fn no_error_is_lost_when_all_fail_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let failures = Arc::new(AtomicUsize::new(0));
    let (open, counted) = (Latch::new(), failures.clone());
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        for member in 0..100 {
            let (opened, counted) = (open.clone(), counted.clone());
            drop(s.spawn(move || async move {
                opened.wait().await;
                counted.fetch_add(1, Ordering::SeqCst);
                Err::<(), BoxError>(format!("member {member}").into())
            }));
        }
        open.set();
        Ok(())
    });
    let mut all = texts(failed(result.await)?);
    let (count, failed) = (all.len(), failures.load(Ordering::SeqCst));
    all.sort_unstable();
    all.dedup();
    ensure!(
        count == failed && all.len() == count,
        "{count} of {failed} failures, {} different ones",
        all.len()
    );
    Ok(())
}

pub async fn passing_on_the_error_of_a_member_adds_no_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let fails = s.spawn(|| async { Err::<u32, BoxError>(Refusal(2).into()) });
        let hands_on = s.spawn(|| async move { Ok(stubborn(fails).await??) });
        // The body, too, goes on long enough to pass it on.
        Ok(s.context().shield(hands_on).await?)
    });
    let error = failed(result.await)?;
    ensure!(!matches!(error, AsyncTaskError::Several(_)), "{error}");
    ensure!(error.downcast_ref() == Some(&Refusal(2)));
    Ok(())
}

pub async fn the_main_error_can_be_downcast<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let failing = || {
        AsyncTask::to().on(&rt).scope(|s| async move {
            let (scope, started) = (s.context().clone(), Latch::new());
            let start = started.clone();
            drop(s.spawn(|| async move {
                stubborn(after(start, scope.cancelled())).await?;
                Err::<(), BoxError>("another".into())
            }));
            started.wait().await;
            drop(s.spawn(|| async { Err::<(), BoxError>(Refusal(3).into()) }));
            Ok(())
        })
    };
    let error = failed(failing().await)?;
    ensure!(matches!(error, AsyncTaskError::Several(_)), "{error}");
    ensure!(error.downcast_ref() == Some(&Refusal(3)));
    ensure!(error.downcast::<Refusal>().ok() == Some(Refusal(3)));
    let AsyncTaskError::Several(several) = failed(failing().await)? else { bail!("not several") };
    ensure!(several.others().len() == 1 && several.first().is_failure());
    ensure!(several.into_first().downcast::<Refusal>().ok() == Some(Refusal(3)));
    Ok(())
}

pub async fn errors_of_nested_scopes_are_one_flat_list<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        let (outer, started) = (s.context().clone(), Latch::new());
        let start = started.clone();
        drop(s.spawn(|| async move {
            // This member goes on after the failure of the outer scope, until the inner one has failed too,
            // with two errors.
            let fails = scope_on(&inner, |t| async move {
                let scope = t.context().clone();
                drop(t.spawn(|| async { Err::<(), BoxError>("inner 1".into()) }));
                scope.shield(scope.cancelled()).await;
                Err::<(), BoxError>("inner 2".into())
            });
            stubborn(async move {
                after(start, outer.cancelled()).await;
                fails.await
            })
            .await??;
            Ok(())
        }));
        started.wait().await;
        drop(s.spawn(|| async { Err::<(), BoxError>("outer".into()) }));
        Ok(())
    });
    let AsyncTaskError::Several(several) = failed(result.await)? else { bail!("not several") };
    let all: Vec<_> = several.into_all().collect();
    ensure!(!all.iter().any(|error| matches!(error, AsyncTaskError::Several(_))), "{all:?}");
    let all: Vec<_> = all.iter().map(source_text).collect();
    ensure!(all == ["outer", "inner 1", "inner 2"], "{all:?}");
    Ok(())
}

pub async fn a_destructor_that_panics_when_siblings_are_killed_is_attached<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let result = AsyncTask::to().on(&rt).scope(|s| async move {
        drop(s.spawn(|| async move {
            let _fuse = Fuse;
            start.set();
            pending::<Result<(), BoxError>>().await
        }));
        drop(s.spawn(|| async move {
            started.wait().await;
            Err::<(), BoxError>("first".into())
        }));
        Ok(())
    });
    let AsyncTaskError::Several(several) = failed(result.await)? else { bail!("not several") };
    ensure!(source_text(several.first()) == "first");
    ensure!(several.others().len() == 1 && several.others().iter().all(AsyncTaskError::is_panic));
    Ok(())
}
