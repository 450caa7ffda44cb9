//! Task context: work finds its task, and the values handed down to it, without being given them.

use crate::library::{TaskContext, TaskId};

use crate::cases::scopes::check;
use crate::kit::prelude::*;

#[derive(Debug, PartialEq)]
struct Tenant(u32);

#[derive(Debug, PartialEq)]
struct Depth(u32);

fn current_id() -> Option<TaskId> {
    TaskContext::current().map(|cx| cx.id())
}

/// Returns the values that can be found here.
fn values() -> (Option<u32>, Option<u32>) {
    let cx = TaskContext::current();
    let tenant = cx.as_ref().and_then(|cx| cx.get::<Tenant>());
    (tenant.map(|tenant| tenant.0), cx.and_then(|cx| cx.get::<Depth>()).map(|depth| depth.0))
}

pub async fn work_of_all_kinds_finds_its_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<Option<TaskId>>().on(&rt);
    let asynchronous = builder.clone().spawn(|| async {
        yield_now().await;
        current_id()
    });
    let blocking = builder.clone().spawn_blocking(current_id);
    let inline = builder.clone().inline().spawn(current_id);
    for task in [asynchronous, blocking, inline] {
        let id = task.id();
        ensure!(task.await? == Some(id));
    }
    let with = builder.clone().run_with(|cx| async move { current_id().filter(|id| *id == cx.id()) });
    ensure!(with.await?.is_some());
    Ok(())
}

pub async fn outside_of_a_task_there_is_none<R: Runtime>(rt: R, _: Facts) -> Outcome {
    ensure!(current_id().is_none());
    let builder = AsyncTask::to::<bool>().on(&rt);
    // Bare work in place is part of the task around it, if there is one.
    ensure!(builder.clone().run(|| async { current_id().is_none() }).await?);
    ensure!(builder.clone().run_blocking(|| current_id().is_none()).await?);
    ensure!(builder.clone().spawn(|| async { current_id().is_some() }).await?);
    AsyncTask::to()
        .on(&rt)
        .scope(|s| async move { Ok(check(current_id() == Some(s.context().id()), "the scope")?) })
        .await?;
    ensure!(current_id().is_none());
    ensure!(std::thread::spawn(current_id).join().is_ok_and(|found| found.is_none()));
    Ok(())
}

pub async fn part_of_a_task_finds_that_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let own = Some(cx.id());
        let builder = AsyncTask::to::<Option<TaskId>>().on(&inner);
        check(builder.clone().run(|| async { current_id() }).await? == own, "bare work in place")?;
        check(
            builder.clone().timeout(1.hours()).run(|| async { current_id() }).await? == own,
            "with a limit",
        )?;
        check(builder.clone().run_blocking(current_id).await? == own, "blocking work")?;
        let within = builder
            .clone()
            .run_with(|in_place| async move { current_id().filter(|id| *id == in_place.id()) });
        check(within.await?.is_some(), "a node of its own")?;
        check(current_id() == own, "it is back")?;
        // In each poll, also when two are interleaved.
        let nodes = [builder.clone(), builder].map(|builder| {
            builder.run_with(|in_place| async move {
                for _ in 0..3 {
                    yield_now().await;
                    if current_id() != Some(in_place.id()) {
                        return None;
                    }
                }
                current_id()
            })
        });
        let found = crate::library::all(nodes).await?;
        check(found.iter().all(Option::is_some), "interleaved")
    });
    task.await?;
    Ok(())
}

/// A value that reports, when it is dropped, the task that this happens in.
struct ReportsTask(async_channel::Sender<Option<TaskId>>);

impl Drop for ReportsTask {
    fn drop(&mut self) {
        let _ = self.0.try_send(current_id());
    }
}

pub async fn a_destructor_of_killed_work_finds_its_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (report, reported) = async_channel::bounded(1);
    let started = Latch::new();
    let start = started.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _reports = ReportsTask(report);
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    task.cancel(CancelLevel::Kill).await;
    ensure!(reported.recv().await? == Some(task.id()));
    Ok(())
}

