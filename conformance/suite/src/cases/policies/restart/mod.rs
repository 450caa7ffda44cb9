//! Recovery, supervision: failed work is restarted after its backoff, as often as permitted.

pub mod restart_breakers;
pub mod restart_waits;
pub mod restarts;
