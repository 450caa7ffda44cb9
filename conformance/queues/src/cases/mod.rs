//! The cases, a file for each topic.

pub(crate) mod claiming;
pub(crate) mod dead_letters;
pub(crate) mod depth;
pub(crate) mod jobs;
pub(crate) mod leases;
pub(crate) mod pipelines;
pub(crate) mod publishing;
pub(crate) mod races;
pub(crate) mod returning;
pub(crate) mod settling;
