//! Calls of a receiver: its argument, one call and its answer, the policies around that, and the attempts that
//! the strategy permits.

pub(crate) mod admission;
pub(crate) mod answer;
pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod delivery;
pub(crate) mod receive;
pub(crate) mod sealed;
pub(crate) mod sequenced;
pub(crate) mod timed;
pub(crate) mod values;
