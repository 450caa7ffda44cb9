//! Promise 9, priority: a task that waits for another lends it its priority.

use crate::library::{
    BoxError, Canceller, PrioritizedTask as _, RankableByPriority as _, TaskPriority, TaskSet,
};

use super::wait_queue::WaitQueue;
use crate::cases::limiters::until_waiting;
use crate::kit::prelude::*;

use TaskPriority::{Background, Critical, High, Low, Normal};

/// A wait queue with two entries that come before the last one.
async fn with_two_waiters<R: Runtime>(rt: &R) -> Result<WaitQueue<R>, Failure> {
    let mut queue = WaitQueue::new(rt).await?;
    queue.add(2, Normal).await;
    queue.add(3, High).await;
    Ok(queue)
}

/// A background task that is next in the queue, its canceller, and a latch that is set once it waits as a
/// critical one.
async fn patient<R: Runtime>(rt: &R, queue: &WaitQueue<R>) -> (Task<(), R>, Canceller, Latch) {
    let (seen, before) = (Latch::new(), queue.limiter.waiting());
    let work = queue.waiting_work(1, Critical, &seen);
    let task = AsyncTask::to::<()>().on(rt).priority(Background).spawn(|| work);
    until_waiting(&queue.limiter, before + 1).await;
    let canceller = task.canceller();
    (task, canceller, seen)
}

pub async fn a_task_that_awaits_a_handle_lends_its_priority<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let (task, asked, seen) = patient(&rt, &queue).await;
    ensure!((asked.priority(), asked.rank()) == (Background, Background));
    let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| task);
    seen.wait().await;
    ensure!((asked.priority(), asked.rank()) == (Background, Critical), "its own stays what it was");
    queue.admits_in_order(&[1, 3, 2]).await?;
    Ok(urgent.await?)
}

pub async fn a_lent_priority_is_lent_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let (task, _, seen) = patient(&rt, &queue).await;
    let between = AsyncTask::to::<()>().on(&rt).priority(Low).spawn(|| task);
    let again = AsyncTask::to::<()>().on(&rt).priority(Background).spawn(|| between);
    let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| again);
    seen.wait().await;
    queue.admits_in_order(&[1, 3, 2]).await?;
    Ok(urgent.await?)
}

pub async fn a_priority_raised_later_is_lent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let (task, asked, seen) = patient(&rt, &queue).await;
    let waits = AsyncTask::to::<()>().on(&rt).priority(Low).spawn(|| task);
    while asked.rank() != Low {
        yield_now().await;
    }
    waits.set_priority(Critical);
    seen.wait().await;
    queue.admits_in_order(&[1, 3, 2]).await?;
    Ok(waits.await?)
}

pub async fn a_less_urgent_lender_lowers_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut queue = WaitQueue::new(&rt).await?;
    queue.add(2, High).await;
    let (task, asked, seen) = patient(&rt, &queue).await;
    asked.set_priority(Critical);
    seen.wait().await;
    let (polled, is_polled) = (Latch::new(), Latch::new());
    let (poll, both) = (polled.clone(), is_polled.clone());
    let waits = AsyncTask::to::<()>().on(&rt).priority(Background).try_spawn(|| async move {
        let mut task = task;
        let is_over = poll_once(&mut task).await.is_some();
        poll.set();
        both.wait().await;
        crate::cases::scopes::check(!is_over, "it was in line")?;
        Ok(task.await?)
    });
    polled.wait().await;
    ensure!((asked.priority(), asked.rank()) == (Critical, Critical));
    is_polled.set();
    queue.admits_in_order(&[1, 2]).await?;
    Ok(waits.await?)
}

pub async fn a_task_that_awaits_a_member_or_a_set_lends_its_priority<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for in_a_set in [true, false] {
        let queue = with_two_waiters(&rt).await?;
        let (task, _, seen) = patient(&rt, &queue).await;
        let inner = rt.clone();
        let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).try_spawn(move || async move {
            if in_a_set {
                let mut set = TaskSet::new();
                set.push(task);
                set.push(AsyncTask::to::<()>().on(&inner).spawn(|| async {}));
                set.all().await?;
                return Ok(());
            }
            let scope = AsyncTask::to::<()>().on(&inner).scope(|s| async move {
                let member = AsyncTask::to::<()>().on(&inner).priority(Background);
                s.spawn_as(member, || task).await?;
                Ok::<_, BoxError>(())
            });
            Ok(scope.await?)
        });
        seen.wait().await;
        queue.admits_in_order(&[1, 3, 2]).await?;
        urgent.await?;
    }
    Ok(())
}

/// A task whose own work is done, and which waits for its child: a background task in the queue.
struct Settled<R: Runtime> {
    parent: Task<(), R>,
    /// The child's handle, which nothing polls, since that would lend the child a priority.
    child: Task<(), R>,
    /// Set once the child waits in the queue as a critical one.
    seen: Latch,
}

