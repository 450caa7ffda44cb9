//! How a task comes into the world: what it is told, and whose child it is.

use std::panic::Location;
use std::sync::Arc;

use crate::panic::caught;
use crate::runtime::Runtime;
use crate::task::settings::configured::Configured;
use crate::task::view::context::TaskContext;
use crate::tree::children::adopt;
use crate::tree::current::current_task;
use crate::tree::metering::enable;
use crate::tree::node::{Shared, TaskRef, refused, share};
use crate::tree::priority::give;
use crate::tree::span::callers;
use crate::tree::state::{IN_PLACE, MEMBER, ORCHESTRAL, PART};
use crate::tree::trace::{Trace, task_span};

/// Where a task belongs, and how it runs.
pub enum Kind {
    /// On the executor, a child of the task that is being polled here.
    Spawned,
    /// As part of its caller, likewise a child.
    InPlace,
    /// On the executor, a member of this scope.
    Member(TaskRef),
    /// On the executor, and nobody's child.
    Apart,
    /// On the executor, a task of an orchestra: a child of this one, which may have ended. Its failure is its own.
    Child(TaskRef),
    /// On the executor, a child of the task that is being polled here, and a part of it: its metrics are switched with those
    /// of that task.
    Part,
}

/// Where in the tree, and in the source, a task is spawned.
pub struct SpawnSite {
    pub(crate) kind: Kind,
    pub(crate) place: &'static Location<'static>,
}

impl SpawnSite {
    /// On the executor, below the task that is being polled here.
    #[track_caller]
    pub fn here() -> Self {
        Self { kind: Kind::Spawned, place: Location::caller() }
    }

    /// As [`here`](Self::here), for a part of the task that is being polled.
    #[track_caller]
    pub fn part() -> Self {
        Self { kind: Kind::Part, place: Location::caller() }
    }

    /// A spawn request for this site.
    pub fn birth(self, settings: Option<&Configured>) -> SpawnRequest<'_> {
        SpawnRequest { kind: self.kind, place: self.place, settings }
    }
}

/// What a new task is told.
pub struct SpawnRequest<'a> {
    /// What kind of task it is.
    pub kind: Kind,
    /// Where its builder was called.
    pub place: &'static Location<'static>,
    /// The settings of its builder, if it had one.
    pub settings: Option<&'a Configured>,
}

/// A task that has come into the world, and is not polled yet.
pub struct Registered<R: Runtime> {
    /// The record of the task.
    pub task: Arc<Shared<R>>,
    /// The task itself, as its own work sees it.
    pub inside: TaskRef,
    /// The task that it is a child of.
    pub parent: Option<TaskRef>,
    /// False if it was to be a member of a scope that has ended.
    pub(crate) is_taken: bool,
}

impl<R: Runtime> Registered<R> {
    pub(crate) fn new(runtime: R, birth: SpawnRequest<'_>) -> Self {
        let (parent, flags, is_invited) = match birth.kind {
            Kind::Spawned => (current(), 0, false),
            Kind::InPlace => (current(), IN_PLACE, false),
            Kind::Apart => (None, 0, false),
            Kind::Member(scope) => (Some(scope), MEMBER, true),
            Kind::Child(parent) => (Some(parent), ORCHESTRAL, true),
            Kind::Part => (current(), PART, false),
        };
        let task = share(runtime, flags, birth.place, parent.as_ref());
        let inside: TaskRef = task.clone();
        equip(&inside, parent.as_ref(), birth.settings);
        if flags != IN_PLACE {
            task.runtime.root().task_begun(&inside);
        }
        let mut is_taken = true;
        if let Some(parent) = &parent {
            match is_invited {
                true => is_taken = parent.control.member_started(),
                false => parent.control.child_started(),
            }
            if is_taken {
                adopt(parent, &inside);
            }
            // After it was adopted: metrics that are switched on meanwhile find it there, or are seen here.
            if flags == PART && parent.control.is_metered() {
                enable(&inside, true);
            }
        }
        Self { task, inside, parent: parent.filter(|_| is_taken), is_taken }
    }

    /// The context that the task's work is given.
    pub fn context(&self) -> TaskContext {
        TaskContext::new(self.inside.clone())
    }
}

/// A task for which no runtime was found: it has failed, and is equipped as if it had begun.
pub(crate) fn without_runtime(place: &'static Location<'static>, settings: &Configured) -> TaskRef {
    let task = refused(place);
    equip(&task, None, Some(settings));
    task
}

/// The task that is being polled here; blocking work that was given up may have outlived its own, and has none.
fn current() -> Option<TaskRef> {
    current_task().filter(|task| !task.control.state().is_terminal())
}

fn equip(task: &TaskRef, parent: Option<&TaskRef>, settings: Option<&Configured>) {
    let control = &task.control;
    let inherited = parent.and_then(|parent| parent.control.values());
    let own = settings.and_then(|settings| settings.values.as_ref());
    match (own, inherited) {
        (Some(own), Some(outer)) => control.set_values(Arc::new(own.within(outer))),
        (Some(values), None) | (None, Some(values)) => control.set_values(values.clone()),
        (None, None) => {}
    }
    if let Some(span) = callers() {
        control.set_span(Some(span));
    }
    let Some(settings) = settings else { return };
    // First, so that all that is told of it has the same id.
    #[cfg(feature = "uuid")]
    if settings.uuid {
        let chance = [task.runtime.random(), task.runtime.random()];
        control.identify(crate::vocabulary::id::TaskId::v7(task.runtime.time_of_day(), chance));
    }
    if let Some(name) = &settings.name {
        control.set_name(name.clone());
    }
    if let Some(priority) = settings.priority {
        give(task, priority);
    }
    if let Some(grace) = settings.grace {
        control.set_grace(grace);
    }
    if settings.timestamps {
        control.stamp(task.runtime.clock());
    }
    if settings.metrics {
        enable(task, true);
    }
    if let Some((limit, deadline)) = settings.deadline(|| task.runtime.clock()) {
        control.set_limit(limit, deadline);
    }
    if settings.tracing {
        control.set_trace(Trace::default());
        // A subscriber is foreign code.
        control.set_span(caught(|| task_span(task)).ok());
    }
}
