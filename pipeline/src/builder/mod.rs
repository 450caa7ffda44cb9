//! The builder of a pipeline, in the order in which it is called: options, sender, and what is done with events.

mod boxed;
mod collect;
mod fold;
mod for_each;
mod options;
mod publish;
mod pull;
mod sender;
mod whole;

pub use boxed::BoxedPipeline;
pub use collect::{Pipeline, Receiver};
pub use fold::Fold;
pub use for_each::ForEach;
pub use options::PipelineBuilder;
pub use publish::Publish;
pub use sender::{BatchedSender, PipelineSender};
