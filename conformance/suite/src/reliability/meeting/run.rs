//! One combination, run once.

use std::sync::Arc;

use crate::library::DynRuntime;
use futures_lite::future::or;

use super::drive::{Observations, drive, moment, pull, summary};
use super::ends::{collect, fold, for_each, sender};
use super::flaky_queue::FlakyQueue;
use super::input::{Given, Input};
use super::table::{Combination, End};
use super::work::{Ledger, Work};
use crate::kit::prelude::*;
use crate::kit::published::bounded;

/// The time after which a combination is reported as hanging: far longer than any takes.
const LONG: Duration = Duration::from_secs(60);

/// Runs `combination` to its end. `trigger` is the row at which it is stopped, if the fault is a stop.
pub(super) async fn run(
    rt: &DynRuntime,
    combination: Combination,
    trigger: u64,
) -> Result<Observations, Failure> {
    let overdue = async {
        rt.sleep_until(rt.now() + LONG).await;
        bail!("it does not end")
    };
    or(run_to_its_end(rt, combination, trigger), overdue).await
}

async fn run_to_its_end(
    rt: &DynRuntime,
    combination: Combination,
    trigger: u64,
) -> Result<Observations, Failure> {
    // An executor of the whole process may have tasks of other cases, which stay.
    let (others, jobs) = (rt.active_task_count(), rt.root().active_blocking_jobs());
    let given = Given::default();
    let input = Input::new(rt, combination, &given).await?;
    let read_from = input.queue();
    let ledger = Arc::<Ledger>::default();
    let work = Work { rt: rt.clone(), fault: combination.fault, trigger, ledger: ledger.clone() };
    let from = sender(rt, combination, input)?;
    let mut observed = Observations {
        ledger,
        given: 0,
        end: None,
        progress: None,
        collected: None,
        folded: None,
        pulled: None,
        published: None,
        read_from,
    };
    match combination.end {
        End::Pull => pull(rt, &mut observed, combination, from, trigger).await?,
        End::Publish => {
            let queue = bounded(64);
            observed.published = Some(queue.clone());
            let handle = from.publish(&FlakyQueue::publishing(queue, combination.fault), "numbers").spawn();
            drive(rt, &mut observed, combination, handle, summary).await;
        }
        End::Fold => fold(rt, &mut observed, combination, from, work).await,
        End::ForEach => for_each(rt, &mut observed, combination, from, work).await,
        End::Collect => collect(rt, &mut observed, combination, from, work).await,
    }
    // Nothing of the run is left: the task that sends into the channel ends when its pipeline has ended, and
    // blocking work may outlast a limit.
    while rt.active_task_count() > others || rt.root().active_blocking_jobs() > jobs {
        moment(rt).await;
    }
    observed.given = given.load(std::sync::atomic::Ordering::SeqCst);
    Ok(observed)
}
