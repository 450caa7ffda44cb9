//! Capabilities, traits: each trait alone is enough for generic code, with every kind of task.

use crate::library::pipeline::PipelineBuilder;
use crate::library::{
    CancelOutcome, CancellableTask, ContextualizedTask, NamedTask, PrioritizedTask as _, RuntimeSource,
    StatusEnabledTask, TaskBuilder, TaskContext, TaskPriority, TimedTask, TracingTask,
};

use crate::kit::prelude::*;

pub(crate) const ALL: [TaskStatus; 6] = [
    TaskStatus::Pending,
    TaskStatus::Running,
    TaskStatus::Completed,
    TaskStatus::Failed,
    TaskStatus::PendingCancellation,
    TaskStatus::Cancelled,
];

/// A task that waits forever, certain to have started, and its context.
pub(crate) async fn idle<R: Runtime>(rt: &R) -> Result<(Task<(), R>, TaskContext), Failure> {
    let (sender, contexts) = async_channel::bounded(1);
    let task = AsyncTask::to::<()>().on(rt).name("idle").spawn_with(|cx| async move {
        let _ = sender.try_send(cx);
        pending::<()>().await
    });
    Ok((task, contexts.recv().await?))
}

/// Runs a check on a task, through its handle and its context, and on the member of a scope.
macro_rules! check_each_kind {
    ($rt:ident, $check:expr) => {{
        let (task, context) = idle(&$rt).await?;
        $check(&task).context("a task")?;
        $check(&context).context("a context")?;
        task.cancel(CancelLevel::Kill).await;
        let scope = AsyncTask::to().on(&$rt).scope(|s| async move {
            let member = s.spawn(|| async { Ok(pending::<()>().await) });
            $check(&member).context("a member of a scope")?;
            drop(member.cancel(CancelLevel::Kill));
            Ok(())
        });
        scope.await.map_err(Failure::from)
    }};
}

fn rename(task: &impl NamedTask) -> Outcome {
    task.set_name("first");
    task.set_name("second");
    ensure!(task.name().as_deref() == Some("second"), "{:?}", task.name());
    Ok(())
}

pub async fn generic_code_can_ask_for_a_name_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    check_each_kind!(rt, rename)
}

fn is_unsettable(task: &impl StatusEnabledTask) -> Outcome {
    for status in ALL
        .into_iter()
        .filter(|status| !matches!(status, TaskStatus::PendingCancellation | TaskStatus::Cancelled))
    {
        let error = failed(task.set_status(status))?;
        ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{status}: {error:?}");
        ensure!(error.to_string().contains("PendingCancellation or Cancelled"), "it says what can be set");
    }
    ensure!(
        matches!(task.status(), TaskStatus::Pending | TaskStatus::Running),
        "a refused status changes nothing"
    );
    task.set_status(TaskStatus::PendingCancellation)?;
    ensure!(task.status() == TaskStatus::PendingCancellation);
    Ok(())
}

pub async fn generic_code_can_ask_for_a_status_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, context) = idle(&rt).await?;
    is_unsettable(&task)?;
    task.cancel(CancelLevel::Kill).await;
    drop(context);
    let (task, context) = idle(&rt).await?;
    is_unsettable(&context)?;
    task.cancel(CancelLevel::Kill).await;
    let scope = AsyncTask::to().on(&rt).scope(|s| async move {
        let member = s.spawn(|| async { Ok(pending::<()>().await) });
        is_unsettable(&member)?;
        drop(member.cancel(CancelLevel::Kill));
        Ok(())
    });
    scope.await.map_err(Failure::from)
}

fn has_a_limit(task: &impl TimedTask) -> Outcome {
    ensure!((task.deadline(), task.remaining(), task.is_expired()) == (None, None, false));
    task.set_timeout(1.hours())?;
    let remaining = task.remaining().context("a limit was set")?;
    ensure!(remaining <= 1.hours() && task.deadline().is_some() && !task.is_expired());
    task.set_timeout(Duration::MAX)?;
    ensure!((task.deadline(), task.timeout(), task.elapsed()) == (None, None, None));
    Ok(())
}

