//! Recovery, limiter: at most so many are under way, others wait in order, and too many are refused.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::{BreakerState, CircuitBreaker, Limiter, RetryStrategy};

use crate::kit::prelude::*;

/// Returns a limiter with so many permits.
pub(crate) fn with_permits(most: usize) -> Result<Limiter, AsyncTaskError> {
    Limiter::builder().max_concurrent(most).build()
}

/// Lets other tasks run until so many wait.
pub(crate) async fn until_waiting(limiter: &Limiter, number: usize) {
    while limiter.waiting() != number {
        yield_now().await;
    }
}

/// Tasks that are under way at the same time, each with a permit.
pub(crate) struct HeldPermits<R: Runtime> {
    latch: Latch,
    pub(super) tasks: Vec<Task<(), R>>,
}

/// Takes `number` permits at once.
pub(crate) async fn fill<R: Runtime>(
    rt: &R,
    limiter: &Limiter,
    number: usize,
) -> Result<HeldPermits<R>, Failure> {
    let (latch, (arrive, arrived)) = (Latch::new(), async_channel::unbounded());
    let builder = AsyncTask::to::<()>().on(rt).limiter(limiter);
    let begin = || {
        let (open, arrive) = (latch.clone(), arrive.clone());
        builder.clone().spawn(|| async move {
            let _ = arrive.try_send(());
            open.wait().await;
        })
    };
    let tasks = (0..number).map(|_| begin()).collect();
    for _ in 0..number {
        arrived.recv().await?;
    }
    Ok(HeldPermits { latch, tasks })
}

impl<R: Runtime> HeldPermits<R> {
    /// Returns the permits.
    pub(crate) async fn release(self) -> Outcome {
        self.latch.set();
        for task in self.tasks {
            task.await?;
        }
        Ok(())
    }
}

/// Checks that all `number` permits are free, and that there are no more of them.
pub(crate) async fn check_all_free<R: Runtime>(rt: &R, limiter: &Limiter, number: usize) -> Outcome {
    let counted = (limiter.under_way(), limiter.waiting());
    ensure!(counted == (0, 0), "under way and waiting: {counted:?}");
    // This hangs if a permit was lost.
    let full = fill(rt, limiter, number).await?;
    ensure!(limiter.under_way() == number);
    {
        let mut more = pin!(AsyncTask::to::<()>().on(rt).limiter(limiter).run(|| async {}));
        ensure!(poll_once(&mut more).await.is_none(), "there are more than {number} permits");
    }
    full.release().await?;
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    Ok(())
}

/// Work that stays for a few turns of the other tasks.
async fn stays(census: Census) {
    let _resident = census.enter();
    for _ in 0..5 {
        yield_now().await;
    }
}

pub async fn running_work_of_all_kinds_never_exceeds_the_maximum<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for most in [1, 3] {
        let (limiter, census) = (with_permits(most)?, Census::default());
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (one, two, three, four) = (census.clone(), census.clone(), census.clone(), census.clone());
            tasks.push(builder.clone().spawn(|| stays(one)));
            tasks.push(builder.clone().spawn_blocking(move || drop(two.enter())));
            let below = builder.clone();
            tasks.push(AsyncTask::to::<()>().on(&rt).spawn(|| below.run(|| stays(three))));
            let calls = AtomicU32::new(0);
            let again = builder.clone().retry(1).backoff(RetryStrategy::Immediate);
            tasks.push(again.spawn(move || {
                let (call, census) = (calls.fetch_add(1, Ordering::SeqCst), four.clone());
                async move {
                    stays(census).await;
                    if call == 0 { Err("the first attempt") } else { Ok(()) }
                }
            }));
        }
        for task in tasks {
            task.await?;
        }
        // Four kinds, one of which runs twice.
        ensure!((census.alive(), census.ever()) == (0, 8 * 5));
        ensure!(census.most() <= most, "{} of {most} at once", census.most());
        check_all_free(&rt, &limiter, most).await?;
    }
    Ok(())
}

pub async fn waiters_are_admitted_in_the_order_of_arrival<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, (arrive, arrived)) = (with_permits(1)?, async_channel::unbounded());
    let full = fill(&rt, &limiter, 1).await?;
    let mut tasks = Vec::new();
    for number in 0..10 {
        let arrive = arrive.clone();
        let work = move || {
            let _ = arrive.try_send(number);
        };
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        tasks.push(match number % 3 {
            0 => builder.spawn_blocking(work),
            1 => builder.spawn(|| async move { work() }),
            _ => AsyncTask::to::<()>().on(&rt).spawn(|| builder.inline().run(work)),
        });
        until_waiting(&limiter, number + 1).await;
    }
    full.release().await?;
    for number in 0..10 {
        let came = arrived.recv().await?;
        ensure!(came == number, "{came} came before {number}");
    }
    for task in tasks {
        task.await?;
    }
    Ok(())
}

