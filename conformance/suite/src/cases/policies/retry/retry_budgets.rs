//! Recovery, retry budget: tasks that share a budget have no more retries together than it permits.

use crate::library::{AsyncTaskError as Error, RetryBudget, RetryStrategy};

use super::retries::{after, exhausted};
use crate::cases::restarts::Calls;
use crate::kit::explode;
use crate::kit::prelude::*;

/// Runs work that fails `failures` times, with enough retries of its own. Returns its result and the number
/// of attempts.
async fn tried<R: Runtime>(rt: &R, budget: &RetryBudget, failures: u32) -> (Result<u32, Error>, u32) {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(rt).retry(100).backoff(RetryStrategy::Immediate);
    let task = builder.retry_budget(budget).spawn(move || {
        let calls = counted.clone();
        async move { after(failures, &calls) }
    });
    (task.await, calls.made())
}

pub async fn failing_work_is_retried_down_to_half_of_the_budget<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let budget = RetryBudget::new(6, 0.5);
    ensure!(budget.tokens() == 6.0 && budget.permits());
    // Two of its failures leave more than half.
    let (result, attempts) = tried(&rt, &budget, u32::MAX).await;
    ensure!(exhausted(result)?.attempts() == 3 && attempts == 3);
    ensure!(budget.tokens() == 3.0 && !budget.permits());
    // A failure from now on is not retried, and so the error is the work's own.
    let (result, attempts) = tried(&rt, &budget.clone(), u32::MAX).await;
    ensure!(failed(result)?.is_failure() && attempts == 1 && budget.tokens() == 2.0);
    for _ in 0..4 {
        tried(&rt, &budget, u32::MAX).await.0.err().context("it fails")?;
    }
    ensure!(budget.tokens() == 0.0, "there is no less than nothing");
    Ok(())
}

pub async fn successes_return_tokens_that_permit_retries_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let budget = RetryBudget::new(4, 0.5);
    let (result, _) = tried(&rt, &budget, u32::MAX).await;
    result.err().context("it fails")?;
    ensure!(budget.tokens() == 2.0 && !budget.permits());
    for tokens in [2.5, 3.0, 3.5] {
        ensure!(tried(&rt, &budget, 0).await.0? == 1 && budget.tokens() == tokens, "{budget:?}");
    }
    let (result, attempts) = tried(&rt, &budget, 1).await;
    ensure!(result? == 2 && attempts == 2 && budget.tokens() == 3.0);
    for _ in 0..10 {
        tried(&rt, &budget, 0).await.0?;
    }
    ensure!(budget.tokens() == 4.0, "never more than at first");
    Ok(())
}

pub async fn errors_that_are_not_retried_cost_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let budget = RetryBudget::new(10, 1.0);
    let builder = AsyncTask::to::<()>().on(&rt).retry(5).retry_budget(&budget);
    ensure!(failed(builder.clone().run(|| async { explode::<()>("a panic") }).await)?.is_panic());
    let task = builder.clone().spawn(pending::<()>);
    task.cancel(CancelLevel::Kill).await;
    let mended = builder.retry_if(|_| false).run(|| async { Err::<(), _>("no use") });
    ensure!(failed(mended.await)?.is_failure());
    ensure!(budget.tokens() == 10.0);
    Ok(())
}

pub async fn concurrent_tasks_have_no_more_retries_together<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // Four failures leave more than half. With threads, the last of them may be seen as one too many.
    let budget = RetryBudget::new(10, 0.0);
    let calls = Calls::default();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let counted = calls.clone();
            let builder = AsyncTask::to::<()>().on(&rt).retry(100).backoff(RetryStrategy::Immediate);
            builder.retry_budget(&budget).spawn(move || {
                counted.next();
                async { Err::<(), _>("an attempt") }
            })
        })
        .collect();
    for task in tasks {
        failed(task.await)?;
    }
    let retries = calls.made() - 16;
    ensure!(retries <= 4 && (!at.virtual_time || retries == 4), "{retries} retries");
    ensure!(budget.tokens() == 0.0);
    Ok(())
}
