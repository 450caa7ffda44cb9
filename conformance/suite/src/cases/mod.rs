//! The cases: a folder for each subject, folders in it where it has many topics, and a file for each topic. A
//! file's first line names the promise that it proves, and a case's name is the claim that it tests. Topics
//! have unique names, and are re-exported here without their folders. Cases are reached through
//! [`suite!`](crate::suite). Topics that are not generic need the feature `cases`, except for those that the
//! report shares: it is built without the others.

#![allow(
    clippy::unit_arg,
    reason = "`Ok(future.await)` is the whole body of many a scope, and a value of its own would say no more"
)]
#![allow(missing_docs, reason = "a case is documented by its name, which is what a failure prints")]

mod cancel;
mod metrics;
mod orchestra;
mod pipeline;
mod policies;
mod queue;
mod runtime;
mod structure;
mod task;
mod time;

pub use cancel::*;
pub use metrics::*;
pub use orchestra::*;
pub use pipeline::*;
pub use policies::*;
pub use queue::*;
pub use runtime::*;
pub use structure::*;
pub use task::*;
pub use time::*;