pub async fn clones_of_a_limiter_and_of_builders_share_its_permits<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(2)?;
    let (same, other) = (limiter.clone(), with_permits(2)?);
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&same);
    let again = builder.clone();
    let mut first = pin!(builder.run(pending::<()>));
    let mut second = pin!(again.clone().run(pending::<()>));
    let mut third = pin!(again.run(|| async {}));
    ensure!(poll_once(&mut first).await.is_none() && poll_once(&mut second).await.is_none());
    ensure!(poll_once(&mut third).await.is_none(), "each clone has permits of its own");
    ensure!((limiter.under_way(), limiter.waiting()) == (2, 1));
    // A limiter with the same settings is another limiter.
    AsyncTask::to::<()>().on(&rt).limiter(&other).run(|| async {}).await?;
    Ok(())
}

pub async fn a_limiter_reports_how_many_run_and_wait<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().name("door").max_concurrent(2).build()?;
    ensure!(limiter.name().is_some_and(|name| &**name == "door") && with_permits(1)?.name().is_none());
    let full = fill(&rt, &limiter, 2).await?;
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
    let tasks: Vec<_> = (0..3).map(|_| builder.clone().spawn(|| async {})).collect();
    until_waiting(&limiter, 3).await;
    ensure!(limiter.under_way() == 2);
    let text = format!("{limiter:?}");
    ensure!(text.contains("door") && text.contains("under_way: 2") && text.contains("waiting: 3"), "{text}");
    full.release().await?;
    for task in tasks {
        task.await?;
    }
    check_all_free(&rt, &limiter, 2).await
}

pub async fn the_permit_is_returned_during_the_backoff<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, (started, fail)) = (with_permits(1)?, (Latch::new(), Latch::new()));
    let (start, failing, calls) = (started.clone(), fail.clone(), Arc::new(AtomicU32::new(0)));
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter);
    let again = builder.retry(1).backoff(RetryStrategy::Fixed { delay: 5.millis() });
    let task = again.spawn(move || {
        let (start, failing, call) = (start.clone(), failing.clone(), counted.fetch_add(1, Ordering::SeqCst));
        async move {
            start.set();
            failing.wait().await;
            if call == 0 { Err("the first attempt") } else { Ok(call) }
        }
    });
    started.wait().await;
    fail.set();
    // This task holds the permit now. If the backoff kept it, it would be free only after the second attempt.
    let full = fill(&rt, &limiter, 1).await?;
    if calls.load(Ordering::SeqCst) == 1 {
        // The second attempt has to wait like any other. A loop that only yields would keep virtual time from
        // passing.
        while limiter.waiting() == 0 {
            rt.sleep(1.millis()).await?;
        }
        ensure!(calls.load(Ordering::SeqCst) == 1);
    }
    full.release().await?;
    ensure!(task.await? == 1);
    check_all_free(&rt, &limiter, 1).await
}

pub async fn work_with_a_permit_may_need_one_of_another_limiter<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (outer, inner) = (with_permits(3)?, with_permits(1)?);
    let (outside, inside) = (Census::default(), Census::default());
    let mut tasks = Vec::new();
    for _ in 0..12 {
        let below = AsyncTask::to::<()>().on(&rt).limiter(&inner);
        let (outside, inside) = (outside.clone(), inside.clone());
        tasks.push(AsyncTask::to::<()>().on(&rt).limiter(&outer).try_spawn(|| async move {
            let _resident = outside.enter();
            below.clone().run(|| stays(inside.clone())).await?;
            Ok(below.spawn(|| stays(inside)).await?)
        }));
    }
    for task in tasks {
        task.await?;
    }
    ensure!((outside.ever(), inside.ever()) == (12, 24));
    ensure!(outside.most() <= 3 && inside.most() == 1, "{}, {}", outside.most(), inside.most());
    check_all_free(&rt, &outer, 3).await?;
    check_all_free(&rt, &inner, 1).await
}

/// Returns the limiter's name and the number of waiters, from a result that must be a refusal.
fn refused<T>(result: Result<T, AsyncTaskError>) -> Result<(Option<String>, usize), Failure> {
    let error = failed(result)?;
    ensure!(error.is_rejected(), "{error:?}");
    let AsyncTaskError::Rejected { limiter, waiting } = error else { bail!("{error:?}") };
    Ok((limiter.map(|name| name.to_string()), waiting))
}

