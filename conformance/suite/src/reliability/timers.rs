//! Many timers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

/// Row 13: timers over a year where the clock is virtual, and over half a second where it is not.
pub(super) fn many(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let count = scale.of(10_000);
    let virtual_time = flavour.facts.virtual_time;
    let span = if virtual_time { 365.days() } else { 500.millis() };
    let harness = flavour.start()?;
    let rt = harness.runtime();
    let begun = std::time::Instant::now();
    harness.block_on(async {
        let start = rt.now();
        let ended = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..count)
            .map(|index| {
                // In an order that is not that of their deadlines; 7919 is prime, so that each index comes
                // once.
                let expected = index * 7919 % count;
                let after = span.mul_f64(expected as f64 / count as f64);
                let (inner, ended) = (rt.clone(), ended.clone());
                AsyncTask::to::<(usize, usize, Duration)>().on(&rt).spawn(move || async move {
                    inner.sleep_until(start + after).await;
                    let late = inner.now().saturating_duration_since(start + after);
                    ensure!(inner.now() >= start + after, "a timer is early");
                    Ok::<_, Failure>((expected, ended.fetch_add(1, Ordering::SeqCst), late))
                })
            })
            .collect();
        let mut worst = Duration::ZERO;
        for task in tasks {
            let (expected, order, late) = task.await?;
            worst = worst.max(late);
            ensure!(
                !virtual_time || (expected == order && late.is_zero()),
                "timer {expected} ended as {order}"
            );
        }
        let none = AsyncTask::to::<u32>().on(&rt).timeout(Duration::MAX).spawn(|| async { 1 }).await?;
        let zero = AsyncTask::to::<()>().on(&rt).timeout(Duration::ZERO).spawn(pending::<()>).await;
        ensure!(none == 1 && failed(zero)?.is_timeout());
        ensure!(poll_once(rt.sleep(Duration::MAX)).await.is_none(), "the longest duration is over at once");
        if virtual_time {
            return Ok(format!("exact and in order over {} days, in {:.0?}", 365, begun.elapsed()));
        }
        Ok(format!("none early, the latest by {worst:.1?}"))
    })?
}
