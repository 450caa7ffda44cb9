//! Runtimes: their choice, their root scope, their shutdown and their end.

pub mod ambient;
pub mod notice;
pub mod root;
pub mod runtime_end;
pub mod saturation;
pub mod second_signal;
pub mod shutdown;
pub mod shutdown_kills;
pub mod signal_moments;
