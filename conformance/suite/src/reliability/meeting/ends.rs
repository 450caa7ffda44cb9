//! The pipelines of the table: each end, behind the stages of a combination.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::library::BoxError;
use crate::library::pipeline::internals::Upstream;

use super::drive::Run;
use super::flaky_queue::FlakyQueue;
use super::ledger::Value;
use super::messages::JOB;
use super::number::Number;
use super::places::{PLAIN_TEXT, Places};
use super::receivers::{self as on, Staged};
use super::stages::{Sending, awaited, synchronous};
use super::table::{Body, Combination, End, Enough, Stages};
use super::work::Work;
use crate::kit::prelude::*;

/// Starts the pipeline of `work` behind `from`.
pub(super) fn start(from: Sending, work: &Work, places: &Places) -> Result<Run, Failure> {
    let stages = work.combination.stages;
    let run = match (stages, work.combination.end) {
        (Stages::Nothing, End::Publish) => {
            let queue = FlakyQueue::publishing(work, places);
            Some(Run::Summary(from.publish(&queue, "numbers").spawn()))
        }
        (Stages::Nothing, _) => behind_nothing(from, work, places),
        (Stages::Sync, _) => behind_functions(synchronous(from, work), work, places),
        (Stages::Async | Stages::AtOnce, _) => {
            behind_futures(awaited(from, work, stages.is_at_once()), work, places)
        }
        (Stages::Keyed, _) => {
            let keys = work.clone();
            behind_keys(synchronous(from, work).key_by(move |number| keys.key(number)), work, places)
        }
        (Stages::KeyedAtOnce, _) => {
            let (keys, values) = (work.clone(), awaited(from, work, true));
            behind_keys_at_once(values.key_by(move |number| keys.key(number)), work, places)
        }
    };
    run.with_context(|| format!("{:?} is not in the table", work.combination))
}

/// The kind of an end: whether it is in batches, awaited, and may break.
fn kind(combination: Combination) -> (End, bool, bool, bool) {
    let Combination { end, mode, body, enough, .. } = combination;
    let batched = mode.is_batched() && matches!(end, End::ForEach | End::Collect);
    (end, batched, body == Body::Async, enough == Enough::Break)
}

// The kinds that are missing here are `LeftOut` among the refusals.

fn behind_nothing<F>(from: Staged<F>, work: &Work, places: &Places) -> Option<Run>
where
    F: Upstream<Number> + Send + 'static,
{
    let own = work.clone();
    Some(match kind(work.combination) {
        (End::ForEach, false, false, false) => on::each(from, own),
        (End::ForEach, false, false, true) => on::each_until(from, own),
        (End::ForEach, false, true, false) => on::each_later(from, own),
        (End::ForEach, true, false, false) => on::each_batch(from, own),
        (End::ForEach, true, true, false) => on::each_batch_later(from, own),
        (End::ForEach, true, true, true) => on::each_batch_later_until(from, own),
        (End::Collect, false, false, false) => on::collect(from, own),
        (End::Collect, false, true, false) => on::collect_later(from, own),
        (End::Collect, false, true, true) => on::collect_later_until(from, own),
        (End::Collect, true, false, false) => on::collect_batch(from, own),
        (End::Collect, true, false, true) => on::collect_batch_until(from, own),
        (End::Collect, true, true, false) => on::collect_batch_later(from, own),
        (End::Lines, ..) => lines(from, places),
        (End::Json, ..) => json(from, places),
        (End::Csv, ..) => csv(from, places),
        _ => return of_all(from, work, places),
    })
}

fn behind_functions<F>(from: Staged<F>, work: &Work, places: &Places) -> Option<Run>
where
    F: Upstream<Number> + Send + 'static,
{
    let own = work.clone();
    Some(match kind(work.combination) {
        (End::ForEach, false, false, false) => on::each(from, own),
        (End::ForEach, false, false, true) => on::each_until(from, own),
        (End::Collect, false, false, false) => on::collect(from, own),
        (End::Collect, false, true, false) => on::collect_later(from, own),
        (End::Collect, true, false, false) => on::collect_batch(from, own),
        (End::Csv, ..) => csv(from, places),
        _ => return of_all(from, work, places),
    })
}

fn behind_futures<F>(from: Staged<F>, work: &Work, places: &Places) -> Option<Run>
where
    F: Upstream<Number> + Send + 'static,
{
    let own = work.clone();
    Some(match kind(work.combination) {
        (End::ForEach, false, false, false) => on::each(from, own),
        (End::ForEach, false, false, true) => on::each_until(from, own),
        (End::ForEach, false, true, false) => on::each_later(from, own),
        (End::Collect, false, true, false) => on::collect_later(from, own),
        (End::Collect, false, true, true) => on::collect_later_until(from, own),
        (End::Collect, true, false, false) => on::collect_batch(from, own),
        (End::Collect, true, true, false) => on::collect_batch_later(from, own),
        (End::Json, ..) => json(from, places),
        _ => return of_all(from, work, places),
    })
}

