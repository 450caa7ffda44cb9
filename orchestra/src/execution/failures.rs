//! The failures of an orchestra's tasks, in the order of their ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::OrchestratorError;
use sweet_async_core::error::AsyncTaskError;

struct Failed {
    task: Arc<str>,
    error: Arc<AsyncTaskError>,
    /// How many had failed before, also those that were forgotten.
    number: u64,
}

#[derive(Default)]
struct List {
    failed: Vec<Failed>,
    ever: u64,
}

/// The failures that are reported. A lock: it is taken for each failure and each question, and never around foreign code, which
/// the destructors of errors are.
#[derive(Default)]
pub(crate) struct Failures(Mutex<List>);

impl Failures {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, task: &Arc<str>, error: &Arc<AsyncTaskError>) {
        let mut list = self.lock();
        let number = list.ever;
        list.ever += 1;
        list.failed.push(Failed { task: task.clone(), error: error.clone(), number });
    }

    /// How many have failed until now, also those that were forgotten.
    pub(crate) fn ever(&self) -> u64 {
        self.lock().ever
    }

    /// The first failure after so many, as an error.
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

    /// Forgets the failures of tasks of which `keeps` is false.
    pub(crate) fn forget(&self, keeps: impl Fn(&str) -> bool) {
        let mut list = self.lock();
        let forgotten: Vec<Failed> = list.failed.extract_if(.., |failed| !keeps(&failed.task)).collect();
        drop(list);
        drop(forgotten);
    }
}
