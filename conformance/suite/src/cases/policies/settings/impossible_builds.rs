//! Promises 3 and 4, settings of what is built before a task: limiters, circuit breakers, keyed policies,
//! intervals and orchestrators are refused then, whatever the order of their builders' calls.

use std::ops::RangeInclusive;

use crate::library::orchestra::{OrchestratorBuilder, OrchestratorError};
use crate::library::{
    BreakerWindow, CircuitBreaker, CircuitBreakerBuilder, Interval, Keyed, Limiter, LimiterBuilder,
    RetryBudget, TaskPriority,
};

use super::table::{Row, all_say, in_each_order, refusals};
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

pub async fn a_limiter_is_not_built_with_them<R: Runtime>(_: R, _: Facts) -> Outcome {
    let rows: &[Row<LimiterBuilder>] = &[
        (|limiter| limiter, ["a limiter without a limit", "`max_concurrent`", "`rate`"]),
        (|limiter| limiter.max_concurrent(0), ["`max_concurrent` of a limiter", "is 0", "at least 1"]),
        (|limiter| limiter.adaptive(0..=4), ["`adaptive` of a limiter", "is 0..=4", "from at least 1"]),
        (
            |limiter| limiter.adaptive(RangeInclusive::new(4, 2)),
            ["`adaptive` of a limiter", "is 4..=2", "whose end is not less"],
        ),
        (
            |limiter| limiter.adaptive(1..=4).max_concurrent(7),
            ["`max_concurrent(7)`", "`adaptive(1..=4)`", "set one of them"],
        ),
        (
            |limiter| limiter.max_concurrent(7).adaptive(1..=4),
            ["`max_concurrent(7)`", "`adaptive(1..=4)`", "set one of them"],
        ),
        (|limiter| limiter.rate(0, 1.seconds()), ["`rate` of a limiter", "is 0 in 1s", "at least 1"]),
        (|limiter| limiter.rate(1, Duration::ZERO), ["`rate` of a limiter", "is 1 in 0ns", "a nanosecond"]),
        (|limiter| limiter.rate(11, 10.nanos()), ["`rate` of a limiter", "is 11 in 10ns", "a nanosecond"]),
        (|limiter| limiter.ageing(Duration::ZERO), ["`ageing` of a limiter", "is 0 s", "longer than zero"]),
    ];
    let others = |limiter: LimiterBuilder| limiter.name("door").max_waiting(3);
    for &(set, parts) in rows {
        let builders = in_each_order(&Limiter::builder(), set, others);
        all_say(refusals(builders, LimiterBuilder::build)?, parts)?;
    }
    Ok(())
}

pub async fn a_circuit_breaker_is_not_built_with_them<R: Runtime>(_: R, _: Facts) -> Outcome {
    const CALLS: BreakerWindow = BreakerWindow::Calls(10);
    const FAILURES: &str = "`failure_rate` of a circuit breaker";
    const SLOW: &str = "`slow_call_rate` of a circuit breaker";
    const SHARE: &str = "more than 0 and at most 1";
    let rows: &[Row<CircuitBreakerBuilder>] = &[
        (
            |breaker| breaker.failure_threshold(0),
            ["`failure_threshold` of a circuit breaker", "is 0", "at least 1"],
        ),
        (
            |breaker| breaker.half_open_calls(0),
            ["`half_open_calls` of a circuit breaker", "is 0", "at least 1"],
        ),
        (
            |breaker| breaker.half_open_timeout(Duration::ZERO),
            ["`half_open_timeout` of a circuit breaker", "is 0 s", "longer than zero"],
        ),
        (
            |breaker| breaker.window(BreakerWindow::Calls(0)).failure_rate(0.5),
            ["`window` of a circuit breaker", "of 0 calls", "from 1 to 1000000"],
        ),
        (
            |breaker| breaker.failure_rate(0.5).window(BreakerWindow::Calls(1_000_001)),
            ["`window` of a circuit breaker", "of 1000001 calls", "from 1 to 1000000"],
        ),
        (
            |breaker| breaker.window(BreakerWindow::Time(Duration::ZERO)).failure_rate(0.5),
            ["`window` of a circuit breaker", "of 0 s", "longer than zero"],
        ),
        (
            |breaker| breaker.minimum_calls(0).window(CALLS).failure_rate(0.5),
            ["`minimum_calls` of a circuit breaker", "is 0", "at least 1"],
        ),
        (
            |breaker| breaker.window(CALLS).failure_rate(0.5).minimum_calls(11),
            ["`minimum_calls` of a circuit breaker", "is 11", "at most what its window can hold"],
        ),
        (|breaker| breaker.window(CALLS).failure_rate(0.0), [FAILURES, "is 0", SHARE]),
        (|breaker| breaker.failure_rate(f64::NAN).window(CALLS), [FAILURES, "is NaN", SHARE]),
        (|breaker| breaker.window(CALLS).slow_call_rate(1.seconds(), 1.5), [SLOW, "is 1.5", SHARE]),
        (|breaker| breaker.slow_call_rate(1.seconds(), -0.5).window(CALLS), [SLOW, "is -0.5", SHARE]),
        (
            |breaker| breaker.window(CALLS).slow_call_rate(Duration::ZERO, 0.5),
            [SLOW, "0 s", "longer than zero"],
        ),
        (|breaker| breaker.window(CALLS), ["`window`", "`failure_rate`", "`slow_call_rate`"]),
        (|breaker| breaker.failure_rate(0.5), ["`failure_rate`", "`slow_call_rate`", "`window`"]),
    ];
    let others = |breaker: CircuitBreakerBuilder| {
        breaker.name("server").open_timeout(1.seconds()).trip_if(|error| !error.is_timeout())
    };
    for &(set, parts) in rows {
        let builders = in_each_order(&CircuitBreaker::builder(), set, others);
        all_say(refusals(builders, CircuitBreakerBuilder::build)?, parts)?;
    }
    Ok(())
}

