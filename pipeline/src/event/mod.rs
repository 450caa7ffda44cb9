//! Events: values on their way through a pipeline, one by one or in batches.

pub(crate) mod batch;
pub(crate) mod single;
