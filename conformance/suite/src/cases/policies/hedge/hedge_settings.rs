//! Recovery, settings of hedges: impossible ones are refused before any attempt.

use crate::library::{Hedge, HedgeBudget, Schedule};

use super::hedges::broken;
use crate::cases::restarts::Calls;
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

pub async fn impossible_ones_are_refused_with_their_value_and_range<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let percent = |percent: f64| Hedge::after(1.millis()).budget(&HedgeBudget::percent(percent));
    let all = orchestra(&rt).build()?;
    // The first run would be in an hour; the error comes at once.
    let later = || Schedule::every(1.hours()).starting_after(1.hours());
    for (hedge, text) in [
        (Hedge::after(1.millis()).at_most(0), "`at_most(0)` of a `Hedge`: it must permit at least 1"),
        (percent(0.0), "of 0 per cent of the calls: it must be above 0, and at most 100"),
        (percent(-1.0), "of -1 per cent of the calls: it must be above 0, and at most 100"),
        (percent(100.5), "of 100.5 per cent of the calls: it must be above 0, and at most 100"),
        (percent(f64::NAN), "of NaN per cent of the calls: it must be above 0, and at most 100"),
        (percent(f64::INFINITY), "of inf per cent of the calls: it must be above 0, and at most 100"),
    ] {
        let calls = Calls::default();
        let builder = || AsyncTask::to::<u32>().on(&rt).hedge(hedge.clone());
        for (way, error) in [
            ("run", failed(builder().run(broken(&calls)).await)?),
            ("spawn", failed(builder().spawn(broken(&calls)).await)?),
            ("retried", failed(builder().retry(3).run(broken(&calls)).await)?),
            ("of an orchestra", failed(builder().orchestrator(&all).run(broken(&calls)).await)?),
            ("repeated", failed(builder().repeat(later()).spawn(broken(&calls)).await)?),
            ("alone", failed(hedge.apply_on(&rt, broken(&calls)).await)?),
        ] {
            ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{way}, {hedge:?}: {error:?}");
            ensure!(error.to_string().contains(text), "{way}: {error}");
        }
        ensure!(calls.made() == 0, "{hedge:?}: {} calls", calls.made());
    }
    Ok(())
}

pub async fn a_hedge_is_a_value_that_can_be_read<R: Runtime>(_: R, _: Facts) -> Outcome {
    let hedge = Hedge::after(50.millis());
    ensure!((hedge.delay(), hedge.max_hedges()) == (50.millis(), 1));
    let more = hedge.clone().at_most(4).budget(&HedgeBudget::percent(10.0));
    ensure!((more.delay(), more.max_hedges(), hedge.max_hedges()) == (50.millis(), 4, 1));
    let text = format!("{more:?}");
    ensure!(text.contains("50ms") && text.contains("10.0"), "{text}");
    Ok(())
}
