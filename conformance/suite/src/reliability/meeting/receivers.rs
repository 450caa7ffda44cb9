//! The receivers of the table, each for any stages before it.

use std::ops::ControlFlow;

use crate::library::pipeline::internals::Upstream;
use crate::library::pipeline::{Batch, BatchedSender, Collection, PipelineSender};
use crate::library::{BoxError, DynRuntime};

use super::drive::{Collected, Run};
use super::ledger::Value;
use super::number::Number;
use super::table::{Body, Combination, Mode};
use super::work::Work;
use crate::kit::prelude::*;

/// A pipeline up to its receiver.
pub(super) type Staged<F> = PipelineSender<Number, DynRuntime, F>;

/// The collector of the table: values by row and part, with the attempt at which they were collected.
type Kept = Collector<(u64, u64), u64>;

/// Sets a receiver on the blocking pool, where the combination says so, and starts the pipeline.
macro_rules! started {
    ($work:expr, $pipeline:expr $(, $handler:expr)?) => {{
        let blocking = $work.combination.body == Body::Blocking;
        let pipeline = $pipeline;
        if blocking { pipeline.blocking().spawn($($handler)?) } else { pipeline.spawn($($handler)?) }
    }};
}

fn batched<F: Upstream<Number>>(
    from: Staged<F>,
    combination: Combination,
) -> BatchedSender<Number, DynRuntime, F> {
    match combination.mode {
        Mode::ByTime => from.batched(100, Duration::from_micros(200)),
        _ => from.batched(7, Duration::MAX),
    }
}

fn value(event: &Event<Number>) -> [Value; 1] {
    [event.into()]
}

fn values(batch: &Batch<Number>) -> Vec<Value> {
    batch.iter().map(Value::from).collect()
}

fn keep(collector: &Kept) -> impl Fn(Value) + '_ {
    |Value { row, part, attempt }| collector.collect((row, part), attempt)
}

/// The answer of a receiver that may fail.
fn handled(answer: Result<ControlFlow<()>, BoxError>) -> Result<(), BoxError> {
    answer.map(|_| ())
}

/// The answer of a receiver that may break, and never fails.
fn flow(answer: Result<ControlFlow<()>, BoxError>) -> ControlFlow<()> {
    answer.unwrap_or(ControlFlow::Continue(()))
}

pub(super) fn each<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let each = {
        let work = work.clone();
        from.for_each(move |event: Event<Number>| handled(work.receive(&value(&event), |_| {})))
    };
    Run::Summary(started!(work, each))
}

pub(super) fn each_until<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let each = {
        let work = work.clone();
        from.for_each(move |event: Event<Number>| flow(work.receive(&value(&event), |_| {})))
    };
    Run::Summary(started!(work, each))
}

pub(super) fn each_later<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let each = from.for_each(move |event: Event<Number>| {
        let call = work.clone().receive_later(value(&event).to_vec(), |_| {});
        async move { handled(call.await) }
    });
    Run::Summary(each.spawn())
}

pub(super) fn each_batch<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let each = {
        let work = work.clone();
        let from = batched(from, work.combination);
        from.for_each(move |batch: Batch<Number>| handled(work.receive(&values(&batch), |_| {})))
    };
    Run::Summary(started!(work, each))
}

pub(super) fn each_batch_later<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let each = batched(from, work.combination).for_each(move |batch: Batch<Number>| {
        let call = work.clone().receive_later(values(&batch), |_| {});
        async move { handled(call.await) }
    });
    Run::Summary(each.spawn())
}

pub(super) fn each_batch_later_until<F>(from: Staged<F>, work: Work) -> Run
where
    F: Upstream<Number> + Send + 'static,
{
    let each = batched(from, work.combination).for_each(move |batch: Batch<Number>| {
        let call = work.clone().receive_later(values(&batch), |_| {});
        async move { flow(call.await) }
    });
    Run::Summary(each.spawn())
}

pub(super) fn collect<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let end = end(&work);
    let pipeline = {
        let work = work.clone();
        from.receiver(move |event: Event<Number>, collector: Kept| {
            handled(work.receive(&value(&event), keep(&collector)))
        })
    };
    Run::Collected(started!(work, pipeline, end))
}

pub(super) fn collect_later<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let end = end(&work);
    let pipeline = from.receiver(move |event: Event<Number>, collector: Kept| {
        let work = work.clone();
        async move { handled(work.receive_later(value(&event).to_vec(), keep(&collector)).await) }
    });
    Run::Collected(pipeline.spawn(end))
}

pub(super) fn collect_later_until<F>(from: Staged<F>, work: Work) -> Run
where
    F: Upstream<Number> + Send + 'static,
{
    let end = end(&work);
    let pipeline = from.receiver(move |event: Event<Number>, collector: Kept| {
        let work = work.clone();
        async move { flow(work.receive_later(value(&event).to_vec(), keep(&collector)).await) }
    });
    Run::Collected(pipeline.spawn(end))
}

pub(super) fn collect_batch<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let end = end(&work);
    let pipeline = {
        let work = work.clone();
        batched(from, work.combination).receiver(move |batch: Batch<Number>, collector: Kept| {
            handled(work.receive(&values(&batch), keep(&collector)))
        })
    };
    Run::Collected(started!(work, pipeline, end))
}

pub(super) fn collect_batch_until<F>(from: Staged<F>, work: Work) -> Run
where
    F: Upstream<Number> + Send + 'static,
{
    let end = end(&work);
    let pipeline = {
        let work = work.clone();
        batched(from, work.combination).receiver(move |batch: Batch<Number>, collector: Kept| {
            flow(work.receive(&values(&batch), keep(&collector)))
        })
    };
    Run::Collected(started!(work, pipeline, end))
}

pub(super) fn collect_batch_later<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: Work) -> Run {
    let end = end(&work);
    let pipeline = batched(from, work.combination).receiver(move |batch: Batch<Number>, collector: Kept| {
        let work = work.clone();
        async move { handled(work.receive_later(values(&batch), keep(&collector)).await) }
    });
    Run::Collected(pipeline.spawn(end))
}

type Handler = Box<
    dyn FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<(u64, u64), u64>) -> Result<Collected, BoxError>
        + Send,
>;

/// The final handler: it returns an error together with what was collected until then.
fn end(work: &Work) -> Handler {
    let work = work.clone();
    Box::new(move |end, collection| {
        work.handler();
        let entries = collection.collected().into_hash_map();
        Ok(match end {
            Ok(summary) => Collected { summary: Some(summary), error: None, entries },
            Err(error) => Collected { summary: None, error: Some(error), entries },
        })
    })
}
