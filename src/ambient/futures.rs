//! The timer and the join handle of the ambient runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::{DynRuntime, Join, Runtime};

#[cfg(feature = "tokio")]
type TokioSleep = crate::tokio::TokioSleep;
#[cfg(not(feature = "tokio"))]
type TokioSleep = std::future::Pending<()>;
#[cfg(feature = "smol")]
type SmolSleep = crate::smol::SmolSleep;
#[cfg(not(feature = "smol"))]
type SmolSleep = std::future::Pending<()>;

#[cfg(feature = "sim")]
type SimSleep = crate::sim::SimSleep;
#[cfg(not(feature = "sim"))]
type SimSleep = std::future::Pending<()>;

pin_project! {
    #[project = SleepProj]
    #[allow(dead_code, reason = "without a backend's feature its variant is never made")]
    pub(super) enum Sleep {
        Tokio { #[pin] sleep: TokioSleep },
        Smol { #[pin] sleep: SmolSleep },
        Sim { #[pin] sleep: SimSleep },
        Foreign { #[pin] sleep: <DynRuntime as Runtime>::Sleep },
    }
}

pin_project! {
    /// The timer of an [`AmbientRuntime`](crate::AmbientRuntime).
    pub struct AmbientSleep {
        #[pin]
        pub(super) sleep: Sleep,
    }
}

impl Future for AmbientSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().sleep.project() {
            SleepProj::Tokio { sleep } => sleep.poll(cx),
            SleepProj::Smol { sleep } => sleep.poll(cx),
            SleepProj::Sim { sleep } => sleep.poll(cx),
            SleepProj::Foreign { sleep } => sleep.poll(cx),
        }
    }
}

/// The join handle of an [`AmbientRuntime`](crate::AmbientRuntime).
pub struct AmbientJoin<T: Send + 'static>(pub(super) Handle<T>);

pub(super) enum Handle<T: Send + 'static> {
    #[cfg(feature = "tokio")]
    Tokio(crate::tokio::TokioJoin<T>),
    #[cfg(feature = "smol")]
    Smol(crate::smol::SmolJoin<T>),
    #[cfg(feature = "sim")]
    Sim(crate::sim::SimJoin<T>),
    Foreign(<DynRuntime as Runtime>::Join<T>),
}

impl<T: Send + 'static> Future for AmbientJoin<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut self.0 {
            #[cfg(feature = "tokio")]
            Handle::Tokio(join) => Pin::new(join).poll(cx),
            #[cfg(feature = "smol")]
            Handle::Smol(join) => Pin::new(join).poll(cx),
            #[cfg(feature = "sim")]
            Handle::Sim(join) => Pin::new(join).poll(cx),
            Handle::Foreign(join) => Pin::new(join).poll(cx),
        }
    }
}

impl<T: Send + 'static> Join<T> for AmbientJoin<T> {
    fn detach(self) {
        match self.0 {
            #[cfg(feature = "tokio")]
            Handle::Tokio(join) => join.detach(),
            #[cfg(feature = "smol")]
            Handle::Smol(join) => join.detach(),
            #[cfg(feature = "sim")]
            Handle::Sim(join) => join.detach(),
            Handle::Foreign(join) => join.detach(),
        }
    }
}
