//! Text cut at the ends of its records, without a look at what is in them.

pub(crate) mod byte_mask;
pub(crate) mod chunker;
pub(crate) mod cutter;
pub(crate) mod refuse;
pub(crate) mod scan;
