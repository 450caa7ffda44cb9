//! hyper's executor and timer on a runtime: the tasks that its connections start are tasks of the library.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Executor, Sleep, Timer};
use pin_project_lite::pin_project;
use sync_wrapper::SyncWrapper;

use crate::{AsyncTaskError, Runtime, Scope, TaskBuilder};

/// The name of the tasks.
const NAME: &str = "hyper";

/// The wait in place of one that is too long for the clock.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// An executor for hyper. Each future that hyper hands over, such as the handling of a request of HTTP/2, is a task:
/// [of the runtime](Self::new), or [of a scope](Self::in_scope), which then does not end before it.
///
/// A future that a runtime refuses, since it shuts down, is dropped, and so is one for a scope that has ended.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use sweet_async::hyper::{HyperExecutor, HyperTimer};
/// use sweet_async::prelude::*;
/// use sweet_async::tokio::TokioRuntime;
///
/// fn of_connections(runtime: &TokioRuntime) -> (HyperExecutor<TokioRuntime>, HyperTimer<TokioRuntime>) {
///     // hyper::server::conn::http2::Builder::new(executor).timer(timer)
///     (HyperExecutor::new(runtime), HyperTimer::new(runtime))
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct HyperExecutor<R: Runtime> {
    runtime: R,
    scope: Option<Scope<R>>,
}

impl<R: Runtime> HyperExecutor<R> {
    /// An executor of detached tasks: they go on when the connection is dropped, until their future ends. A shutdown of
    /// the runtime waits for them.
    pub fn new(runtime: &R) -> Self {
        Self { runtime: runtime.clone(), scope: None }
    }

    /// An executor of members of `scope`, on its runtime: the scope does not end before them, and cancels them with all
    /// others. A panic of one is the scope's failure, as that of any member.
    pub fn in_scope(runtime: &R, scope: &Scope<R>) -> Self {
        Self { runtime: runtime.clone(), scope: Some(scope.clone()) }
    }
}

// hyper's clients want it of their executor, and nothing in it is ever pinned.
impl<R: Runtime> Unpin for HyperExecutor<R> {}

impl<R: Runtime> fmt::Debug for HyperExecutor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runtime = self.runtime.name();
        f.debug_struct("HyperExecutor")
            .field("runtime", &runtime)
            .field("scoped", &self.scope.is_some())
            .finish()
    }
}

impl<R: Runtime, F: Future + Send + 'static> Executor<F> for HyperExecutor<R> {
    fn execute(&self, future: F) {
        let work = move || async move {
            future.await;
            Ok::<(), AsyncTaskError>(())
        };
        let builder = TaskBuilder::<(), R>::new(self.runtime.clone()).name(NAME);
        match &self.scope {
            None => builder.spawn(work).detach(),
            // A member whose handle is dropped goes on.
            Some(scope) => drop(scope.spawn_as(builder, work)),
        }
    }
}

/// A timer for hyper, by the runtime's clock: that of a simulation, for example. Cost: an allocation for each wait.
#[derive(Clone, Debug)]
pub struct HyperTimer<R>(R);

impl<R: Runtime> HyperTimer<R> {
    /// The timer of `runtime`.
    pub fn new(runtime: &R) -> Self {
        Self(runtime.clone())
    }
}

impl<R: Runtime> Timer for HyperTimer<R> {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let now = self.0.now();
        // A wait that no instant can be the end of is one that nobody sees the end of.
        let end = now.checked_add(duration).or_else(|| now.checked_add(CENTURY));
        self.sleep_until(end.unwrap_or(now))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait { sleep: SyncWrapper::new(self.0.sleep_until(deadline)) })
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

pin_project! {
    /// A wait, which may be shared between threads since nothing but a poll reaches it.
    struct Wait<S> {
        #[pin]
        sleep: SyncWrapper<S>,
    }
}

impl<S: Future<Output = ()>> Future for Wait<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.get_pin_mut().poll(cx)
    }
}

impl<S: Future<Output = ()> + Send> Sleep for Wait<S> {}
