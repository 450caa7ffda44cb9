//! Recovery, breaker: failures open it, an open one refuses calls, and probes close it again.

pub mod breaker_hangs;
pub mod breaker_probes;
pub mod breakers;
