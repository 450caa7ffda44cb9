//! Capabilities, `ContextualizedTask`: a task's parent, its live children, and typed channels between them.

use std::sync::Arc;

use crate::library::task::CHANNEL_CAPACITY;
use crate::library::{BoxError, ContextualizedTask as _, NamedTask as _, TaskContext, TaskId};

use crate::cases::scopes::check;
use crate::kit::prelude::*;

fn parent_of(task: &impl crate::library::ContextualizedTask) -> Option<TaskId> {
    task.relationships().parent().map(|parent| parent.id)
}

fn children_of(task: &impl crate::library::ContextualizedTask) -> Vec<TaskId> {
    let mut ids: Vec<_> = task.relationships().children().into_iter().map(|child| child.id).collect();
    ids.sort_unstable();
    ids
}

pub async fn parents_and_children_are_named_while_they_live<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, inner) = (Latch::new(), rt.clone());
    let (opened, (report, reported)) = (open.clone(), async_channel::bounded(1));
    let task = AsyncTask::to::<()>().on(&rt).name("above").spawn_with(|cx| async move {
        let builder = AsyncTask::to::<()>().on(&inner).name("below");
        let mut children = Vec::new();
        for _ in 0..3 {
            let opened = opened.clone();
            children.push(builder.clone().spawn(|| async move { opened.wait().await }));
        }
        let ids: Vec<_> = children.iter().map(Task::id).collect();
        let is_right = children_of(&cx) == ids
            && children.iter().all(|child| parent_of(child) == Some(cx.id()))
            && cx.relationships().children().iter().all(|child| child.name.as_deref() == Some("below"));
        let _ = report.try_send(is_right);
        for child in children {
            child.await?;
        }
        // Children that have ended are not named.
        let _ = report.send(children_of(&cx).is_empty()).await;
        Ok::<_, AsyncTaskError>(())
    });
    // A task that was spawned outside of every task has no parent.
    ensure!(parent_of(&task).is_none());
    ensure!(reported.recv().await?, "not the children that it has");
    ensure!(task.relationships().children().len() == 3, "the handle sees them, too");
    open.set();
    ensure!(reported.recv().await?, "children that have ended");
    let canceller = task.canceller();
    task.await?;
    ensure!(canceller.status() == TaskStatus::Completed);
    Ok(())
}

pub async fn in_place_tasks_and_scopes_are_levels_of_the_tree<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|top| async move {
        let below = inner.clone();
        let in_place_run = AsyncTask::to::<()>().on(&inner).name("in place").run_with(|cx| async move {
            check(parent_of(&cx) == Some(top.id()) && children_of(&top) == [cx.id()], "below the task")?;
            let current = TaskContext::current().map(|current| current.id());
            check(current == Some(cx.id()), "it is the current one")?;
            let outer = cx.clone();
            let scope = AsyncTask::to::<()>().on(&below).scope(|s| async move {
                check(parent_of(s.context()) == Some(outer.id()), "the scope is below")?;
                let member = s.spawn(pending::<Result<(), BoxError>>);
                check(parent_of(&member) == Some(s.context().id()), "the member is below its scope")?;
                check(children_of(s.context()) == [member.id()], "the scope has a member")?;
                member.set_name("renamed");
                let named = s.context().relationships().children();
                check(named.iter().all(|child| child.name.as_deref() == Some("renamed")), "its name")?;
                member.canceller().cancel(CancelLevel::Kill).await;
                check(children_of(s.context()).is_empty(), "the member has ended")?;
                Ok(())
            });
            scope.await?;
            check(children_of(&cx).is_empty(), "the scope has ended")
        });
        in_place_run.await
    });
    task.await?;
    Ok(())
}

pub async fn a_detached_child_has_no_parent_and_is_no_child<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, inner) = (Latch::new(), rt.clone());
    let (opened, (report, reported)) = (open.clone(), async_channel::bounded(1));
    let parent = AsyncTask::to::<bool>().on(&rt).spawn_with(|cx| async move {
        let child = AsyncTask::to::<()>().on(&inner).spawn_with(|own| async move {
            opened.wait().await;
            let _ = report.try_send(parent_of(&own));
        });
        child.detach();
        children_of(&cx).is_empty()
    });
    ensure!(parent.await?, "a detached child is named");
    open.set();
    ensure!(reported.recv().await?.is_none(), "a detached child names its parent");
    Ok(())
}

pub async fn messages_go_both_ways_by_type<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<u64>().on(&rt).spawn_with(|cx| async move {
        let numbers = cx.relationships().downward::<u64>().receiver;
        let texts = cx.relationships().downward::<String>().receiver;
        let (up, mut sum) = (cx.relationships().upward::<u64>().sender, 0);
        for _ in 0..100 {
            sum += numbers.recv().await?;
            up.send(sum).await?;
        }
        Ok::<_, BoxError>(sum + texts.recv().await?.parse::<u64>()?)
    });
    let down = task.relationships().downward::<u64>().sender;
    task.relationships().downward::<String>().sender.send("1000".into()).await?;
    let up = task.relationships().upward::<u64>().receiver;
    let mut expected = 0;
    for n in 0..100 {
        down.send(n).await?;
        expected += n;
        // A second request gives the same channel; another type or direction is another channel.
        ensure!(task.relationships().downward::<u32>().receiver.is_empty());
        ensure!(up.recv().await? == expected);
    }
    ensure!(task.await? == expected + 1000);
    Ok(())
}

