//! Promises 3 and 4, settings of tasks: settings of retries, budgets, chaos, supervision and schedules are
//! checked when the work starts, in place or spawned, whatever the order of its builder's calls.

use crate::library::{
    BoxError, Chaos, CircuitBreaker, Jitter, Limiter, MissedTicks, OnFailure, RestartPolicy, Retry,
    RetryBudget, RetryStrategy, Schedule, TaskPriority,
};

use super::table::{Parts, all_say};
use crate::cases::restarts::Calls;
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

fn exponential(factor: f64) -> RetryStrategy {
    RetryStrategy::Exponential { base: 1.millis(), factor, max: 1.millis() }
}

/// Retries and chaos, of which one has an impossible value.
fn wrong_policies() -> Vec<(Retry, Chaos, Parts)> {
    let mut rows = Vec::new();
    for (factor, value) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-2.0, "-2"), (0.999, "0.999")] {
        let retry = Retry::new(3).backoff(exponential(factor));
        rows.push((retry, Chaos::new(), ["factor", value, "finite, and at least 1"]));
    }
    for (ratio, value) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-0.1, "-0.1")] {
        for tokens in [0, 10] {
            let retry = Retry::new(3).budget(&RetryBudget::new(tokens, ratio));
            let parts = ["`token_ratio` of a retry budget", value, "finite, and at least 0"];
            rows.push((retry, Chaos::new(), parts));
        }
    }
    for (rate, value) in [(f64::NAN, "NaN"), (1.1, "1.1"), (-0.1, "-0.1")] {
        for (setting, chaos) in [
            ("`latency` rate", Chaos::new().latency(rate, 1.millis())),
            ("`panic` rate", Chaos::new().panic(rate)),
            ("`failure` rate", Chaos::new().failure(rate)),
            ("`failure` rate", Chaos::new().failure_with(rate, || "an error")),
        ] {
            rows.push((Retry::new(3), chaos, [setting, value, "from 0.0 to 1.0"]));
        }
    }
    rows
}

async fn succeed() -> Result<u32, BoxError> {
    Ok(1)
}

pub async fn a_task_refuses_them_in_each_order_and_each_way_to_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    let breaker = CircuitBreaker::builder().build()?;
    let limiter = Limiter::builder().max_concurrent(1).build()?;
    let spawns = Limiter::builder().max_concurrent(1).build()?;
    let calls = Calls::default();
    let work = || {
        let calls = calls.clone();
        move || {
            let calls = calls.clone();
            async move { calls.next() }
        }
    };
    // The first run would be in an hour; the error comes at once.
    let later = || Schedule::every(1.hours()).starting_after(1.hours());
    let begun = rt.now();
    for (retry, chaos, parts) in wrong_policies() {
        let first = AsyncTask::to::<u32>().on(&rt).retry_as(retry.clone()).chaos(chaos.clone());
        let first = first.name("first").timeout(2.hours()).attempt_timeout(2.hours()).grace(2.hours());
        let first = first.priority(TaskPriority::High).circuit_breaker(&breaker).limiter(&limiter);
        let last = AsyncTask::to::<u32>().on(&rt).limiter(&limiter).circuit_breaker(&breaker);
        let last = last.priority(TaskPriority::High).grace(2.hours()).attempt_timeout(2.hours());
        let last = last.timeout(2.hours()).name("last").chaos(chaos.clone()).retry_as(retry.clone());
        let mut errors = Vec::new();
        for builder in [first, last] {
            errors.extend([
                failed(builder.clone().run(work()).await)?,
                failed(builder.clone().spawn(work()).await)?,
                failed(builder.clone().spawn_in(&spawns, work()).await)?,
                failed(builder.clone().orchestrator(&all).run(work()).await)?,
                failed(builder.clone().repeat(later()).run(work()).await)?,
                failed(builder.repeat(later()).spawn(work()).await)?,
            ]);
        }
        // One of the two is right, and lets its work succeed.
        let alone = [retry.apply_on(&rt, succeed).await, chaos.apply_on(&rt, succeed).await];
        errors.extend(alone.into_iter().filter_map(Result::err));
        ensure!(errors.len() == 13, "{parts:?}: {errors:?}");
        all_say(errors, parts)?;
    }
    ensure!(calls.made() == 0, "the work was called");
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0));
    ensure!(rt.now().saturating_duration_since(begun) < 1.hours());
    Ok(())
}

pub async fn supervised_work_refuses_them_before_its_first_call<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let once = RestartPolicy { intensity: 1, period: Duration::MAX };
    let never = RestartPolicy { period: Duration::ZERO, ..once };
    let rows: [(RestartPolicy, RetryStrategy, Chaos, Parts); 3] = [
        (never, exponential(1.0), Chaos::new(), ["`period` of a `RestartPolicy`", "0 s", "longer than zero"]),
        (once, exponential(f64::NAN), Chaos::new(), ["factor", "NaN", "finite, and at least 1"]),
        (once, exponential(1.0), Chaos::new().panic(2.0), ["`panic` rate", "2", "from 0.0 to 1.0"]),
    ];
    let calls = Calls::default();
    for (policy, strategy, chaos, parts) in rows {
        let task = || AsyncTask::to::<u32>().on(&rt);
        let first = task().chaos(chaos.clone()).name("first").timeout(1.hours());
        let last = task().timeout(1.hours()).name("last").chaos(chaos);
        let mut errors = Vec::new();
        for builder in [first, last] {
            let supervised = builder.supervise(policy);
            for supervised in [
                supervised.clone().backoff(strategy).jitter(Jitter::None),
                supervised.jitter(Jitter::None).backoff(strategy),
            ] {
                let counted = calls.clone();
                let task = supervised.spawn(move || {
                    let calls = counted.clone();
                    async move { calls.next() }
                });
                errors.push(failed(task.await)?);
            }
        }
        all_say(errors, parts)?;
    }
    ensure!(calls.made() == 0, "the work was called");
    Ok(())
}

pub async fn repeated_work_refuses_them_before_its_first_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let wrong = || Schedule::every(Duration::ZERO);
    let right = || Schedule::every(1.seconds());
    let rows: [(Vec<Schedule>, Parts); 2] = [
        (
            vec![
                wrong(),
                wrong().take(0),
                wrong().jitter(1.seconds()).starting_after(1.hours()),
                right().union(wrong()),
                wrong().union(right()).lasting(1.hours()),
            ],
            ["`every` of a schedule", "0 s", "longer than zero"],
        ),
        (
            vec![
                right().overlapping(0),
                right().overlapping(0).take(1).missed(MissedTicks::Burst),
                right().missed(MissedTicks::Burst).lasting(1.hours()).overlapping(0),
                right().overlapping(0).union(right()),
                right().union(right()).overlapping(0),
            ],
            ["`overlapping` of a schedule", "is 0", "at least 1"],
        ),
    ];
    let calls = Calls::default();
    let work = || {
        let calls = calls.clone();
        move || {
            let calls = calls.clone();
            async move { calls.next() }
        }
    };
    for (schedules, parts) in rows {
        let mut errors = Vec::new();
        for schedule in schedules {
            let builder = AsyncTask::to::<u32>().on(&rt).name("often").timeout(1.hours());
            let repeated = builder.clone().repeat(schedule.clone()).on_failure(OnFailure::Stop);
            errors.push(failed(repeated.run(work()).await)?);
            errors.push(failed(builder.repeat(schedule).spawn(work()).await)?);
        }
        all_say(errors, parts)?;
    }
    ensure!(calls.made() == 0, "the work was called");
    Ok(())
}
