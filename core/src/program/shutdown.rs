//! The shutdown of a runtime, in bounded time.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::error::RuntimeError;
use crate::runtime::Runtime;
use crate::tree::entered::is_inside;
use crate::tree::root::RootScope;

/// The time for which killed tasks are waited for: they end at their next poll, which is at once unless a
/// poll is under way.
const KILLED: Duration = Duration::from_millis(100);

/// See [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown).
pub(crate) async fn shutdown<R: Runtime>(runtime: &R, limit: Duration) -> Result<(), RuntimeError> {
    hurried(runtime, limit, pin!(pending::<Infallible>())).await.0
}

/// As [`shutdown`]. Once `hurry` is ready, the shutdown goes on as if `limit` had been zero, and returns the
/// output of `hurry`. Both are one wait: a second one after a kill would find that all has ended, and take
/// that for an end within the time.
pub(crate) async fn hurried<R: Runtime, H: Future>(
    runtime: &R,
    limit: Duration,
    hurry: Pin<&mut H>,
) -> (Result<(), RuntimeError>, Option<H::Output>) {
    let root = runtime.root();
    if is_inside(root) {
        return (Err(RuntimeError::InsideTask), None);
    }
    let kills = root.kills().count();
    root.begin_closing();
    let (limit, hurried) = match until_idle(runtime, limit, RootScope::is_idle, hurry).await {
        Waited::Idle => return (end_idle(root, limit, kills), None),
        Waited::Passed => (limit, None),
        Waited::Hurried(output) => (Duration::ZERO, Some(output)),
    };
    let ended = root.ended_tasks();
    let Some(remaining) = root.remaining() else { return (end_idle(root, limit, kills), hurried) };
    let number = root.kills().add(remaining);
    root.refuse();
    // All work that was taken has begun by now, and nothing was killed before.
    root.kills().correct(number, root.begun_tasks().wrapping_sub(ended));
    root.close();
    until_idle(runtime, KILLED, |root| root.active_tasks() == 0, pin!(pending::<Infallible>())).await;
    (reported(root, limit, kills), hurried)
}

/// Ends a shutdown that has found nothing left. Everything has ended by itself, or another shutdown, which
/// had less time, has killed it: then there are more than `kills` kills.
fn end_idle(root: &RootScope, limit: Duration, kills: usize) -> Result<(), RuntimeError> {
    root.refuse();
    reported(root, limit, kills)
}

/// The error of the first kill after the first `kills` ones; `Ok` if there was none.
fn reported(root: &RootScope, limit: Duration, kills: usize) -> Result<(), RuntimeError> {
    root.kills().after(kills).map_or(Ok(()), |remaining| Err(remaining.within(limit)))
}

/// The reason for the end of a wait.
enum Waited<O> {
    Idle,
    Passed,
    Hurried(O),
}

/// Waits until `idle` holds, `limit` has passed, or `hurry` is ready.
async fn until_idle<R: Runtime, H: Future>(
    runtime: &R,
    limit: Duration,
    idle: fn(&RootScope) -> bool,
    mut hurry: Pin<&mut H>,
) -> Waited<H::Output> {
    let root = runtime.root();
    let mut limit = pin!(async {
        match runtime.now().checked_add(limit) {
            Some(deadline) => runtime.sleep_until(deadline).await,
            None => pending().await,
        }
    });
    loop {
        // Listen first, then look: an end that comes in between is seen, or notifies the listener.
        let mut ended = root.listen();
        if idle(root) {
            return Waited::Idle;
        }
        let waited = poll_fn(|cx| {
            if let Poll::Ready(output) = hurry.as_mut().poll(cx) {
                return Poll::Ready(Some(Waited::Hurried(output)));
            }
            if limit.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Some(Waited::Passed));
            }
            Pin::new(&mut ended).poll(cx).map(|()| None)
        });
        match waited.await {
            None => {}
            Some(Waited::Passed) if idle(root) => return Waited::Idle,
            Some(waited) => return waited,
        }
    }
}