impl<R: Runtime> Settled<R> {
    async fn new(rt: &R, queue: &WaitQueue<R>, priority: TaskPriority) -> Result<Self, Failure> {
        let (seen, before, returned) = (Latch::new(), queue.limiter.waiting(), Latch::new());
        let (work, inner, leaving) = (queue.waiting_work(1, Critical, &seen), rt.clone(), returned.on_drop());
        let (give, given) = async_channel::bounded(1);
        let parent = AsyncTask::to::<()>().on(rt).priority(priority).spawn(|| async move {
            let _leaving = leaving;
            let _ = give.try_send(AsyncTask::to::<()>().on(&inner).priority(Background).spawn(|| work));
        });
        let child = given.recv().await?;
        returned.wait().await;
        until_waiting(&queue.limiter, before + 1).await;
        Ok(Self { parent, child, seen })
    }
}

pub async fn a_task_that_only_waits_for_its_children_lends_to_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let Settled { parent, child, seen } = Settled::new(&rt, &queue, Critical).await?;
    seen.wait().await;
    ensure!((child.priority(), child.rank()) == (Background, Critical));
    queue.admits_in_order(&[1, 3, 2]).await?;
    parent.await?;
    Ok(child.await?)
}

pub async fn a_parent_waiting_for_children_passes_on_a_lent_priority<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let Settled { parent, child, seen } = Settled::new(&rt, &queue, Low).await?;
    let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| parent);
    seen.wait().await;
    queue.admits_in_order(&[1, 3, 2]).await?;
    urgent.await?;
    Ok(child.await?)
}

pub async fn a_parent_waiting_for_children_passes_on_a_priority_set_later<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let Settled { parent, child, seen } = Settled::new(&rt, &queue, Low).await?;
    parent.set_priority(Critical);
    seen.wait().await;
    queue.admits_in_order(&[1, 3, 2]).await?;
    parent.await?;
    Ok(child.await?)
}

pub async fn a_scope_whose_body_has_ended_lends_to_its_members<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // A member that exists when the body ends, and one that is spawned afterwards.
    for is_spawned_late in [false, true] {
        let queue = with_two_waiters(&rt).await?;
        let (seen, ended) = (Latch::new(), Latch::new());
        let (work, inner, leaving, left) =
            (queue.waiting_work(1, Critical, &seen), rt.clone(), ended.on_drop(), ended.clone());
        let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).try_spawn(move || async move {
            let scope = AsyncTask::to::<()>().on(&inner).scope(|s| async move {
                let _leaving = leaving;
                let slow = AsyncTask::to::<()>().on(&inner).priority(Background);
                if is_spawned_late {
                    let below = s.clone();
                    drop(s.spawn(|| async move {
                        left.wait().await;
                        // The body ends within a poll of the scope; the yield gives that poll time to end.
                        yield_now().await;
                        drop(below.spawn_as(slow, || work));
                        Ok::<_, BoxError>(())
                    }));
                } else {
                    drop(s.spawn_as(slow, || work));
                }
                Ok(())
            });
            Ok(scope.await?)
        });
        seen.wait().await;
        queue.admits_in_order(&[1, 3, 2]).await?;
        urgent.await?;
    }
    Ok(())
}

pub async fn nothing_is_lent_to_a_detached_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let (seen, before, inner) = (Latch::new(), queue.limiter.waiting(), rt.clone());
    let work = queue.waiting_work(4, Critical, &seen);
    let parent = AsyncTask::to::<Canceller>().on(&rt).priority(Critical).spawn(|| async move {
        let child = AsyncTask::to::<()>().on(&inner).priority(Background).spawn(|| work);
        let canceller = child.canceller();
        child.detach();
        canceller
    });
    // The task that awaits the parent does not wait for the detached child, either.
    let parent = AsyncTask::to::<Canceller>().on(&rt).priority(Critical).spawn(|| parent);
    let asked = parent.await?;
    until_waiting(&queue.limiter, before + 1).await;
    ensure!((asked.priority(), asked.rank()) == (Background, Background));
    queue.admits_in_order(&[3, 2, 4]).await?;
    ensure!(!seen.is_set());
    Ok(())
}

pub async fn a_task_keeps_a_lent_priority_when_it_is_no_longer_awaited<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let queue = with_two_waiters(&rt).await?;
    let (task, asked, seen) = patient(&rt, &queue).await;
    let urgent = AsyncTask::to::<[Task<(), R>; 1]>().on(&rt).priority(Critical).spawn(|| async move {
        let mut task = task;
        drop(poll_once(&mut task).await);
        [task]
    });
    let [task] = urgent.await?;
    seen.wait().await;
    ensure!(asked.rank() == Critical);
    queue.admits_in_order(&[1, 3, 2]).await?;
    Ok(task.await?)
}