pub async fn a_full_channel_makes_its_senders_wait<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let go = Latch::new();
    let going = go.clone();
    let task = AsyncTask::to::<usize>().on(&rt).spawn_with(|cx| async move {
        let receiver = cx.relationships().downward::<usize>().receiver;
        going.wait().await;
        let mut sum = 0;
        for _ in 0..=CHANNEL_CAPACITY {
            sum += receiver.recv().await?;
        }
        Ok::<_, BoxError>(sum)
    });
    let sender = task.relationships().downward::<usize>().sender;
    for n in 0..CHANNEL_CAPACITY {
        ensure!(poll_once(sender.send(n)).await.is_some(), "it is full with {n}");
    }
    let mut more = Box::pin(sender.send(1000));
    ensure!(poll_once(&mut more).await.is_none(), "it takes more than its capacity");
    go.set();
    more.await?;
    ensure!(task.await? == (0..CHANNEL_CAPACITY).sum::<usize>() + 1000);
    Ok(())
}

pub async fn channels_are_closed_when_the_task_has_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for killed in [false, true] {
        let go = Latch::new();
        let going = go.clone();
        let task = AsyncTask::to::<()>().on(&rt).spawn_with(move |cx| async move {
            let _ = cx.relationships().upward::<u32>().sender.try_send(1);
            going.wait().await;
            if killed {
                pending::<()>().await;
            }
        });
        let relations = task.relationships();
        let (up, down) = (relations.upward::<u32>().receiver, relations.downward::<u32>().sender);
        ensure!(!up.is_closed() && !down.is_closed());
        go.set();
        if killed {
            while up.is_empty() {
                yield_now().await;
            }
            task.cancel(CancelLevel::Kill).await;
        } else {
            task.await?;
        }
        // Messages that are in the channel can still be received; none can be added.
        ensure!(up.recv().await? == 1 && up.recv().await.is_err());
        ensure!(down.send(2).await.is_err());
        ensure!(relations.upward::<String>().receiver.recv().await.is_err(), "one made later is open");
    }
    Ok(())
}

/// A child that creates a channel to its parent before the parent's work ends, or only afterwards, and awaits
/// a message.
async fn child_sees_its_parents_end<R: Runtime>(rt: &R, asks_before: bool) -> Outcome {
    let (asked, ended, inner) = (Latch::new(), Latch::new(), rt.clone());
    let (ask, leaving, after) = (asked.clone(), ended.on_drop(), ended.clone());
    let (handles, escaped) = async_channel::bounded(1);
    let parent = AsyncTask::to::<()>().on(rt).spawn(move || async move {
        let _leaving = leaving;
        let child = AsyncTask::to::<bool>().on(&inner).spawn_with(move |cx| async move {
            if asks_before {
                let receiver = cx.relationships().downward::<u32>().receiver;
                ask.set();
                return receiver.recv().await.is_err();
            }
            ask.set();
            after.wait().await;
            // With several threads, the parent may still be about to end.
            for _ in 0..20 {
                yield_now().await;
            }
            cx.relationships().downward::<u32>().receiver.recv().await.is_err()
        });
        asked.wait().await;
        let _ = handles.try_send(child);
    });
    parent.await?;
    let child: Task<bool, R> = escaped.recv().await?;
    ensure!(child.await?, "it has a message without a sender");
    Ok(())
}

pub async fn channels_are_closed_when_the_parents_work_has_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    child_sees_its_parents_end(&rt, true).await
}

pub async fn channels_made_after_the_parents_work_has_ended_are_closed<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    child_sees_its_parents_end(&rt, false).await
}

pub async fn a_detached_child_keeps_its_channels<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let (give, given) = async_channel::bounded(1);
    let parent = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let child = AsyncTask::to::<()>().on(&inner).spawn_with(|cx| async move {
            let link = cx.relationships();
            while let Ok(n) = link.downward::<u32>().receiver.recv().await {
                let _ = link.upward::<u32>().sender.send(n + 1).await;
            }
        });
        let link = child.relationships();
        let _ = give.try_send((link.downward::<u32>().sender, link.upward::<u32>().receiver));
        child.detach();
    });
    parent.await?;
    let (down, up) = given.recv().await?;
    down.send(1).await?;
    ensure!(up.recv().await? == 2);
    down.close();
    ensure!(up.recv().await.is_err(), "it has ended");
    Ok(())
}

pub async fn a_refused_task_has_no_children_and_closed_channels<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ended = AsyncTask::to().on(&rt).scope(|s| async move { Ok(s) }).await?;
    let member = ended.spawn(|| async { Ok(()) });
    let link = member.relationships();
    ensure!(link.children().is_empty());
    ensure!(
        link.upward::<u32>().receiver.recv().await.is_err() && link.downward().sender.send(1).await.is_err()
    );
    Ok(())
}

pub async fn unreceived_messages_are_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (kept, go) = (Arc::new(()), Latch::new());
    let going = go.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move { going.wait().await });
    let sender = task.relationships().downward::<Arc<()>>().sender;
    sender.send(kept.clone()).await?;
    drop(sender);
    go.set();
    task.await?;
    // The handle and the task have been dropped, and the channel with them.
    while Arc::strong_count(&kept) > 1 {
        yield_now().await;
    }
    Ok(())
}
