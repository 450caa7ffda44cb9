//! Recovery, breaker: failures open it, an open one refuses calls, and probes close it again.

pub mod breaker_hangs;
pub mod breaker_overrides;
pub mod breaker_predicates;
pub mod breaker_probes;
pub mod breaker_rates;
pub mod breaker_settings;
pub mod breakers;