pub async fn keyed_policies_and_intervals_are_not_made_with_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let keyed = Keyed::new(0, |_: &String| Limiter::builder().max_concurrent(1).build());
    all_say([failed(keyed)?], ["`max_keys` of keyed policies", "is 0", "at least 1"])?;
    let keyed = Keyed::new(1, |_: &String| Limiter::builder().max_concurrent(0).build())?;
    all_say([failed(keyed.get("a key"))?], ["`max_concurrent` of a limiter", "is 0", "at least 1"])?;
    let interval = failed(Interval::new(&rt, Duration::ZERO))?;
    all_say([interval], ["`period` of an interval", "is 0 s", "longer than zero"])
}

pub async fn an_orchestrator_is_not_built_with_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows: &[Row<OrchestratorBuilder<R>>] = &[
        (|all| all.max_concurrency(0), ["`max_concurrency` of an orchestrator", "is 0", "at least 1"]),
        (|all| all.auto_scale(0..=4), ["`auto_scale` of an orchestrator", "is 0..=4", "from at least 1"]),
        (
            |all| all.auto_scale(RangeInclusive::new(5, 1)),
            ["`auto_scale` of an orchestrator", "is 5..=1", "whose end is not less"],
        ),
        (|all| all.ageing(Duration::ZERO), ["`ageing` of an orchestrator", "is 0 s", "longer than zero"]),
        (
            |all| all.ageing(Duration::ZERO).max_concurrency(2),
            ["`ageing` of an orchestrator", "is 0 s", "longer than zero"],
        ),
        (
            |all| all.auto_scale(1..=2).ageing(Duration::ZERO),
            ["`ageing` of an orchestrator", "is 0 s", "longer than zero"],
        ),
    ];
    let others = |all: OrchestratorBuilder<R>| {
        all.name("all").timeout(1.hours()).grace(1.hours()).default_priority(TaskPriority::Low)
    };
    for &(set, parts) in rows {
        let builders = in_each_order(&orchestra(&rt), set, others);
        let mut errors = Vec::new();
        for refusal in refusals(builders, |all| all.build())? {
            match refusal {
                OrchestratorError::Task(error) => errors.push(error),
                other => bail!("{parts:?}: {other:?}"),
            }
        }
        all_say(errors, parts)?;
    }
    Ok(())
}

pub async fn the_ends_of_their_ranges_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    Limiter::builder().max_concurrent(1).rate(1, 1.nanos()).ageing(1.nanos()).max_waiting(0).build()?;
    Limiter::builder().adaptive(1..=1).rate(u32::MAX, Duration::MAX).ageing(Duration::MAX).build()?;
    Keyed::new(1, |_: &String| CircuitBreaker::builder().failure_threshold(1).build())?.get("a key")?;
    Interval::new(&rt, 1.nanos())?.tick().await?;
    orchestra(&rt).max_concurrency(1).ageing(1.nanos()).build()?;
    orchestra(&rt).auto_scale(1..=1).ageing(Duration::MAX).build()?;
    for (tokens, ratio) in [(0, 0.0), (1, -0.0), (u32::MAX, f64::MAX)] {
        let budget = RetryBudget::new(tokens, ratio);
        let builder = AsyncTask::to::<u32>().on(&rt).retry(1).retry_budget(&budget);
        ensure!(builder.run(|| async { 7 }).await? == 7);
    }
    Ok(())
}
