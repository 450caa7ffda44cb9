//! Promise 9, priority: a waiter becomes more urgent with time, so that none waits forever.

use crate::library::{Limiter, TaskPriority};

use super::wait_queue::WaitQueue;
use crate::kit::prelude::*;

use TaskPriority::{Background, Critical, High, Low, Normal};

/// A limiter with one permit, and this ageing interval.
fn ageing(interval: Duration) -> Result<Limiter, AsyncTaskError> {
    Limiter::builder().max_concurrent(1).ageing(interval).build()
}

pub async fn every_waiter_is_admitted_within_the_bound_under_endless_urgency<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    // Each piece of work takes 1 ms, and two come for each that ends.
    for class in [High, Normal, Low, Background] {
        let limiter = ageing(10.millis())?;
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        let (begun, urgent) = (Latch::new(), builder.clone().priority(Critical));
        let (start, clock, since) = (begun.clone(), rt.clone(), rt.now());
        let mut tasks = Vec::new();
        let add_urgent = |tasks: &mut Vec<_>| {
            let clock = rt.clone();
            tasks.push(urgent.clone().spawn(|| async move { clock.sleep(1.millis()).await }));
        };
        for _ in 0..3 {
            add_urgent(&mut tasks);
        }
        rt.sleep(Duration::from_micros(300)).await?;
        let (report, came) = async_channel::bounded(1);
        // Awaited only when it has begun: a task that awaits it would lend it its priority.
        let patient = builder.priority(class).spawn(|| async move {
            let _ = report.try_send(clock.now());
            start.set();
        });
        while !begun.is_set() {
            add_urgent(&mut tasks);
            rt.sleep(Duration::from_micros(500)).await?;
        }
        patient.await?;
        // After as many intervals as there are classes above its own, it takes the next free permit.
        let taken = came.recv().await?.saturating_duration_since(since);
        let due = Duration::from_millis(u64::from(u8::from(class)) * 10 + 1);
        ensure!(!at.virtual_time || taken == due, "{class}: {taken:?}, not {due:?}");
        for task in tasks {
            task.await?;
        }
    }
    Ok(())
}

pub async fn waiters_that_arrived_earlier_stay_before_an_aged_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut queue = WaitQueue::of(&rt, ageing(5.millis())?).await?;
    queue.add(1, Critical).await;
    queue.add(2, Critical).await;
    queue.add(3, Background).await;
    queue.add(4, Critical).await;
    rt.sleep(21.millis()).await?;
    queue.add(5, Critical).await;
    queue.admits_in_order(&[1, 2, 3, 4, 5]).await
}

pub async fn without_ageing_less_urgent_waiters_wait_forever<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let mut queue = WaitQueue::of(&rt, ageing(Duration::MAX)?).await?;
    queue.add(3, Background).await;
    queue.add(2, Normal).await;
    rt.sleep(if at.virtual_time { 10_000.days() } else { 25.millis() }).await?;
    queue.add(1, Critical).await;
    queue.admits_in_order(&[1, 2, 3]).await
}

pub async fn fully_aged_waiters_are_admitted_in_the_order_of_arrival<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut queue = WaitQueue::of(&rt, ageing(5.millis())?).await?;
    for (number, class) in [(1, Low), (2, Background), (3, Normal), (4, Background), (5, High), (6, Low)] {
        queue.add(number, class).await;
    }
    rt.sleep(21.millis()).await?;
    queue.add(7, Critical).await;
    queue.admits_in_order(&[1, 2, 3, 4, 5, 6, 7]).await
}

pub async fn an_interval_is_worth_one_class<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // On a clock that runs meanwhile, the time that each has waited is not known.
    let interval = if at.virtual_time { 10.millis() } else { 1.hours() };
    for waited in [9, 10, 19, 20] {
        let mut queue = WaitQueue::of(&rt, ageing(interval)?).await?;
        queue.add(3, Low).await;
        rt.sleep(Duration::from_millis(waited)).await?;
        queue.add(1, High).await;
        queue.add(2, Normal).await;
        queue.add(4, Low).await;
        let due = match waited {
            20.. if at.virtual_time => [3, 1, 2, 4],
            10.. if at.virtual_time => [1, 3, 2, 4],
            _ => [1, 2, 3, 4],
        };
        queue.admits_in_order(&due).await?;
    }
    Ok(())
}

pub async fn a_change_keeps_the_time_that_it_has_waited<R: Runtime>(rt: R, _: Facts) -> Outcome {
    use crate::library::PrioritizedTask as _;
    let mut queue = WaitQueue::of(&rt, ageing(5.millis())?).await?;
    let down = Latch::new();
    let work = queue.waiting_work(1, Background, &down);
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| work);
    let lower = task.canceller();
    queue.push(task).await;
    rt.sleep(21.millis()).await?;
    lower.set_priority(Background);
    down.wait().await;
    queue.add(2, Critical).await;
    queue.admits_in_order(&[1, 2]).await
}
