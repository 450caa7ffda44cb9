//! The ambient runtime: the one that is used where none is named.

mod futures;
mod park;
mod runtime;

use std::sync::OnceLock;
use std::time::Instant;

pub use futures::{AmbientJoin, AmbientSleep};
pub use runtime::AmbientRuntime;

use crate::{AsyncTaskError, CurrentRuntime, Runtime as _, RuntimeError, RuntimeSource};

/// The rule by which the ambient runtime is found; see [`AsyncTask`](crate::AsyncTask).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ambient;

impl RuntimeSource for Ambient {
    type Runtime = AmbientRuntime;

    fn follows_caller(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), AsyncTaskError> {
        if CurrentRuntime::is_set() { Ok(()) } else { self.resolve().map(drop) }
    }

    fn clock(&self) -> Instant {
        CurrentRuntime::clock().unwrap_or_else(|| match self.resolve() {
            Ok(runtime) => runtime.now(),
            Err(_) => Instant::now(),
        })
    }

    fn resolve(&self) -> Result<AmbientRuntime, AsyncTaskError> {
        if let Some(current) = CurrentRuntime::of_task().or_else(CurrentRuntime::entered) {
            return Ok(AmbientRuntime::from_current(current));
        }
        #[cfg(feature = "tokio")]
        match crate::tokio::TokioRuntime::current() {
            Ok(runtime) => return Ok(runtime.into()),
            Err(RuntimeError::NotInContext { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        match installed() {
            Some(default) => Ok(default),
            None => last_resort(),
        }
    }
}

#[cfg(all(feature = "smol", not(feature = "tokio")))]
fn last_resort() -> Result<AmbientRuntime, AsyncTaskError> {
    Ok(crate::smol::SmolRuntime::global().into())
}

#[cfg(all(feature = "smol", feature = "tokio"))]
fn last_resort() -> Result<AmbientRuntime, AsyncTaskError> {
    Err(AsyncTaskError::AmbiguousRuntime)
}

#[cfg(not(feature = "smol"))]
fn last_resort() -> Result<AmbientRuntime, AsyncTaskError> {
    Err(AsyncTaskError::NoRuntime)
}

static DEFAULT: OnceLock<AmbientRuntime> = OnceLock::new();

pub(crate) fn installed() -> Option<AmbientRuntime> {
    DEFAULT.get().cloned()
}

/// Makes `runtime` the default, which is used where nothing nearer is found. For applications: a library that
/// installs one decides for its users.
///
/// # Errors
///
/// [`RuntimeError::AlreadyInstalled`] the second time; the first stays.
pub fn install_default(runtime: impl Into<AmbientRuntime>) -> Result<(), RuntimeError> {
    DEFAULT.set(runtime.into()).map_err(|_| RuntimeError::AlreadyInstalled)
}
