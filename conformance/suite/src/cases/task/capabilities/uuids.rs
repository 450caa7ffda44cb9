//! Capabilities, `TaskId`: with `.uuid()` an id is a version 7 UUID, the same one in every report.

use std::collections::HashSet;

use crate::library::{
    ContextualizedTask as _, RestartPolicy, RetryStrategy, StatusEnabledTask as _, TaskContext, TaskId,
};

use crate::cases::restarts::Calls;
use crate::cases::retries::after;
use crate::cases::scopes::check;
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;
use crate::kit::spans::span;
use crate::kit::tape::record;

/// The id of the task that is polled here.
fn current_id() -> Option<TaskId> {
    TaskContext::current().map(|cx| cx.id())
}

fn is_uuid(id: Option<TaskId>) -> bool {
    id.is_some_and(|id| id.as_u64().is_none() && id.to_string().len() == 36)
}

pub async fn a_task_has_a_uuid_only_on_request<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt);
    let with: Vec<_> = (0..100).map(|_| builder.clone().uuid().spawn(|| async {})).collect();
    let without = builder.spawn(|| async {});
    ensure!(without.id().as_u64().is_some() && !without.id().to_string().contains('-'));
    let ids: HashSet<TaskId> = with.iter().map(Task::id).collect();
    ensure!(ids.len() == 100 && ids.iter().all(|id| is_uuid(Some(*id)) && *id > without.id()));
    for id in ids {
        let text = id.to_string();
        // RFC 9562: the version is the 13th digit, and the variant begins the 17th.
        ensure!(text.get(14..15) == Some("7"), "{text}");
        ensure!(matches!(text.get(19..20), Some("8" | "9" | "a" | "b")), "{text}");
        ensure!(text.parse::<TaskId>()? == id && format!("{id:?}") == format!("TaskId({text})"));
        for junk in [text.to_uppercase(), format!("{{{text}}}"), text.replace('-', ""), format!("{text} ")] {
            ensure!(junk == text || junk.parse::<TaskId>().is_err(), "{junk:?} is no id");
        }
    }
    for junk in ["00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6", "-"] {
        ensure!(junk.parse::<TaskId>().is_err(), "{junk:?} is no id");
    }
    for task in with.into_iter().chain([without]) {
        task.await?;
    }
    Ok(())
}

pub async fn a_uuid_contains_the_time_of_the_spawn<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let before = rt.unix_time();
    let id = AsyncTask::to::<()>().on(&rt).uuid().spawn(|| async {}).id().to_string();
    let after = rt.unix_time();
    let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
    let recording = u128::from_str_radix(&digits, 16)?;
    ensure!((before.as_millis()..=after.as_millis()).contains(&recording), "{id} at {before:?}");
    rt.sleep(10.millis()).await?;
    ensure!(!at.virtual_time || rt.unix_time() == after + 10.millis(), "it goes on with the clock");
    Ok(())
}

pub async fn a_uuid_is_the_same_wherever_it_is_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let mut tape = record(&caller)?;
    let (open, (give, given)) = (Latch::new(), async_channel::bounded(1));
    let (opened, inner) = (open.clone(), rt.clone());
    let outer = caller.in_scope(|| {
        AsyncTask::to::<()>().on(&rt).name("outer").tracing(true).uuid().spawn_with(|cx| async move {
            let child = AsyncTask::to::<()>().on(&inner).name("inner").tracing(true).uuid();
            let child = child.spawn(move || async move { opened.wait().await });
            let parent = child.relationships().parent().map(|parent| parent.id);
            let below = cx.relationships().children().iter().map(|child| child.id).collect::<Vec<_>>();
            let _ = give.send((cx.id(), child.id(), parent, below)).await;
            let _ = child.await;
        })
    });
    let (own, child, parent, below) = given.recv().await?;
    ensure!(own == outer.id() && parent == Some(own) && below == [child]);
    ensure!(is_uuid(Some(own)) && is_uuid(Some(child)) && own != child);
    ensure!(format!("{:?}", outer.canceller()).contains(&own.to_string()));
    // It has had to wait, so that a snapshot names it.
    while outer.status() == TaskStatus::Pending {
        yield_now().await;
    }
    let mut snapshot = rt.snapshot();
    while !snapshot.tasks.iter().any(|task| task.info.id == own) {
        yield_now().await;
        snapshot = rt.snapshot();
    }
    let seen = snapshot.tasks.iter().find(|task| task.info.id == child).context("the child is named")?;
    ensure!(seen.parent == Some(own), "{seen:?}");
    ensure!(snapshot.to_string().contains(&format!("task {own} \"outer\"")), "{snapshot}");
    open.set();
    outer.await?;
    let recording = tape.read();
    let (outer, inner) = (recording.task("outer")?.1, recording.task("inner")?.1);
    let field = |of: &crate::kit::tape::RecordedSpan, name: &str| of.fields.get(name).cloned();
    ensure!(field(outer, "task.id") == Some(own.to_string()), "{outer:?}");
    ensure!(field(inner, "task.id") == Some(child.to_string()), "{inner:?}");
    ensure!(field(inner, "task.parent") == Some(own.to_string()), "{inner:?}");
    Ok(())
}

pub async fn each_kind_of_task_can_have_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || AsyncTask::to::<Option<TaskId>>().on(&rt).uuid();
    ensure!(is_uuid(builder().run(|| async { current_id() }).await?), "in place");
    ensure!(is_uuid(builder().run_with(|cx| async move { Some(cx.id()) }).await?));
    ensure!(is_uuid(builder().spawn_blocking(current_id).await?));
    let calls = Calls::default();
    // Attempts are tasks of their own, below the task.
    let whole = || {
        let above = TaskContext::current().and_then(|cx| cx.relationships().parent());
        above.map(|above| above.id)
    };
    let retried = builder().retry(1).backoff(RetryStrategy::Immediate).spawn(move || {
        let call = after(1, &calls);
        async move { call.map(|_| whole()) }
    });
    let id = retried.id();
    ensure!(retried.await? == Some(id) && is_uuid(Some(id)));
    let policy = RestartPolicy { intensity: 1, period: 1.hours() };
    let supervised = builder().supervise(policy).spawn(move || async move { whole() });
    let id = supervised.id();
    ensure!(supervised.await? == Some(id) && is_uuid(Some(id)));
    let member = builder();
    let scope = AsyncTask::to::<()>().on(&rt).uuid().scope(|s| async move {
        check(is_uuid(Some(s.context().id())), "a scope")?;
        let member = s.spawn_as(member, || async { current_id() });
        let id = member.id();
        check(member.await? == Some(id) && is_uuid(Some(id)), "a member")?;
        Ok(())
    });
    scope.await?;
    let all = orchestra(&rt).uuid().build()?;
    let node = all.register_task("node", builder(), || async { current_id() })?;
    all.run().await?;
    ensure!(is_uuid(all.context().map(|whole| whole.id())) && all.status() == TaskStatus::Completed);
    ensure!(is_uuid(*all.join_task(&node).await?), "a task of an orchestra");
    let alone = AsyncTask::to::<Option<TaskId>>().on(&rt).orchestrator(&all).uuid();
    ensure!(is_uuid(alone.run(|| async { current_id() }).await?), "alone under an orchestrator");
    Ok(())
}
