//! Recovery, limiter: at most so many are under way, at its rate, and no permit is lost.

pub mod limiter_adaptive;
pub mod limiter_ends;
pub mod limiter_handover;
pub mod limiter_permits;
pub mod limiter_rate;
#[cfg(feature = "cases")]
pub mod limiter_runtime_end;
pub mod limiter_unpolled;
pub mod limiters;
