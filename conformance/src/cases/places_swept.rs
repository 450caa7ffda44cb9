//! A place of a limiter or a breaker, whatever becomes of the one who asks for it, stands in line for it, or has it: it is never
//! lost, and never given twice.
//!
//! One table: what the holder is, how it is ended, at which poll, and when the one before it leaves. The topics' cases take its
//! rows; the reliability rows take all of it, with more moments.

use std::pin::Pin;

use sweet_async::{
    BreakerState, Canceller, CircuitBreaker, Jitter, Limiter, RestartPolicy, RetryStrategy, TimedTask as _,
};

use super::breakers::call;
use super::restarts::Calls;
use crate::kit::explode;
use crate::kit::prelude::*;

/// What the holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    InPlace,
    InATask,
    Spawned,
    Retried,
    Supervised,
}

pub(crate) const HOLDERS: [Holder; 5] =
    [Holder::InPlace, Holder::InATask, Holder::Spawned, Holder::Retried, Holder::Supervised];

/// How it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Dropped,
    Killed,
    AskedGracefully,
    Panics,
    Fails,
    TimedOut,
    AttemptTimedOut,
}

const HOW: [How; 7] = [
    How::Dropped,
    How::Killed,
    How::AskedGracefully,
    How::Panics,
    How::Fails,
    How::TimedOut,
    How::AttemptTimedOut,
];

/// What it has a place of: a limiter has one, a half-open breaker has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Limiter,
    Rate,
    Breaker,
    Both,
}

const KINDS: [Kind; 4] = [Kind::Limiter, Kind::Rate, Kind::Breaker, Kind::Both];

type Holding = Pin<Box<dyn Future<Output = Result<(), AsyncTaskError>> + Send>>;

/// The places, and all who may have one.
struct Places {
    limiter: Limiter,
    breaker: Option<CircuitBreaker>,
    inside: Census,
}

impl Places {
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
        Ok(Self { limiter: limiter.build()?, breaker, inside: Census::default() })
    }

    /// One that ends by itself at the `end`-th poll of its work, or as it is told there.
    fn holder<R: Runtime>(
        &self,
        rt: &R,
        holder: Holder,
        how: How,
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
                match how {
                    // Another attempt ends well.
                    _ if call > 1 => Ok(()),
                    How::Panics => explode("in its place"),
                    How::Fails => Err("in its place"),
                    _ => pending().await,
                }
            }
        };
        let builder = AsyncTask::to::<()>().on(rt).limiter(&self.limiter).grace(Duration::from_micros(100));
        let builder = match &self.breaker {
            Some(breaker) => builder.circuit_breaker(breaker),
            None => builder,
        };
        let builder = match how {
            How::AttemptTimedOut => builder.attempt_timeout(Duration::from_micros(20 * end as u64)),
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
            Holder::Retried => builder.retry(1).backoff(RetryStrategy::Immediate).spawn(work),
            Holder::Supervised => {
                builder.supervise(policy).backoff(RetryStrategy::Immediate).jitter(Jitter::None).spawn(work)
            }
        };
        let canceller = task.canceller();
        (Box::pin(task), Some(canceller))
    }

    /// One who takes a place of the limiter until it is told to leave.
    async fn before<R: Runtime>(&self, rt: &R) -> (Task<(), R>, Latch) {
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

    /// One who comes after it.
    fn after<R: Runtime>(&self, rt: &R) -> Task<(), R> {
        let inside = self.inside.clone();
        AsyncTask::to::<()>().on(rt).limiter(&self.limiter).spawn(move || async move {
            let _resident = inside.enter();
            yield_now().await;
        })
    }

    /// All have left.
    async fn are_back<R: Runtime>(&self, rt: &R, kind: Kind) -> Outcome {
        let limiter = &self.limiter;
        ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "lost: {limiter:?}");
        ensure!(self.inside.alive() == 0, "{} are alive", self.inside.alive());
        let most = if kind == Kind::Breaker { 3 } else { 1 };
        ensure!(self.inside.most() <= most, "given to {} at once", self.inside.most());
        AsyncTask::to::<()>().on(rt).limiter(limiter).run(|| async {}).await?;
        if let Some(breaker) = &self.breaker {
            call(rt, breaker, true).await.context("the breaker's place is lost")?;
            ensure!(breaker.state() == BreakerState::Closed, "{breaker:?}");
        }
        Ok(())
    }
}

/// Ends a holder after `polls`, unless it has ended by itself.
async fn end<R: Runtime>(
    rt: &R,
    (mut holding, canceller): (Holding, Option<Canceller>),
    how: How,
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
    match (how, &canceller) {
        (How::Dropped, _) | (How::Killed | How::AskedGracefully | How::TimedOut, None) => drop(holding),
        (How::Killed, Some(task)) => drop(task.cancel(CancelLevel::Kill).await),
        (How::AskedGracefully, Some(task)) => drop(task.cancel(CancelLevel::Graceful).await),
        (How::TimedOut, Some(task)) => {
            // It may have ended meanwhile.
            let _ = task.set_timeout(Duration::ZERO);
            let _ = holding.await;
        }
        (How::Panics | How::Fails | How::AttemptTimedOut, _) => drop(holding.await),
    }
    if let Some(task) = canceller {
        task.cancel(CancelLevel::Kill).await;
    }
    // What is left to the executor of a holder in place has its turn.
    rt.sleep(Duration::ZERO).await?;
    Ok(())
}

/// All rows of the table for one holder, with this many moments. Gives their number.
pub(crate) async fn sweep<R: Runtime>(rt: &R, holder: Holder, moments: usize) -> Result<usize, Failure> {
    let mut rows = 0;
    for (kind, how) in KINDS.into_iter().flat_map(|kind| HOW.map(|how| (kind, how))) {
        for (polls, left_at) in
            (0..moments).flat_map(|polls| (0..=polls).map(move |left_at| (polls, left_at)))
        {
            let row = async {
                let places = Places::new(rt, kind).await?;
                let (before, leave) = places.before(rt).await;
                let holding = places.holder(rt, holder, how, polls);
                let after = places.after(rt);
                let leaves = |poll| {
                    if poll >= left_at {
                        leave.set();
                    }
                };
                end(rt, holding, how, (polls, leaves)).await?;
                before.await?;
                after.await?;
                places.are_back(rt, kind).await
            };
            row.await.with_context(|| {
                format!("{holder:?}, {kind:?}, {how:?} at {polls}, the one before leaves at {left_at}")
            })?;
            rows += 1;
        }
    }
    Ok(rows)
}

const MOMENTS: usize = 5;

pub async fn of_work_in_place<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::InPlace, MOMENTS).await.map(drop)
}

pub async fn of_work_in_place_within_a_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::InATask, MOMENTS).await.map(drop)
}

pub async fn of_a_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::Spawned, MOMENTS).await.map(drop)
}

pub async fn of_work_that_is_tried_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::Retried, MOMENTS).await.map(drop)
}

pub async fn of_supervised_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    sweep(&rt, Holder::Supervised, MOMENTS).await.map(drop)
}
