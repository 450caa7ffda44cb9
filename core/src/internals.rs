//! Types and traits that appear in signatures and that no program names: the kinds of work, and the futures
//! that they become. Not under semver.

pub use crate::task::builder::policies::{Once, PolicySet, Supervisable};
pub use crate::task::builder::recurring::Recurring;
pub use crate::task::builder::repeatable::Joins;
pub use crate::task::builder::repeats::{Repeats, WithRetry};
pub use crate::task::layers::admission::Guarded;
pub use crate::task::layers::standalone::CallAgain;
pub use crate::task::settings::hedging::RetrySetting;
pub use crate::task::work::in_place::InPlace;
pub use crate::task::work::kinds::{
    Again, AgainWith, Async, AttemptOf, Attempted, Call, Fallible, Plain, Sync, ValueOf, WithContext, Work,
};
