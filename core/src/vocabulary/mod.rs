//! Plain values that every layer uses: ids, statuses, priorities, causes of cancellation, positions.

pub mod cancel;
pub(crate) mod id;
pub(crate) mod info;
pub(crate) mod position;
pub(crate) mod priority;
pub(crate) mod status;
