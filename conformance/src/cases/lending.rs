//! Who waits for a task lends it its priority.

use sweet_async::{
    BoxError, Canceller, PrioritizedTask as _, RankableByPriority as _, TaskPriority, TaskSet,
};

use super::limiters::until_waiting;
use super::line::Line;
use crate::kit::prelude::*;

use TaskPriority::{Background, Critical, High, Low, Normal};

/// Two that come before the one who is in line last.
async fn behind_two<R: Runtime>(rt: &R) -> Result<Line<R>, Failure> {
    let mut line = Line::new(rt).await?;
    line.add(2, Normal).await;
    line.add(3, High).await;
    Ok(line)
}

/// A background task that is the next in line, and a latch for when it is there as a critical one.
async fn patient<R: Runtime>(rt: &R, line: &Line<R>) -> (Task<(), R>, Canceller, Latch) {
    let (seen, before) = (Latch::new(), line.limiter.waiting());
    let work = line.comes(1, Critical, &seen);
    let task = AsyncTask::to::<()>().on(rt).priority(Background).spawn(|| work);
    until_waiting(&line.limiter, before + 1).await;
    let canceller = task.canceller();
    (task, canceller, seen)
}

pub async fn who_awaits_a_handle_lends<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let (task, asked, seen) = patient(&rt, &line).await;
    ensure!((asked.priority(), asked.rank()) == (Background, Background));
    let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| task);
    seen.wait().await;
    ensure!((asked.priority(), asked.rank()) == (Background, Critical), "its own stays what it was");
    line.is(&[1, 3, 2]).await?;
    Ok(urgent.await?)
}

pub async fn what_is_lent_is_lent_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let (task, _, seen) = patient(&rt, &line).await;
    let between = AsyncTask::to::<()>().on(&rt).priority(Low).spawn(|| task);
    let again = AsyncTask::to::<()>().on(&rt).priority(Background).spawn(|| between);
    let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| again);
    seen.wait().await;
    line.is(&[1, 3, 2]).await?;
    Ok(urgent.await?)
}

pub async fn one_who_becomes_more_urgent_lends_that<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let (task, asked, seen) = patient(&rt, &line).await;
    let waits = AsyncTask::to::<()>().on(&rt).priority(Low).spawn(|| task);
    while asked.rank() != Low {
        yield_now().await;
    }
    waits.set_priority(Critical);
    seen.wait().await;
    line.is(&[1, 3, 2]).await?;
    Ok(waits.await?)
}

pub async fn the_less_urgent_take_nothing_away<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut line = Line::new(&rt).await?;
    line.add(2, High).await;
    let (task, asked, seen) = patient(&rt, &line).await;
    asked.set_priority(Critical);
    seen.wait().await;
    let (polled, is_polled) = (Latch::new(), Latch::new());
    let (poll, both) = (polled.clone(), is_polled.clone());
    let waits = AsyncTask::to::<()>().on(&rt).priority(Background).try_spawn(|| async move {
        let mut task = task;
        let is_over = poll_once(&mut task).await.is_some();
        poll.set();
        both.wait().await;
        super::scopes::check(!is_over, "it was in line")?;
        Ok(task.await?)
    });
    polled.wait().await;
    ensure!((asked.priority(), asked.rank()) == (Critical, Critical));
    is_polled.set();
    line.is(&[1, 2]).await?;
    Ok(waits.await?)
}

pub async fn who_awaits_a_member_or_a_set_lends<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for in_a_set in [true, false] {
        let line = behind_two(&rt).await?;
        let (task, _, seen) = patient(&rt, &line).await;
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
        line.is(&[1, 3, 2]).await?;
        urgent.await?;
    }
    Ok(())
}

/// A task whose own work is done, and which waits for its child: a background task that is in line.
struct Settled<R: Runtime> {
    parent: Task<(), R>,
    /// Nobody polls it, who would lend it something.
    child: Task<(), R>,
    /// The child is in line as a critical one.
    seen: Latch,
}

