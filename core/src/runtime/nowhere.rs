//! The stand-in for the runtime of a task for which none was found.

use std::any::Any;
use std::future::{Future, ready};
use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::SpawnError;
use crate::runtime::erased::{DynRuntime, ErasedRuntime};
use crate::tree::root::RootScope;
use crate::vocabulary::id::TaskId;

/// A runtime that runs nothing. A task that was refused has it in place of a real one, so that everything
/// else about the task is as usual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nowhere;

impl ErasedRuntime for Nowhere {
    fn itself(&self) -> &dyn Any {
        self
    }
    fn own(&self) -> &dyn Any {
        self
    }
    fn to_dyn(&self) -> DynRuntime {
        DynRuntime::erased(Arc::new(*self))
    }
    fn spawn_boxed(&self, _: Pin<Box<dyn Future<Output = ()> + Send>>) -> Result<(), SpawnError> {
        Err(SpawnError::Shutdown)
    }
    fn spawn_blocking_boxed(&self, _: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        Err(SpawnError::Shutdown)
    }
    fn clock(&self) -> Instant {
        Instant::now()
    }
    fn sleep_boxed(&self, _: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Ready before its deadline: there is nothing that could wait.
        Box::pin(ready(()))
    }
    fn random(&self) -> u64 {
        RandomState::new().hash_one(0)
    }
    fn time_of_day(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
    fn label(&self) -> &'static str {
        "none"
    }
    fn workers(&self) -> usize {
        0
    }
    fn task_id(&self) -> TaskId {
        TaskId::next()
    }
    fn scope(&self) -> &RootScope {
        static SCOPE: OnceLock<RootScope> = OnceLock::new();
        SCOPE.get_or_init(|| {
            let scope = RootScope::new();
            scope.close();
            scope
        })
    }
    fn runs(&self) -> bool {
        false
    }
    fn queued(&self) -> Option<usize> {
        None
    }
}
