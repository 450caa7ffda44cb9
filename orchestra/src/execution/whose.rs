//! The two kinds of sessions of an orchestrator: one for its graph, one for ad-hoc tasks.

use std::sync::Arc;

/// Keys and values of the span of the whole.
pub(crate) type TraceFields = Vec<(Arc<str>, Arc<str>)>;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Graph,
    Guests,
}
