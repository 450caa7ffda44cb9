//! Recovery, permits: no permit of a limiter or a breaker is lost or given twice, however its holder ends.
//! The holder may end before it requests the permit, while it waits for it, and while it has it.
//!
//! One table: the kind of the holder, the kind of its end, the poll at which it is ended, and the moment at
//! which the holder before it leaves. The topics' cases take its rows; the reliability rows take all of it,
//! with more moments.

use std::pin::Pin;

use crate::library::{
    BreakerState, Canceller, CircuitBreaker, Hedge, Jitter, Limiter, RestartPolicy, RetryStrategy,
    TimedTask as _,
};

use crate::cases::breakers::call;
use crate::cases::restarts::Calls;
use crate::kit::explode;
use crate::kit::prelude::*;

/// The kind of work that holds the permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    InPlace,
    InATask,
    Spawned,
    SpawnedIn,
    Retried,
    Hedged,
    Supervised,
}

pub(crate) const HOLDERS: [Holder; 7] = [
    Holder::InPlace,
    Holder::InATask,
    Holder::Spawned,
    Holder::SpawnedIn,
    Holder::Retried,
    Holder::Hedged,
    Holder::Supervised,
];

/// The kind of the holder's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndKind {
    Dropped,
    Killed,
    AskedGracefully,
    Panics,
    Fails,
    TimedOut,
    AttemptTimedOut,
}

const END_KINDS: [EndKind; 7] = [
    EndKind::Dropped,
    EndKind::Killed,
    EndKind::AskedGracefully,
    EndKind::Panics,
    EndKind::Fails,
    EndKind::TimedOut,
    EndKind::AttemptTimedOut,
];

/// The policy that gives the permit. A limiter has one permit, and so has a half-open breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Limiter,
    Rate,
    Breaker,
    Both,
}

const KINDS: [Kind; 4] = [Kind::Limiter, Kind::Rate, Kind::Breaker, Kind::Both];

type Holding = Pin<Box<dyn Future<Output = Result<(), AsyncTaskError>> + Send>>;

/// The limiter, the breaker, and a count of the work that is under way.
struct Permits {
    limiter: Limiter,
    /// A limiter that nothing waits for.
    wide: Limiter,
    breaker: Option<CircuitBreaker>,
    inside: Census,
}

impl Permits {
    async fn new<R: Runtime>(rt: &R, kind: Kind) -> Result<Self, Failure> {
        let limiter = Limiter::builder();
        let limiter = match kind {
            Kind::Limiter | Kind::Both => limiter.max_concurrent(1),
            Kind::Rate => limiter.max_concurrent(1).rate(1, Duration::from_micros(50)),
            Kind::Breaker => limiter.max_concurrent(1000),
        };
        let breaker = match kind {
            Kind::Breaker | Kind::Both => {
                let builder = CircuitBreaker::builder().failure_threshold(1).open_timeout(Duration::ZERO);
                let breaker = builder.build()?;
                failed(call(rt, &breaker, false).await)?;
                Some(breaker)
            }
            Kind::Limiter | Kind::Rate => None,
        };
        let wide = Limiter::builder().max_concurrent(1000).build()?;
        Ok(Self { limiter: limiter.build()?, wide, breaker, inside: Census::default() })
    }

    /// Starts a holder. At the `end`-th poll its work ends as `end_kind` says, or stays pending there.
    fn holder<R: Runtime>(
        &self,
        rt: &R,
        holder: Holder,
        end_kind: EndKind,
        end: usize,
    ) -> (Holding, Option<Canceller>) {
        let (inside, calls) = (self.inside.clone(), Calls::default());
        let work = move || {
            let (inside, calls) = (inside.clone(), calls.clone());
            async move {
                let (_resident, call) = (inside.enter(), calls.next());
                for _ in 0..end {
                    yield_now().await;
                }
                match end_kind {
                    // The second attempt succeeds.
                    _ if call > 1 => Ok(()),
                    EndKind::Panics => explode("in its place"),
                    EndKind::Fails => Err("in its place"),
                    _ => pending().await,
                }
            }
        };
        let builder = AsyncTask::to::<()>().on(rt).limiter(&self.limiter).grace(Duration::from_micros(100));
        let builder = match &self.breaker {
            Some(breaker) => builder.circuit_breaker(breaker),
            None => builder,
        };
        let builder = match end_kind {
            EndKind::AttemptTimedOut => builder.attempt_timeout(Duration::from_micros(20 * end as u64)),
            _ => builder,
        };
        let policy = RestartPolicy { intensity: 1, period: Duration::MAX };
        let task = match holder {
            Holder::InPlace => return (Box::pin(builder.run(work)), None),
            Holder::InATask => {
                let run = builder.run(work);
                let around = AsyncTask::to::<()>().on(rt).grace(Duration::from_micros(100));
                around.try_spawn(move || async move { Ok(run.await?) })
            }
            Holder::Spawned => builder.spawn(work),
            Holder::SpawnedIn => {
                let spawning = builder.limiter(&self.wide).spawn_in(&self.limiter, work);
                let around = AsyncTask::to::<()>().on(rt).grace(Duration::from_micros(100));
                around.try_spawn(move || async move { Ok(spawning.await?.await?) })
            }
            Holder::Retried => builder.retry(1).backoff(RetryStrategy::Immediate).spawn(work),
            Holder::Hedged => builder.hedge(Hedge::after(Duration::ZERO)).spawn(work),
            Holder::Supervised => {
                builder.supervise(policy).backoff(RetryStrategy::Immediate).jitter(Jitter::None).spawn(work)
            }
        };
        let canceller = task.canceller();
        (Box::pin(task), Some(canceller))
    }

