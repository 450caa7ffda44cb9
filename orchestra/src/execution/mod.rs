//! The execution of started tasks: batches of nodes, and the session that is the task of all of them.
//!
//! Each uses those before it: the state of a session, and that of a node; the batch of nodes, which counts its
//! tasks in the state of its session; the session, which takes batches into its intake and begins them.

pub(crate) mod autoscale;
pub(crate) mod batch;
pub(crate) mod cancel_request;
pub(crate) mod failures;
pub(crate) mod intake;
#[cfg(feature = "durable")]
pub(crate) mod kept;
pub(crate) mod launch;
pub(crate) mod node_state;
pub(crate) mod progress;
pub(crate) mod session;
pub(crate) mod session_kind;
pub(crate) mod session_state;
pub(crate) mod task_count;
#[cfg(feature = "durable")]
pub(crate) mod unreported;
pub(crate) mod watch;
