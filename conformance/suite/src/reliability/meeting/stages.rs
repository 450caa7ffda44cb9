//! The pipelines of the table up to their ends: the settings and the sender of a combination, and the stages of
//! each kind.

use crate::library::pipeline::internals::{Extend, Upstream};
use crate::library::pipeline::{
    ErrorAction, PipelineBuilder, PipelineSender, ReceiverStrategy, Rejects, SourceErrorStrategy, Sources,
};
use crate::library::{BoxError, Chaos, DynRuntime, Retry, RetryStrategy};

use super::input::Input;
use super::number::Number;
use super::places::Places;
use super::table::{Combination, Enough, Fault, Mode, Options, Policy, Strategy, Workers};
use super::work::Work;
use crate::kit::explode;
use crate::kit::prelude::*;

/// A limit on the whole that passes while functions that are awaited are at work.
const LIMIT: Duration = Duration::from_millis(5);

/// The number of events that are taken, where not all are.
pub(super) const TAKEN: u64 = 7;

/// The number of rejected rows that are too many.
pub(super) const TOO_MANY: u64 = 2;

/// The number of events that come in each [`PERIOD`], where there is a rate.
const EVENTS: u32 = 10;

/// See [`EVENTS`].
const PERIOD: Duration = Duration::from_micros(100);

/// The number of rows whose stages one worker runs at the same time.
const AT_ONCE: usize = 3;

type Sender = Box<dyn FnOnce(&mut Sources<Number>) + Send>;

/// A pipeline up to its sender.
pub(super) type Sending = PipelineSender<Number, DynRuntime, Sender>;

type Builder = PipelineBuilder<Number, DynRuntime>;

/// The pipeline of `work` up to its sender.
pub(super) fn sender(work: &Work, input: Input, places: &Places) -> Sending {
    let Combination { enough, mode, workers, .. } = work.combination;
    let builder = AsyncTask::emits::<Number>().on(&work.rt);
    let builder = with_strategy(builder, work);
    let builder = with_policy(builder, work.combination, places);
    let builder = with_options(builder, work, places);
    let most = if workers == Workers::One { 1 } else { 4 };
    let builder = match mode {
        Mode::Adaptive => builder.receiver_strategy(ReceiverStrategy::Adaptive { min: 1, max: most }),
        _ => builder.workers(most),
    };
    let builder = match mode {
        Mode::Ordered => builder.ordered(),
        Mode::Sequence => builder.sequence(),
        _ => builder,
    };
    let sender: PipelineSender<_, _, Sender> = builder.sender(Box::new(|sources| input.add(sources)));
    if enough == Enough::Take { sender.take(TAKEN) } else { sender }
}

fn with_strategy(builder: Builder, work: &Work) -> Builder {
    let Combination { strategy, fault, .. } = work.combination;
    match strategy {
        Strategy::Stop => builder,
        Strategy::Continue => builder.on_error(ErrorStrategy::ContinueOnError),
        Strategy::FailAfter => builder.on_error(ErrorStrategy::ContinueOnError).fail_after(TOO_MANY),
        Strategy::Retry => {
            let retry = Retry::new(2).backoff(RetryStrategy::Fixed { delay: Duration::from_micros(10) });
            builder.on_error(ErrorStrategy::retry_with(retry))
        }
        Strategy::Ask => {
            let ledger = work.ledger.clone();
            builder.on_error(ErrorStrategy::custom(move |_| {
                ledger.called();
                if fault == Fault::AskPanics { explode("the strategy panics") } else { ErrorAction::Reject }
            }))
        }
    }
}

fn with_policy(builder: Builder, combination: Combination, places: &Places) -> Builder {
    match combination.policy {
        Policy::Nothing => builder,
        // Far beyond what any call takes, unless it hangs.
        Policy::EventTimeout if combination.fault != Fault::Hangs => builder.event_timeout(10.seconds()),
        Policy::EventTimeout => builder.event_timeout(1.millis()),
        Policy::Breaker => builder.event_circuit_breaker(&places.breaker),
        Policy::Limiter => builder.event_limiter(&places.limiter),
        Policy::Rate => builder.rate_limit(EVENTS, PERIOD),
        Policy::Chaos => {
            builder.chaos(Chaos::new().failure(0.1).panic(0.05).latency(0.1, Duration::from_micros(20)))
        }
    }
}

fn with_options(builder: Builder, work: &Work, places: &Places) -> Builder {
    let Combination { options, fault, .. } = work.combination;
    let ledger = work.ledger.clone();
    let builder = match options {
        Options::Skip => builder.on_source_error(SourceErrorStrategy::Skip),
        Options::TwoAtOnce => builder.with_concurrency(2),
        Options::RejectsFile => builder.rejects_to(places.rejects_path()),
        Options::RejectsSink => {
            let rejects = places.rejects.clone();
            builder.rejects_to(Rejects::sink(move |row| {
                ledger.called();
                match fault {
                    Fault::RejectsFails => return Err(BoxError::from("the sink is full")),
                    Fault::RejectsPanics => explode("the sink of rejected rows panics"),
                    _ => rejects.push(row.sequence(), row.rows()),
                }
                Ok(())
            }))
        }
        _ => builder,
    };
    let ledger = work.ledger.clone();
    match fault {
        Fault::ProgressPanics => builder.on_progress(move |_| {
            ledger.called();
            explode::<()>("the progress panics");
        }),
        Fault::Timeout if work.combination.is_slow() => builder.with_timeout(LIMIT),
        Fault::Timeout => builder.with_timeout(Duration::ZERO),
        _ => builder,
    }
}

impl Combination {
    /// True if its functions take the time of a [nap](Work::pause) where the limit on the whole is to pass.
    pub(super) fn is_slow(self) -> bool {
        self.body == super::table::Body::Async || self.stages.is_awaited()
    }
}

/// All synchronous stages.
pub(super) fn synchronous(
    from: Sending,
    work: &Work,
) -> PipelineSender<Number, DynRuntime, impl Upstream<Number, Chain: Extend, Sender: Send> + Send + use<>> {
    let [map, try_map, keep, look, spread] = [(); 5].map(|()| work.clone());
    from.map(move |number| map.map(number))
        .try_map(move |number| try_map.try_map(number))
        .filter(move |number| keep.keeps(number))
        .inspect(move |number| look.looks(number))
        .flat_map(move |number| spread.spread(number))
}

/// All asynchronous stages. With `at_once`, one worker runs them for several rows at the same time.
pub(super) fn awaited(
    from: Sending,
    work: &Work,
    at_once: bool,
) -> PipelineSender<Number, DynRuntime, impl Upstream<Number, Chain: Extend, Sender: Send> + Send + use<>> {
    let [map, try_map, keep, look, spread] = [(); 5].map(|()| work.clone());
    let awaited = from
        .map_async(move |number: Number| {
            let work = map.clone();
            async move {
                let number = work.map(number);
                yield_now().await;
                number
            }
        })
        .try_map_async(move |number: Number| {
            let work = try_map.clone();
            async move {
                work.pause(number.row()).await;
                work.try_map(number)
            }
        })
        .filter_async(move |number: &Number| {
            let keeps = keep.keeps(number);
            async move {
                yield_now().await;
                keeps
            }
        })
        .inspect_async(move |number: &Number| {
            look.looks(number);
            yield_now()
        })
        .flat_map_async(move |number: Number| {
            let work = spread.clone();
            async move {
                yield_now().await;
                work.spread(number)
            }
        });
    if at_once { awaited.concurrent(AT_ONCE) } else { awaited }
}
