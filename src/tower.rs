//! The policies as `tower` layers. Each is put around a service that can be cloned, and whose errors convert into
//! [`BoxError`]. The layered services return [`AsyncTaskError`] as their error, and use the ambient runtime.
//!
//! A layered service is always ready. It waits inside the call, also for the readiness of the service that it
//! wraps, so that a limiter admits by urgency, and not by the order of readiness.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::task::{HedgedAlone, Retried};
use crate::{Ambient, AsyncTaskError, BoxError, Chaos, CircuitBreaker, Hedge, Limiter, Retry};
use sweet_async_core::internals::{Call, CallAgain, Fallible, Guarded, InPlace};

/// A service under a policy.
#[derive(Clone, Debug)]
pub struct Policed<P, S> {
    policy: P,
    service: S,
}

/// A policy as a layer.
#[derive(Clone, Debug)]
pub struct PolicyLayer<P>(P);

impl<P> PolicyLayer<P> {
    /// A layer of a [`Limiter`], a [`CircuitBreaker`], a [`Chaos`], a [`Retry`] or a [`Hedge`]. The last two
    /// require that requests can be cloned.
    pub fn new(policy: P) -> Self {
        Self(policy)
    }
}

impl<P: Clone, S> Layer<S> for PolicyLayer<P> {
    type Service = Policed<P, S>;

    fn layer(&self, service: S) -> Policed<P, S> {
        Policed { policy: self.0.clone(), service }
    }
}

/// A request to a clone of the service, which is called once it is ready.
pub struct Asking<S, Q> {
    service: S,
    request: Q,
}

impl<S: Service<Q>, Q> Call for Asking<S, Q> {
    type Output = Answering<S, Q, S::Future>;

    fn call(self) -> Self::Output {
        let Self { service, request } = self;
        Answering { stage: Stage::AwaitsReady { call: Some((service, request)) } }
    }
}

impl<S: Service<Q> + Clone, Q: Clone> CallAgain for Asking<S, Q> {
    type Output = Answering<S, Q, S::Future>;

    fn call_again(&mut self) -> Self::Output {
        Self { service: self.service.clone(), request: self.request.clone() }.call()
    }
}

pin_project! {
    #[project = StageProj]
    enum Stage<S, Q, A> {
        AwaitsReady { call: Option<(S, Q)> },
        Called { #[pin] response: A },
    }
}

pin_project! {
    /// A service's answer, after the wait for its readiness.
    pub struct Answering<S, Q, A> {
        #[pin]
        stage: Stage<S, Q, A>,
    }
}

impl<S, Q> Future for Answering<S, Q, S::Future>
where
    S: Service<Q>,
    S::Error: Into<BoxError>,
{
    type Output = Result<S::Response, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            match stage.as_mut().project() {
                StageProj::AwaitsReady { call } => {
                    let Some((service, _)) = call.as_mut() else {
                        return Poll::Ready(Err(AsyncTaskError::InvalidState(
                            "this future was polled after it had ended",
                        )));
                    };
                    ready!(service.poll_ready(cx)).map_err(AsyncTaskError::failure)?;
                    if let Some((mut service, request)) = call.take() {
                        let response = service.call(request);
                        stage.set(Stage::Called { response });
                    }
                }
                StageProj::Called { response } => return response.poll(cx).map_err(AsyncTaskError::failure),
            }
        }
    }
}

type Once<S, Q> = Guarded<
    InPlace<
        Asking<S, Q>,
        Answering<S, Q, <S as Service<Q>>::Future>,
        <S as Service<Q>>::Response,
        Fallible<AsyncTaskError>,
    >,
    <S as Service<Q>>::Response,
    Ambient,
>;

macro_rules! once {
    ($policy:ty, |$this:ident, $work:ident| $guarded:expr) => {
        impl<S, Q> Service<Q> for Policed<$policy, S>
        where
            S: Service<Q> + Clone,
            S::Error: Into<BoxError>,
        {
            type Response = S::Response;
            type Error = AsyncTaskError;
            type Future = Once<S, Q>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: Q) -> Self::Future {
                let $work = InPlace::new(Asking { service: self.service.clone(), request });
                let $this = self.policy.clone();
                $guarded
            }
        }
    };
}

once!(Limiter, |limiter, work| Guarded::new(work, None, Some(limiter), Ambient));
once!(CircuitBreaker, |breaker, work| Guarded::new(work, Some(breaker), None, Ambient));
once!(Chaos, |chaos, work| Guarded::under_chaos(work, chaos, Ambient));

impl<S, Q> Service<Q> for Policed<Retry, S>
where
    S: Service<Q> + Clone,
    S::Error: Into<BoxError>,
    Q: Clone,
{
    type Response = S::Response;
    type Error = AsyncTaskError;
    type Future =
        Retried<Asking<S, Q>, Answering<S, Q, S::Future>, S::Response, Fallible<AsyncTaskError>, Ambient>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let service = self.service.clone();
        Retried::new(self.policy.clone(), Ambient, Asking { service, request })
    }
}

impl<S, Q> Service<Q> for Policed<Hedge, S>
where
    S: Service<Q> + Clone,
    S::Error: Into<BoxError>,
    Q: Clone,
{
    type Response = S::Response;
    type Error = AsyncTaskError;
    type Future =
        HedgedAlone<Asking<S, Q>, Answering<S, Q, S::Future>, S::Response, Fallible<AsyncTaskError>, Ambient>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let service = self.service.clone();
        self.policy.apply_to(Ambient, Asking { service, request })
    }
}