    /// A task that holds a permit of the limiter until the latch is set.
    async fn holder_before<R: Runtime>(&self, rt: &R) -> (Task<(), R>, Latch) {
        let (begun, leave, inside) = (Latch::new(), Latch::new(), self.inside.clone());
        let (begin, left) = (begun.clone(), leave.clone());
        let task = AsyncTask::to::<()>().on(rt).limiter(&self.limiter).spawn(move || async move {
            let _resident = inside.enter();
            begin.set();
            left.wait().await;
        });
        begun.wait().await;
        (task, leave)
    }

    /// A task that requests a permit after the holder.
    fn waiter_after<R: Runtime>(&self, rt: &R) -> Task<(), R> {
        let inside = self.inside.clone();
        AsyncTask::to::<()>().on(rt).limiter(&self.limiter).spawn(move || async move {
            let _resident = inside.enter();
            yield_now().await;
        })
    }

    /// Checks that every permit is back.
    async fn all_returned<R: Runtime>(&self, rt: &R, kind: Kind) -> Outcome {
        let limiter = &self.limiter;
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "lost: {limiter:?}");
        ensure!(self.inside.alive() == 0, "{} are alive", self.inside.alive());
        let most = if kind == Kind::Breaker { 3 } else { 1 };
        ensure!(self.inside.most() <= most, "given to {} at once", self.inside.most());
        AsyncTask::to::<()>().on(rt).limiter(limiter).run(|| async {}).await?;
        if let Some(breaker) = &self.breaker {
            call(rt, breaker, true).await.context("the breaker's permit is lost")?;
            ensure!(breaker.state() == BreakerState::Closed, "{breaker:?}");
        }
        Ok(())
    }
}

/// Ends a holder after `polls`, unless it has ended by itself.
async fn end<R: Runtime>(
    rt: &R,
    (mut holding, canceller): (Holding, Option<Canceller>),
    end_kind: EndKind,
    (polls, leave): (usize, impl Fn(usize)),
) -> Outcome {
    for poll in 0..polls {
        leave(poll);
        if poll_once(&mut holding).await.is_some() {
            leave(usize::MAX);
            return Ok(());
        }
        yield_now().await;
    }
    leave(usize::MAX);
    match (end_kind, &canceller) {
        (EndKind::Dropped, _) | (EndKind::Killed | EndKind::AskedGracefully | EndKind::TimedOut, None) => {
            drop(holding)
        }
        (EndKind::Killed, Some(task)) => drop(task.cancel(CancelLevel::Kill).await),
        (EndKind::AskedGracefully, Some(task)) => drop(task.cancel(CancelLevel::Graceful).await),
        (EndKind::TimedOut, Some(task)) => {
            // It may have ended meanwhile.
            let _ = task.set_timeout(Duration::ZERO);
            let _ = holding.await;
        }
        (EndKind::Panics | EndKind::Fails | EndKind::AttemptTimedOut, _) => drop(holding.await),
    }
    if let Some(task) = canceller {
        task.cancel(CancelLevel::Kill).await;
    }
    // Gives the executor a turn for the rest of a holder in place.
    rt.sleep(Duration::ZERO).await?;
    Ok(())
}

/// Runs all rows of the table for one holder, with this many moments. Returns the number of rows.
pub(crate) async fn sweep<R: Runtime>(rt: &R, holder: Holder, moments: usize) -> Result<usize, Failure> {
    let mut rows = 0;
    for (kind, end_kind) in KINDS.into_iter().flat_map(|kind| END_KINDS.map(|end_kind| (kind, end_kind))) {
        for (polls, left_at) in
            (0..moments).flat_map(|polls| (0..=polls).map(move |left_at| (polls, left_at)))
        {
            let row = async {
                let permits = Permits::new(rt, kind).await?;
                let (holder_before, leave) = permits.holder_before(rt).await;
                let holding = permits.holder(rt, holder, end_kind, polls);
                let waiter_after = permits.waiter_after(rt);
                let leaves = |poll| {
                    if poll >= left_at {
                        leave.set();
                    }
                };
                end(rt, holding, end_kind, (polls, leaves)).await?;
                holder_before.await?;
                waiter_after.await?;
                permits.all_returned(rt, kind).await
            };
            row.await.with_context(|| {
                format!("{holder:?}, {kind:?}, {end_kind:?} at {polls}, the one before leaves at {left_at}")
            })?;
            rows += 1;
        }
    }
    Ok(rows)
}

const MOMENTS: usize = 5;

pub async fn in_place_work_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::InPlace, MOMENTS).await.map(drop)
}

pub async fn in_place_work_within_a_task_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::InATask, MOMENTS).await.map(drop)
}

pub async fn a_task_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::Spawned, MOMENTS).await.map(drop)
}

pub async fn a_task_that_waits_before_it_exists_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::SpawnedIn, MOMENTS).await.map(drop)
}

pub async fn retried_work_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::Retried, MOMENTS).await.map(drop)
}

pub async fn hedged_work_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::Hedged, MOMENTS).await.map(drop)
}

pub async fn supervised_work_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::Supervised, MOMENTS).await.map(drop)
}
