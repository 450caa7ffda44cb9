//! Runtimes, time: sleeps, ticks and yields keep to the runtime's own clock.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use crate::library::{Interval, MissedTicks};
use futures_lite::future::{block_on, or};

use crate::kit::prelude::*;

const PERIOD: Duration = Duration::from_millis(10);

/// `count` periods.
fn periods(count: u32) -> Duration {
    PERIOD * count
}

/// Sleeps three and a half periods, so that three ticks are missed, or more on a busy machine.
async fn miss_ticks<R: Runtime>(rt: &R) -> Outcome {
    Ok(rt.sleep(periods(7) / 2).await?)
}

pub async fn a_sleep_of_zero_is_ready<R: Runtime>(rt: R, _: Facts) -> Outcome {
    poll_once(rt.sleep(Duration::ZERO)).await.context("it waits")??;
    let inner = rt.clone();
    let task = AsyncTask::to::<bool>()
        .on(&rt)
        .spawn(|| async move { matches!(poll_once(inner.sleep(Duration::ZERO)).await, Some(Ok(()))) });
    ensure!(task.await?, "it waits inside a task");
    Ok(())
}

pub async fn a_deadline_in_the_past_is_ready<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ago in [Duration::ZERO, 1.micros(), 1.millis(), 1.hours()] {
        // A machine may not have been up for an hour: then this is as far back as its clock goes.
        let deadline = rt.now().checked_sub(ago).unwrap_or_else(|| rt.now());
        poll_once(rt.sleep_until(deadline)).await.with_context(|| format!("{ago:?} ago, and it waits"))?;
    }
    Ok(())
}

pub async fn an_endless_sleep_stays_pending<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for endless in [Duration::MAX, u64::MAX.days(), 1_000_000.days()] {
        let mut sleep = pin!(rt.sleep(endless));
        ensure!(poll_once(&mut sleep).await.is_none(), "{endless:?} are over at once");
        // The short sleep is polled second, so that an end of the endless one cannot be missed.
        let first = async { sleep.await.map(|()| "endless") };
        let second = async { rt.sleep(1.millis()).await.map(|()| "short") };
        ensure!(or(first, second).await? == "short", "{endless:?} are over");
    }
    Ok(())
}

pub async fn a_sleep_is_never_early<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for duration in [1.nanos(), 1.micros(), 499.micros(), 1.millis(), 1_001.micros(), 7.millis()] {
        let before = rt.now();
        rt.sleep(duration).await?;
        let slept = rt.now().saturating_duration_since(before);
        ensure!(slept >= duration, "{slept:?} in place of {duration:?}");
        let deadline = rt.now() + duration;
        rt.sleep_until(deadline).await;
        ensure!(rt.now() >= deadline, "the timer for {duration:?} is early");
    }
    Ok(())
}

pub async fn a_sleep_counts_from_its_creation<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let first = rt.sleep(10.millis());
    rt.sleep(20.millis()).await?;
    poll_once(first).await.context("made long ago and polled now, it waits")??;
    Ok(())
}

pub async fn many_sleeps_all_end_and_none_early<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut tasks = Vec::new();
    for n in 0..500u32 {
        let inner = rt.clone();
        // In no order: 37 and 50 have no common factor.
        let duration = 1.millis() * (n * 37 % 50) + 1.micros() * n;
        tasks.push(AsyncTask::to::<(Instant, Instant)>().on(&rt).try_spawn(move || async move {
            let deadline = inner.now() + duration;
            inner.sleep(duration).await?;
            Ok((deadline, inner.now()))
        }));
    }
    for task in tasks {
        let (deadline, woken) = task.await?;
        ensure!(woken >= deadline, "{:?} early", deadline.saturating_duration_since(woken));
    }
    Ok(())
}

pub async fn a_dropped_sleep_affects_no_other_sleep<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut left, mut elsewhere) = (Vec::new(), Vec::new());
    for n in 0..200u32 {
        let duration = 5.millis() + 1.micros() * n;
        let (deadline, mut sleep) = (rt.now() + duration, Box::pin(rt.sleep(duration)));
        // Half of them wait already; on a busy machine some may have ended.
        let ended = n % 2 == 0 && poll_once(&mut sleep).await.is_some();
        match n % 8 {
            0 | 1 => drop(sleep),
            2 | 3 => elsewhere.push(sleep),
            _ if ended => {}
            _ => left.push((deadline, sleep)),
        }
    }
    ensure!(thread::spawn(move || drop(elsewhere)).join().is_ok());
    for (deadline, sleep) in left {
        sleep.await?;
        ensure!(rt.now() >= deadline);
    }
    Ok(())
}

pub async fn a_thread_without_context_can_sleep<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let made_here = Box::pin(rt.sleep(5.millis()));
    let (sender, answer) = async_channel::bounded(1);
    let inner = rt.clone();
    thread::spawn(move || {
        let slept = block_on(async {
            let before = inner.now();
            inner.sleep(5.millis()).await?;
            made_here.await?;
            let mut interval = Interval::new(&inner, 1.millis())?;
            let first = interval.tick().await?;
            let second = interval.tick().await?;
            let at_once = poll_once(inner.sleep(Duration::MAX)).await.is_some();
            let right = !at_once && second == first + 1.millis() && inner.now() >= second;
            Ok::<_, AsyncTaskError>((right, inner.now().saturating_duration_since(before)))
        });
        let _ = sender.try_send(slept);
    });
    let (right, slept) = answer.recv().await??;
    ensure!(right && slept >= 5.millis(), "{slept:?}");
    Ok(())
}

