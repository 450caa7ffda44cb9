//! One combination, run once.

use std::collections::HashMap;
use std::sync::Arc;

use futures_lite::StreamExt as _;
use futures_lite::future::or;
use sweet_async::pipeline::{
    Batch, BoundedQueue, EmittingTask, PipelineSender, Progress, ReceiverStrategy, Sources,
};
use sweet_async::{BoxError, CancellableTask as _, DynRuntime, Retry, RetryStrategy};

use super::flaky_queue::FlakyQueue;
use super::input::{Given, Input, Number};
use super::table::{Body, Combination, End, Fault, Mode, Strategy};
use super::work::{Ledger, Work};
use crate::kit::prelude::*;
use crate::kit::published::bounded;

/// The time after which a combination is reported as hanging: far longer than any takes.
const LONG: Duration = Duration::from_secs(5);

/// The number of workers, where it is fixed.
pub(super) const WORKERS: u64 = 2;

/// A limit on the whole that passes while asynchronous receivers are at work.
const LIMIT: Duration = Duration::from_millis(5);

/// The observations of one run.
pub(super) struct Observations {
    pub(super) ledger: Arc<Ledger>,
    pub(super) given: u64,
    /// The result; `None` where the handle was dropped.
    pub(super) end: Option<Result<Option<FinalEvent>, AsyncTaskError>>,
    pub(super) progress: Option<Progress>,
    /// The collected entries, where the handler of the end was called: by row, the number of the attempt.
    pub(super) collected: Option<HashMap<u64, u64>>,
    pub(super) folded: Option<Vec<u64>>,
    pub(super) pulled: Option<Vec<u64>>,
    pub(super) published: Option<BoundedQueue>,
    /// The queue that was read.
    pub(super) read_from: Option<BoundedQueue>,
}

/// The results of a handle, whatever kind of end it belongs to.
#[derive(Default)]
struct HandleResult {
    summary: Option<FinalEvent>,
    collected: Option<HashMap<u64, u64>>,
    folded: Option<Vec<u64>>,
    error: Option<AsyncTaskError>,
}

type Sender = Box<dyn FnOnce(&mut Sources<Number>) + Send>;
type From = PipelineSender<Number, DynRuntime, Sender>;

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

/// Lets the clock advance, where it is virtual.
async fn moment(rt: &DynRuntime) {
    rt.sleep_until(rt.now() + Duration::from_micros(50)).await;
}

async fn run_to_its_end(
    rt: &DynRuntime,
    combination: Combination,
    trigger: u64,
) -> Result<Observations, Failure> {
    // An executor of the whole process may have tasks of other cases, which stay.
    let others = rt.active_task_count();
    let given = Given::default();
    let input = Input::new(rt, combination, &given).await?;
    let read_from = input.queue();
    let ledger = Arc::<Ledger>::default();
    let work = Work { rt: rt.clone(), fault: combination.fault, trigger, ledger: ledger.clone() };
    let from = sender(rt, combination, input);
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
        End::Fold => {
            let fold = move |rows: &mut Vec<u64>, event: Event<Number>| {
                let n = event.take_data().n;
                work.receive(&[n], |_, _| {})?;
                rows.push(n);
                Ok::<(), BoxError>(())
            };
            let merge = |mut left: Vec<u64>, right| {
                left.extend(right);
                left
            };
            let fold = from.fold(Vec::new, fold, merge);
            let fold = if combination.body == Body::Blocking { fold.blocking() } else { fold };
            let into_result = |(rows, summary)| HandleResult {
                summary: Some(summary),
                folded: Some(rows),
                ..HandleResult::default()
            };
            drive(rt, &mut observed, combination, fold.spawn(), into_result).await;
        }
        End::ForEach => for_each(rt, &mut observed, combination, from, work).await,
        End::Collect => collect(rt, &mut observed, combination, from, work).await,
    }
    // Nothing of the run is left: the task that sends into the channel ends when its pipeline has ended.
    while rt.active_task_count() > others {
        moment(rt).await;
    }
    observed.given = given.load(std::sync::atomic::Ordering::SeqCst);
    Ok(observed)
}

