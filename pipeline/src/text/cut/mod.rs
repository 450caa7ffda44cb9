//! The cutting of text at the ends of its records, without a look at their content.

pub(crate) mod chunker;
pub(crate) mod cutter;
pub(crate) mod limits;
pub(crate) mod record;
pub(crate) mod refuse;
pub(crate) mod scan;
