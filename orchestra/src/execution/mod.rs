//! The execution of started tasks: batches of nodes, and the session that is the task of all of them.

pub(crate) mod autoscale;
pub(crate) mod batch;
pub(crate) mod cancel_request;
pub(crate) mod failures;
pub(crate) mod launch;
pub(crate) mod node_state;
pub(crate) mod progress;
pub(crate) mod session;
pub(crate) mod session_kind;
