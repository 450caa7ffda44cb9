//! Load and chance: a limiter that finds its own number, and failures that are injected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use sweet_async::prelude::*;
use sweet_async::{BoxError, Chaos};

use crate::resilience::story::Story;
use crate::resilience::story::service::{Service, ServiceError};

/// The number of calls through the limiter.
const LIMITED: usize = 48;
/// The number of calls under chaos: so many that the share of the failures is between 35 and 65 per cent on any
/// run.
const UNDER_CHAOS: u32 = 1_000;

/// Calls that only wait: more at the same time do not take longer, which the limiter finds by trial.
pub(super) async fn adaptive_limiter(story: &Story) -> Result<(), BoxError> {
    let limiter = Limiter::builder().name("client").adaptive(1..=8).build()?;
    let first = limiter.permits().unwrap_or(0);
    story.line(format!("An adaptive limiter of 1..=8 permits, which begins with {first}"));
    let most = Arc::new(AtomicUsize::new(0));
    let mut calls = TaskSet::new();
    for _ in 0..LIMITED {
        let (watched, most) = (limiter.clone(), most.clone());
        calls.push(AsyncTask::to::<()>().limiter(&limiter).spawn(move || async move {
            most.fetch_max(watched.under_way(), Ordering::Relaxed);
            sweet_async::sleep(2.millis()).await
        }));
    }
    let mut ended = 0;
    while let Some(call) = calls.next().await {
        call?;
        ended += 1;
    }
    let found = match most.load(Ordering::Relaxed) {
        2..=8 => "more than 1 at a time, and never more than 8",
        _ => "but the limiter did not do its work",
    };
    story.line(format!("  {ended} calls: {found}"));
    Ok(())
}

/// A rehearsal: half of the attempts fail, by the random numbers of the runtime, and the retries cope.
pub(super) async fn injected_failures(story: &Story) -> Result<(), BoxError> {
    story.line("Chaos: failures that are injected at a rate of one half");
    let service = &Service::new([], Ok("in stock"));
    let failed = Arc::new(AtomicU32::new(0));
    let counted = failed.clone();
    let builder = AsyncTask::to::<&'static str>()
        .chaos(Chaos::new().failure_with(0.5, || ServiceError::Unavailable))
        .retry(50)
        .backoff(RetryStrategy::Immediate)
        .on_retry(move |attempt| {
            if attempt.number() == 1 {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
    for _ in 0..UNDER_CHAOS {
        builder.clone().run(move || service.ask()).await?;
    }
    let share = match failed.load(Ordering::Relaxed) {
        350..=650 => "about half",
        _ => "an unlikely part",
    };
    story.line(format!("  {UNDER_CHAOS} calls: {share} failed at first, and all were answered"));
    story.line(format!("  requests: {}", service.requests()));
    Ok(())
}
