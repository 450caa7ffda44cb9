//! The two kinds of sessions of an orchestrator: one for its graph, one for ad-hoc tasks.

use std::sync::Arc;

/// The keys and values of the session's span.
pub(crate) type TraceFields = Vec<(Arc<str>, Arc<str>)>;

/// The kind of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionKind {
    /// The session of the graph.
    Graph,
    /// The session of ad-hoc tasks.
    AdHoc,
}
