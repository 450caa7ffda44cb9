//! Promise 9, priority: a limit admits the most urgent waiter first, and of equals the one that came first.

use crate::library::{
    BoxError, Limiter, PrioritizedTask, RankableByPriority as _, RetryStrategy, TaskContext, TaskPriority,
    UnknownPriority,
};

use super::wait_queue::WaitQueue;
use crate::cases::limiters::{fill, until_waiting};
use crate::cases::traits::idle;
use crate::kit::prelude::*;

use TaskPriority::{Background, Critical, High, Low, Normal};

const CLASSES: [TaskPriority; 5] = [Critical, High, Normal, Low, Background];

pub async fn priorities_are_ordered_numbered_and_bounded<R: Runtime>(_: R, _: Facts) -> Outcome {
    ensure!(CLASSES.is_sorted_by(|one, other| one > other), "by urgency, the most urgent the greatest");
    ensure!(TaskPriority::default() == Normal);
    for (number, class) in (0_u8..).zip(CLASSES) {
        ensure!(u8::from(class) == number && TaskPriority::try_from(number)? == class);
        ensure!(class.increased() >= class && class.decreased() <= class && class.rank() == class);
        for other in CLASSES {
            ensure!(class.is_more_urgent_than(&other) == (class > other));
        }
    }
    ensure!((Critical.increased(), Background.decreased()) == (Critical, Background));
    ensure!((Low.increased(), High.decreased()) == (Normal, Normal));
    for number in 5..=u8::MAX {
        let error = failed(TaskPriority::try_from(number))?;
        ensure!(error == UnknownPriority(number) && error.to_string().contains(&number.to_string()));
    }
    let names = CLASSES.map(|class| class.to_string());
    ensure!(names == ["critical", "high", "normal", "low", "background"], "{names:?}");
    Ok(())
}

pub async fn the_most_urgent_waiter_is_first_and_equals_keep_their_order<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let mut queue = WaitQueue::new(&rt).await?;
    for number in 0..15 {
        let rank = u8::try_from(number * 3 % 5)?;
        queue.add(u32::from(rank) * 100 + number, TaskPriority::try_from(rank)?).await;
    }
    let mut due: Vec<_> = (0..15).map(|number| number * 3 % 5 * 100 + number).collect();
    due.sort();
    queue.admits_in_order(&due).await
}

pub async fn work_of_all_kinds_has_the_priority_of_its_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut queue = WaitQueue::new(&rt).await?;
    let limited = AsyncTask::to::<()>().on(&rt).limiter(&queue.limiter);
    let (one, two, three, four, five) =
        (queue.reporter(1), queue.reporter(2), queue.reporter(3), queue.reporter(4), queue.reporter(5));
    let inner = limited.clone().priority(Low);
    queue.push(AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| inner.inline().run(five))).await;
    let inner = limited.clone();
    queue.push(limited.clone().priority(Normal).spawn_with(|_| async move { four() })).await;
    let within = AsyncTask::to::<()>().on(&rt).priority(High);
    queue.push(within.spawn(|| inner.run_with(|_| async move { two() }))).await;
    queue.push(limited.clone().priority(High).spawn_blocking(three)).await;
    let again = limited.priority(Critical).retry(1).backoff(RetryStrategy::Immediate);
    let first = Census::default();
    let task = again.spawn(move || {
        let is_first = first.ever() == 0;
        drop(first.enter());
        let reporter = one.clone();
        async move {
            reporter();
            if is_first { Err("the first attempt") } else { Ok(()) }
        }
    });
    queue.push(task).await;
    // The first attempt ends, and the second comes before or after the next waiter: while it waits for its
    // turn on the executor, the permit does not wait for it.
    let WaitQueue { held, arrived, tasks, .. } = queue;
    held.release().await?;
    let mut came = Vec::new();
    for _ in 0..6 {
        came.push(arrived.recv().await?);
    }
    ensure!(came.first() == Some(&1), "{came:?}");
    let second = came.iter().rposition(|number| *number == 1).context("one attempt")?;
    came.remove(second);
    came.remove(0);
    ensure!(second > 0 && came == [2, 3, 4, 5], "{came:?}");
    for task in tasks {
        task.await?;
    }
    Ok(())
}

