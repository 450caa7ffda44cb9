//! Types and traits that appear in signatures and that no program names: the kinds of work, and the futures
//! that they become, and what these are made of. Not under semver.

pub use crate::body::{Body, Clear, Holds, Layer};
pub use crate::runtime::erased::ErasedRuntime;
pub use crate::task::builder::policies::{Once, PolicySet, Supervisable};
pub use crate::task::builder::recurring::Recurring;
pub use crate::task::builder::repeats::{Repeats, WithRetry};
pub use crate::task::builder::runs_in_place::{MakeOnce, RunsInPlace};
pub use crate::task::builder::starts::Starts;
pub use crate::task::layers::admission::{Admission, Guarded};
pub use crate::task::layers::hedge::alone::{Calling, Made};
pub use crate::task::layers::hedge::work::MakeWork;
pub use crate::task::layers::standalone::CallAgain;
pub use crate::task::lifecycle::in_place::{Make, Ready};
pub use crate::task::settings::hedging::RetrySetting;
pub use crate::task::work::attempts::{
    InPoll, Informed, MakeAttempt, Repeats as RepeatedWork, Shared as SharedWork,
};
pub use crate::task::work::in_place::{InPlace, Inline};
pub use crate::task::work::kinds::{
    Again, Async, AttemptOf, Attempted, Call, Fallible, Input, Plain, Sync, ValueOf, WithInput, Work,
};
pub use crate::time::timeout::LimitTimer;
pub use crate::tree::extras::callbacks::{Async as AsyncCallback, Sync as SyncCallback};
pub use crate::tree::extras::trace::Trace;
pub use crate::tree::node::Control;
pub use crate::tree::state::State;
pub use crate::tree::usage::metering::Metered;
