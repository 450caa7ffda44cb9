//! Metrics: the use of children is counted in their parent, once.

use crate::library::task::Contextual;
use crate::library::{MetricsEnabledTask as _, TaskBuilder, TaskContext};

use super::task_metrics::is_about;
use crate::kit::load::{Burnt, allocate, burn, pretend, thread_time};
use crate::kit::prelude::*;

type Measured<R> = TaskBuilder<(), R, Contextual>;

fn measured<R: Runtime>(rt: &R) -> Measured<R> {
    TaskBuilder::new(rt.clone()).metrics(true)
}

pub async fn usage_of_ended_children_is_added_to_their_parent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    /// The yields of a child: more than the polls of its parent.
    const YIELDS: u64 = 20;
    pretend()?;
    let (inner, burnt) = (rt.clone(), Burnt::default());
    let work = burnt.clone();
    let mut parent = measured(&rt).try_spawn(move || async move {
        work.burn(5.millis());
        allocate(1);
        for _ in 0..2 {
            let work = work.clone();
            measured(&inner)
                .spawn(|| async move {
                    work.burn(10.millis());
                    allocate(10);
                    for _ in 0..YIELDS {
                        yield_now().await;
                    }
                })
                .await?;
        }
        Ok(())
    });
    (&mut parent).await?;
    is_about(parent.cpu_usage(), &burnt)?;
    let memory = parent.memory_usage().context("an allocator counts")?;
    ensure!((memory.allocated, memory.allocations) == (21, Some(3)), "{memory:?}");
    // It is polled once, and again for each child that it waits for; each child is polled more often.
    let polls = parent.poll_usage().context("it was measured")?;
    ensure!(polls.count > 0 && polls.count <= YIELDS, "polls are its own: {polls:?}");
    Ok(())
}

pub async fn usage_of_live_children_is_included_when_it_is_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    let (open, inner) = (Latch::new(), rt.clone());
    let (wait, child_wait) = (open.clone(), open.clone());
    let (sender, burnt) = async_channel::bounded(1);
    let parent = measured(&rt).try_spawn(move || async move {
        let inmost = inner.clone();
        let child = measured(&inner).try_spawn(move || async move {
            burn(5.millis());
            allocate(100);
            // A poll's use is recorded at its end.
            yield_now().await;
            // A grandchild below a task that is not measured.
            let below = inmost.clone();
            let between = AsyncTask::to::<()>().on(&inmost).try_spawn(move || async move {
                measured(&below).spawn(|| async { allocate(1000) }).await?;
                Ok(())
            });
            between.await?;
            let _ = sender.send(()).await;
            child_wait.wait().await;
            Ok(())
        });
        wait.wait().await;
        child.await?;
        Ok(())
    });
    burnt.recv().await?;
    let live = parent.memory_usage().context("it is measured")?;
    ensure!(live.allocated == 1100, "{live:?}");
    if thread_time().is_some() {
        let cpu = parent.cpu_usage().context("it is measured")?;
        ensure!(cpu.total() >= 5.millis(), "{cpu:?}");
    }
    open.set();
    let context = parent.canceller();
    parent.await?;
    let ended = context.memory_usage().context("it was measured")?;
    ensure!(ended.allocated == 1100, "nothing is counted twice, or lost: {ended:?}");
    Ok(())
}

pub async fn usage_of_in_place_work_is_not_counted_twice<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    let (inner, burnt) = (rt.clone(), Burnt::default());
    let work = burnt.clone();
    let mut parent = measured(&rt).try_spawn(move || async move {
        allocate(1);
        measured(&inner)
            .run_with(|cx: TaskContext| async move {
                work.burn(10.millis());
                allocate(10);
                yield_now().await;
                if cx.memory_usage().map(|memory| memory.allocated) != Some(10) {
                    return Err(AsyncTaskError::InvalidState("what is in place has its own account"));
                }
                Ok(())
            })
            .await?;
        allocate(100);
        // The use of bare work in place is attributed to its caller.
        AsyncTask::to::<()>().on(&inner).run(|| async { allocate(1000) }).await?;
        Ok(())
    });
    (&mut parent).await?;
    is_about(parent.cpu_usage(), &burnt)?;
    let memory = parent.memory_usage().context("an allocator counts")?;
    ensure!((memory.allocated, memory.allocations) == (1111, Some(4)), "{memory:?}");
    Ok(())
}

pub async fn usage_of_detached_tasks_is_not_added_to_their_parent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    let (inner, before) = (rt.clone(), rt.metrics().used.memory.unwrap_or_default());
    let (sender, ends) = async_channel::bounded(1);
    let mut parent = measured(&rt).spawn(move || async move {
        let alone = Latch::new();
        let wait = alone.clone();
        let child = measured(&inner).spawn(|| async move {
            wait.wait().await;
            allocate(7);
        });
        let _ = sender.try_send(child.canceller());
        child.detach();
        alone.set();
    });
    (&mut parent).await?;
    // The cancellation reports the child's end, which may come before the end of the parent's work.
    let end = ends.recv().await?;
    while !end.status().is_terminal() {
        yield_now().await;
    }
    let (parents, own) = (parent.memory_usage(), end.memory_usage());
    ensure!(parents.map(|memory| memory.allocated) == Some(0), "{parents:?}");
    ensure!(own.map(|memory| memory.allocated) == Some(7), "{own:?}");
    // On an executor of the whole process, cases that run at the same time are recorded in the same totals.
    let after = rt.metrics().used.memory.context("two have ended")?;
    ensure!(after.allocated - before.allocated >= 7, "{before:?}, {after:?}");
    Ok(())
}

pub async fn usage_never_decreases_while_children_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    pretend()?;
    let (inner, over) = (rt.clone(), Latch::new());
    let end = over.on_drop();
    let parent = measured(&rt).try_spawn(move || async move {
        let _end = end;
        for _ in 0..50 {
            let children: Vec<_> = (0..10)
                .map(|_| {
                    measured(&inner).spawn(|| async {
                        allocate(3);
                        yield_now().await;
                        allocate(4);
                    })
                })
                .collect();
            for child in children {
                child.await?;
            }
        }
        Ok(())
    });
    let mut last = 0;
    while !over.is_set() {
        let now = parent.memory_usage().map_or(0, |memory| memory.allocated);
        ensure!(now >= last && now <= 3500, "{now} after {last}");
        last = now;
        yield_now().await;
    }
    let account = parent.canceller();
    parent.await?;
    let memory = account.memory_usage().context("it was measured")?;
    ensure!((memory.allocated, memory.allocations) == (3500, Some(1000)), "{memory:?}");
    Ok(())
}
