//! Counts of the jobs of a server. Each job carries a guard that counts it, so that a job which is dropped
//! half done is counted too. The `embed_in_*` examples show these counts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The counts of one server. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Jobs(Arc<Mutex<JobCounts>>);

/// The numbers of jobs. At any moment, `started` is the sum of the other three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Jobs that have begun to run.
    pub started: u64,
    /// Jobs that are under way.
    pub live: u64,
    /// Jobs that are done.
    pub finished: u64,
    /// Jobs that were dropped before they were done: by a disconnect, a timeout, an error or a shutdown.
    pub cancelled: u64,
}

impl fmt::Display for JobCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { started, live, finished, cancelled } = self;
        write!(f, "{started} started, {live} live, {finished} finished, {cancelled} cancelled")
    }
}

impl Jobs {
    /// Counts a job as begun. The job's work calls it, so that a job which is counted has begun to run.
    pub fn begin(&self) -> Job {
        let mut counts = self.lock();
        counts.started += 1;
        counts.live += 1;
        Job { jobs: self.clone(), finished: false }
    }

    /// The current counts.
    pub fn counts(&self) -> JobCounts {
        *self.lock()
    }

    // A lock, so that the counts always add up. It is taken twice for each job.
    fn lock(&self) -> MutexGuard<'_, JobCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guard of a job that is under way.
#[derive(Debug)]
#[must_use = "dropped, the job counts as cancelled"]
pub struct Job {
    jobs: Jobs,
    finished: bool,
}

impl Job {
    /// Counts the job as done.
    pub fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let mut counts = self.jobs.lock();
        counts.live -= 1;
        if self.finished {
            counts.finished += 1;
        } else {
            counts.cancelled += 1;
        }
    }
}
