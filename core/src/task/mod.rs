//! One task: its builder, its work, its life and its handle.
//!
//! ```text
//! TaskBuilder ──run──►  Timeout( InPlace | Inline | OnPool )                awaited where it is
//!             ──run_with, scope─► Supervised( InPlace | .. )                a task that is part of its caller
//!             ──spawn─► Supervised( InPlace | Inline | OnPool )             on the runtime; Task is its handle
//! ```
//!
//! The life of a task is told, with a diagram, in `supervise.rs`; what races in it, in `control/word.rs`.

mod again;
mod applied;
pub(crate) mod attempts;
pub(crate) mod birth;
pub(crate) mod blocking;
pub(crate) mod body;
mod builder;
mod callbacks;
mod cancellation;
mod combine;
mod compose;
mod configured;
mod context;
pub(crate) mod control;
mod gate;
mod guarded;
pub(crate) mod handle;
pub(crate) mod id;
pub(crate) mod in_place;
mod info;
mod macros;
mod measured;
pub(crate) mod metering;
pub(crate) mod node;
mod output;
mod parcel;
mod policies;
mod priority;
mod ready;
mod recovered;
pub(crate) mod recovery;
mod relations;
mod resilience;
mod restart;
mod run;
mod scope;
mod set;
mod slot;
mod snapshot;
pub(crate) mod span;
mod status;
mod supervise;
mod tending;
mod trace;
pub(crate) mod tracked;
pub(crate) mod traits;
pub(crate) mod values;
mod work;

pub use again::Joins;
pub use applied::{CallAgain, Retried};
pub use builder::TaskBuilder;
pub use callbacks::{Callback, IntoCallback};
pub use cancellation::{Cancellation, Canceller};
pub use configured::Configured;
pub use context::{Cancelled, Shield, TaskContext};
pub(crate) use control::{Ending, Shared, TaskRef, cancel};
pub use guarded::Guarded;
pub use handle::Task;
pub use id::{ParseTaskIdError, TaskId};
pub use in_place::InPlace;
pub(crate) use in_place::{caught, notify_all};
pub use info::TaskInfo;
pub use measured::MetricsEnabledTask;
pub(crate) use metering::enable;
pub use policies::{Contextual, Once, Policies, PolicySet, Supervisable, Unconfigured};
pub use priority::PrioritizedTask;
pub(crate) use priority::urgency;
pub use ready::Ready;
pub use recovery::RecoverableTask;
pub use relations::{CHANNEL_CAPACITY, Channel, Relationships};
pub use resilience::{Resilience, Retrying};
pub use restart::{RestartPolicy, Supervision};
pub use run::Run;
pub use scope::{Scope, ScopedTask};
pub use set::{Joinable, TaskSet, all, any, n_of};
pub(crate) use snapshot::snapshot;
pub use snapshot::{RuntimeSnapshot, TaskSnapshot};
pub use status::TaskStatus;
pub use tending::DEFAULT_GRACE;
pub use tracked::Inner;
pub use traits::{CancellableTask, ContextualizedTask, NamedTask, StatusEnabledTask, TimedTask, TracingTask};
pub use work::{
    Again, AgainWith, Async, AttemptOf, Attempted, Call, Fallible, Here, IntoAsyncResult, IntoResult, Plain,
    Pool, Sync, ValueOf, WithContext, Work,
};
