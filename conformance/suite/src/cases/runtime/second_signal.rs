//! Runtimes, termination: after two signals, or simultaneous shutdowns, killed tasks are in the report.

use std::pin::pin;
use std::time::Instant;

use crate::library::runtime::Signal;
use crate::library::{DynRuntime, RuntimeError, Termination as _};
use futures_lite::future::zip;

use crate::kit::ending::{ended, idle, killed_are_gone, left};
use crate::kit::prelude::*;
use crate::kit::signalled::{with_signals, with_signals_and_timer_hook};

pub fn a_kill_that_is_over_at_once_is_in_the_report(harness: Started) -> Outcome {
    let on_caller = harness.flavour().facts.polls_on_caller;
    ended(&harness, |rt| async move {
        let second = Latch::new();
        let second_sent = second.clone();
        // After the second signal, a waiter for the end of the grace period has its thread held until the
        // killed task has been dropped, and then finds nothing left.
        let (rt, sender) = with_signals_and_timer_hook(&rt, move |rt: &DynRuntime, deadline| {
            let begun = Instant::now();
            let waits_long = deadline.saturating_duration_since(rt.now()) > 30.minutes();
            while second.is_set() && waits_long && !on_caller && begun.elapsed() < 1.seconds() {
                if rt.active_task_count() == 0 {
                    return;
                }
                std::thread::yield_now();
            }
        });
        let (task, dropped) = idle(&rt).await;
        task.detach();
        let mut run = pin!(rt.run_until_terminated(1.hours(), pending::<()>()));
        sender.try_send(Signal::Terminate)?;
        ensure!(poll_once(&mut run).await.is_none());
        let begun = rt.now();
        second_sent.set();
        sender.try_send(Signal::Interrupt)?;
        let end = run.await?;
        ensure!(end.signal == Some(Signal::Terminate));
        ensure!(left(end.shutdown)? == (1, 0));
        killed_are_gone(&rt, begun, Duration::ZERO).await?;
        ensure!(dropped.is_set());
        Ok(())
    })
}

pub fn two_signals_in_one_poll_count_as_two(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (rt, sender) = with_signals(&rt);
        let (task, dropped) = idle(&rt).await;
        task.detach();
        sender.try_send(Signal::Terminate)?;
        sender.try_send(Signal::Interrupt)?;
        let begun = rt.now();
        // If one of the signals were lost, this would take the whole grace period.
        let end = rt.run_until_terminated(Duration::MAX, pending::<()>()).await?;
        ensure!(end.output.is_none() && end.signal == Some(Signal::Terminate));
        ensure!(left(end.shutdown)? == (1, 0));
        killed_are_gone(&rt, begun, Duration::ZERO).await?;
        ensure!(dropped.is_set());
        Ok(())
    })
}

pub fn a_main_future_that_ends_by_itself_and_then_one_signal(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (rt, sender) = with_signals(&rt);
        let (task, _) = idle(&rt).await;
        task.detach();
        let mut run = pin!(rt.run_until_terminated(Duration::MAX, async { 7 }));
        ensure!(poll_once(&mut run).await.is_none());
        sender.try_send(Signal::Interrupt)?;
        let end = run.await?;
        ensure!((end.output, end.signal) == (Some(7), Some(Signal::Interrupt)));
        ensure!(left(end.shutdown)? == (1, 0));
        Ok(())
    })
}

pub fn a_longer_shutdown_reports_the_tasks_killed_by_a_shorter_one(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (task, _) = idle(&rt).await;
        let id = task.id();
        task.detach();
        // The root scope knows its name once its first poll is over.
        while !rt.root().live_tasks().iter().any(|task| task.id == id) {
            yield_now().await;
        }
        let (patient, hasty) = zip(rt.shutdown(1.hours()), rt.shutdown(Duration::ZERO)).await;
        for report in [patient, hasty] {
            let RuntimeError::TasksLeft { tasks: 1, blocking: 0, named, .. } = failed(report)? else {
                bail!("not what was killed")
            };
            ensure!(named.iter().map(|task| task.id).eq([id]), "{named:?}");
        }
        rt.shutdown(Duration::ZERO).await?;
        Ok(())
    })
}
