//! The combinations that cannot exist, rule by rule: those for which there is no program, and those that are
//! refused when they start.

use super::table::{Body, Combination, End, Enough, Fault, Mode, Options, Policy, Source, Stages, Strategy};

/// The way in which a combination that cannot exist is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not compile, or the fault has no place in it.
    Type(&'static str),
    /// It compiles, and is `InvalidConfig` with this text when it starts.
    Config(&'static str),
    /// It exists, and is not in the table: each receiver that the compiler makes for each kind of stages takes
    /// time, and each pair of its features is in another combination.
    LeftOut,
}

/// A rule: the combinations that it is about, and their refusal.
pub(super) struct Rule {
    pub(super) refuses: fn(Combination) -> bool,
    pub(super) how: Refusal,
}

const fn no_program(refuses: fn(Combination) -> bool, why: &'static str) -> Rule {
    Rule { refuses, how: Refusal::Type(why) }
}

const fn config(refuses: fn(Combination) -> bool, text: &'static str) -> Rule {
    Rule { refuses, how: Refusal::Config(text) }
}

/// All rules. Of one combination the first that is no `Config` decides.
pub(super) const RULES: &[Rule] = &[
    // Programs that do not compile.
    no_program(
        |c| c.mode.is_batched() && !matches!(c.end, End::ForEach | End::Collect),
        "batches are for receivers: `batched` has no other end",
    ),
    no_program(|c| c.end == End::Fold && c.body == Body::Async, "the function of a fold is synchronous"),
    no_program(
        |c| !c.end.has_receiver() && c.body != Body::Async,
        "it has no receiver that could be synchronous",
    ),
    no_program(|c| c.end == End::Publish && c.stages.has_stages(), "text is published as it was read"),
    no_program(|c| c.enough == Enough::Break && !c.end.has_receiver(), "it has no receiver that could break"),
    no_program(
        |c| c.enough == Enough::Break && matches!(c.fault, Fault::ReceiverFails | Fault::FailsOnce),
        "a receiver returns an error or a `ControlFlow`, and not both",
    ),
    no_program(
        |c| matches!(c.options, Options::Range | Options::SmallChunks) && !c.source.is_text(),
        "`skip_rows`, `max_rows` and `with_max_chunk` are options of text",
    ),
    no_program(|c| c.options == Options::Header && !c.source.has_header(), "`on_header` is an option of CSV"),
    // Faults that have no place.
    no_program(
        |c| matches!(c.fault, Fault::BadRows | Fault::ParsePanics) && c.source.is_typed(),
        "a value needs no parsing",
    ),
    no_program(
        |c| c.fault == Fault::SourceFails && c.source.is_typed(),
        "iterators and streams have no errors",
    ),
    no_program(
        |c| c.fault == Fault::SourcePanics && c.source == Source::Channel,
        "a channel runs no code of the user's",
    ),
    no_program(
        |c| matches!(c.fault, Fault::HeaderFails | Fault::HeaderPanics) && c.options != Options::Header,
        "no function sees the header",
    ),
    no_program(
        |c| matches!(c.fault, Fault::StageFails | Fault::StagePanics) && !c.stages.has_stages(),
        "there are no stages",
    ),
    no_program(|c| c.fault == Fault::KeyPanics && !c.stages.has_keys(), "there are no keys"),
    no_program(
        |c| {
            let is_receivers =
                matches!(c.fault, Fault::ReceiverFails | Fault::ReceiverPanics | Fault::FailsOnce);
            is_receivers && (matches!(c.end, End::Pull | End::List) || c.end.writes())
        },
        "it calls no function of the user's",
    ),
    no_program(
        |c| matches!(c.fault, Fault::TextFails | Fault::TextPanics) && !c.end.makes_text(),
        "no value becomes text",
    ),
    no_program(
        |c| c.fault == Fault::FailsOnce && !has_calls(c),
        "nothing is tried again: an error of a sink, or of a queue that values are published into, ends it",
    ),
    no_program(|c| c.fault == Fault::ClonePanics && c.strategy != Strategy::Retry, "nothing is cloned"),
    no_program(|c| c.fault == Fault::Hangs && c.policy != Policy::EventTimeout, "nothing would end it"),
    no_program(|c| c.fault == Fault::Hangs && c.end == End::Publish, "the queue answers at once"),
    no_program(
        |c| {
            let is_sinks = matches!(c.fault, Fault::RejectsFails | Fault::RejectsPanics);
            is_sinks && (c.options != Options::RejectsSink || c.source.is_typed())
        },
        "no function gets rejected rows",
    ),
    no_program(
        |c| c.fault == Fault::AskPanics && (c.strategy != Strategy::Ask || c.source.is_typed()),
        "no function is asked about rejected rows",
    ),
    no_program(
        |c| matches!(c.fault, Fault::InitPanics | Fault::MergePanics) && c.end != End::Fold,
        "nothing is folded",
    ),
    no_program(|c| c.fault == Fault::HandlerPanics && c.end != End::Collect, "it has no final handler"),
    no_program(|c| c.fault == Fault::CloseFails && c.end != End::Forward, "nothing is closed"),
    Rule { refuses: |c| !is_built(c), how: Refusal::LeftOut },
    // Two queues are two jobs, each with leases and ends of its own.
    Rule { refuses: |c| c.source == Source::Queue && c.options.has_two_sources(), how: Refusal::LeftOut },
    // Pipelines that are refused at the start.
    config(
        |c| c.strategy == Strategy::Retry && !has_calls(c),
        "a pulled pipeline has no receiver to call again",
    ),
    config(
        |c| matches!(c.policy, Policy::Breaker | Policy::Limiter | Policy::Chaos) && !has_calls(c),
        "a pulled pipeline has no receiver whose calls",
    ),
    config(
        |c| {
            let can_be_timed = c.awaits_receiver() || c.end == End::Publish || c.stages.is_awaited();
            c.policy == Policy::EventTimeout && !can_be_timed
        },
        "event_timeout needs an asynchronous receiver or stage",
    ),
    config(
        |c| {
            let is_around_whole = matches!(c.policy, Policy::Breaker | Policy::Limiter);
            let takes_turns = c.most_workers() > 1 && (c.stages.has_keys() || c.mode == Mode::Ordered);
            let is_ahead = c.stages.is_at_once() || takes_turns;
            is_around_whole && c.stages.has_stages() && !c.mode.is_batched() && is_ahead
        },
        "ahead of the receiver's calls",
    ),
    config(|c| c.stages.has_keys() && c.mode == Mode::Ordered, "key_by keeps the source order of each key"),
    config(|c| c.stages.has_keys() && c.mode.is_batched(), "key_by does not order batches"),
    config(|c| c.stages.has_stages() && c.enough == Enough::Take, "`take` counts the events of rows"),
    config(
        |c| c.stages.has_stages() && c.mode.is_batched() && c.strategy == Strategy::Retry,
        "a batch of values that stages have made cannot be retried",
    ),
    config(
        |c| c.source == Source::Queue && (c.end == End::Pull || c.end.writes()),
        "a pulled pipeline reads no queue",
    ),
    config(|c| c.end == End::Publish && !c.source.is_text(), "cannot be published"),
];

/// True if the end has calls that policies can be around.
fn has_calls(c: Combination) -> bool {
    c.end.has_receiver() || c.end == End::Publish
}

/// True if the table has a receiver of this kind behind these stages.
fn is_built(c: Combination) -> bool {
    let is_async = c.body == Body::Async;
    // Without stages every kind is there, and some of those that break.
    match (c.stages, c.end, c.enough == Enough::Break, c.mode.is_batched()) {
        (_, End::Fold | End::Pull | End::Publish | End::PublishItems, _, _) => true,
        (_, End::List | End::Forward, _, _) => true,
        (Stages::Nothing, End::ForEach | End::Collect, false, _) => true,
        (Stages::Nothing, End::ForEach, true, batched) => is_async == batched,
        (Stages::Nothing, End::Collect, true, batched) => is_async != batched,
        (Stages::Sync, End::ForEach, false, false) => !is_async,
        (Stages::Sync, End::Collect, false, batched) => !batched || !is_async,
        (Stages::Sync, End::ForEach, true, false) => !is_async,
        (Stages::Async | Stages::AtOnce, End::ForEach, false, false) => true,
        (Stages::Async | Stages::AtOnce, End::Collect, false, batched) => batched || is_async,
        (Stages::Async | Stages::AtOnce, End::ForEach, true, false) => !is_async,
        (Stages::Async | Stages::AtOnce, End::Collect, true, false) => is_async,
        (Stages::Keyed, End::ForEach, false, batched) => is_async != batched,
        (Stages::Keyed, End::Collect, false, false) => !is_async,
        (Stages::Keyed, End::Collect, true, false) => is_async,
        (Stages::KeyedAtOnce, End::ForEach, _, false) => !is_async,
        (Stages::KeyedAtOnce, End::Collect, false, false) => is_async,
        (Stages::Nothing, End::Lines | End::Json | End::Csv, _, _) => true,
        (Stages::Sync, End::Csv, _, _) => true,
        (Stages::Async | Stages::AtOnce, End::Json, _, _) => true,
        (Stages::Keyed, End::Lines, _, _) => true,
        _ => false,
    }
}

impl Combination {
    /// The refusal of this combination, if it has one.
    pub(super) fn refusal(self) -> Option<Refusal> {
        let mut config = None;
        for Rule { refuses, how } in RULES {
            if refuses(self) {
                match how {
                    Refusal::Config(_) => config = config.or(Some(*how)),
                    other => return Some(*other),
                }
            }
        }
        config
    }

    /// The texts with which it may be refused when it starts.
    pub(super) fn refused_with(self) -> impl Iterator<Item = &'static str> {
        RULES.iter().filter(move |rule| (rule.refuses)(self)).filter_map(|rule| match rule.how {
            Refusal::Config(text) => Some(text),
            _ => None,
        })
    }
}
