//! One task: its builder, its work, its life and its handle.
//!
//! The way of a closure, from `TaskBuilder` to its result:
//!
//! 1. `builder/task_builder.rs` collects the settings and policies. `builder/policies.rs` and
//!    `builder/resilience.rs` are its type states: no policy; settings alone; a breaker, a limiter or a
//!    recovery. `builder/repeats.rs` has those with retries and with hedges. An end such as `spawn` gives the
//!    work to the state: `builder/starts.rs` starts a task of its own, `builder/runs_in_place.rs` makes a
//!    future that is part of the caller.
//! 2. `settings/` holds them as values.
//! 3. `lifecycle/spawn.rs` registers the task with its parent and its root scope, before its work is made:
//!    the work may be given the context of its task. An in-place task whose work needs no context is
//!    registered later, when something asks for it or when its first poll gives no value.
//! 4. `work/kinds.rs` makes a future of the closure: `work/in_place.rs` for asynchronous work,
//!    `work/blocking.rs` for synchronous work, whose two sides share the slots in `work/job.rs`.
//!    `work/attempts.rs` makes one for each attempt of work that is tried again.
//! 5. `layers/` puts the policies around that future, as one more future; `layers/mod.rs` draws their order.
//! 6. `handle/task.rs` launches the task, in a box if it has policies. `lifecycle/supervised.rs` is the
//!    future that the executor polls: the body's slot, and the state machine in `lifecycle/supervise.rs`. An
//!    in-place task, which its caller polls, is the same with another shell: `lifecycle/in_place.rs`. Before
//!    it is registered it is no more than its settings and a frame: `lifecycle/unregistered.rs`.
//! 7. Each poll of the task is one of its body (`work/body.rs`) and then, for a task with a deadline or a
//!    cancellation, a check of both (`lifecycle/grace.rs`).
//! 8. The value of a success waits in the slot until every descendant has ended. The executor passes the
//!    result on as a `lifecycle/guarded_result.rs`, and the handle gives it.
//!
//! So a spawned closure is wrapped in two futures, `InPlace` and `Supervised`; with any number of policies in
//! three and a box. The slot, the layers and the state machine (`crate::body`) are what all of them share.
//!
//! `view/` is the task as its work and others see it meanwhile, `capabilities/` holds the traits of all
//! handles, and `group/` several tasks together.

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

pub use crate::task::builder::policies::{Contextual, Policies, Unconfigured};
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
pub use crate::task::group::repeat::Repeat;
pub use crate::task::group::restart::{RestartPolicy, Supervision};
pub use crate::task::group::runs::{OnFailure, Repeated};
pub use crate::task::group::scope::Scope;
pub use crate::task::group::set::{Joinable, TaskSet, all, any, n_of};
pub use crate::task::handle::run::Run;
pub use crate::task::handle::scoped_task::ScopedTask;
pub use crate::task::handle::task::Task;
pub use crate::task::layers::hedge::alone::HedgedAlone;
pub use crate::task::layers::standalone::{Applied, Retried};
pub use crate::task::lifecycle::grace::DEFAULT_GRACE;
pub use crate::task::settings::configured::Configured;
pub use crate::task::settings::hedging::Hedging;
pub use crate::task::settings::resilience::{Resilience, Retrying};
pub use crate::task::view::canceller::{Cancellation, Canceller};
pub use crate::task::view::context::{Cancelled, Shield, TaskContext};
pub use crate::task::view::relationships::Relationships;
pub use crate::task::work::kinds::{Here, IntoAsyncResult, IntoResult, Pool};
pub use crate::tree::extras::callbacks::{Callback, IntoCallback};
pub use crate::tree::extras::channels::{CHANNEL_CAPACITY, Channel};
pub use crate::tree::root::snapshot::{RuntimeSnapshot, TaskSnapshot};
pub use crate::vocabulary::id::{ParseTaskIdError, TaskId};
pub use crate::vocabulary::info::TaskInfo;
pub use crate::vocabulary::status::TaskStatus;