pub async fn an_interval_of_zero_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = failed(Interval::new(&rt, Duration::ZERO))?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    Ok(())
}

pub async fn the_first_tick_is_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
        for period in [1.nanos(), PERIOD, 1.hours(), Duration::MAX] {
            let before = rt.now();
            let mut interval = Interval::new(&rt, period)?.missed_ticks(missed);
            let after = rt.now();
            let due =
                poll_once(interval.tick()).await.with_context(|| format!("of {period:?}, it waits"))??;
            ensure!(before <= due && due <= after, "{missed:?}: due at the wrong moment");
        }
    }
    Ok(())
}

pub async fn an_interval_of_the_longest_period_has_one_tick<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
        let mut interval = Interval::new(&rt, Duration::MAX)?.missed_ticks(missed);
        interval.tick().await?;
        ensure!(poll_once(interval.tick()).await.is_none(), "{missed:?}: a second tick");
    }
    Ok(())
}

pub async fn missed_ticks_come_in_a_burst_each_at_its_own_moment<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut interval = Interval::new(&rt, PERIOD)?;
    let start = interval.tick().await?;
    for count in 1..=6 {
        if count == 2 {
            miss_ticks(&rt).await?;
        }
        let due = interval.tick().await?;
        ensure!(due == start + periods(count), "tick {count}: {:?} after the first", due - start);
        ensure!(rt.now() >= due, "tick {count} is early");
    }
    Ok(())
}

pub async fn a_skip_keeps_to_multiples_and_gives_none_twice<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut interval = Interval::new(&rt, PERIOD)?.missed_ticks(MissedTicks::Skip);
    let start = interval.tick().await?;
    let mut last = start;
    for count in 1..=6 {
        let late = count % 2 == 0;
        if late {
            miss_ticks(&rt).await?;
        }
        let asked = rt.now();
        let due = interval.tick().await?;
        ensure!(rt.now() >= due, "tick {count} is early");
        ensure!(due > last, "tick {count} was given before");
        let since = due.saturating_duration_since(start).as_nanos();
        ensure!(since.is_multiple_of(PERIOD.as_nanos()), "tick {count}: {since} ns after the first");
        if late {
            ensure!(due < asked, "one tick was missed and is owed");
            // All other missed ticks are skipped: the next one was still to come when this one was asked for.
            last = interval.tick().await?;
            ensure!(last > asked, "a second tick of the past after tick {count}");
        } else {
            last = due;
        }
    }
    Ok(())
}

pub async fn a_delay_counts_anew_from_the_late_tick<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut interval = Interval::new(&rt, PERIOD)?.missed_ticks(MissedTicks::Delay);
    let start = interval.tick().await?;
    miss_ticks(&rt).await?;
    let asked = rt.now();
    let late = interval.tick().await?;
    ensure!(late >= start + PERIOD && late < asked, "it was not late");
    let next = interval.tick().await?;
    ensure!(next >= asked + PERIOD, "only {:?} after the late one", next.saturating_duration_since(asked));
    ensure!(rt.now() >= next, "the tick is early");
    Ok(())
}

pub async fn a_tick_dropped_while_pending_is_not_taken<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for missed in [MissedTicks::Burst, MissedTicks::Skip] {
        let mut interval = Interval::new(&rt, PERIOD)?.missed_ticks(missed);
        let mut last = interval.tick().await?;
        for _ in 0..3 {
            let asked = rt.now();
            let mut due = None;
            for _ in 0..3 {
                // On a busy machine it may be ready already; mostly it waits, and is dropped.
                if due.is_none() {
                    due = poll_once(interval.tick()).await.transpose()?;
                }
            }
            let due = match due {
                Some(due) => due,
                None => interval.tick().await?,
            };
            if asked < last + PERIOD {
                ensure!(due == last + PERIOD, "{missed:?}: {:?} after the last", due - last);
            }
            last = due;
        }
    }
    Ok(())
}

pub async fn a_yield_lets_other_tasks_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const ROUNDS: u32 = 100;
    let (left, right) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    // Neither gets further than one round without the other, and neither waits for anything but its turn.
    let steps = |mine: &Arc<AtomicU32>, other: &Arc<AtomicU32>| {
        let (mine, other) = (mine.clone(), other.clone());
        AsyncTask::to::<()>().on(&rt).spawn(move || async move {
            for round in 1..=ROUNDS {
                mine.store(round, Ordering::SeqCst);
                while other.load(Ordering::SeqCst) < round {
                    crate::library::yield_now().await;
                }
            }
        })
    };
    let tasks = [steps(&left, &right), steps(&right, &left)];
    for task in tasks {
        task.await?;
    }
    ensure!((left.load(Ordering::SeqCst), right.load(Ordering::SeqCst)) == (ROUNDS, ROUNDS));
    Ok(())
}

pub async fn a_yield_of_the_main_future_lets_tasks_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let done = Latch::new();
    let finish = done.clone();
    AsyncTask::to::<()>()
        .on(&rt)
        .spawn(|| async move {
            for _ in 0..10 {
                crate::library::yield_now().await;
            }
            finish.set();
        })
        .detach();
    while !done.is_set() {
        crate::library::yield_now().await;
    }
    Ok(())
}
