//! The registration of a task: its settings, its parent, and the root scope that counts it.

use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use tracing::Span;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::Runtime;
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::settings::configured::Configured;
use crate::task::view::context::TaskContext;
use crate::tree::children::{adopt, release};
use crate::tree::current::current_task;
use crate::tree::daemons::daemon_started;
use crate::tree::extras::permits::SharedPermit;
use crate::tree::extras::trace::{Trace, task_span};
use crate::tree::node::{Shared, TaskRef, refused, share};
use crate::tree::priority::assign;
use crate::tree::span::current_span;
use crate::tree::state::{DAEMON, IN_PLACE, MEMBER, ORCHESTRAL, PART};
use crate::tree::usage::metering::{enable, mode};

/// The kind of a new task: its parent, and where it runs.
pub enum Kind {
    /// On the executor, a child of the task that is being polled here.
    Spawned,
    /// As part of its caller, likewise a child.
    InPlace,
    /// On the executor, a member of this scope.
    Member(TaskRef),
    /// On the executor, a member of this scope that is stopped once the others have ended.
    Daemon(TaskRef),
    /// On the executor, without a parent.
    Apart,
    /// On the executor, a task of an orchestra: a child of this one, which may have ended. Its failure is its
    /// own.
    Child(TaskRef),
    /// On the executor, a child of the task that is being polled here, and a part of it: its metrics are
    /// switched with those of that task.
    Part,
}

/// The position in the tree and the location in the source at which a task is spawned.
pub struct SpawnSite {
    pub(crate) kind: Kind,
    pub(crate) location: &'static Location<'static>,
    /// The permit of a limiter that the task was spawned with.
    pub(crate) permit: Option<SharedPermit>,
}

impl SpawnSite {
    /// On the executor, below the task that is being polled here.
    #[track_caller]
    pub fn here() -> Self {
        Self { kind: Kind::Spawned, location: Location::caller(), permit: None }
    }

    /// As [`here`](Self::here), for a part of the task that is being polled.
    #[track_caller]
    pub fn part() -> Self {
        Self { kind: Kind::Part, location: Location::caller(), permit: None }
    }

    /// A spawn request for this site.
    pub fn request(self, settings: Option<&Configured>) -> SpawnRequest<'_> {
        SpawnRequest { kind: self.kind, location: self.location, settings }
    }
}

/// The request for a new task.
pub struct SpawnRequest<'a> {
    /// The kind of the task.
    pub kind: Kind,
    /// The source location of the call of its builder.
    pub location: &'static Location<'static>,
    /// The settings of its builder, if it had one.
    pub settings: Option<&'a Configured>,
}

/// A task that is registered, and not polled yet.
pub struct Registered<R: Runtime> {
    /// The record of the task.
    pub task: Arc<Shared<R>>,
    /// The same record, with the type of its runtime erased.
    pub inside: TaskRef,
    /// Its parent, if it has one.
    pub parent: Option<TaskRef>,
    /// The source location of the call of its builder.
    pub(crate) location: &'static Location<'static>,
    /// The reason for which it must not be started, if there is one.
    pub(crate) refusal: Option<AsyncTaskError>,
}

impl<R: Runtime> Registered<R> {
    /// Registers the task with its parent and, unless it is in place, with its root scope.
    pub fn new(runtime: R, request: SpawnRequest<'_>) -> Self {
        let (parent, flags, refusal) = match request.kind {
            Kind::Spawned => (current(), 0, None),
            Kind::InPlace => (current(), IN_PLACE, None),
            Kind::Apart => (None, 0, None),
            Kind::Member(scope) => (Some(scope), MEMBER, Some(SCOPE_ENDED)),
            Kind::Daemon(scope) => (Some(scope), MEMBER | DAEMON, Some(SCOPE_ENDED)),
            Kind::Child(parent) => (Some(parent), ORCHESTRAL, Some(PARENT_ENDED)),
            Kind::Part => (current(), PART, None),
        };
        let task = share(runtime, flags, request.location, parent.as_ref());
        let inside: TaskRef = task.clone();
        apply_settings(&inside, parent.as_ref(), request.settings, (None, current_span()));
        if flags != IN_PLACE {
            task.runtime.root().task_begun(&inside);
        }
        let (mut is_accepted, is_daemon) = (true, flags & DAEMON != 0);
        if let Some(parent) = &parent {
            match refusal {
                Some(_) if is_daemon => is_accepted = daemon_started(parent),
                Some(_) => is_accepted = parent.control.member_started(),
                None => parent.control.child_started(),
            }
            if is_accepted {
                adopt(parent, &inside);
                if is_daemon {
                    release(parent);
                }
            }
            // After its adoption: if the parent's metrics are switched on meanwhile, they reach it through
            // the list, or are seen here.
            if flags == PART && parent.control.is_metered() {
                enable(&inside, true, mode(parent));
            }
        }
        let parent = parent.filter(|_| is_accepted);
        let is_admitted =
            flags == IN_PLACE || task.runtime.root().admits(inside.is_child_here(parent.as_ref()));
        let refusal = match (is_accepted, is_admitted) {
            (true, true) => None,
            (true, false) => Some(AsyncTaskError::Shutdown),
            (false, _) => refusal,
        };
        Self { task, inside, parent, location: request.location, refusal }
    }

