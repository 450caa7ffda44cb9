//! The pipelines of the table: the sender of a combination, and each end with each kind of receiver.

use crate::library::pipeline::{Batch, Collection, PipelineSender, ReceiverStrategy, Sources};
use crate::library::{BoxError, Chaos, DynRuntime, Limiter, Retry, RetryStrategy};

use super::drive::{HandleResult, Observations, drive, summary};
use super::input::{Input, Number};
use super::table::{Body, Combination, Fault, Mode, Strategy};
use super::work::Work;
use crate::kit::prelude::*;

/// The number of workers, where it is fixed.
pub(super) const WORKERS: u64 = 2;

/// A limit on the whole that passes while asynchronous receivers are at work.
const LIMIT: Duration = Duration::from_millis(5);

type Sender = Box<dyn FnOnce(&mut Sources<Number>) + Send>;

/// A pipeline up to its sender.
pub(super) type Sending = PipelineSender<Number, DynRuntime, Sender>;

pub(super) fn sender(
    rt: &DynRuntime,
    combination: Combination,
    input: Input,
) -> Result<Sending, AsyncTaskError> {
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
        Fault::Chaos => {
            builder.chaos(Chaos::new().failure(0.1).panic(0.05).latency(0.1, Duration::from_micros(20)))
        }
        Fault::Limiter => builder.event_limiter(&Limiter::builder().max_concurrent(1).build()?),
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
    Ok(builder.sender(Box::new(|sources| input.add(sources))))
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

pub(super) async fn fold(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    from: Sending,
    work: Work,
) {
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
    drive(rt, observed, combination, fold.spawn(), into_result).await;
}

pub(super) async fn for_each(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    from: Sending,
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

pub(super) async fn collect(
    rt: &DynRuntime,
    observed: &mut Observations,
    combination: Combination,
    from: Sending,
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
    collection: Collection<u64, u64>,
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
