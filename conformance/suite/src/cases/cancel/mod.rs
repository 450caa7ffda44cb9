//! Cancellation of one task: its levels and reason, its callbacks, its grace period and its shielded regions.

pub mod callbacks;
pub mod callbacks_end;
pub mod cancelled;
pub mod grace;
pub mod kills;
pub mod levels;
pub mod levels_busy;
pub mod own_end;
pub mod reasons;
pub mod reasons_below;
pub mod reasons_shown;
pub mod shields;
pub mod shields_around;
pub mod stuck;
