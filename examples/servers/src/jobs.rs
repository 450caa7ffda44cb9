//! What became of the jobs that a server took on: counted by a guard that each job carries, so that a job which is
//! dropped half done is counted too. The `embed_in_*` examples show these counts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The counts of one server; clones are the same counts.
#[derive(Clone, Debug, Default)]
pub struct Jobs(Arc<Mutex<JobCounts>>);

/// At any moment, `started` is the sum of the other three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// All that ever began to run.
    pub started: u64,
    /// Those under way.
    pub live: u64,
    /// Those that were done.
    pub finished: u64,
    /// Those that were dropped before they were done: by a disconnect, a timeout, an error or a shutdown.
    pub cancelled: u64,
}

impl fmt::Display for JobCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { started, live, finished, cancelled } = self;
        write!(f, "{started} started, {live} live, {finished} finished, {cancelled} cancelled")
    }
}

impl Jobs {
    /// Counts a job in. Called by the job's work, so that a job which is counted has begun to run.
    pub fn begin(&self) -> Job {
        let mut counts = self.lock();
        counts.started += 1;
        counts.live += 1;
        Job { jobs: self.clone(), finished: false }
    }

    /// The counts of this moment.
    pub fn counts(&self) -> JobCounts {
        *self.lock()
    }

    // A lock, so that the counts always add up; it is taken twice a job.
    fn lock(&self) -> MutexGuard<'_, JobCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job under way.
#[derive(Debug)]
#[must_use = "dropped, the job counts as cancelled"]
pub struct Job {
    jobs: Jobs,
    finished: bool,
}

impl Job {
    /// The job is done.
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