fn sender(rt: &DynRuntime, combination: Combination, input: Input) -> From {
    let Combination { mode, strategy, fault, body, .. } = combination;
    let builder = AsyncTask::emits::<Number>().on(rt).workers(WORKERS as usize);
    let builder = match (fault, strategy) {
        (Fault::Retry, _) => {
            let retry = Retry::new(2).backoff(RetryStrategy::Fixed { delay: Duration::from_micros(10) });
            builder.on_error(ErrorStrategy::retry_with(retry))
        }
        (_, Strategy::Stop) => builder,
        (_, Strategy::Continue) => builder.on_error(ErrorStrategy::ContinueOnError),
    };
    let builder = match fault {
        Fault::EventTimeout => builder.event_timeout(Duration::from_millis(1)),
        Fault::Timeout if body == Body::Async => builder.with_timeout(LIMIT),
        Fault::Timeout => builder.with_timeout(Duration::ZERO),
        _ => builder,
    };
    let builder = match mode {
        Mode::Ordered => builder.ordered(),
        Mode::Sequence => builder.sequence(),
        Mode::Adaptive => builder.receiver_strategy(ReceiverStrategy::Adaptive { min: 1, max: 3 }),
        Mode::PerItem | Mode::BySize | Mode::ByTime => builder,
    };
    builder.sender(Box::new(|sources| input.add(sources)))
}

/// Returns the size and the delay of batches.
fn batches(mode: Mode) -> (usize, Duration) {
    match mode {
        Mode::ByTime => (100, Duration::from_micros(200)),
        _ => (7, Duration::MAX),
    }
}

fn numbers(batch: Batch<Number>) -> Vec<u64> {
    batch.into_iter().map(|event| event.take_data().n).collect()
}

async fn for_each(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    from: From,
    work: Work,
) {
    let blocking = combination.body == Body::Blocking;
    let handle = match (combination.mode.is_batched(), combination.body) {
        (false, Body::Async) => {
            let each =
                move |event: Event<Number>| work.clone().receive_later(vec![event.take_data().n], |_, _| {});
            from.for_each(each).spawn()
        }
        (false, _) => {
            let each =
                from.for_each(move |event: Event<Number>| work.receive(&[event.take_data().n], |_, _| {}));
            if blocking { each.blocking().spawn() } else { each.spawn() }
        }
        (true, body) => {
            let (size, delay) = batches(combination.mode);
            let from = from.batched(size, delay);
            if body == Body::Async {
                from.for_each(move |batch: Batch<Number>| {
                    work.clone().receive_later(numbers(batch), |_, _| {})
                })
                .spawn()
            } else {
                let each =
                    from.for_each(move |batch: Batch<Number>| work.receive(&numbers(batch), |_, _| {}));
                if blocking { each.blocking().spawn() } else { each.spawn() }
            }
        }
    };
    drive(rt, observed, combination, handle, summary).await;
}

