//! The result of a pipeline: the value, or the error that its fault is due to end with.

use crate::library::pipeline::TooManyErrors;
use crate::library::{ChaosError, DynRuntime};

use super::super::drive::Observations;
use super::super::stages::TOO_MANY;
use super::super::table::{Body, Combination, End, Enough, Fault, Options, Policy, Source, Strategy};
use crate::kit::prelude::*;

/// An error that a fault may end its pipeline with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Parse,
    Panic,
    Failure,
    Timeout,
    Stopped,
}

/// True for an error that chaos has injected.
fn is_injected(error: &AsyncTaskError) -> bool {
    error.is_panic() || error.downcast_ref::<ChaosError>().is_some()
}

impl Kind {
    fn is(self, error: &AsyncTaskError) -> bool {
        match self {
            Self::Parse => matches!(error, AsyncTaskError::Parse { .. }),
            Self::Panic => error.is_panic(),
            Self::Failure => {
                let is_too_many = error.downcast_ref::<TooManyErrors>().is_some();
                !(error.is_panic() || error.is_timeout() || error.is_cancelled() || is_too_many)
            }
            Self::Timeout => error.is_timeout(),
            Self::Stopped => error.is_cancelled() || error.is_shutdown(),
        }
    }
}

/// The ends that are right: a value, and errors of these kinds.
struct Right {
    is_ok: bool,
    kinds: &'static [Kind],
}

const fn ok() -> Right {
    Right { is_ok: true, kinds: &[] }
}

const fn only(kinds: &'static [Kind]) -> Right {
    Right { is_ok: false, kinds }
}

const fn either(kinds: &'static [Kind]) -> Right {
    Right { is_ok: true, kinds }
}

pub(super) fn check(rt: &DynRuntime, combination: Combination, observed: &Observations) -> Outcome {
    let Some(ended) = &observed.end else {
        ensure!(combination.fault == Fault::Dropped, "no end");
        return Ok(());
    };
    let has_jobs = combination.body == Body::Blocking
        || combination.source.is_text()
        || combination.end.writes()
        || matches!(combination.options, Options::RejectsSink | Options::RejectsFile);
    ensure!(has_jobs || !observed.goes_on(), "nothing can be left that is said to go on: {ended:?}");
    let Right { is_ok, kinds } = right(rt, combination);
    let is_right = match ended {
        Ok(_) => is_ok,
        Err(error) => {
            let stops = combination.strategy == Strategy::Stop;
            let is_too_many = combination.strategy == Strategy::FailAfter
                && error.downcast_ref::<TooManyErrors>().is_some_and(|error| combination.are_too_many(error));
            // These may end it before the fault does.
            let is_policys = match combination.policy {
                Policy::Chaos => stops && is_injected(error),
                Policy::Breaker => stops && combination.rejects_rows() && error.is_circuit_open(),
                _ => false,
            };
            let is_rows = is_too_many && (combination.rejects_rows() || combination.policy == Policy::Chaos);
            is_policys || is_rows || kinds.iter().any(|kind| kind.is(error))
        }
    };
    ensure!(is_right, "it ended with {ended:?}");
    Ok(())
}

impl Combination {
    /// True if the error says a number of rejected rows that ends the pipeline. Where rows come one by one, it is the
    /// exact number.
    fn are_too_many(self, error: &TooManyErrors) -> bool {
        let is_exact = self.end.has_receiver()
            && self.most_workers() == 1
            && self.is_in_order()
            && !self.mode.is_batched()
            && !self.stages.is_at_once();
        error.rejected() == TOO_MANY || (!is_exact && error.rejected() > TOO_MANY)
    }
}

