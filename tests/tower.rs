//! The policies as tower layers.
#![cfg(all(feature = "tower", any(feature = "tokio", feature = "smol")))]

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use sweet_async::prelude::*;
use sweet_async::tower::PolicyLayer;
use sweet_async::{BoxError, Chaos, ChaosError, Retry};
use tower_layer::Layer as _;
use tower_service::Service;

/// A service that fails `failures` times, and then returns the request. It is ready at the second poll.
#[derive(Clone)]
struct Flaky {
    failures: u32,
    calls: Arc<AtomicU32>,
    asked: bool,
}

impl Flaky {
    fn new(failures: u32) -> Self {
        Self { failures, calls: Arc::default(), asked: false }
    }
}

impl Service<String> for Flaky {
    type Response = String;
    type Error = BoxError;
    type Future = Ready<Result<String, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if std::mem::replace(&mut self.asked, true) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, request: String) -> Self::Future {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        ready(match (self.asked, call < self.failures) {
            (false, _) => Err("called before it was ready".into()),
            (_, true) => Err("flaky".into()),
            (_, false) => Ok(request),
        })
    }
}

fn layered<P: Clone>(
    policy: P,
    service: Flaky,
) -> impl Service<String, Response = String, Error = AsyncTaskError>
where
    sweet_async::tower::Policed<P, Flaky>: Service<String, Response = String, Error = AsyncTaskError>,
{
    PolicyLayer::new(policy).layer(service)
}

#[test]
fn a_retry_layer_calls_again_with_the_same_request() -> Result<(), BoxError> {
    sweet_async::block_on(async {
        let service = Flaky::new(2);
        let mut layered = layered(Retry::new(3).backoff(RetryStrategy::Immediate), service.clone());
        assert_eq!(layered.call("a".to_owned()).await?, "a");
        assert_eq!(service.calls.load(Ordering::SeqCst), 3);
        let mut layered = self::layered(Retry::new(1).backoff(RetryStrategy::Immediate), Flaky::new(9));
        let error = layered.call("b".to_owned()).await.err().ok_or("it came")?;
        assert_eq!(format!("{error:#}"), "the work failed 2 times: flaky");
        Ok(())
    })?
}

#[test]
fn a_hedge_layer_calls_again_with_the_same_request() -> Result<(), BoxError> {
    sweet_async::block_on(async {
        let service = Flaky::new(2);
        let mut layered = layered(Hedge::after(1.hours()).at_most(2), service.clone());
        assert_eq!(layered.call("a".to_owned()).await?, "a");
        assert_eq!(service.calls.load(Ordering::SeqCst), 3);
        let mut layered = self::layered(Hedge::after(1.hours()), Flaky::new(9));
        let error = layered.call("b".to_owned()).await.err().ok_or("it came")?;
        assert_eq!(format!("{error:#}"), "the work failed 2 times: flaky");
        Ok(())
    })?
}

#[test]
fn a_breaker_layer_opens_and_a_limiter_layer_refuses() -> Result<(), BoxError> {
    sweet_async::block_on(async {
        let breaker = CircuitBreaker::builder().failure_threshold(2).build()?;
        let service = Flaky::new(9);
        let mut layered_service = layered(breaker, service.clone());
        for _ in 0..2 {
            assert!(layered_service.call(String::new()).await.is_err_and(|error| error.is_failure()));
        }
        assert!(layered_service.call(String::new()).await.is_err_and(|error| error.is_circuit_open()));
        assert_eq!(service.calls.load(Ordering::SeqCst), 2);

        let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
        let mut limited = layered(limiter.clone(), Flaky::new(0));
        let mut held = Box::pin(limiter.apply(std::future::pending::<Result<(), BoxError>>));
        assert!(futures_lite::future::poll_once(&mut held).await.is_none());
        assert!(limited.call(String::new()).await.is_err_and(|error| error.is_rejected()));
        drop(held);
        assert_eq!(limited.call("c".to_owned()).await?, "c");
        Ok(())
    })?
}

#[test]
fn a_chaos_layer_fails_without_a_call_of_the_service() -> Result<(), BoxError> {
    sweet_async::block_on(async {
        let service = Flaky::new(0);
        let mut failing = layered(Chaos::new().failure(1.0), service.clone());
        let error = failing.call("a".to_owned()).await.err().ok_or("it came")?;
        assert!(error.downcast_ref::<ChaosError>().is_some());
        assert_eq!(service.calls.load(Ordering::SeqCst), 0);
        let mut passing = layered(Chaos::new(), service);
        assert_eq!(passing.call("b".to_owned()).await?, "b");
        Ok(())
    })?
}