pub async fn in_place_work_has_the_priority_of_its_builder<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut queue = WaitQueue::new(&rt).await?;
    // Only this case polls these futures.
    let run = |priority, reporter: u32| {
        let (builder, reporter) =
            (AsyncTask::to::<()>().on(&rt).limiter(&queue.limiter), queue.reporter(reporter));
        Box::pin(builder.priority(priority).run(|| async move { reporter() }))
    };
    let (mut low, mut critical, mut normal) = (run(Low, 3), run(Critical, 1), run(Normal, 2));
    for run in [&mut low, &mut critical, &mut normal] {
        ensure!(poll_once(run).await.is_none());
    }
    let WaitQueue { held, arrived, .. } = &mut queue;
    std::mem::replace(held, fill(&rt, &Limiter::builder().max_concurrent(1).build()?, 1).await?)
        .release()
        .await?;
    ensure!(poll_once(&mut low).await.is_none() && poll_once(&mut normal).await.is_none());
    ensure!(poll_once(&mut critical).await.is_some_and(|result| result.is_ok()));
    ensure!(poll_once(&mut low).await.is_none());
    ensure!(poll_once(&mut normal).await.is_some_and(|result| result.is_ok()));
    low.await?;
    ensure!((arrived.recv().await?, arrived.recv().await?, arrived.recv().await?) == (1, 2, 3));
    Ok(())
}

/// Reads the priority of a task that has `Normal`, and changes it.
fn is_prioritized(task: &impl PrioritizedTask) -> Outcome {
    ensure!((task.priority(), task.rank()) == (Normal, Normal));
    for (class, number) in CLASSES.into_iter().zip(0_u8..) {
        task.set_priority(class);
        ensure!((task.priority(), task.rank(), u8::from(task.rank())) == (class, class, number));
        ensure!(task.is_more_urgent_than(&Normal) == (class > Normal));
    }
    for due in [Low, Normal, High, Critical, Critical] {
        task.increase_priority();
        ensure!(task.priority() == due);
    }
    for due in [High, Normal, Low, Background, Background] {
        task.decrease_priority();
        ensure!(task.rank() == due);
    }
    task.set_priority(Normal);
    Ok(())
}

pub async fn generic_code_can_ask_for_a_priority_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, context) = idle(&rt).await?;
    is_prioritized(&task).context("a task")?;
    is_prioritized(&context).context("a context")?;
    is_prioritized(&task.canceller()).context("a canceller")?;
    drop(context);
    drop(task);
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async { Ok(pending::<()>().await) });
        is_prioritized(&member).context("a member of a scope")?;
        is_prioritized(s.context()).context("a scope")?;
        drop(crate::library::CancellableTask::cancel(&member, CancelLevel::Kill));
        Ok::<_, BoxError>(())
    });
    scope.await?;
    let pipeline = AsyncTask::emits().on(&rt).sender(|sources| sources.of(0..3_u64).into_chunks(1.items()));
    let emitting = pipeline.fold(|| (), |_, _| (), |_, _| ()).spawn();
    is_prioritized(&emitting).context("a pipeline")?;
    emitting.await?;
    Ok(())
}