impl<R: Runtime> Settled<R> {
    async fn new(rt: &R, line: &Line<R>, priority: TaskPriority) -> Result<Self, Failure> {
        let (seen, before, returned) = (Latch::new(), line.limiter.waiting(), Latch::new());
        let (work, inner, leaving) = (line.comes(1, Critical, &seen), rt.clone(), returned.on_drop());
        let (give, given) = async_channel::bounded(1);
        let parent = AsyncTask::to::<()>().on(rt).priority(priority).spawn(|| async move {
            let _leaving = leaving;
            let _ = give.try_send(AsyncTask::to::<()>().on(&inner).priority(Background).spawn(|| work));
        });
        let child = given.recv().await?;
        returned.wait().await;
        until_waiting(&line.limiter, before + 1).await;
        Ok(Self { parent, child, seen })
    }
}

pub async fn a_task_that_only_waits_for_its_children_lends_to_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let Settled { parent, child, seen } = Settled::new(&rt, &line, Critical).await?;
    seen.wait().await;
    ensure!((child.priority(), child.rank()) == (Background, Critical));
    line.is(&[1, 3, 2]).await?;
    parent.await?;
    Ok(child.await?)
}

pub async fn it_lends_what_is_lent_to_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let Settled { parent, child, seen } = Settled::new(&rt, &line, Low).await?;
    let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).spawn(|| parent);
    seen.wait().await;
    line.is(&[1, 3, 2]).await?;
    urgent.await?;
    Ok(child.await?)
}

pub async fn it_lends_what_it_is_given_later<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let Settled { parent, child, seen } = Settled::new(&rt, &line, Low).await?;
    parent.set_priority(Critical);
    seen.wait().await;
    line.is(&[1, 3, 2]).await?;
    parent.await?;
    Ok(child.await?)
}

pub async fn a_scope_whose_body_has_ended_lends_to_its_members<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // A member that is there when the body ends, and one that is born afterwards.
    for is_born_late in [false, true] {
        let line = behind_two(&rt).await?;
        let (seen, ended) = (Latch::new(), Latch::new());
        let (work, inner, leaving, left) =
            (line.comes(1, Critical, &seen), rt.clone(), ended.on_drop(), ended.clone());
        let urgent = AsyncTask::to::<()>().on(&rt).priority(Critical).try_spawn(move || async move {
            let scope = AsyncTask::to::<()>().on(&inner).scope(|s| async move {
                let _leaving = leaving;
                let slow = AsyncTask::to::<()>().on(&inner).priority(Background);
                if is_born_late {
                    let below = s.clone();
                    drop(s.spawn(|| async move {
                        left.wait().await;
                        // The scope is on its way out by its own poll; here it has been in it.
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
        line.is(&[1, 3, 2]).await?;
        urgent.await?;
    }
    Ok(())
}

pub async fn nothing_is_lent_to_a_detached_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let (seen, before, inner) = (Latch::new(), line.limiter.waiting(), rt.clone());
    let work = line.comes(4, Critical, &seen);
    let parent = AsyncTask::to::<Canceller>().on(&rt).priority(Critical).spawn(|| async move {
        let child = AsyncTask::to::<()>().on(&inner).priority(Background).spawn(|| work);
        let canceller = child.canceller();
        child.detach();
        canceller
    });
    // What waits for its parent does not wait for it, either.
    let parent = AsyncTask::to::<Canceller>().on(&rt).priority(Critical).spawn(|| parent);
    let asked = parent.await?;
    until_waiting(&line.limiter, before + 1).await;
    ensure!((asked.priority(), asked.rank()) == (Background, Background));
    line.is(&[3, 2, 4]).await?;
    ensure!(!seen.is_set());
    Ok(())
}

pub async fn what_a_lender_no_longer_awaits_keeps_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let line = behind_two(&rt).await?;
    let (task, asked, seen) = patient(&rt, &line).await;
    let urgent = AsyncTask::to::<[Task<(), R>; 1]>().on(&rt).priority(Critical).spawn(|| async move {
        let mut task = task;
        drop(poll_once(&mut task).await);
        [task]
    });
    let [task] = urgent.await?;
    seen.wait().await;
    ensure!(asked.rank() == Critical);
    line.is(&[1, 3, 2]).await?;
    Ok(task.await?)
}
