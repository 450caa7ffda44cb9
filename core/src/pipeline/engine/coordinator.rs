//! The coordinator: starts sender and workers, watches the clock, waits for their end and adds up.

use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;

use super::control::{Control, Settings};
use super::handler::{Handler, Slot};
use super::sender::send;
use super::worker::{Crew, work};
use crate::cancel::CancelLevel;
use crate::error::{AsyncTaskError, TimeoutError};
use crate::pipeline::FinalEvent;
use crate::pipeline::failure::{Limit, Policy, Rejects};
use crate::pipeline::late::Late;
use crate::pipeline::progress::Counters;
use crate::pipeline::sources::Plan;
use crate::runtime::Runtime;
use crate::task::{Birthplace, Configured, InPlace, Plain, TaskId, caught, spawn};
use crate::time::Sleep;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// How a pipeline ended, and what its handler makes of it.
pub(crate) struct Outcome<E> {
    pub(crate) result: Result<FinalEvent, AsyncTaskError>,
    pub(crate) end: E,
}

/// Runs a pipeline to its end. Nothing of it is left when this returns, but for a read that a source stalls.
pub(crate) async fn run<T, R, H>(
    runtime: &R,
    task: TaskId,
    settings: &Settings,
    plans: Vec<Plan<T>>,
    handler: H,
) -> Outcome<H::End>
where
    T: Send + 'static,
    R: Runtime,
    H: Handler<T>,
{
    let workers = settings.workers.unwrap_or_else(|| runtime.worker_count()).max(1);
    let control = Arc::new(Control {
        runtime: runtime.clone(),
        task,
        limit: Limit::none(),
        policy: Policy {
            strategy: settings.strategy,
            max_errors: settings.max_errors,
            remember: handler.rejects_late(),
        },
        counters: Counters::default(),
        names: plans.iter().map(Plan::name).collect(),
        ordered: settings.ordered,
        started: runtime.now(),
    });
    let slots = match caught(|| (0..workers).map(|_| Slot::new(handler.local())).collect()) {
        Ok(slots) => slots,
        Err(panic) => {
            let (_, end) = handler.close(Vec::new(), &control.names).await;
            return Outcome { result: Err(panic), end };
        }
    };
    let crew = Arc::new(Crew { handler, slots, control: control.clone() });
    // Two chunks for each worker: one to go on with at once, one for when the sender is late.
    let (sender, queue) = async_channel::bounded(settings.queue.unwrap_or(workers * 2));
    let named = Configured::part_of(settings.name.clone(), settings.values.clone());
    let birth = || Birthplace::here().birth(Some(&named));
    let mut hands: Vec<_> = (0..workers)
        .map(|index| {
            let (crew, queue) = (crew.clone(), queue.clone());
            spawn(runtime.clone(), birth(), InPlace::<_, _, _, Plain>::new(move || work(crew, index, queue)))
        })
        .collect();
    // The sender must find the queue closed once all workers are gone.
    drop(queue);
    let sending = control.clone();
    let mut sending =
        spawn(runtime.clone(), birth(), InPlace::<_, _, _, Plain>::new(move || send(plans, sender, sending)));

    let mut tallies = Vec::with_capacity(workers);
    let ended = async {
        for hand in &mut hands {
            tallies.push(hand.await);
        }
        Ok((&mut sending).await)
    };
    let watched = or(ended, or(overdue(runtime, settings, &control), report(runtime, settings, &control)));
    let sent = match watched.await {
        Ok(sent) => sent,
        // Its time was up, or who is told of its progress panicked: everything is stopped.
        Err(error) => {
            let ends: Vec<_> = hands.iter().map(|hand| hand.cancel(CancelLevel::Kill)).collect();
            sending.cancel(CancelLevel::Kill).await;
            for end in ends {
                end.await;
            }
            let result = tell(runtime, settings, &control).and(Err(error));
            let (_, end) = crew.handler.close(locals(&crew), &control.names).await;
            return Outcome { result, end };
        }
    };
    let told = tell(runtime, settings, &control);
    let (late, end) = crew.handler.close(locals(&crew), &control.names).await;
    let result = told.and_then(|()| sum_up(tallies, sent, late, runtime, &control));
    Outcome { result, end }
}

type Sent = (Rejects, Option<AsyncTaskError>);

fn sum_up<R: Runtime>(
    tallies: Vec<Result<super::batch::Tally, AsyncTaskError>>,
    sent: Result<Sent, AsyncTaskError>,
    late: Late,
    runtime: &R,
    control: &Control<R>,
) -> Result<FinalEvent, AsyncTaskError> {
    let mut handled = 0;
    let (uncut, mut failed) = sent.unwrap_or_else(|error| (Rejects::default(), Some(error)));
    let mut rejects = vec![uncut];
    for tally in tallies {
        match tally {
            Ok(tally) => {
                handled += tally.handled;
                rejects.push(tally.rejects);
            }
            Err(error) => failed = Some(error),
        }
    }
    let late_rejects = Rejects::late(late.rejected, &rejects, &control.names, control.policy, &control.limit);
    handled -= late_rejects.count;
    rejects.push(late_rejects);
    failed = failed.or(late.panic);
    let rejects = Rejects::merge(rejects, control.policy);
    let (rejected, mut errors) = (rejects.count, rejects.kept);
    // A row's error comes first: all that was sent before anything else failed stands before that in the source.
    if control.limit.is_set() && !errors.is_empty() {
        return Err(errors.swap_remove(0).error);
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(FinalEvent {
            read: handled + rejected,
            handled,
            rejected,
            duplicates: 0,
            bytes: Counters::get(&control.counters.bytes),
            errors,
            elapsed: elapsed(runtime, control),
            sources: control.names.to_vec(),
        }),
    }
}

fn locals<T, R, H: Handler<T>>(crew: &Crew<T, R, H>) -> Vec<H::Local> {
    crew.slots.iter().filter_map(Slot::take).collect()
}

fn elapsed<R: Runtime>(runtime: &R, control: &Control<R>) -> Duration {
    runtime.now().saturating_duration_since(control.started)
}

/// Ends with the timeout, if there is one.
async fn overdue<R: Runtime, O>(
    runtime: &R,
    settings: &Settings,
    control: &Control<R>,
) -> Result<O, AsyncTaskError> {
    let Some(limit) = settings.timeout else { return std::future::pending().await };
    if !limit.is_zero() {
        Sleep::until(runtime, control.started.checked_add(limit)).await?;
    }
    Err(TimeoutError::overall(settings.name.clone(), limit, 1, false, None))
}

/// Tells progress, for ever; ends only with a panic of the one who is told, or with the runtime.
async fn report<R: Runtime, O>(
    runtime: &R,
    settings: &Settings,
    control: &Control<R>,
) -> Result<O, AsyncTaskError> {
    if settings.progress.is_none() {
        return std::future::pending().await;
    }
    loop {
        runtime.sleep(TICK).await?;
        tell(runtime, settings, control)?;
    }
}

fn tell<R: Runtime>(runtime: &R, settings: &Settings, control: &Control<R>) -> Result<(), AsyncTaskError> {
    let Some(progress) = &settings.progress else { return Ok(()) };
    caught(|| progress(control.counters.progress(elapsed(runtime, control))))
}