pub async fn a_value_reaches_work_of_all_kinds<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<(Option<u32>, Option<u32>)>().on(&rt).with(Tenant(7));
    let both = builder.clone().with(Depth(1));
    ensure!(builder.clone().spawn(|| async { values() }).await? == (Some(7), None));
    ensure!(both.clone().spawn_blocking(values).await? == (Some(7), Some(1)));
    ensure!(both.clone().inline().spawn(values).await? == (Some(7), Some(1)));
    ensure!(both.clone().run(|| async { values() }).await? == (Some(7), Some(1)));
    ensure!(both.clone().run_blocking(values).await? == (Some(7), Some(1)));
    ensure!(both.clone().inline().run(values).await? == (Some(7), Some(1)));
    // A second value of the same type replaces the first.
    ensure!(both.clone().with(Tenant(8)).run(|| async { values() }).await? == (Some(8), Some(1)));
    let scope = both.scope(|s| async move {
        check(s.context().get::<Depth>().as_deref() == Some(&Depth(1)), "the scope")?;
        Ok(s.spawn(|| async { Ok(values()) }).await?)
    });
    ensure!(scope.await? == (Some(7), Some(1)), "a member");
    ensure!(values() == (None, None));
    Ok(())
}

pub async fn a_value_reaches_all_below_and_each_may_replace_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<()>().on(&rt).with(Tenant(7)).with(Depth(0)).spawn(|| async move {
        let middle = inner.clone();
        let child = AsyncTask::to::<()>().on(&inner).with(Depth(1)).try_spawn(|| async move {
            check(values() == (Some(7), Some(1)), "the child")?;
            let builder = AsyncTask::to::<(Option<u32>, Option<u32>)>().on(&middle);
            let grandchild = builder.clone().spawn(|| async { values() });
            check(grandchild.await? == (Some(7), Some(1)), "the grandchild")?;
            let replaced = builder.clone().with(Tenant(8)).spawn_blocking(values);
            check(replaced.await? == (Some(8), Some(1)), "replaced in the grandchild")?;
            let in_place = builder.clone().run_with(|_| async { values() });
            check(in_place.await? == (Some(7), Some(1)), "in place")?;
            check(builder.run_blocking(values).await? == (Some(7), Some(1)), "blocking work")?;
            Ok(check(values() == (Some(7), Some(1)), "what is above sees none of it")?)
        });
        child.await?;
        check(values() == (Some(7), Some(0)), "what is above sees none of it")
    });
    task.await?;
    Ok(())
}

pub async fn a_detached_child_keeps_its_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, inner) = (Latch::new(), rt.clone());
    let (opened, (report, reported)) = (open.clone(), async_channel::bounded(1));
    let parent = AsyncTask::to::<()>().on(&rt).with(Tenant(7)).spawn(|| async move {
        let current_id = inner.clone();
        let child = AsyncTask::to::<()>().on(&inner).try_spawn(|| async move {
            opened.wait().await;
            let below = AsyncTask::to::<_>().on(&current_id).spawn(|| async { values() }).await?;
            let _ = report.try_send((values(), below));
            Ok(())
        });
        child.detach();
    });
    parent.await?;
    open.set();
    ensure!(reported.recv().await? == ((Some(7), None), (Some(7), None)));
    Ok(())
}

pub async fn a_value_is_dropped_with_its_last_holder<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let dropped = Latch::new();
    struct Guarded(#[allow(dead_code, reason = "it is there to be dropped")] crate::kit::SetOnDrop);
    let inner = rt.clone();
    let task = AsyncTask::to::<bool>().on(&rt).with(Guarded(dropped.on_drop())).spawn(|| async move {
        let child = AsyncTask::to::<bool>()
            .on(&inner)
            .spawn(|| async { TaskContext::current().is_some_and(|cx| cx.get::<Guarded>().is_some()) });
        child.await
    });
    ensure!(task.await?);
    // Executors may keep a task for a moment after its end.
    dropped.wait().await;
    Ok(())
}

pub async fn receivers_find_the_values_of_pipeline_and_enclosing_task<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let alone = AsyncTask::emits::<u64>()
        .on(&rt)
        .with(Depth(1))
        .with(Depth(2))
        .sender(|sources| {
            sources.of(0..10u64).into_chunks(3.items());
        })
        .receiver(|event, found| found.collect(*event.data(), values()))
        .await_final_event(|event, found| event.map(|_| found.collected()))
        .await?;
    ensure!(alone.len() == 10 && alone.into_values().all(|values| values == (None, Some(2))));
    let inner = rt.clone();
    let task = AsyncTask::to::<usize>().on(&rt).with(Tenant(7)).with(Depth(0)).try_spawn(|| async move {
        let found = AsyncTask::emits::<u64>()
            .on(&inner)
            .with(Depth(3))
            .sender(|sources| {
                sources.of(0..10u64).into_chunks(3.items());
            })
            .receiver(|event, found: Collector<u64, _>| async move {
                yield_now().await;
                found.collect(*event.data(), values());
            })
            .await_final_event(|event, found| event.map(|_| found.collected()))
            .await?;
        check(found.values().all(|values| *values == (Some(7), Some(3))), "around")?;
        Ok(found.len())
    });
    ensure!(task.await? == 10);
    Ok(())
}
