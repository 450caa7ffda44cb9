//! Promise 2, quiescence: a shutdown counts a blocking read that goes on among the jobs that it leaves.

use crate::library::{CancelOutcome, CancellableTask as _};

use crate::kit::ending::{ended, left};
use crate::kit::prelude::*;
use crate::kit::script::Step::{SetsLatch, Waits};
use crate::kit::script::{ReaderKind, Script, lines};

pub fn a_read_in_progress_is_reported_as_left(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (begun, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
        let script = Script::new([SetsLatch(begun.clone()), Waits(open.clone())]).marked(&dropped);
        let run = AsyncTask::emits::<u64>()
            .on(&rt)
            .sender(move |sources| lines(sources, ReaderKind::Blocking, script, 1))
            .for_each(|_: Event<u64>| {})
            .spawn();
        begun.wait().await;
        let (_, jobs) = left(rt.shutdown(20.millis()).await)?;
        ensure!(jobs == 1 && !dropped.is_set(), "{jobs} jobs are said to go on");
        open.set();
        failed(run.await)?;
        dropped.wait().await;
        Ok(())
    })
}

pub fn a_read_abandoned_by_a_hard_kill_is_reported_as_left(harness: Started) -> Outcome {
    ended(&harness, |rt| async move {
        let (begun, open, dropped) = (Latch::new(), Latch::new(), Latch::new());
        let script = Script::new([SetsLatch(begun.clone()), Waits(open.clone())]).marked(&dropped);
        let run = AsyncTask::emits::<u64>()
            .on(&rt)
            .sender(move |sources| lines(sources, ReaderKind::Blocking, script, 1))
            .for_each(|_: Event<u64>| {})
            .spawn();
        begun.wait().await;
        let answer = poll_once(run.cancel(CancelLevel::KillHard)).await.context("it answers at once")?;
        ensure!(answer.outcome() == CancelOutcome::Abandoned, "{answer:?}");
        let (_, jobs) = left(rt.shutdown(20.millis()).await)?;
        ensure!(jobs == 1 && !dropped.is_set(), "{jobs} jobs are said to go on");
        open.set();
        ensure!(failed(run.await)?.is_cancelled(), "the first request is the one that counts");
        dropped.wait().await;
        Ok(())
    })
}