    /// Gives the task `permit`, which it holds until nothing of it is left.
    pub fn hold(&self, permit: Arc<dyn Send + Sync>) {
        self.inside.control.hold_task_permit(permit);
    }

    /// Registers an in-place task below `parent`: after its begin, with the time of that if it has a limit,
    /// and with the span that its caller was in then.
    pub(crate) fn in_place(
        runtime: R,
        parent: Option<TaskRef>,
        settings: &Configured,
        begun: (Option<Instant>, Option<Span>),
        location: &'static Location<'static>,
    ) -> TaskRef {
        let parent = parent.filter(|task| !task.control.state().is_terminal());
        let task: TaskRef = share(runtime, IN_PLACE, location, parent.as_ref());
        apply_settings(&task, parent.as_ref(), Some(settings), begun);
        if let Some(parent) = &parent {
            parent.control.child_started();
            adopt(parent, &task);
        }
        task
    }

    /// The state machine of the task.
    pub(crate) fn into_life(self) -> Lifecycle {
        Lifecycle::new(self.inside, self.parent)
    }

    /// The context that the task's work is given.
    pub fn context(&self) -> TaskContext {
        TaskContext::new(self.inside.clone())
    }
}

/// A task for which no runtime was found: it has failed, and has its settings as if it had begun.
pub(crate) fn without_runtime(location: &'static Location<'static>, settings: &Configured) -> TaskRef {
    let task = refused(location);
    apply_settings(&task, None, Some(settings), (None, current_span()));
    task
}

const SCOPE_ENDED: AsyncTaskError =
    AsyncTaskError::InvalidState("the scope has ended, and takes no more tasks");
const PARENT_ENDED: AsyncTaskError =
    AsyncTaskError::InvalidState("what it is part of has ended, and takes no more tasks");

/// The task that is being polled here; `None` in blocking work that was given up and has outlived its task.
fn current() -> Option<TaskRef> {
    current_task().filter(|task| !task.control.state().is_terminal())
}

/// Gives a new task its values, its span and its settings. `begun` is the time from which its limit counts,
/// which is now if there is none, and the span of its caller.
fn apply_settings(
    task: &TaskRef,
    parent: Option<&TaskRef>,
    settings: Option<&Configured>,
    (begun, span): (Option<Instant>, Option<Span>),
) {
    let control = &task.control;
    let inherited = parent.and_then(|parent| parent.control.values());
    let own = settings.and_then(|settings| settings.values.as_ref());
    match (own, inherited) {
        (Some(own), Some(outer)) => control.set_values(Arc::new(own.within(outer))),
        (Some(values), None) | (None, Some(values)) => control.set_values(values.clone()),
        (None, None) => {}
    }
    if let Some(span) = span {
        control.set_span(Some(span));
    }
    let Some(settings) = settings else { return };
    // First, so that all reports of the task have the same id.
    #[cfg(feature = "uuid")]
    if settings.uuid {
        let chance = [task.runtime.random(), task.runtime.random()];
        control.identify(crate::vocabulary::id::TaskId::v7(task.runtime.time_of_day(), chance));
    }
    if let Some(name) = &settings.name {
        control.set_name(name.clone());
    }
    // One attempt is what a task counts by default.
    if settings.number > 1 {
        control.attempted(settings.number);
    }
    if let Some(priority) = settings.priority {
        assign(task, priority);
    }
    if let Some(grace) = settings.grace {
        control.set_grace(grace);
    }
    if settings.timestamps {
        control.stamp(task.runtime.clock());
    }
    enable(task, true, settings.metrics);
    if let Some((limit, deadline)) = settings.deadline(|| begun.unwrap_or_else(|| task.runtime.clock())) {
        control.set_limit(limit, deadline);
    }
    if settings.tracing {
        control.set_trace(Trace::default());
        // A subscriber is foreign code.
        control.set_span(caught(|| task_span(task)).ok());
    }
}
