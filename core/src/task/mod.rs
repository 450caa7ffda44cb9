//! One task: its builder, its work, its life and its handle.
//!
//! The way of a closure, from `TaskBuilder` to its result:
//!
//! 1. `builder/task_builder.rs` collects what is set. `builder/policies.rs` and `builder/resilience.rs` are its type states: no
//!    policy, settings alone, a breaker or a limiter or a recovery; `builder/repeatable.rs` is the one with retries.
//! 2. `settings/` is what was set, as values.
//! 3. `work/kinds.rs` makes a future of the closure: asynchronous work becomes `work/in_place.rs`, synchronous work
//!    `work/blocking.rs`, whose two sides meet in `work/job.rs`.
//! 4. `layers/` puts the policies around that future; `layers/mod.rs` draws their order.
//! 5. `handle/task.rs` starts it: `lifecycle/spawn.rs` registers the task with its parent and its root, and
//!    `lifecycle/supervise.rs` is the future that the executor is given. Without a spawn, `lifecycle/in_place.rs` is the same for
//!    work that its caller polls.
//! 6. Each poll is one of `work/body.rs`, beside `lifecycle/grace.rs`, which keeps the deadline and answers a cancellation.
//! 7. The result waits in `lifecycle/guarded_result.rs` until every descendant has ended, and the handle gives it.
//!
//! `view/` is what the work and others see of the task meanwhile, `capabilities/` the traits of all handles, `group/` several
//! tasks together.

pub(crate) mod builder;
pub(crate) mod capabilities;
pub(crate) mod group;
pub(crate) mod handle;
pub(crate) mod layers;
pub(crate) mod lifecycle;
pub(crate) mod macros;
pub(crate) mod settings;
pub(crate) mod view;
pub(crate) mod work;

pub use crate::task::builder::embedded::Inner;
pub use crate::task::builder::policies::{Contextual, Once, Policies, PolicySet, Supervisable, Unconfigured};
pub use crate::task::builder::repeatable::Joins;
pub use crate::task::builder::task_builder::TaskBuilder;
pub use crate::task::capabilities::cancellable::CancellableTask;
pub use crate::task::capabilities::contextualized::ContextualizedTask;
pub use crate::task::capabilities::metered::MetricsEnabledTask;
pub use crate::task::capabilities::named::NamedTask;
pub use crate::task::capabilities::prioritized::PrioritizedTask;
pub use crate::task::capabilities::ready::Ready;
pub use crate::task::capabilities::recoverable::RecoverableTask;
pub use crate::task::capabilities::status_enabled::StatusEnabledTask;
pub use crate::task::capabilities::timed::TimedTask;
pub use crate::task::capabilities::traced::TracingTask;
pub use crate::task::group::restart::{RestartPolicy, Supervision};
pub use crate::task::group::scope::Scope;
pub use crate::task::group::set::{Joinable, TaskSet, all, any, n_of};
pub use crate::task::handle::run::Run;
pub use crate::task::handle::scoped_task::ScopedTask;
pub use crate::task::handle::task::Task;
pub use crate::task::layers::admission::Guarded;
pub use crate::task::layers::standalone::{CallAgain, Retried};
pub use crate::task::lifecycle::grace::DEFAULT_GRACE;
pub use crate::task::settings::configured::Configured;
pub use crate::task::settings::resilience::{Resilience, Retrying};
pub use crate::task::view::canceller::{Cancellation, Canceller};
pub use crate::task::view::context::{Cancelled, Shield, TaskContext};
pub use crate::task::view::relationships::Relationships;
pub use crate::task::work::in_place::InPlace;
pub use crate::task::work::kinds::{
    Again, AgainWith, Async, AttemptOf, Attempted, Call, Fallible, Here, IntoAsyncResult, IntoResult, Plain,
    Pool, Sync, ValueOf, WithContext, Work,
};
pub use crate::tree::callbacks::{Callback, IntoCallback};
pub use crate::tree::channels::{CHANNEL_CAPACITY, Channel};
pub use crate::tree::snapshot::{RuntimeSnapshot, TaskSnapshot};
pub use crate::vocabulary::id::{ParseTaskIdError, TaskId};
pub use crate::vocabulary::info::TaskInfo;
pub use crate::vocabulary::status::TaskStatus;
