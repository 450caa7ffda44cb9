//! The ambient runtime as one type over all backends.

use std::any::Any;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::stream::{self, Stream, StreamExt as _};
use sweet_async_core::TaskId;
use sweet_async_core::runtime::{BlockOnGuard, RootScope, Signal, Termination};

use super::futures::{AmbientJoin, AmbientSleep, Handle, Sleep};
use super::park::park_on;
use crate::{AsyncTaskError, BlockOn, CurrentRuntime, DynRuntime, Runtime, RuntimeError, SpawnError};

/// The runtime that was found: a backend that is compiled in, without boxing, or any other, boxed.
#[derive(Clone, Debug)]
pub struct AmbientRuntime(Kind);

#[derive(Clone, Debug)]
enum Kind {
    #[cfg(feature = "tokio")]
    Tokio(crate::tokio::TokioRuntime),
    #[cfg(feature = "smol")]
    Smol(crate::smol::SmolRuntime),
    #[cfg(feature = "sim")]
    Sim(crate::sim::SimHandle),
    Foreign(DynRuntime),
}

/// Calls the same method on whichever runtime it is. With `join`, the result is wrapped in the variant of the
/// same name.
macro_rules! each {
    ($self:expr, $runtime:ident => $call:expr) => {
        match &$self.0 {
            #[cfg(feature = "tokio")]
            Kind::Tokio($runtime) => $call,
            #[cfg(feature = "smol")]
            Kind::Smol($runtime) => $call,
            #[cfg(feature = "sim")]
            Kind::Sim($runtime) => $call,
            Kind::Foreign($runtime) => $call,
        }
    };
    ($self:expr, join, $runtime:ident => $call:expr) => {
        match &$self.0 {
            #[cfg(feature = "tokio")]
            Kind::Tokio($runtime) => $call.map(Handle::Tokio),
            #[cfg(feature = "smol")]
            Kind::Smol($runtime) => $call.map(Handle::Smol),
            #[cfg(feature = "sim")]
            Kind::Sim($runtime) => $call.map(Handle::Sim),
            Kind::Foreign($runtime) => $call.map(Handle::Foreign),
        }
        .map(AmbientJoin)
    };
}

impl AmbientRuntime {
    pub(super) fn from_current(current: CurrentRuntime) -> Self {
        #[cfg(feature = "tokio")]
        if let Some(runtime) = current.downcast::<crate::tokio::TokioRuntime>() {
            return runtime.into();
        }
        #[cfg(feature = "smol")]
        if let Some(runtime) = current.downcast::<crate::smol::SmolRuntime>() {
            return runtime.into();
        }
        #[cfg(feature = "sim")]
        if let Some(runtime) = current.downcast::<crate::sim::SimHandle>() {
            return runtime.into();
        }
        current.into_dyn().into()
    }
}

impl From<DynRuntime> for AmbientRuntime {
    fn from(runtime: DynRuntime) -> Self {
        Self(Kind::Foreign(runtime))
    }
}

#[cfg(feature = "tokio")]
impl From<crate::tokio::TokioRuntime> for AmbientRuntime {
    fn from(runtime: crate::tokio::TokioRuntime) -> Self {
        Self(Kind::Tokio(runtime))
    }
}

#[cfg(feature = "smol")]
impl From<crate::smol::SmolRuntime> for AmbientRuntime {
    fn from(runtime: crate::smol::SmolRuntime) -> Self {
        Self(Kind::Smol(runtime))
    }
}

#[cfg(feature = "sim")]
impl From<crate::sim::SimHandle> for AmbientRuntime {
    fn from(runtime: crate::sim::SimHandle) -> Self {
        Self(Kind::Sim(runtime))
    }
}

impl Runtime for AmbientRuntime {
    type Sleep = AmbientSleep;
    type Join<T: Send + 'static> = AmbientJoin<T>;

    fn spawn<F>(&self, future: F) -> Result<AmbientJoin<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        each!(self, join, runtime => runtime.spawn(future))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<AmbientJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        each!(self, join, runtime => runtime.spawn_blocking(work))
    }

    fn now(&self) -> Instant {
        each!(self, runtime => runtime.now())
    }

    fn sleep_until(&self, deadline: Instant) -> AmbientSleep {
        let sleep = match &self.0 {
            #[cfg(feature = "tokio")]
            Kind::Tokio(runtime) => Sleep::Tokio { sleep: runtime.sleep_until(deadline) },
            #[cfg(feature = "smol")]
            Kind::Smol(runtime) => Sleep::Smol { sleep: runtime.sleep_until(deadline) },
            #[cfg(feature = "sim")]
            Kind::Sim(runtime) => Sleep::Sim { sleep: runtime.sleep_until(deadline) },
            Kind::Foreign(runtime) => Sleep::Foreign { sleep: runtime.sleep_until(deadline) },
        };
        AmbientSleep { sleep }
    }

    fn entropy(&self) -> u64 {
        each!(self, runtime => runtime.entropy())
    }

    fn unix_time(&self) -> Duration {
        each!(self, runtime => runtime.unix_time())
    }

    fn name(&self) -> &'static str {
        each!(self, runtime => runtime.name())
    }

    fn worker_count(&self) -> usize {
        each!(self, runtime => runtime.worker_count())
    }

    fn as_any(&self) -> &dyn Any {
        each!(self, runtime => runtime.as_any())
    }

    fn next_task_id(&self) -> TaskId {
        each!(self, runtime => runtime.next_task_id())
    }

    fn root(&self) -> &RootScope {
        each!(self, runtime => runtime.root())
    }

    fn is_running(&self) -> bool {
        each!(self, runtime => runtime.is_running())
    }

    fn queue_depth(&self) -> Option<usize> {
        each!(self, runtime => runtime.queue_depth())
    }
}

impl BlockOn for AmbientRuntime {
    /// A runtime of a third party drives its tasks elsewhere: the future is polled here, and its tasks wake
    /// it.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        #[cfg(feature = "tokio")]
        crate::tokio::TokioRuntime::refuse_nesting()?;
        match &self.0 {
            #[cfg(feature = "tokio")]
            Kind::Tokio(runtime) => runtime.block_on(future),
            #[cfg(feature = "smol")]
            Kind::Smol(runtime) => runtime.block_on(future),
            #[cfg(feature = "sim")]
            Kind::Sim(runtime) => runtime.block_on(future),
            Kind::Foreign(runtime) => {
                let _inside = BlockOnGuard::new(runtime)?;
                Ok(park_on(future))
            }
        }
    }
}

impl Termination for AmbientRuntime {
    fn terminations(&self) -> impl Stream<Item = Result<Signal, RuntimeError>> + Send {
        let signals: Pin<Box<dyn Stream<Item = Result<Signal, RuntimeError>> + Send + '_>> = match &self.0 {
            #[cfg(feature = "tokio")]
            Kind::Tokio(runtime) => runtime.terminations().boxed(),
            #[cfg(feature = "smol")]
            Kind::Smol(runtime) => runtime.terminations().boxed(),
            #[cfg(feature = "sim")]
            Kind::Sim(runtime) => stream::once(ready(Err(no_signals(runtime)))).boxed(),
            Kind::Foreign(runtime) => stream::once(ready(Err(no_signals(runtime)))).boxed(),
        };
        signals
    }
}

fn no_signals(runtime: &impl Runtime) -> RuntimeError {
    RuntimeError::Unsupported { runtime: runtime.name(), what: "signals, seen from here" }
}
