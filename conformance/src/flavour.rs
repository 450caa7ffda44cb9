//! A flavour as a value, so that code about all flavours is compiled once.

use std::future::Future;
use std::pin::Pin;

use anyhow::Context as _;
use sweet_async::{AsyncTaskError, DynRuntime};

use crate::reliability::spawn_and_join;
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
    Ok(Started(Box::new(harness)))
}

/// A harness of any type that was started. Dropping it drops the harness.
pub(crate) struct Started(Box<dyn AnyHarness>);

impl Started {
    /// [`Harness::runtime`].
    pub(crate) fn runtime(&self) -> DynRuntime {
        self.0.dyn_runtime()
    }

    /// [`Harness::block_on`].
    pub(crate) fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let mut output = None;
        self.0.drive(Box::pin(async { output = Some(future.await) }))?;
        output.context("the harness has returned before the end of its future")
    }

    /// Returns row 1 on the backend's own type: see [`spawn_and_join`].
    pub(crate) fn spawn_and_join(
        &self,
        count: usize,
    ) -> Pin<Box<dyn Future<Output = Result<String, Failure>>>> {
        self.0.spawn_and_join(count)
    }
}

/// A [`Harness`] without its generics, so that it can be a trait object.
trait AnyHarness {
    fn dyn_runtime(&self) -> DynRuntime;
    fn drive(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) -> Result<(), AsyncTaskError>;
    fn spawn_and_join(&self, count: usize) -> Pin<Box<dyn Future<Output = Result<String, Failure>>>>;
}

impl<H: Harness> AnyHarness for H {
    fn dyn_runtime(&self) -> DynRuntime {
        DynRuntime::new(&self.runtime())
    }

    fn drive(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) -> Result<(), AsyncTaskError> {
        self.block_on(future)
    }

    fn spawn_and_join(&self, count: usize) -> Pin<Box<dyn Future<Output = Result<String, Failure>>>> {
        Box::pin(spawn_and_join(self.runtime(), count))
    }
}
