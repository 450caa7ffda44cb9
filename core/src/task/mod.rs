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
mod attempts;
mod birth;
mod blocking;
mod body;
mod builder;
mod callbacks;
mod cancellation;
mod combine;
mod compose;
mod configured;
mod context;
mod control;
mod gate;
mod guarded;
mod handle;
mod id;
mod in_place;
mod info;
mod macros;
mod measured;
mod metering;
mod node;
mod output;
mod parcel;
mod policies;
mod priority;
mod ready;
mod recovered;
mod recovery;
mod relations;
mod resilience;
mod restart;
mod run;
mod scope;
mod set;
mod slot;
mod snapshot;
mod span;
mod status;
mod supervise;
mod tending;
mod trace;
mod tracked;
mod traits;
mod values;
mod work;

pub use again::Joins;
pub use applied::{CallAgain, Retried};
pub(crate) use attempts::Pause;
pub(crate) use birth::{Birth, Birthplace, Born, Kind};
pub(crate) use blocking::OnPool;
pub(crate) use body::{as_part_of, timed_out};
pub use builder::TaskBuilder;
pub use callbacks::{Callback, IntoCallback};
pub use cancellation::{Cancellation, Canceller};
pub use configured::Configured;
pub use context::{Cancelled, Shield, TaskContext};
pub(crate) use control::{Ending, Shared, TaskRef, adopt, cancel, children, has_jobs, release};
pub use guarded::Guarded;
pub use handle::Task;
pub(crate) use handle::{spawn, spawn_reporting, spawn_with};
pub(crate) use id::IdField;
pub use id::{ParseTaskIdError, TaskId};
pub use in_place::InPlace;
pub(crate) use in_place::{caught, notify_all};
pub use info::TaskInfo;
pub use measured::MetricsEnabledTask;
pub(crate) use metering::{disable, enable, sums};
pub(crate) use node::InNode;
pub use policies::{Contextual, Once, Policies, PolicySet, Supervisable, Unconfigured};
pub use priority::PrioritizedTask;
pub(crate) use priority::urgency;
pub use ready::Ready;
pub use recovery::RecoverableTask;
pub(crate) use recovery::{Recovery, RecoveryWork};
pub use relations::{CHANNEL_CAPACITY, Channel, Relationships};
pub use resilience::{Resilience, Retrying};
pub use restart::{RestartPolicy, Supervision};
pub use run::Run;
pub use scope::{Scope, ScopedTask};
pub use set::{Joinable, TaskSet, all, any, n_of};
pub(crate) use snapshot::snapshot;
pub use snapshot::{RuntimeSnapshot, TaskSnapshot};
pub(crate) use span::within;
pub use status::TaskStatus;
pub use tending::DEFAULT_GRACE;
pub use tracked::Inner;
pub(crate) use tracked::{Reports, Told, embedded, spawn_tracked, whole};
pub(crate) use traits::Handle;
pub use traits::{CancellableTask, ContextualizedTask, NamedTask, StatusEnabledTask, TimedTask, TracingTask};
pub(crate) use values::Values;
pub use work::{
    Again, AgainWith, Async, AttemptOf, Attempted, Call, Fallible, Here, IntoAsyncResult, IntoResult, Plain,
    Pool, Sync, ValueOf, WithContext, Work,
};
