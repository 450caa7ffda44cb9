//! Runtimes: their root scope, their shutdown and their end.

pub mod current_runtime;
#[cfg(feature = "cases")]
pub mod notice;
#[cfg(feature = "cases")]
pub mod root;
#[cfg(feature = "cases")]
pub mod runtime_end;
pub mod saturation;
#[cfg(feature = "cases")]
pub mod second_signal;
#[cfg(feature = "cases")]
pub mod shutdown;
#[cfg(feature = "cases")]
pub mod shutdown_kills;
pub mod signal_moments;
