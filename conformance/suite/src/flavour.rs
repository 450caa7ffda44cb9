//! A flavour as a value, so that code about all flavours is compiled once.

use std::future::Future;
use std::pin::Pin;

use crate::library::{AsyncTaskError, DynRuntime, Runtime as _, SpawnError};
use anyhow::Context as _;

use crate::reliability::spawn_and_join;
use crate::run::Limits;
use crate::{Facts, Failure, Harness};

/// One flavour of a runtime: the constants of its [`Harness`], and a function that starts it with its runtime
/// in a [`DynRuntime`]. A function that takes a flavour need not be generic.
#[derive(Clone, Copy, Debug)]
pub struct Flavour {
    /// The facts that cases ask about it.
    pub facts: Facts,
    /// [`Harness::HAS_THREADS`].
    pub has_threads: bool,
    /// [`Harness::NEVER_ENDS`].
    pub never_ends: bool,
    /// [`Harness::SEEDS`].
    pub seeds: u64,
    /// The number of runs of a case, and their time limits.
    pub(crate) limits: Limits,
    start: fn(Option<u64>) -> Result<Started, Failure>,
}

impl Flavour {
    /// Returns the flavour that `H` describes.
    #[must_use]
    pub fn of<H: Harness>() -> Self {
        Self {
            facts: Facts::of::<H>(),
            has_threads: H::HAS_THREADS,
            never_ends: H::NEVER_ENDS,
            seeds: H::SEEDS,
            limits: Limits::of::<H>(),
            start: start::<H>,
        }
    }

    /// [`Harness::start`].
    pub(crate) fn start(&self) -> Result<Started, Failure> {
        (self.start)(None)
    }

    /// [`Harness::start_with`].
    pub(crate) fn start_with(&self, seed: u64) -> Result<Started, Failure> {
        (self.start)(Some(seed))
    }
}

fn start<H: Harness>(seed: Option<u64>) -> Result<Started, Failure> {
    let harness = match seed {
        Some(seed) => H::start_with(seed)?,
        None => H::start()?,
    };
    Ok(Started { harness: Box::new(harness), flavour: Flavour::of::<H>() })
}

/// A future that is not `Send`.
type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A flavour that was started: its [`Harness`], of any type. Dropping it drops the harness.
pub struct Started {
    harness: Box<dyn AnyHarness>,
    flavour: Flavour,
}

impl Started {
    /// Returns the flavour, which can start another one.
    #[must_use]
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// [`Harness::runtime`].
    #[must_use]
    pub fn runtime(&self) -> DynRuntime {
        self.harness.dyn_runtime()
    }

    /// [`Harness::block_on`].
    ///
    /// # Errors
    ///
    /// As there; and where the harness has returned before the end of its future.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let mut output = None;
        self.harness.drive(Box::pin(async { output = Some(future.await) }))?;
        output.context("the harness has returned before the end of its future")
    }

    /// Starts `future` on the backend's own type. Returns the backend's own join handle: that of a
    /// [`DynRuntime`] is answered by the future itself, and hides when the backend would have answered.
    ///
    /// # Errors
    ///
    /// As for [`Runtime::spawn`](sweet_async_core::Runtime::spawn).
    pub fn spawn_native(
        &self,
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Result<LocalFuture<'static, Option<()>>, SpawnError> {
        self.harness.spawn_native(future)
    }

    /// Returns row 1 on the backend's own type: see [`spawn_and_join`].
    pub(crate) fn spawn_and_join(&self, count: usize) -> LocalFuture<'static, Result<String, Failure>> {
        self.harness.spawn_and_join(count)
    }
}

/// A [`Harness`] without its generics, so that it can be a trait object.
trait AnyHarness {
    fn dyn_runtime(&self) -> DynRuntime;
    fn drive(&self, future: LocalFuture<'_, ()>) -> Result<(), AsyncTaskError>;
    fn spawn_native(
        &self,
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Result<LocalFuture<'static, Option<()>>, SpawnError>;
    fn spawn_and_join(&self, count: usize) -> LocalFuture<'static, Result<String, Failure>>;
}

impl<H: Harness> AnyHarness for H {
    fn dyn_runtime(&self) -> DynRuntime {
        DynRuntime::new(&self.runtime())
    }

    fn drive(&self, future: LocalFuture<'_, ()>) -> Result<(), AsyncTaskError> {
        self.block_on(future)
    }

    fn spawn_native(
        &self,
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Result<LocalFuture<'static, Option<()>>, SpawnError> {
        Ok(Box::pin(self.runtime().spawn(future)?))
    }

    fn spawn_and_join(&self, count: usize) -> LocalFuture<'static, Result<String, Failure>> {
        Box::pin(spawn_and_join(self.runtime(), count))
    }
}
