//! What a runtime can refuse.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::error::BoxError;
use crate::vocabulary::info::TaskInfo;

/// Why a runtime did not take a future or a blocking job. The work was dropped without running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The executor is gone or is shutting down.
    #[error("the runtime has shut down")]
    Shutdown,
    /// The executor cannot take the work, for instance because no thread could be started.
    #[error(transparent)]
    Refused(BoxError),
}

/// Why a runtime could not be taken or built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The calling thread is not inside a runtime.
    #[error("not inside a {runtime} runtime: call this from a task of one, or hand over a handle to it")]
    NotInContext {
        /// The backend that was looked for.
        runtime: &'static str,
    },
    /// The runtime was built without timers, so that no deadline could be kept.
    #[error("this {runtime} runtime has no timers: build it with its time driver enabled")]
    NoTimers {
        /// The backend that was looked at.
        runtime: &'static str,
    },
    /// The operating system refused a thread or a driver.
    #[error("could not build the {runtime} runtime")]
    Build {
        /// The backend that was to be built.
        runtime: &'static str,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A setting that cannot work.
    #[error("{what} must be at least {least} and at most {most}")]
    InvalidSetting {
        /// The setting.
        what: &'static str,
        /// The least that it may be.
        least: usize,
        /// The most that it may be.
        most: usize,
    },
    /// A shutdown's time was up before everything had ended; what was left was told to stop and given up.
    #[error(
        "not everything ended within {limit:?}: {tasks} task(s) were killed and {blocking} blocking job(s) left \
         running{}",
        Named(named)
    )]
    TasksLeft {
        /// The time that was given.
        limit: Duration,
        /// How many tasks had not ended by then. They stop at their next poll.
        tasks: usize,
        /// How many blocking jobs had not ended by then. They cannot be stopped.
        blocking: usize,
        /// Those of the tasks that the root scope can name: not children, which their parents know, nor what is in its
        /// first poll, nor what has not been polled yet, which never will be.
        named: Vec<TaskInfo>,
    },
    /// A shutdown from within what it would have to wait for.
    #[error(
        "a shutdown inside a task of its own runtime would wait for itself: call it from the program's main future or \
         from outside"
    )]
    InsideTask,
    /// This runtime has no such thing.
    #[error("the {runtime} runtime has no {what}")]
    Unsupported {
        /// The backend.
        runtime: &'static str,
        /// What it lacks.
        what: &'static str,
    },
    /// A default runtime was installed before.
    #[error("a default runtime is installed already; it can be installed once, by the application")]
    AlreadyInstalled,
}

/// The first few of those that were left.
struct Named<'a>(&'a [TaskInfo]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (index, task) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{} {task}", if index == 0 { ":" } else { "," })?;
        }
        if self.0.len() > SHOWN { f.write_str(", ...") } else { Ok(()) }
    }
}
