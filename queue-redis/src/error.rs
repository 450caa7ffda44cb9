//! The errors of a queue on Redis, each with the place and the remedy.

use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use sweet_async_core::AsyncTaskError;

/// The version of the layout of the keys, as `lua/prelude.lua` has it.
const LAYOUT: &str = "1";

/// The error of a [`RedisQueue`](crate::RedisQueue). No text has the password of the address.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RedisQueueError {
    /// The address is none of a Redis server.
    #[error(
        "the address is none of a Redis server: {source}; it should be like redis://user:password@host:6379/0"
    )]
    #[non_exhaustive]
    Address {
        /// The reason.
        source: RedisError,
    },
    /// There is no connection to the server.
    #[error(
        "queue {queue:?}: no connection to Redis at {address}: {source}; see whether the server runs and can be reached"
    )]
    #[non_exhaustive]
    Unreachable {
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The reason.
        source: RedisError,
    },
    /// The connection was lost, and the retries are used up, or were given up. The source has the error of the last
    /// attempt.
    #[error("{doing} queue {queue:?}: no connection to Redis at {address}: {source}")]
    #[non_exhaustive]
    GivenUp {
        /// The activity.
        doing: &'static str,
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The end of the retries.
        source: Arc<AsyncTaskError>,
    },
    /// The connection was lost during a call, which may have been carried out or not.
    #[error(
        "{doing} queue {queue:?}: the connection to Redis at {address} was lost: {source}; \
         the call may have been carried out: it can be repeated"
    )]
    #[non_exhaustive]
    Lost {
        /// The activity.
        doing: &'static str,
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The reason.
        source: RedisError,
    },
    /// The server refuses the user, its password, or one of the commands and keys.
    #[error(
        "queue {queue:?}: Redis at {address} refuses the login or the user's rights: {source}; put user and password \
         into the address, and let the user run EVALSHA and SCRIPT with all commands on the keys of the queue"
    )]
    #[non_exhaustive]
    Login {
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The reason.
        source: RedisError,
    },
    /// The job is sealed, and was without this message.
    #[error(
        "queue {queue:?}: job {job:?} is sealed, and was without message {key:?}; publish to another job, \
         or seal after the last message"
    )]
    #[non_exhaustive]
    Sealed {
        /// The queue.
        queue: Arc<str>,
        /// The job.
        job: Arc<str>,
        /// The key of the message.
        key: Arc<str>,
    },
    /// The server is too old, or runs no scripts.
    #[error(
        "queue {queue:?}: the server at {address} lacks commands: {source}; Redis 6.0 or newer is needed, with scripts"
    )]
    #[non_exhaustive]
    Unsupported {
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The reason.
        source: RedisError,
    },
    /// Another version of this library has made the keys of the queue.
    #[error(
        "queue {queue:?} on Redis at {address} has layout {found:?}, and this version of the library reads {LAYOUT:?}; \
         use the version that made it, or another name or prefix for the queue"
    )]
    #[non_exhaustive]
    Layout {
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The version of the layout.
        found: Arc<str>,
    },
    /// A message of the queue is gone from the server.
    #[error(
        "queue {queue:?} on Redis at {address} is damaged: {found} is gone; set maxmemory-policy to noeviction, \
         let nobody else change the keys, remove those of the queue, and publish once more"
    )]
    #[non_exhaustive]
    Damaged {
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The missing part.
        found: Arc<str>,
    },
    /// The answer of the server has another form than the script's.
    #[error(
        "{doing} queue {queue:?}: Redis at {address} gives an answer of another form; see what is between"
    )]
    #[non_exhaustive]
    Answer {
        /// The activity.
        doing: &'static str,
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
    },
    /// Another error of the server.
    #[error("{doing} queue {queue:?}: Redis at {address} fails: {source}")]
    #[non_exhaustive]
    Server {
        /// The activity.
        doing: &'static str,
        /// The queue.
        queue: Arc<str>,
        /// The address of the server.
        address: Arc<str>,
        /// The reason.
        source: RedisError,
    },
}

impl RedisQueueError {
    /// True where there is no connection, where it was lost, and where the server loads its data or is no master: the same
    /// call may succeed later. If the connection was [lost](Self::Lost) during the call, it may have been carried out.
    pub fn is_connection_lost(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::GivenUp { .. } => true,
            Self::Unreachable { source, .. } => source.is_io_error() || is_loading(source),
            Self::Server { source, .. } => is_loading(source),
            _ => false,
        }
    }
}

/// True for a server that loads its data, or is no master any more: another one may be at its address soon.
fn is_loading(error: &RedisError) -> bool {
    let kinds = [ServerErrorKind::BusyLoading, ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown];
    // A server that is busy with a script takes no other call for that long.
    kinds.into_iter().any(|kind| error.kind() == ErrorKind::Server(kind)) || error.code() == Some("BUSY")
}

/// The error of a connection that was not made.
pub(crate) fn of_connecting(queue: &Arc<str>, address: &Arc<str>, source: RedisError) -> RedisQueueError {
    let (queue, address) = (queue.clone(), address.clone());
    if is_refusal(&source) {
        RedisQueueError::Login { queue, address, source }
    } else if source.kind() == ErrorKind::RESP3NotSupported {
        RedisQueueError::Unsupported { queue, address, source }
    } else {
        RedisQueueError::Unreachable { queue, address, source }
    }
}

/// The error of a call.
pub(crate) fn of_call(
    doing: &'static str,
    queue: &Arc<str>,
    address: &Arc<str>,
    source: RedisError,
) -> RedisQueueError {
    let (queue, address) = (queue.clone(), address.clone());
    let found = || source.detail().unwrap_or_default().into();
    match source.code() {
        Some("SWEETLAYOUT") => return RedisQueueError::Layout { queue, address, found: found() },
        Some("SWEETDAMAGED") => return RedisQueueError::Damaged { queue, address, found: found() },
        _ => {}
    }
    if source.is_io_error() {
        RedisQueueError::Lost { doing, queue, address, source }
    } else if is_refusal(&source) {
        RedisQueueError::Login { queue, address, source }
    } else if source.detail().is_some_and(|detail| detail.starts_with("unknown command")) {
        RedisQueueError::Unsupported { queue, address, source }
    } else {
        RedisQueueError::Server { doing, queue, address, source }
    }
}

fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm))
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}