pub async fn generic_code_can_ask_for_the_time_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    check_each_kind!(rt, has_a_limit)
}

fn can_be_stopped(task: &impl CancellableTask) -> Outcome {
    task.on_cancel(|| ())?;
    drop(task.cancel_gracefully());
    ensure!(task.is_cancelled());
    Ok(())
}

pub async fn generic_code_can_ask_for_cancellation_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    check_each_kind!(rt, can_be_stopped)
}

fn is_not_traced(task: &impl TracingTask) -> Outcome {
    task.trace_event("recorded nowhere");
    task.add_trace_field("key", &1);
    ensure!(!task.is_tracing_enabled() && task.trace_fields().is_empty());
    Ok(())
}

pub async fn generic_code_can_ask_for_tracing_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    check_each_kind!(rt, is_not_traced)
}

fn is_on(name: &'static str) -> impl Fn(&dyn Named) -> Outcome + Copy + Send + 'static {
    move |task| {
        ensure!(task.runtime_name() == Some(name), "on {:?}", task.runtime_name());
        Ok(())
    }
}

/// Generic over the associated type: a context and a handle have runtimes of different types.
trait Named {
    fn runtime_name(&self) -> Option<&'static str>;
}

impl<C: ContextualizedTask> Named for C {
    fn runtime_name(&self) -> Option<&'static str> {
        self.runtime().map(|runtime| runtime.name())
    }
}

pub async fn generic_code_can_ask_for_the_runtime_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let check = is_on(rt.name());
    check_each_kind!(rt, check)
}

pub async fn a_task_gives_the_runtime_that_it_is_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, context) = idle(&rt).await?;
    let own = ContextualizedTask::runtime(&task).context("it is on one")?;
    ensure!(AsyncTask::to::<u32>().on(&own).spawn(|| async { 1 }).await? == 1);
    ensure!(AsyncTask::to::<u32>().on(&context.runtime()).spawn(|| async { 2 }).await? == 2);
    ensure!(std::ptr::eq(own.root(), rt.root()), "another executor");
    ensure!(task.relationships().parent().is_none() && task.relationships().children().is_empty());
    task.cancel(CancelLevel::Kill).await;
    Ok(())
}

pub async fn capabilities_can_be_used_as_trait_objects<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (task, context) = idle(&rt).await?;
    let canceller = task.canceller();
    let named: [&dyn NamedTask; 3] = [&task, &context, &canceller];
    for (handle, name) in named.into_iter().zip(["one", "two", "three"]) {
        handle.set_name(name);
        ensure!(named.iter().all(|other| other.name().as_deref() == Some(name)));
    }
    let timed: [&dyn TimedTask; 3] = [&task, &context, &canceller];
    ensure!(timed.iter().all(|handle| handle.deadline().is_none()));
    let traced: [&dyn TracingTask; 3] = [&task, &context, &canceller];
    ensure!(traced.iter().all(|handle| !handle.is_tracing_enabled()));
    let placed: &dyn ContextualizedTask<Runtime = R> = &task;
    ensure!(placed.runtime().is_some());
    let stopped: [&dyn CancellableTask; 3] = [&task, &context, &canceller];
    ensure!(!stopped.iter().any(|handle| handle.is_cancelled()));
    let watched: [&dyn StatusEnabledTask; 3] = [&task, &context, &canceller];
    ensure!(watched.iter().all(|handle| handle.status() == TaskStatus::Running));
    drop(context.cancel(CancelLevel::Kill));
    ensure!(stopped.iter().all(|handle| handle.is_cancelled()));
    canceller.cancel(CancelLevel::Kill).await;
    Ok(())
}