fn behind_keys<F>(from: Staged<F>, work: &Work, places: &Places) -> Option<Run>
where
    F: Upstream<Number> + Send + 'static,
{
    let own = work.clone();
    Some(match kind(work.combination) {
        (End::ForEach, false, true, false) => on::each_later(from, own),
        (End::ForEach, true, false, false) => on::each_batch(from, own),
        (End::Collect, false, false, false) => on::collect(from, own),
        (End::Collect, false, true, true) => on::collect_later_until(from, own),
        (End::Lines, ..) => lines(from, places),
        _ => return of_all(from, work, places),
    })
}

fn behind_keys_at_once<F>(from: Staged<F>, work: &Work, places: &Places) -> Option<Run>
where
    F: Upstream<Number> + Send + 'static,
{
    let own = work.clone();
    Some(match kind(work.combination) {
        (End::ForEach, false, false, false) => on::each(from, own),
        (End::ForEach, false, false, true) => on::each_until(from, own),
        (End::Collect, false, true, false) => on::collect_later(from, own),
        _ => return of_all(from, work, places),
    })
}

/// The ends that are there behind all stages.
fn of_all<F>(from: Staged<F>, work: &Work, places: &Places) -> Option<Run>
where
    F: Upstream<Number> + Send + 'static,
{
    Some(match kind(work.combination) {
        (End::Fold, _, _, false) => fold(from, work),
        (End::Fold, _, _, true) => fold_until(from, work),
        (End::List, ..) => Run::Listed(from.collect_vec().spawn()),
        (End::Pull, ..) => Run::Pulled(from.pull()),
        (End::PublishItems, ..) => {
            let queue = FlakyQueue::publishing(work, places);
            Run::Summary(from.publish_items(&queue, JOB).spawn())
        }
        (End::Forward, ..) => {
            let sink = places.tray.sink(work.combination, work.ledger.clone());
            Run::Summary(from.forward(sink).spawn())
        }
        _ => return None,
    })
}

fn lines<F: Upstream<Number> + Send + 'static>(from: Staged<F>, places: &Places) -> Run {
    Run::Summary(from.write_lines(places.written_path()).with_compression(PLAIN_TEXT).spawn())
}

fn json<F: Upstream<Number> + Send + 'static>(from: Staged<F>, places: &Places) -> Run {
    Run::Summary(from.write_json_lines(places.written_path()).with_compression(PLAIN_TEXT).spawn())
}

fn csv<F: Upstream<Number> + Send + 'static>(from: Staged<F>, places: &Places) -> Run {
    Run::Summary(from.write_csv(places.written_path()).with_compression(PLAIN_TEXT).spawn())
}

type Values = Vec<Value>;
type Init = Arc<dyn Fn() -> Values + Send + Sync>;
type Merge = Box<dyn Fn(Values, Values) -> Values + Send>;

fn init(work: &Work) -> impl Fn() -> Values + Clone + Send + Sync + use<> {
    let work = work.clone();
    let init: Init = Arc::new(move || work.init());
    move || init()
}

fn merge(work: &Work) -> Merge {
    let work = work.clone();
    Box::new(move |mut left, right| {
        work.merge();
        left.extend(right);
        left
    })
}

fn fold<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: &Work) -> Run {
    let receive = work.clone();
    let fold = move |values: &mut Values, event: Event<Number>| {
        let value = Value::from(&event);
        let _ = receive.receive(&[value], |_| {})?;
        values.push(value);
        Ok::<(), BoxError>(())
    };
    let fold = from.fold(init(work), fold, merge(work));
    let fold = if work.combination.body == Body::Blocking { fold.blocking() } else { fold };
    Run::Folded(fold.spawn())
}

fn fold_until<F: Upstream<Number> + Send + 'static>(from: Staged<F>, work: &Work) -> Run {
    let receive = work.clone();
    let fold = move |values: &mut Values, event: Event<Number>| {
        let value = Value::from(&event);
        let answer = receive.receive(&[value], |_| {});
        values.push(value);
        answer.unwrap_or(ControlFlow::Continue(()))
    };
    let fold = from.fold(init(work), fold, merge(work));
    let fold = if work.combination.body == Body::Blocking { fold.blocking() } else { fold };
    Run::Folded(fold.spawn())
}