/// The right ends of `combination`, without its policy.
fn right(rt: &DynRuntime, combination: Combination) -> Right {
    use Kind::{Failure, Panic, Parse, Stopped, Timeout};
    let Combination { end, options, fault, enough, strategy, .. } = combination;
    // The rows that are picked are among the first, in source order.
    let may_be_enough = enough == Enough::Take && !combination.is_in_order();
    let of_row = |kinds| match strategy {
        Strategy::Stop if may_be_enough => either(kinds),
        Strategy::Stop => only(kinds),
        // Too many are rejected, unless only the first rows are wanted, or a whole chunk counts as one.
        Strategy::FailAfter if enough == Enough::All && end != End::Publish => only(&[]),
        _ => ok(),
    };
    let of_source = |kinds| match options {
        Options::Skip => ok(),
        _ if enough == Enough::All => only(kinds),
        // The last row that is wanted may be rejected by chance.
        _ if combination.policy == Policy::Chaos => either(kinds),
        // More is read of a queue than is needed.
        _ if combination.source == Source::Queue => either(kinds),
        // A source before it may not have been read as far as is needed.
        Options::TwoAtOnce => either(kinds),
        // It has few messages, unless its chunks are small.
        _ if end == End::Publish => either(kinds),
        _ => ok(),
    };
    let is_items = end == End::PublishItems;
    let of_sink = |kinds| if may_be_enough { either(kinds) } else { only(kinds) };
    match fault {
        Fault::Nothing => ok(),
        // Nothing is parsed, so only chance rejects a message.
        Fault::RejectsFails if end == End::Publish => either(&[Failure]),
        Fault::RejectsPanics | Fault::AskPanics if end == End::Publish => either(&[Panic]),
        _ if end == End::Publish && combination.has_bad_rows() => ok(),
        Fault::BadRows => of_row(&[Parse]),
        Fault::ParsePanics | Fault::StagePanics => of_row(&[Panic]),
        Fault::StageFails => of_row(&[Failure]),
        Fault::KeyPanics if combination.fate(5) != super::expected::Fate::Rejected => ok(),
        Fault::KeyPanics => of_row(&[Panic]),
        // As many events as are wanted may be in fewer messages.
        Fault::ReceiverFails if is_items && enough == Enough::Take => either(&[Failure]),
        Fault::ReceiverPanics if is_items && enough == Enough::Take => either(&[Panic]),
        Fault::ReceiverFails if is_items => only(&[Failure]),
        Fault::ReceiverPanics if is_items => only(&[Panic]),
        Fault::ReceiverFails if end == End::Forward => of_sink(&[Failure]),
        Fault::ReceiverPanics if end == End::Forward => of_sink(&[Panic]),
        Fault::ReceiverFails | Fault::FailsOnce | Fault::TextFails => of_row(&[Failure]),
        Fault::ReceiverPanics | Fault::TextPanics => of_row(&[Panic]),
        Fault::ClonePanics => ok(),
        Fault::Hangs => of_row(&[Timeout]),
        Fault::SourceFails => of_source(&[Failure]),
        Fault::SourcePanics => of_source(&[Panic]),
        Fault::HeaderFails | Fault::HeaderPanics => only(&[Failure]),
        Fault::SenderPanics | Fault::ProgressPanics | Fault::InitPanics => only(&[Panic]),
        // The rejected row may be the error as well.
        Fault::RejectsFails => of_sink(&[Parse, Failure]),
        Fault::RejectsPanics => of_sink(&[Parse, Panic]),
        Fault::AskPanics => of_sink(&[Panic]),
        // One worker has the only value.
        Fault::MergePanics => either(&[Panic]),
        Fault::HandlerPanics => only(&[Panic]),
        Fault::CloseFails => only(&[Failure]),
        // The pipeline may end before the request.
        Fault::Graceful | Fault::Kill | Fault::KillHard | Fault::Shutdown => either(&[Stopped]),
        // Here too the pipeline may end first where threads run in parallel: a limit is noticed only when the
        // pipeline is polled.
        Fault::Timeout if combination.is_slow() || rt.name() != "sim" => either(&[Timeout]),
        Fault::Timeout => only(&[Timeout]),
        // As many events were pulled as were to be taken, before it was dropped.
        Fault::Dropped if end == End::Pull && enough == Enough::Take => ok(),
        Fault::Dropped => only(&[]),
    }
}
