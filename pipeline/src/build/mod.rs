//! The builder of a pipeline, in the order of its calls: options, sender, and the receiver of the events.

pub(crate) mod boxed;
pub(crate) mod collect;
pub(crate) mod fold;
pub(crate) mod for_each;
pub(crate) mod options;
pub(crate) mod publish;
pub(crate) mod pull;
pub(crate) mod sender;
pub(crate) mod whole;
