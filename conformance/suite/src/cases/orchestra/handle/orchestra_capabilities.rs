//! Orchestras, capabilities: limits, trace fields and metrics are set by the builder, and moved by setters.

use crate::library::orchestra::Orchestrator;
use crate::library::{MetricsEnabledTask, StatusEnabledTask as _, TimedTask as _, TracingTask as _};

use crate::kit::orchestras::{Log, noting, orchestra};
use crate::kit::prelude::*;
use crate::kit::{spans, tape};

pub async fn a_limit_that_is_set_before_the_start_holds<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for by_deadline in [false, true] {
        let all = orchestra(&rt).timeout(1.hours()).build()?;
        ensure!(all.timeout() == Some(1.hours()), "{:?}", all.timeout());
        all.register_task("a", AsyncTask::to::<()>(), pending::<()>)?;
        let begun = rt.now();
        match by_deadline {
            true => all.set_deadline(begun + 40.millis())?,
            false => all.set_timeout(40.millis())?,
        }
        ensure!(by_deadline || all.timeout() == Some(40.millis()), "{:?}", all.timeout());
        ensure!(all.deadline() == by_deadline.then(|| begun + 40.millis()), "{:?}", all.deadline());
        failed(all.run().await)?;
        let took = rt.now().saturating_duration_since(begun);
        ensure!(all.is_expired() && (!at.virtual_time || took == 40.millis()), "{took:?}");
        ensure!(all.set_timeout(1.hours()).is_err(), "it has ended");
    }
    let until = orchestra(&rt).timeout_at(rt.now() + 20.millis()).build()?;
    until.register_task("a", AsyncTask::to::<()>(), pending::<()>)?;
    failed(until.run().await)?;
    ensure!(until.is_expired() && until.status() == TaskStatus::Failed);
    Ok(())
}

pub async fn trace_fields_are_kept_for_the_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let span = spans::span()?;
    let mut tape = tape::record(&span)?;
    let all = orchestra(&rt).name("traced whole").tracing(true).build()?;
    ensure!(all.is_tracing_enabled(), "it was built with it");
    all.add_trace_field("tenant", &"first");
    all.add_trace_field("tenant", &7);
    let fields = |all: &Orchestrator<R>| {
        let fields = all.trace_fields().into_iter();
        fields.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    ensure!(fields(&all) == ["tenant=7"], "{:?}", fields(&all));
    noting(&all, &Log::default(), "a")?;
    span.in_scope(|| all.start_all())?;
    ensure!(fields(&all) == ["tenant=7"] && all.is_tracing_enabled(), "{:?}", fields(&all));
    all.join_all().await?;
    tape.read().task("traced whole")?;
    let untraced = orchestra(&rt).build()?;
    untraced.add_trace_field("tenant", &7);
    ensure!(!untraced.is_tracing_enabled() && untraced.trace_fields().is_empty());
    Ok(())
}

fn spin() -> u64 {
    (0..200_000u64).fold(0, |sum, n| std::hint::black_box(sum ^ n))
}

pub async fn an_orchestra_reports_the_usage_of_all_its_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn used(all: &impl MetricsEnabledTask) -> Option<Duration> {
        all.cpu_usage().map(|usage| usage.user + usage.system)
    }
    let unmeasured = orchestra(&rt).build()?;
    noting(&unmeasured, &Log::default(), "a")?;
    unmeasured.run().await?;
    ensure!(!unmeasured.is_metrics_enabled() && used(&unmeasured).is_none(), "measured");
    for by_builder in [true, false] {
        let all = orchestra(&rt).metrics(by_builder).build()?;
        ensure!(all.is_metrics_enabled() == by_builder);
        if !by_builder {
            all.enable_metrics();
        }
        ensure!(all.is_metrics_enabled());
        let node = all.register_task("a", AsyncTask::to::<bool>(), || async {
            spin();
            crate::library::TaskContext::current().is_some_and(|cx| cx.is_metrics_enabled())
        })?;
        all.run().await?;
        ensure!(node.output().as_deref() == Some(&true), "its tasks are not measured");
        let Some(first) = used(&all) else {
            // Not every system reports processor time.
            ensure!(all.poll_usage().is_some());
            continue;
        };
        AsyncTask::to::<u64>().orchestrator(&all).name("ad-hoc").run(|| async { spin() }).await?;
        all.join_all().await?;
        let second = used(&all).context("it is known no more")?;
        ensure!(second > first, "{first:?}, {second:?}");
        all.disable_metrics();
        ensure!(used(&all) >= Some(second), "less than before");
    }
    Ok(())
}
