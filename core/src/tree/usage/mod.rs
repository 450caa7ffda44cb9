//! The figures of tasks: the measurements of each, the totals of a runtime, and the counts of beginnings and
//! ends.

pub(crate) mod metering;
pub(crate) mod statistics;
pub(crate) mod totals;
