//! Recovery, hedge budgets: no more than a share of the calls is hedged, however many are slow.

use crate::library::{Hedge, HedgeBudget, RetryStrategy};

use super::hedges::{broken, stuck};
use crate::cases::restarts::Calls;
use crate::kit::prelude::*;

/// Calls work of which the first attempt never ends if there may be a second, and is slow otherwise. True if
/// there was a second. A call pays `share` of a token.
async fn is_hedged<R: Runtime>(rt: &R, budget: &HedgeBudget, share: f64) -> Result<bool, Failure> {
    let calls = Calls::default();
    let may_have_second = budget.tokens() + share >= 1.0;
    let work = stuck(rt, &calls, u32::from(may_have_second), 5.millis());
    let hedge = Hedge::after(1.millis()).at_most(3).budget(budget);
    let attempt = AsyncTask::to::<u32>().on(rt).hedge(hedge).spawn(work).await?;
    ensure!(calls.made() == attempt, "{} attempts, and {attempt} has won", calls.made());
    Ok(attempt == 2)
}

pub async fn it_is_used_up_and_filled_by_calls<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Every second call pays for one hedge.
    let budget = HedgeBudget::percent(50.0);
    for round in 0..5 {
        ensure!(!is_hedged(&rt, &budget, 0.5).await?, "round {round}: nothing was left");
        ensure!(budget.tokens() == 0.5, "{budget:?}");
        ensure!(is_hedged(&rt, &budget, 0.5).await?, "round {round}: two calls have paid");
        ensure!(budget.tokens() == 0.0, "{budget:?}");
    }
    Ok(())
}

pub async fn at_a_hundred_per_cent_each_call_pays_for_itself<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let budget = HedgeBudget::percent(100.0);
    for _ in 0..5 {
        ensure!(is_hedged(&rt, &budget, 1.0).await? && budget.tokens() == 0.0, "{budget:?}");
    }
    // A second attempt beside the first has no token.
    let calls = Calls::default();
    let hedge = Hedge::after(Duration::ZERO).at_most(9).budget(&budget);
    let mut run = Box::pin(AsyncTask::to::<u32>().on(&rt).hedge(hedge).run(stuck(
        &rt,
        &calls,
        u32::MAX,
        Duration::ZERO,
    )));
    ensure!(poll_once(&mut run).await.is_none() && calls.made() == 2, "{} attempts", calls.made());
    Ok(())
}

pub async fn it_is_shared_by_all_that_have_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let budget = HedgeBudget::percent(25.0);
    let (calls, further) = (Calls::default(), Calls::default());
    let mut runs = Vec::new();
    for _ in 0..40 {
        let counted = further.clone();
        let hedge = Hedge::after(Duration::ZERO).budget(&budget.clone());
        let hedge = hedge.on_hedge(move |_| {
            counted.next();
        });
        let work = stuck(&rt, &calls, u32::MAX, Duration::ZERO);
        let mut run = Box::pin(AsyncTask::to::<u32>().on(&rt).hedge(hedge).run(work));
        ensure!(poll_once(&mut run).await.is_none());
        runs.push(run);
    }
    // A quarter of 40 calls.
    ensure!(further.made() == 10 && calls.made() == 50, "{} hedges", further.made());
    Ok(())
}

pub async fn without_a_token_an_early_failure_is_the_result<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let budget = HedgeBudget::percent(50.0);
    let hedge = Hedge::after(1.hours()).budget(&budget);
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(hedge);
    for (attempts, left) in [(1, 0.5), (2, 0.0)] {
        let calls = Calls::default();
        let error = failed(builder.clone().run(broken(&calls)).await)?;
        ensure!(calls.made() == attempts && budget.tokens() == left, "{budget:?}");
        ensure!(error.is_retries_exhausted() == (attempts == 2), "{error:?}");
    }
    Ok(())
}

pub async fn each_round_pays<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (budget, calls) = (HedgeBudget::percent(50.0), Calls::default());
    let hedge = Hedge::after(1.hours()).budget(&budget);
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(hedge).retry(3).backoff(RetryStrategy::Immediate);
    // Rounds of one attempt, two, one, and two.
    ensure!(failed(builder.run(broken(&calls)).await)?.is_retries_exhausted());
    ensure!(calls.made() == 6 && budget.tokens() == 0.0, "{} attempts", calls.made());
    Ok(())
}
