//! The failures of an orchestra's tasks, in the order of their ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::OrchestratorError;
use sweet_async_core::error::AsyncTaskError;

struct Failed {
    task: Arc<str>,
    error: Arc<AsyncTaskError>,
    /// The number of tasks that had failed before, forgotten ones included.
    number: u64,
}

#[derive(Default)]
struct List {
    failed: Vec<Failed>,
    total: u64,
}

/// The failures that are reported. A lock: it is taken for each failure and each query, and never around
/// foreign code, such as the destructors of errors.
#[derive(Default)]
pub(crate) struct Failures(Mutex<List>);

impl Failures {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, task: &Arc<str>, error: &Arc<AsyncTaskError>) {
        let mut list = self.lock();
        let number = list.total;
        list.total += 1;
        list.failed.push(Failed { task: task.clone(), error: error.clone(), number });
    }

    /// The number of tasks that have failed until now, forgotten ones included.
    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    /// The first failure that is not one of the first `before`, as an error.
    pub(crate) fn since(&self, before: u64) -> Option<OrchestratorError> {
        let list = self.lock();
        let mut since = list.failed.iter().skip_while(|failed| failed.number < before);
        let Failed { task, error, .. } = since.next()?;
        Some(OrchestratorError::TaskFailed {
            task: task.clone(),
            error: error.clone(),
            others: since.count(),
        })
    }

    /// Forgets the failures of tasks for which `keeps` is false.
    pub(crate) fn forget(&self, keeps: impl Fn(&str) -> bool) {
        let mut list = self.lock();
        let forgotten: Vec<Failed> = list.failed.extract_if(.., |failed| !keeps(&failed.task)).collect();
        drop(list);
        drop(forgotten);
    }
}
