//! The errors of runtimes: work that was refused, and runtimes that could not be built, used or shut down.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::error::BoxError;
use crate::vocabulary::info::TaskInfo;

/// The reason for which a runtime did not take a future or a blocking job. The work was dropped without
/// running.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpawnError {
    /// The executor has ended or is shutting down.
    Shutdown,
    /// The executor cannot take the work, for instance because no thread could be started.
    Refused(BoxError),
}

/// The error of a runtime that could not be found, built, used, or shut down in time.
#[derive(Debug)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The calling thread is not inside a runtime.
    NotInContext {
        /// The backend that was looked for.
        runtime: &'static str,
    },
    /// The runtime was built without timers, so that no deadline could be kept.
    NoTimers {
        /// The backend that was looked at.
        runtime: &'static str,
    },
    /// The operating system refused a thread or a driver.
    Build {
        /// The backend that was to be built.
        runtime: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A setting that is out of its range.
    InvalidSetting {
        /// The setting.
        what: &'static str,
        /// The least permitted value.
        least: usize,
        /// The greatest permitted value.
        most: usize,
    },
    /// The limit of a shutdown passed before everything had ended. The tasks that were left were killed; the
    /// blocking jobs that were left run on, unless they still waited for a thread.
    TasksLeft {
        /// The limit of the shutdown.
        limit: Duration,
        /// The number of tasks that had not ended by then. They stop at their next poll.
        tasks: usize,
        /// The number of blocking jobs that had not ended by then. Those that have begun cannot be stopped; those that
        /// waited for a thread never begin.
        blocking: usize,
        /// The tasks among them that the root scope can name. It cannot name a child, which its parent lists,
        /// a task in its first poll, or a task that has not been polled yet, which never will be.
        named: Vec<TaskInfo>,
    },
    /// A shutdown inside work that it would have to wait for.
    InsideTask,
    /// The runtime does not support this.
    Unsupported {
        /// The backend.
        runtime: &'static str,
        /// The missing feature.
        what: &'static str,
    },
    /// A default runtime was installed before.
    AlreadyInstalled,
}

/// The first few of the tasks that were left.
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

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown => f.write_str("the runtime has shut down"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl Error for SpawnError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Shutdown => None,
            Self::Refused(error) => error.source(),
        }
    }
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInContext { runtime } => {
                write!(f, "not inside a {runtime} runtime: call this from a task of one, or hand over a handle to it")
            }
            Self::NoTimers { runtime } => {
                write!(f, "this {runtime} runtime has no timers: build it with its time driver enabled")
            }
            Self::Build { runtime, .. } => write!(f, "could not build the {runtime} runtime"),
            Self::InvalidSetting { what, least, most } => {
                write!(f, "{what} must be at least {least} and at most {most}")
            }
            Self::TasksLeft { limit, tasks, blocking, named } => write!(
                f,
                "not everything ended within {limit:?}: {tasks} task(s) were killed and {blocking} blocking job(s) \
                 left running{}",
                Named(named)
            ),
            Self::InsideTask => f.write_str(
                "a shutdown inside a task of its own runtime would wait for itself: call it from the program's main \
                 future or from outside",
            ),
            Self::Unsupported { runtime, what } => write!(f, "the {runtime} runtime has no {what}"),
            Self::AlreadyInstalled => f.write_str(
                "a default runtime is installed already; it can be installed once, by the application",
            ),
        }
    }
}

impl Error for RuntimeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Build { source, .. } => Some(source),
            _ => None,
        }
    }
}
