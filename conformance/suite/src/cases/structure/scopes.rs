//! Promise 8, scopes: a scope never ends before its members, which may have policies and any kind of work.

use std::pin::pin;
use std::rc::Rc;

use crate::library::task::Run;
use crate::library::{BoxError, NamedTask as _, Scope, StatusEnabledTask as _, TaskContext, TimedTask as _};

use crate::kit::prelude::*;

/// A scope on `rt`. A function of its own, since for a generic runtime the compiler cannot prove that a
/// direct call of `TaskBuilder::scope` is `Send`.
pub(super) fn scope_on<R, T, F, O>(
    rt: &R,
    body: F,
) -> Run<impl Future<Output = Result<T, AsyncTaskError>> + use<R, T, F, O>>
where
    R: Runtime,
    F: FnOnce(Scope<R>) -> O,
    O: Future<Output = Result<T, BoxError>>,
{
    AsyncTask::to::<T>().on(rt).scope(body)
}

/// Waits for `future` in a shielded region: the task can be killed only afterwards.
pub(super) async fn stubborn<F: Future>(future: F) -> Result<F::Output, BoxError> {
    let cx = TaskContext::current().ok_or("no context")?;
    Ok(cx.shield(future).await)
}

/// A condition as an error of work, which a scope accepts.
pub(crate) fn check(holds: bool, otherwise: &'static str) -> Result<(), AsyncTaskError> {
    if holds { Ok(()) } else { Err(AsyncTaskError::failure(otherwise)) }
}

/// Gives all other tasks several turns, and checks that `future` stays pending.
pub(crate) async fn stays_pending<R: Runtime, F: Future + Unpin>(rt: &R, future: &mut F) -> Outcome {
    for _ in 0..20 {
        ensure!(poll_once(&mut *future).await.is_none(), "it ended before what it waits for");
        AsyncTask::to::<()>().on(rt).spawn(|| async {}).await?;
    }
    Ok(())
}

pub async fn its_value_is_that_of_its_body<R: Runtime>(rt: R, _: Facts) -> Outcome {
    ensure!(AsyncTask::to().on(&rt).scope(|_| async { Ok(1) }).await? == 1);
    let local = Rc::new(2);
    // The body runs in place: it may borrow, and need not be `Send`.
    let borrowed = &local;
    let sum = AsyncTask::to::<u32>().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async {
            yield_now().await;
            Ok("3".parse::<u32>()?)
        });
        Ok(**borrowed + member.await?)
    });
    ensure!(sum.await? == 5 && Rc::strong_count(&local) == 1);
    Ok(())
}

pub async fn it_begins_when_it_is_awaited<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let called = Latch::new();
    let call = called.clone();
    let scope = AsyncTask::to().on(&rt).scope(|_| async move {
        call.set();
        Ok(())
    });
    yield_now().await;
    ensure!(!called.is_set());
    scope.await?;
    ensure!(called.is_set());
    Ok(())
}

pub async fn it_does_not_end_before_a_member_whose_handle_was_dropped<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (open, alive) = (Latch::new(), Census::default());
    let (opened, below) = (open.clone(), alive.clone());
    let mut scope = pin!(AsyncTask::to().on(&rt).scope(|s| async move {
        for _ in 0..3 {
            let (opened, resident) = (opened.clone(), below.enter());
            drop(s.spawn(|| async move {
                let _resident = resident;
                opened.wait().await;
                Ok(())
            }));
        }
        Ok(7)
    }));
    stays_pending(&rt, &mut scope).await?;
    ensure!(alive.alive() == 3, "{} of 3 run on", alive.alive());
    open.set();
    ensure!(scope.await? == 7);
    ensure!((alive.alive(), alive.ever()) == (0, 3));
    Ok(())
}

/// Spawns the next member of a chain, and ends at once.
fn chain<R: Runtime>(s: &Scope<R>, left: u32, alive: &Census) {
    let (next, below) = (s.clone(), alive.clone());
    drop(s.spawn(move || async move {
        let _resident = below.enter();
        yield_now().await;
        if left > 1 {
            chain(&next, left - 1, &below);
        }
        Ok(())
    }));
}

pub async fn members_may_spawn_members_after_its_body<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let below = alive.clone();
    AsyncTask::to()
        .on(&rt)
        .scope(|s| async move {
            chain(&s, 50, &below);
            Ok(())
        })
        .await?;
    ensure!((alive.alive(), alive.ever()) == (0, 50));
    Ok(())
}

pub async fn a_spawn_on_an_ended_scope_is_an_error_on_the_handle<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ended = AsyncTask::to().on(&rt).scope(|s| async move { Ok(s) }).await?;
    let (sender, escaped) = async_channel::bounded(1);
    {
        let mut dropped = pin!(AsyncTask::to().on(&rt).scope(|s| async move {
            let _ = sender.try_send(s);
            pending::<Result<(), BoxError>>().await
        }));
        ensure!(poll_once(&mut dropped).await.is_none());
    }
    for scope in [ended, escaped.recv().await?] {
        let called = Latch::new();
        let call = called.clone();
        let member = scope.spawn(|| async move {
            call.set();
            Ok(())
        });
        ensure!(failed(member.ready().await)?.to_string().contains("ended"));
        ensure!(member.status().is_terminal());
        let error = failed(member.await)?;
        ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
        let call = called.clone();
        let blocking = scope.spawn_as(AsyncTask::to::<()>().on(&rt).name("late"), move || call.set());
        ensure!(matches!(failed(blocking.await)?, AsyncTaskError::InvalidState(_)));
        ensure!(!called.is_set(), "refused work was called");
    }
    Ok(())
}

