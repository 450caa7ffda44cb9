//! One combination, run once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::library::DynRuntime;
use futures_lite::future::or;

use super::drive::{Observations, drive, moment};
use super::ends::start;
use super::input::{Given, Input};
use super::ledger::Ledger;
use super::messages::messages_of;
use super::places::Places;
use super::stages::sender;
use super::table::Combination;
use super::work::Work;
use crate::kit::prelude::*;

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
    let is_by_source = !(combination.end.has_receiver() || combination.spreads());
    let (given, ledger) = (Given::default(), Arc::new(Ledger::new(trigger, is_by_source)));
    let input = Input::new(rt, combination, &given, &ledger).await?;
    let read_from = input.queue();
    let work = Work { rt: rt.clone(), combination, ledger: ledger.clone() };
    let places = Places::new(combination)?;
    let started = start(sender(&work, input, &places), &work, &places)?;
    let mut observed = Observations {
        ledger,
        places,
        given: 0,
        end: None,
        progress: None,
        collected: None,
        folded: None,
        listed: None,
        written: None,
        messages: None,
        read_from,
    };
    drive(rt, &mut observed, combination, trigger, started).await?;
    if observed.end.is_some() && !observed.goes_on() {
        observed.ledger.is_over();
    }
    // Nothing of the run is left: the task that sends into the channel ends when its pipeline has ended, and
    // blocking work may outlast a limit.
    while rt.active_task_count() > others || rt.root().active_blocking_jobs() > jobs {
        moment(rt).await;
    }
    observed.ledger.is_over();
    observed.written = observed.places.written(combination)?;
    observed.messages = messages_of(&observed.places.published, combination).await?;
    observed.given = given.load(Ordering::SeqCst);
    Ok(observed)
}
