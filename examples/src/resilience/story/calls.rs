//! Calls of a flaky service: the wait that it asks for, and circuit breakers.

use sweet_async::prelude::*;
use sweet_async::{BoxError, BreakerStatistics, BreakerWindow};

use crate::resilience::story::Story;
use crate::resilience::story::service::{Service, ServiceError};

/// The answer, or the reason for which there is none.
fn text_of(result: Result<&'static str, AsyncTaskError>) -> String {
    match result {
        Ok(answer) => answer.to_owned(),
        Err(error) if error.is_circuit_open() => "refused without a call".to_owned(),
        Err(error) => error.reason(),
    }
}

/// A busy service says when to come again, as HTTP does by `Retry-After`.
pub(super) async fn retry_after(story: &Story) -> Result<(), BoxError> {
    story.line("Retry-After: the wait is as long as the service asks for");
    let busy = |millis: u64| Err(ServiceError::Busy { retry_after: millis.millis() });
    let service = &Service::new([busy(20), busy(40)], Ok("3 in stock"));
    let log = story.clone();
    let answer = AsyncTask::to::<&'static str>()
        .name("stock")
        .timeout(10.seconds())
        .retry(3)
        .retry_after(|error| error.downcast_ref::<ServiceError>().and_then(ServiceError::retry_after))
        .max_retry_after(1.seconds())
        .on_retry(move |failed| {
            let (number, reason, delay) = (failed.number(), failed.error().reason(), failed.delay());
            log.line(format!("  attempt {number}: {reason}, again in {delay:?}"));
        })
        .run(move || service.ask())
        .await?;
    story.line(format!("  attempt {}: {answer}", service.requests()));
    Ok(())
}

/// Half of the last four calls fail, or are slow: the service is left alone for a while. An item that is not
/// there is an answer, and no failure.
pub(super) async fn breaker_by_rate(story: &Story) -> Result<(), BoxError> {
    story.line("A circuit breaker that opens at a rate of failures");
    let down = Err(ServiceError::Unavailable);
    let service = &Service::new([Ok("in stock"), Err(ServiceError::NotFound), down, down], Ok("in stock"));
    let breaker = CircuitBreaker::builder()
        .name("stock")
        .window(BreakerWindow::Calls(4))
        .minimum_calls(4)
        .failure_rate(0.5)
        .slow_call_rate(10.seconds(), 0.5)
        .trip_if(|error| !matches!(error.downcast_ref::<ServiceError>(), Some(ServiceError::NotFound)))
        .open_timeout(20.millis())
        .build()?;
    let call = || AsyncTask::to::<&'static str>().circuit_breaker(&breaker).run(move || service.ask());
    for _ in 0..5 {
        let answer = text_of(call().await);
        let BreakerStatistics { state, calls, failures, .. } = breaker.statistics();
        let (failures, calls) = (failures.unwrap_or(0), calls.unwrap_or(0));
        story.line(format!("  {answer}: {state}, {failures} of {calls} calls failed"));
    }
    sweet_async::sleep(20.millis()).await?;
    let answer = text_of(call().await);
    story.line(format!("  20 ms later, {answer}: {}", breaker.state()));
    breaker.isolate();
    let answer = text_of(call().await);
    story.line(format!("  isolated by hand, {answer}: {}", breaker.state()));
    breaker.close();
    let answer = text_of(call().await);
    story.line(format!("  closed by hand, {answer}: {}", breaker.state()));
    Ok(())
}

/// One of two hosts is down. The calls to the other do not suffer from its breaker.
pub(super) async fn breaker_for_each_host(story: &Story) -> Result<(), BoxError> {
    story.line("A circuit breaker for each host");
    let breakers = Keyed::new(1_000, |host: &String| {
        CircuitBreaker::builder().name(host.as_str()).failure_threshold(2).open_timeout(1.hours()).build()
    })?;
    let up = &Service::new([], Ok("in stock"));
    let down = &Service::new([], Err(ServiceError::Unavailable));
    for round in 1..=3 {
        let mut answers = Vec::new();
        for (host, service) in [("eu.example", up), ("us.example", down)] {
            let breaker = breakers.get(host)?;
            let call = AsyncTask::to::<&'static str>().circuit_breaker(&breaker);
            answers.push(format!("{host} {}", text_of(call.run(move || service.ask()).await)));
        }
        story.line(format!("  round {round}: {}", answers.join(", ")));
    }
    story.line(format!("  requests: eu.example {}, us.example {}", up.requests(), down.requests()));
    Ok(())
}