pub async fn other_tasks_of_its_body_are_waited_for_and_fail_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, done) = (Latch::new(), Latch::new());
    let (opened, finish, inner) = (open.clone(), done.clone(), rt.clone());
    let mut scope = pin!(AsyncTask::to().on(&rt).scope(|s| async move {
        let builder = AsyncTask::to::<()>().on(&inner);
        let fails = builder.clone().spawn(|| async { Err::<(), _>("alone") });
        let error = failed(fails.await)?;
        check(error.is_failure() && source_text(&error) == "alone", "the error is its own")?;
        let waits = builder.spawn(|| async move {
            opened.wait().await;
            finish.set();
        });
        Ok((s, waits))
    }));
    stays_pending(&rt, &mut scope).await?;
    ensure!(!done.is_set());
    open.set();
    let (_, waits) = scope.await?;
    ensure!(done.is_set(), "it ended before a task of its body");
    waits.await?;
    Ok(())
}

pub async fn an_inner_scope_ends_first_and_its_error_can_be_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (outer_alive, inner_alive) = (Census::default(), Census::default());
    let (outside, inside, inner) = (outer_alive.clone(), inner_alive.clone(), rt.clone());
    let open = Latch::new();
    let opened = open.clone();
    let value = AsyncTask::to().on(&rt).scope(|s| async move {
        let _resident = outside.enter();
        let resident = outside.enter();
        let sibling = s.spawn(|| async move {
            let _resident = resident;
            opened.wait().await;
            Ok(1)
        });
        let below = inside.clone();
        let failure = AsyncTask::to().on(&inner).scope(|t| async move {
            let resident = below.enter();
            drop(t.spawn(|| async move {
                let _resident = resident;
                pending::<Result<(), BoxError>>().await
            }));
            t.spawn(|| async { Err::<(), BoxError>("inner".into()) }).await?;
            Ok(())
        });
        check(source_text(&failed(failure.await)?) == "inner", "the error of the inner one")?;
        check((inside.alive(), outside.alive()) == (0, 2), "the inner one alone has ended")?;
        open.set();
        Ok(sibling.await?)
    });
    ensure!(value.await? == 1);
    ensure!(outer_alive.alive() == 0);
    Ok(())
}

pub async fn spawn_as_takes_policies_and_all_kinds_of_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let sum = AsyncTask::to::<u32>().on(&rt).with(40u32).scope(|s| async move {
        let builder = || AsyncTask::to::<u32>().on(&inner);
        let named = s.spawn_as(builder().name("first").timeout(1.hours()), || async {
            let cx = TaskContext::current().ok_or("no context")?;
            Ok::<u32, BoxError>(*cx.get::<u32>().ok_or("no value")?)
        });
        check(
            named.name().as_deref() == Some("first") && named.timeout() == Some(1.hours()),
            "its policies",
        )?;
        let own = s.spawn_as(builder().with(2u32), || async {
            TaskContext::current().and_then(|cx| cx.get::<u32>()).map_or(0, |value| *value)
        });
        let blocking = s.spawn_as(builder(), || 3);
        let inline = s.spawn_as(builder().inline(), || Ok::<_, &str>(4));
        Ok(named.await? + own.await? + blocking.await? + inline.await?)
    });
    ensure!(sum.await? == 49);
    Ok(())
}

pub async fn ten_thousand_members_end_before_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for fails in [false, true] {
        let alive = Census::default();
        let below = alive.clone();
        let result = AsyncTask::to().on(&rt).scope(|s| async move {
            for _ in 0..10_000 {
                let resident = below.enter();
                drop(s.spawn(move || async move {
                    let _resident = resident;
                    if fails { pending::<Result<(), BoxError>>().await } else { Ok(()) }
                }));
            }
            if fails { Err("the body".into()) } else { Ok(()) }
        });
        ensure!(result.await.is_err() == fails);
        ensure!((alive.alive(), alive.ever()) == (0, 10_000), "{} are left", alive.alive());
    }
    Ok(())
}

pub async fn a_scope_awaited_again_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut scope = pin!(AsyncTask::to().on(&rt).scope(|_| async { Ok(1) }));
    ensure!((&mut scope).await? == 1);
    ensure!(matches!(failed(scope.await)?, AsyncTaskError::InvalidState(_)));
    Ok(())
}

pub async fn members_and_daemons_are_given_their_context<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let value = AsyncTask::to().on(&rt).scope(|s| async move {
        let daemon = s.spawn_daemon_with(|cx| async move {
            cx.started();
            cx.cancelled().await;
            Ok(cx.id())
        });
        let member = s.spawn_with(|cx| async move { Ok(cx.id()) });
        let (id, own) = (member.id(), member.await?);
        check(own == id && daemon.id() != id, "the context of the member is its own")?;
        daemon.ready().await?;
        Ok((daemon.id(), daemon))
    });
    let (id, daemon) = value.await?;
    ensure!(daemon.await? == id);
    Ok(())
}
