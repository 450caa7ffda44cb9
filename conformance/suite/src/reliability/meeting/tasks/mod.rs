//! The table of tasks: each pair of policies, each way to start, and each fault, with one set of invariants
//! for all.
//!
//! The work is a child or a part of one task, which is what the fault stops. So a stop passes through whatever
//! is between the two.
//!
//! - `work`: the work with its policies, started in each way
//! - `check`: the invariants

mod check;
mod work;

use std::sync::Arc;

use crate::library::DynRuntime;
use check::check;
use futures_lite::future::or;
use work::{Limiters, Work, started};

use super::super::Scale;
use super::drive::moment;
use crate::Flavour;
use crate::kit::prelude::*;

dimension! {
    /// A policy around the work.
    Policy { Nothing RetryAfter Hedge Chaos Adaptive Keyed }
}

dimension! {
    /// A way to start the work.
    Start { InPlace Spawned Member Daemon SpawnedIn Scheduled Node AdHoc }
}

dimension! {
    /// A fault, or none.
    Fault { Nothing FailsOnce Fails Panics AttemptTimeout Timeout Graceful Kill Dropped }
}

/// The time after which a combination is reported as hanging: far longer than any takes.
const LONG: Duration = Duration::from_secs(60);

/// A time that a fault is waited for.
const SHORT: Duration = Duration::from_micros(300);

/// The reason of a cancellation.
const REASON: &str = "the table says so";

#[derive(Clone, Copy, Debug)]
struct Combination {
    policies: [Policy; 2],
    start: Start,
    fault: Fault,
}

impl Combination {
    /// All combinations. Of two policies the order is of no importance.
    fn all() -> impl Iterator<Item = Self> {
        let pairs = Policy::ALL.iter().flat_map(|first| {
            let from = *first as usize;
            Policy::ALL.iter().skip(from).map(move |second| [*first, *second])
        });
        pairs.flat_map(|policies| {
            Start::ALL.iter().flat_map(move |start| {
                Fault::ALL.iter().map(move |fault| Self { policies, start: *start, fault: *fault })
            })
        })
    }

    fn has(self, policy: Policy) -> bool {
        self.policies.contains(&policy)
    }

    /// The most attempts at the work.
    fn most_attempts(self) -> u32 {
        let (retries, hedges) = (if self.has(Policy::RetryAfter) { 2 } else { 0 }, self.has(Policy::Hedge));
        (retries + 1) * (u32::from(hedges) + 1)
    }
}

/// Runs each combination, as often as the size says.
pub(super) fn policies_meet(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let runs = match (scale, flavour.seeds > 1) {
        (Scale::Test, _) => 1,
        (Scale::Full, true) => 200,
        (Scale::Full, false) => 5,
    };
    let (mut tried, mut failures) = (0_u64, Vec::new());
    for (number, combination) in (0..).zip(Combination::all()) {
        tried += 1;
        for run in 0..runs {
            let seed = number * runs + run;
            let ran = flavour.start_with(seed).and_then(|harness| {
                let rt = harness.runtime();
                harness.block_on(async { once(&rt, combination).await })?
            });
            if let Err(failure) = ran {
                failures.push(format!("{combination:?}, seed {seed}: {failure:#}"));
                break;
            }
        }
    }
    if failures.is_empty() {
        return Ok(format!("{tried} combinations of policies, {} runs", tried * runs));
    }
    bail!("{} of {tried} combinations of policies failed:\n{}", failures.len(), failures.join("\n"))
}

async fn once(rt: &DynRuntime, combination: Combination) -> Outcome {
    let overdue = async {
        rt.sleep_until(rt.now() + LONG).await;
        bail!("it does not end")
    };
    or(to_its_end(rt, combination), overdue).await
}

async fn to_its_end(rt: &DynRuntime, combination: Combination) -> Outcome {
    // An executor of the whole process may have tasks of other cases, which stay.
    let others = rt.active_task_count();
    let limiters = Arc::new(Limiters::of(combination)?);
    let work = Work::new(rt, combination.fault);
    let (runtime, inner, around) = (rt.clone(), work.clone(), limiters.clone());
    let mut task = AsyncTask::to::<u32>()
        .on(rt)
        .grace(SHORT * 4)
        .spawn(move || async move { started(&runtime, combination, &around, inner).await });
    let level = match combination.fault {
        Fault::Graceful => Some(CancelLevel::Graceful),
        Fault::Kill => Some(CancelLevel::Kill),
        _ => None,
    };
    if level.is_some() || combination.fault == Fault::Dropped {
        // Chaos may end it before.
        let over = async {
            while !task.is_finished() {
                moment(rt).await;
            }
        };
        or(work.reached.wait(), over).await;
    }
    let end = if combination.fault == Fault::Dropped {
        drop(task);
        None
    } else {
        if let Some(level) = level {
            task.cancel_because(level, REASON).await;
        }
        Some((&mut task).await)
    };
    // Also for its own: of the others, one may have ended meanwhile.
    while rt.active_task_count() > others || work.alive.alive() > 0 {
        moment(rt).await;
    }
    check(combination, &work, &limiters, end.as_ref())
}