async fn collect(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    from: From,
    work: Work,
) {
    let blocking = combination.body == Body::Blocking;
    let handle = match (combination.mode.is_batched(), combination.body) {
        (false, Body::Async) => from
            .receiver(move |event: Event<Number>, collector: Collector<u64, u64>| {
                let collect = move |n, attempt| collector.collect(n, attempt);
                work.clone().receive_later(vec![event.take_data().n], collect)
            })
            .spawn(ended),
        (false, _) => {
            let pipeline = from.receiver(move |event: Event<Number>, collector: Collector<u64, u64>| {
                work.receive(&[event.take_data().n], |n, attempt| collector.collect(n, attempt))
            });
            if blocking { pipeline.blocking().spawn(ended) } else { pipeline.spawn(ended) }
        }
        (true, body) => {
            let (size, delay) = batches(combination.mode);
            let from = from.batched(size, delay);
            if body == Body::Async {
                from.receiver(move |batch: Batch<Number>, collector: Collector<u64, u64>| {
                    let collect = move |n, attempt| collector.collect(n, attempt);
                    work.clone().receive_later(numbers(batch), collect)
                })
                .spawn(ended)
            } else {
                let pipeline = from.receiver(move |batch: Batch<Number>, collector: Collector<u64, u64>| {
                    work.receive(&numbers(batch), |n, attempt| collector.collect(n, attempt))
                });
                if blocking { pipeline.blocking().spawn(ended) } else { pipeline.spawn(ended) }
            }
        }
    };
    drive(rt, observed, combination, handle, |result| result).await;
}

/// The handler of the end: it returns an error together with what was collected until then.
fn ended(
    end: Result<FinalEvent, AsyncTaskError>,
    collection: sweet_async::pipeline::Collection<u64, u64>,
) -> Result<HandleResult, BoxError> {
    let (summary, error) = match end {
        Ok(summary) => (Some(summary), None),
        Err(error) => (None, Some(error)),
    };
    Ok(HandleResult {
        summary,
        error,
        collected: Some(collection.collected().into_iter().collect()),
        folded: None,
    })
}

fn summary(summary: FinalEvent) -> HandleResult {
    HandleResult { summary: Some(summary), ..HandleResult::default() }
}

/// Waits until the pipeline is to be stopped, unless it ends before.
async fn until_reached<U: Send + 'static>(
    rt: &DynRuntime,
    observed: &Observations,
    combination: Combination,
    handle: &EmittingTask<U, DynRuntime>,
) {
    if combination.end == End::Publish {
        return yield_now().await;
    }
    let over = async {
        while !handle.is_complete() {
            moment(rt).await;
        }
    };
    or(observed.ledger.reached.wait(), over).await;
}

/// Awaits the handle, or stops its pipeline.
async fn drive<U: Send + 'static>(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    mut handle: EmittingTask<U, DynRuntime>,
    into_result: impl FnOnce(U) -> HandleResult,
) {
    let level = match combination.fault {
        Fault::Graceful => Some(CancelLevel::Graceful),
        Fault::Kill => Some(CancelLevel::Kill),
        Fault::Dropped => return until_reached(rt, observed, combination, &handle).await,
        _ => None,
    };
    if let Some(level) = level {
        until_reached(rt, observed, combination, &handle).await;
        handle.cancel(level).await;
    }
    let end = (&mut handle).await.map(into_result);
    observed.progress = Some(handle.progress());
    observed.end = Some(match end {
        Ok(result) => {
            observed.collected = result.collected;
            observed.folded = result.folded;
            match result.error {
                Some(error) => Err(error),
                None => Ok(result.summary),
            }
        }
        Err(error) => Err(error),
    });
}

async fn pull(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    from: From,
    trigger: u64,
) -> Result<(), Failure> {
    let mut events = from.pull();
    let mut pulled = Vec::new();
    let mut end = None;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => pulled.push(event.take_data().n),
            Err(error) => {
                end = Some(Err(error));
                break;
            }
        }
        if pulled.len() as u64 == trigger.max(1) {
            match combination.fault {
                Fault::Graceful => drop(events.cancel(CancelLevel::Graceful)),
                Fault::Kill => drop(events.cancel(CancelLevel::Kill)),
                Fault::Dropped => {
                    drop(events);
                    observed.pulled = Some(pulled);
                    return Ok(());
                }
                _ => {}
            }
        }
    }
    while !events.is_complete() {
        moment(rt).await;
    }
    observed.progress = Some(events.progress());
    observed.end = Some(match end {
        Some(error) => error,
        None => Ok(events.summary().cloned()),
    });
    observed.pulled = Some(pulled);
    Ok(())
}
