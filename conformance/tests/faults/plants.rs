//! The planted faults: each is one that a backend has had, or could easily have.

use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use sweet_async::smol::{SmolJoin, SmolPool, SmolRuntime};
use sweet_async::{Runtime as _, SpawnError};

use crate::wrapper::{Fault, Job, LONG, Work};

/// The owner's drop leaves the executor running, with all its tasks.
pub(crate) struct DropDetaches;

impl Fault for DropDetaches {
    // One of its two cases does not hang.
    const LIMIT: Duration = Duration::from_secs(5);

    fn end(pool: SmolPool) {
        std::mem::forget(pool);
    }
}

/// The owner's drop waits for its tasks to end by themselves.
pub(crate) struct DropWaits;

impl Fault for DropWaits {
    fn end(pool: SmolPool) {
        while pool.runtime().active_task_count() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Timers count nanoseconds in 64 bits with a sign: some 292 years.
pub(crate) struct FarTimersPanic;

impl Fault for FarTimersPanic {
    const LIMIT: Duration = LONG;

    #[allow(clippy::panic, reason = "it is the fault")]
    fn sleep(inner: &SmolRuntime, deadline: Instant) -> Work {
        let left = deadline.saturating_duration_since(Instant::now());
        if i64::try_from(left.as_nanos()).is_err() {
            panic!("the timer overflowed");
        }
        Box::pin(inner.sleep_until(deadline))
    }
}

/// Timers round their deadline up, also where the clock cannot count any further.
pub(crate) struct TimersRoundUp;

impl Fault for TimersRoundUp {
    const LIMIT: Duration = LONG;

    fn sleep(inner: &SmolRuntime, deadline: Instant) -> Work {
        Box::pin(inner.sleep_until(deadline + Duration::from_nanos(999_999)))
    }
}

/// Timers are ready at once.
pub(crate) struct TimersFireAtOnce;

impl Fault for TimersFireAtOnce {
    const LIMIT: Duration = LONG;

    fn sleep(_: &SmolRuntime, _: Instant) -> Work {
        Box::pin(ready(()))
    }
}

/// Timers are never ready.
pub(crate) struct TimersNeverFire;

impl Fault for TimersNeverFire {
    fn sleep(_: &SmolRuntime, _: Instant) -> Work {
        Box::pin(std::future::pending())
    }
}

/// Timers wake the task that polled them first, also after they were moved to another task.
pub(crate) struct TimersKeepTheFirstWaker;

impl Fault for TimersKeepTheFirstWaker {
    fn sleep(inner: &SmolRuntime, deadline: Instant) -> Work {
        let mut timer = Box::pin(inner.sleep_until(deadline));
        let mut first = None::<Waker>;
        Box::pin(poll_fn(move |cx| {
            let first = first.get_or_insert_with(|| cx.waker().clone());
            timer.as_mut().poll(&mut Context::from_waker(first))
        }))
    }
}

/// The clock runs backwards.
pub(crate) struct ClockRunsBackwards;

impl Fault for ClockRunsBackwards {
    const LIMIT: Duration = LONG;

    fn now() -> Instant {
        static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        let begin = *BEGIN.get_or_init(Instant::now);
        begin.checked_sub(begin.elapsed()).unwrap_or(begin)
    }
}

/// A waker that does not pass every wake on to its task.
struct LossyWaker<S> {
    to: Waker,
    state: Arc<S>,
    delivers: fn(&S) -> bool,
}

impl<S: Send + Sync> Wake for LossyWaker<S> {
    fn wake(self: Arc<Self>) {
        if (self.delivers)(&self.state) {
            self.to.wake_by_ref();
        }
    }
}

/// Polls `work` with a waker that calls `delivers` for each wake. `polling` is called before and after each
/// poll.
fn with_lossy_waker<S: Send + Sync + 'static>(
    mut work: Work,
    state: S,
    delivers: fn(&S) -> bool,
    polling: fn(&S, bool),
) -> Work {
    let state = Arc::new(state);
    Box::pin(poll_fn(move |cx| {
        let waker =
            Waker::from(Arc::new(LossyWaker { to: cx.waker().clone(), state: state.clone(), delivers }));
        polling(&state, true);
        let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
        polling(&state, false);
        polled
    }))
}

/// The second wake of each task is lost.
pub(crate) struct SecondWakeIsLost;

impl Fault for SecondWakeIsLost {
    fn poll(work: Work) -> Work {
        with_lossy_waker(
            work,
            AtomicUsize::new(0),
            |wakes| wakes.fetch_add(1, Ordering::SeqCst) != 1,
            |_, _| {},
        )
    }
}

/// A wake that comes while the task is being polled is lost.
pub(crate) struct WakeDuringAPollIsLost;

impl Fault for WakeDuringAPollIsLost {
    fn poll(work: Work) -> Work {
        let delivers = |polled: &AtomicBool| !polled.load(Ordering::SeqCst);
        with_lossy_waker(work, AtomicBool::new(false), delivers, |polled, now| {
            polled.store(now, Ordering::SeqCst)
        })
    }
}

/// Blocking work runs on the threads that poll tasks.
pub(crate) struct BlockingOnWorkers;

impl Fault for BlockingOnWorkers {
    fn block(inner: &SmolRuntime, job: Job) -> Result<SmolJoin<()>, SpawnError> {
        inner.spawn(async move { job() })
    }
}

/// Blocking work runs on the thread that hands it over.
pub(crate) struct BlockingOnTheCaller;

impl Fault for BlockingOnTheCaller {
    fn block(inner: &SmolRuntime, job: Job) -> Result<SmolJoin<()>, SpawnError> {
        job();
        inner.spawn(ready(()))
    }
}

/// A task that is left at the end is dropped only after its handle has answered.
pub(crate) struct HandleAnswersFirst;

impl Fault for HandleAnswersFirst {
    const LIMIT: Duration = LONG;

    fn part(work: Work) {
        thread::spawn(move || {
            // Far longer than the case needs to notice it.
            thread::sleep(LONG);
            drop(work);
        });
    }
}

/// Join handles wake the task that polled them first.
pub(crate) struct HandlesKeepTheFirstWaker;

impl Fault for HandlesKeepTheFirstWaker {
    fn join(handle: &mut SmolJoin<()>, first: &mut Option<Waker>, cx: &mut Context<'_>) -> Poll<()> {
        let first = first.get_or_insert_with(|| cx.waker().clone());
        Pin::new(handle).poll(&mut Context::from_waker(first)).map(drop)
    }
}

/// Detaching a join handle drops it, which cancels the task.
pub(crate) struct DetachCancels;

/// True once the handle of the one task under [`DetachCancels`] was detached. Locked while the task is polled.
static DETACHED: Mutex<bool> = Mutex::new(false);

impl Fault for DetachCancels {
    fn poll(mut work: Work) -> Work {
        Box::pin(poll_fn(move |cx| match DETACHED.lock() {
            Ok(detached) if !*detached => work.as_mut().poll(cx),
            _ => Poll::Pending,
        }))
    }

    fn detach(handle: SmolJoin<()>) {
        drop(handle);
        // A poll in progress would still see the next step of the case, and could end by it.
        if let Ok(mut detached) = DETACHED.lock() {
            *detached = true;
        }
    }
}

/// `block_on` does not enter the runtime, and does not mark the thread as blocked.
pub(crate) struct BlockOnDoesNotEnter;

impl Fault for BlockOnDoesNotEnter {
    const ENTERS: bool = false;
}
