//! Policies around each call of a pipeline's receiver, which are those of a task in the same order.

use std::sync::Arc;

use sweet_async::prelude::*;
use sweet_async::{BoxError, Chaos};

use crate::resilience::story::Story;
use crate::resilience::story::service::{Service, ServiceError};

/// The number of letters.
const LETTERS: u32 = 6;

/// Sends letters one after the other. The second and the third fail, and the others are not tried. Then a
/// rehearsal: no call reaches the service.
pub(super) async fn policies_of_events(story: &Story) -> Result<(), BoxError> {
    story.line("A pipeline whose events have a circuit breaker, a limiter and chaos");
    let down = Err(ServiceError::Unavailable);
    let service = Arc::new(Service::new([Ok("sent"), down, down], Ok("sent")));
    let breaker =
        CircuitBreaker::builder().name("mail").failure_threshold(2).open_timeout(1.hours()).build()?;
    let limiter = Limiter::builder().name("mail").max_concurrent(1).build()?;
    let letters = || AsyncTask::emits::<u32>().on_error(ErrorStrategy::ContinueOnError).sequence();
    let send = || {
        let service = service.clone();
        move |_: Event<u32>| {
            let service = service.clone();
            async move { service.ask().await.map(drop) }
        }
    };
    let guarded = letters()
        .event_circuit_breaker(&breaker)
        .event_limiter(&limiter)
        .sender(|sources| sources.of(1..=LETTERS).into_chunks(2.items()));
    let summary = guarded.for_each(send()).await?;
    let untried = summary.errors().iter().filter(|row| row.error().is_circuit_open()).count() as u64;
    let (sent, failed) = (summary.handled(), summary.rejected() - untried);
    story.line(format!(
        "  {LETTERS} letters: {sent} sent, {failed} failed, {untried} not tried: {}",
        breaker.state()
    ));
    let rehearsal = letters()
        .chaos(Chaos::new().failure(1.0))
        .sender(|sources| sources.of(1..=LETTERS).into_chunks(2.items()));
    let summary = rehearsal.for_each(send()).await?;
    story.line(format!(
        "  {LETTERS} letters under chaos: {} sent, {} failed",
        summary.handled(),
        summary.rejected()
    ));
    story.line(format!("  requests: {}", service.requests()));
    Ok(())
}