pub async fn a_name_set_later_is_the_one_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).name("before").timeout(20.millis());
    let task = builder.spawn_with(|cx| async move {
        cx.set_name("after");
        pending::<()>().await
    });
    let canceller = task.canceller();
    let error = failed(task.await)?.to_string();
    ensure!(error.contains("`after`") && !error.contains("before"), "{error}");
    ensure!(canceller.name().as_deref() == Some("after"), "a name outlives the task");
    let (parent, context) = idle(&rt).await?;
    parent.set_name("parent");
    ensure!(context.name().as_deref() == Some("parent"));
    let stuck = parent.cancel(CancelLevel::Graceful).within(Duration::ZERO).await;
    let names: Vec<_> = stuck.stuck().iter().map(|info| info.name.as_deref()).collect();
    ensure!(names == [Some("parent")], "{names:?}");
    parent.cancel(CancelLevel::Kill).await;
    Ok(())
}

/// A runtime source that finds no runtime.
#[derive(Clone)]
struct Nowhere<R>(std::marker::PhantomData<fn() -> R>);

impl<R: Runtime> RuntimeSource for Nowhere<R> {
    type Runtime = R;

    fn resolve(&self) -> Result<R, AsyncTaskError> {
        Err(AsyncTaskError::NoRuntime)
    }
}

pub async fn a_task_without_a_runtime_answers_everything<R: Runtime>(_: R, _: Facts) -> Outcome {
    let source = Nowhere::<R>(std::marker::PhantomData);
    let mut task = TaskBuilder::<u32, _>::new(source).name("nowhere").timestamps(true).spawn(|| async { 1 });
    ensure!((task.status(), task.is_cancelled()) == (TaskStatus::Failed, false));
    task.set_name("other");
    ensure!(NamedTask::name(&task).as_deref() == Some("other") && task.created_timestamp().is_some());
    let unknown = (task.deadline(), task.remaining(), task.elapsed(), task.timeout());
    ensure!(unknown == (None, None, None, None) && !task.is_expired());
    for error in [
        failed(task.set_status(TaskStatus::Cancelled))?,
        failed(task.set_timeout(1.hours()))?,
        failed(task.on_cancel(|| async {}))?,
        failed(task.ready().await)?,
    ] {
        ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
    }
    let ran = Latch::new();
    let run = ran.clone();
    task.on_cancel(move || run.set())?;
    ensure!(ran.is_set(), "after the end, a synchronous callback runs at once");
    let end = task.cancel(CancelLevel::Kill).await;
    ensure!((end.outcome(), end.status()) == (CancelOutcome::Failure, TaskStatus::Failed));
    ensure!(task.runtime().is_none() && task.relationships().parent().is_none());
    ensure!(task.relationships().upward::<u32>().sender.try_send(1).is_err(), "its channels are closed");
    ensure!(matches!(failed((&mut task).await)?, AsyncTaskError::NoRuntime));
    Ok(())
}

pub async fn a_task_without_a_runtime_has_the_priority_that_it_was_given<R: Runtime>(
    _: R,
    _: Facts,
) -> Outcome {
    let source = Nowhere::<R>(std::marker::PhantomData);
    let builder = TaskBuilder::<u32, _>::new(source.clone());
    let plain = builder.clone().spawn(|| async { 1 });
    ensure!(plain.priority() == TaskPriority::Normal, "{:?}", plain.priority());
    for priority in [TaskPriority::Critical, TaskPriority::High, TaskPriority::Low, TaskPriority::Background]
    {
        let task = builder.clone().priority(priority).spawn(|| async { 1 });
        let retried = builder.clone().priority(priority).retry(3).spawn(|| async { 1 });
        let pipeline = PipelineBuilder::<u64, _>::new(source.clone())
            .priority(priority)
            .sender(|sources| sources.of([1]).into_chunks(1.items()))
            .for_each(|_: Event<u64>| {})
            .spawn();
        let kept = [task.priority(), retried.priority(), pipeline.priority()];
        ensure!(kept == [priority; 3], "{kept:?} in place of {priority:?}");
        ensure!(matches!(failed(task.await)?, AsyncTaskError::NoRuntime));
    }
    Ok(())
}