pub async fn work_beyond_max_waiting_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for most in [0, 1, 3] {
        let limiter = Limiter::builder().name("door").max_concurrent(1).max_waiting(most).build()?;
        let (full, begun) = (fill(&rt, &limiter, 1).await?, Census::default());
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        let waiting: Vec<_> = (0..most).map(|_| builder.clone().spawn(|| async {})).collect();
        until_waiting(&limiter, most).await;
        let (one, two, three, four) = (begun.clone(), begun.clone(), begun.clone(), begun.clone());
        let due = (Some("door".to_owned()), most);
        ensure!(refused(builder.clone().run(|| async move { drop(one.enter()) }).await)? == due);
        ensure!(refused(builder.clone().spawn(|| async move { drop(two.enter()) }).await)? == due);
        ensure!(refused(builder.clone().spawn_blocking(move || drop(three.enter())).await)? == due);
        ensure!(refused(builder.clone().inline().run(|| drop(four.enter())).await)? == due);
        let error = failed(builder.run(|| async {}).await)?;
        ensure!(error.to_string() == format!("limiter `door` is full: {most} wait already"), "{error}");
        ensure!((limiter.under_way(), limiter.waiting(), begun.ever()) == (1, most, 0));
        full.release().await?;
        for task in waiting {
            task.await?;
        }
        AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async {}).await?;
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    }
    Ok(())
}

/// Returns a limiter with one permit, for which nothing may wait.
fn without_queue() -> Result<Limiter, AsyncTaskError> {
    Limiter::builder().max_concurrent(1).max_waiting(0).build()
}

pub async fn a_refusal_does_not_count_for_a_breaker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, breaker) = (without_queue()?, CircuitBreaker::builder().failure_threshold(1).build()?);
    let full = fill(&rt, &limiter, 1).await?;
    let builder = AsyncTask::to::<()>().on(&rt);
    for _ in 0..3 {
        let (inner, outer) = (builder.clone().limiter(&limiter).circuit_breaker(&breaker), builder.clone());
        refused(inner.run(|| async {}).await)?;
        refused(outer.circuit_breaker(&breaker).limiter(&limiter).spawn(|| async {}).await)?;
    }
    ensure!(breaker.state() == BreakerState::Closed);
    full.release().await?;
    // The breaker does count failures of the work.
    let guarded = builder.limiter(&limiter).circuit_breaker(&breaker);
    ensure!(failed(guarded.run(|| async { Err::<(), _>("its own") }).await)?.is_failure());
    ensure!(breaker.state() == BreakerState::Open);
    Ok(())
}

pub async fn a_refusal_is_not_retried<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, begun) = (without_queue()?, Census::default());
    let full = fill(&rt, &limiter, 1).await?;
    let counted = begun.clone();
    // Tried again, it would wait for longer than any case may take.
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter).retry(5);
    let task = builder.backoff(RetryStrategy::Fixed { delay: 1.hours() }).retry_if(|_| true);
    ensure!(refused(task.spawn(move || drop(counted.enter())).await)? == (None, 0));
    ensure!(begun.ever() == 0);
    full.release().await
}

pub async fn a_refusal_can_be_recovered_from<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = without_queue()?;
    let full = fill(&rt, &limiter, 1).await?;
    let builder = AsyncTask::to::<u32>().on(&rt).limiter(&limiter);
    let recovered =
        builder.recover_with(|error| async move { if error.is_rejected() { Ok(7) } else { Err(error) } });
    ensure!(recovered.clone().run(|| async { 1 }).await? == 7);
    ensure!(recovered.clone().retry(1).spawn(|| async { 1 }).await? == 7);
    full.release().await?;
    ensure!(recovered.spawn(|| async { 1 }).await? == 1);
    Ok(())
}

pub async fn an_invalid_limiter_is_refused_with_the_setting_to_change<R: Runtime>(_: R, _: Facts) -> Outcome {
    let one = || Limiter::builder().max_concurrent(1);
    for (builder, setting) in [
        (Limiter::builder(), "`max_concurrent` or `rate`"),
        (Limiter::builder().max_waiting(3), "`max_concurrent` or `rate`"),
        (Limiter::builder().max_concurrent(0), "`max_concurrent`"),
        (one().rate(0, 1.seconds()), "`rate`"),
        (one().rate(1, Duration::ZERO), "`rate`"),
        (one().rate(11, Duration::from_nanos(10)), "`rate`"),
        (one().ageing(Duration::ZERO), "`ageing`"),
    ] {
        let error = failed(builder.build())?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
        ensure!(error.to_string().contains(setting), "{setting}: {error}");
    }
    one().rate(10, Duration::from_nanos(10)).ageing(Duration::from_nanos(1)).max_waiting(0).build()?;
    Limiter::builder().rate(u32::MAX, Duration::MAX).ageing(Duration::MAX).build()?;
    Ok(())
}