pub async fn a_task_without_a_priority_has_that_of_the_enclosing_task<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<()>().on(&rt).priority(Low).spawn_with(|cx| async move {
        let builder = AsyncTask::to::<()>().on(&inner);
        let bare = builder.clone().spawn(pending::<()>);
        let own = builder.clone().priority(High).spawn(pending::<()>);
        let (below, deepest) = async_channel::bounded(1);
        let deeper = builder.clone().spawn(|| async move {
            let _ = below.try_send(builder.clone().spawn(pending::<()>));
            pending::<()>().await
        });
        let deepest = deepest.recv().await.map_err(AsyncTaskError::failure)?;
        let here = TaskContext::current().ok_or(AsyncTaskError::InvalidState("no task here"))?;
        let in_place = AsyncTask::to().on(&inner).run_with(|cx| async move { cx.priority() }).await?;
        for (priority, due) in [
            (cx.priority(), Low),
            (here.priority(), Low),
            (in_place, Low),
            (bare.priority(), Low),
            (deeper.priority(), Low),
            (deepest.priority(), Low),
            (own.priority(), High),
        ] {
            crate::cases::scopes::check(priority == due, "not that of the task around")?;
        }
        cx.set_priority(Critical);
        let changed = [bare.priority(), deepest.priority(), own.rank()];
        crate::cases::scopes::check(changed == [Critical, Critical, High], "it was changed for all below")
    });
    Ok(task.await?)
}

pub async fn a_waiter_moves_when_its_priority_changes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut queue = WaitQueue::new(&rt).await?;
    let (up, down) = (Latch::new(), Latch::new());
    let (rising, falling) = (queue.waiting_work(2, Critical, &up), queue.waiting_work(5, Low, &down));
    let falling = AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| falling);
    let lower = falling.canceller();
    queue.push(falling).await;
    queue.add(4, Normal).await;
    let rising = AsyncTask::to::<()>().on(&rt).priority(Background).spawn(|| rising);
    let raise = rising.canceller();
    queue.push(rising).await;
    queue.add(3, High).await;
    queue.add(6, Background).await;
    raise.set_priority(Critical);
    lower.set_priority(Low);
    up.wait().await;
    down.wait().await;
    queue.admits_in_order(&[2, 3, 4, 5, 6]).await
}

pub async fn a_waiter_with_a_changed_priority_keeps_its_turn_among_equals<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let mut queue = WaitQueue::new(&rt).await?;
    let up = Latch::new();
    let work = queue.waiting_work(2, High, &up);
    queue.add(1, High).await;
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| work);
    let raise = task.canceller();
    queue.push(task).await;
    queue.add(3, High).await;
    raise.increase_priority();
    up.wait().await;
    queue.admits_in_order(&[1, 2, 3]).await
}

pub async fn a_waiting_descendant_moves_with_the_priority_of_its_ancestor<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let mut queue = WaitQueue::new(&rt).await?;
    let (up, inner) = (Latch::new(), rt.clone());
    let work = queue.waiting_work(1, Critical, &up);
    let around = AsyncTask::to::<()>().on(&rt).priority(Low).try_spawn(|| async move {
        let child = AsyncTask::to::<()>().on(&inner);
        child.clone().run_with(|_| child.spawn(|| work)).await?;
        Ok(())
    });
    let raise = around.canceller();
    queue.push(around).await;
    queue.add(2, High).await;
    raise.set_priority(Critical);
    up.wait().await;
    queue.admits_in_order(&[1, 2]).await
}

pub async fn scope_members_are_admitted_in_the_order_of_priority<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = WaitQueue::new(&rt).await?;
    let scope = AsyncTask::to::<()>().on(&rt).scope(|s| async move {
        let limited = AsyncTask::to::<()>().on(&rt).limiter(&queue.limiter);
        for (number, class) in [(3, Low), (1, Critical), (2, High)] {
            let (reporter, before) = (queue.reporter(number), queue.limiter.waiting());
            drop(s.spawn_as(limited.clone().priority(class), || async move { reporter() }));
            until_waiting(&queue.limiter, before + 1).await;
        }
        queue.admits_in_order(&[1, 2, 3]).await?;
        Ok::<_, BoxError>(())
    });
    Ok(scope.await?)
}
