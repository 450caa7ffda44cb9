//! Promise 6, levels: `cx.cancelled()` wakes each waiter of the cancelled tree once, and no other.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::library::task::{Cancelled, Shield};
use crate::library::{Cancellation, Canceller, TaskContext};

use crate::kit::prelude::*;

/// A waker that counts its wakes.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waiter for a cancellation request, polled by hand.
struct Waiter {
    waits: Pin<Box<Cancelled>>,
    wakes: Arc<Wakes>,
}

impl Waiter {
    fn new(cx: &TaskContext) -> Self {
        Self { waits: Box::pin(cx.cancelled()), wakes: Arc::default() }
    }

    fn poll(&mut self) -> Poll<()> {
        let waker = Waker::from(self.wakes.clone());
        self.waits.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::SeqCst)
    }

    /// Waits until it has been woken: a request can be seen before its waiters are woken.
    async fn woken(&self) {
        while self.wakes() == 0 {
            yield_now().await;
        }
    }
}

type Given = async_channel::Sender<(&'static str, TaskContext)>;

/// A task `name` with the tasks below it, as `shape` says. Each sends its context, and waits for `open`.
fn grow<R: Runtime>(
    rt: R,
    name: &'static str,
    shape: &'static [(&'static str, &'static str)],
    give: Given,
    open: Latch,
) -> Task<(), R> {
    AsyncTask::to::<()>().on(&rt.clone()).name(name).grace(1.hours()).spawn_with(move |cx| {
        let body: Pin<Box<dyn Future<Output = Result<(), AsyncTaskError>> + Send>> = Box::pin(async move {
            let below = shape.iter().filter(|(above, _)| *above == name);
            let grown = below.map(|(_, below)| grow(rt.clone(), below, shape, give.clone(), open.clone()));
            let below: Vec<_> = grown.collect();
            let _ = give.try_send((name, cx));
            open.wait().await;
            for task in below {
                task.await?;
            }
            Ok(())
        });
        body
    })
}

const TREE: &[(&str, &str)] = &[
    ("parent", "token"),
    ("parent", "sibling"),
    ("token", "c1"),
    ("token", "c2"),
    ("c1", "g1"),
    ("c1", "g2"),
    ("g1", "gg"),
];

/// The tree: its top, and the contexts of all tasks in it.
struct Tree<R: Runtime> {
    top: Task<(), R>,
    nodes: Vec<(&'static str, TaskContext)>,
    open: Latch,
}

impl<R: Runtime> Tree<R> {
    async fn grown(rt: &R, shape: &'static [(&'static str, &'static str)]) -> Result<Self, Failure> {
        let ((give, given), open, mut nodes) = (async_channel::unbounded(), Latch::new(), Vec::new());
        let top = grow(rt.clone(), "parent", shape, give, open.clone());
        while nodes.len() <= shape.len() {
            nodes.push(given.recv().await?);
        }
        Ok(Self { top, nodes, open })
    }

    fn node(&self, name: &str) -> Result<&TaskContext, Failure> {
        Ok(&self.nodes.iter().find(|(other, _)| *other == name).context("no such node")?.1)
    }

    fn waiters(&self) -> Result<Vec<(&'static str, Waiter)>, Failure> {
        let mut waiters = Vec::new();
        for (name, cx) in &self.nodes {
            let mut waiter = Waiter::new(cx);
            ensure!(
                waiter.poll().is_pending() && !cx.is_cancelled(),
                "{name} is cancelled before the request"
            );
            waiters.push((*name, waiter));
        }
        Ok(waiters)
    }
}

pub async fn a_waiter_is_woken_once_and_a_later_one_is_ready_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tree = Tree::grown(&rt, &[]).await?;
    let cx = tree.node("parent")?;
    let (mut first, mut second, mut unpolled) = (Waiter::new(cx), Waiter::new(cx), Waiter::new(cx));
    ensure!(first.poll().is_pending() && second.poll().is_pending() && first.poll().is_pending());
    ensure!((first.wakes(), second.wakes()) == (0, 0));
    drop(tree.top.cancel(CancelLevel::Graceful));
    ensure!(cx.is_cancelled() && (first.wakes(), second.wakes(), unpolled.wakes()) == (1, 1, 0));
    ensure!(first.poll().is_ready() && second.poll().is_ready() && unpolled.poll().is_ready());
    // A further request, also at a higher level, wakes no waiter that was woken before, and a new waiter is
    // ready at once.
    drop(tree.top.cancel(CancelLevel::Graceful));
    ensure!(Waiter::new(cx).poll().is_ready());
    drop(tree.top.cancel(CancelLevel::Kill));
    ensure!((first.wakes(), second.wakes(), unpolled.wakes()) == (1, 1, 0));
    ensure!(failed(tree.top.await)?.is_cancelled());
    let cx = tree.nodes.first().map(|(_, cx)| cx.clone()).context("no node")?;
    ensure!(Waiter::new(&cx).poll().is_ready() && cx.level() == Some(CancelLevel::Kill));
    Ok(())
}

pub async fn a_waiter_woken_and_not_polled_is_not_woken_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tree = Tree::grown(&rt, &[]).await?;
    let mut waiter = Waiter::new(tree.node("parent")?);
    ensure!(waiter.poll().is_pending());
    for level in [CancelLevel::Graceful, CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
        drop(tree.top.cancel(level));
        ensure!(waiter.wakes() == 1, "{} wakes at {level}", waiter.wakes());
    }
    ensure!(waiter.poll().is_ready());
    Ok(())
}

pub async fn a_dropped_waiter_is_not_woken_and_its_waker_is_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tree = Tree::grown(&rt, &[]).await?;
    let cx = tree.node("parent")?;
    let mut waiters: Vec<_> = (0..100).map(|_| Waiter::new(cx)).collect();
    ensure!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    let wakes: Vec<_> = waiters.iter().map(|waiter| waiter.wakes.clone()).collect();
    drop(waiters);
    drop(tree.top.cancel(CancelLevel::Graceful));
    ensure!(wakes.iter().all(|wakes| wakes.0.load(Ordering::SeqCst) == 0));
    ensure!(wakes.iter().all(|wakes| Arc::strong_count(wakes) == 1), "a waker outlives who has left it");
    Ok(())
}

pub async fn a_task_that_ends_without_a_request_notifies_no_waiter<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tree = Tree::grown(&rt, &[]).await?;
    let cx = tree.node("parent")?.clone();
    let mut waiter = Waiter::new(&cx);
    ensure!(waiter.poll().is_pending());
    tree.open.set();
    let canceller = tree.top.canceller();
    tree.top.await?;
    // A request that comes after the end changes nothing.
    drop(canceller.cancel(CancelLevel::Kill));
    drop(cx.canceller().cancel(CancelLevel::KillHard));
    ensure!(!cx.is_cancelled() && (cx.level(), cx.cause()) == (None, None));
    ensure!(waiter.poll().is_pending() && cx.status() == TaskStatus::Completed);
    Ok(())
}

pub async fn a_request_notifies_exactly_the_tree_below_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tree = Tree::grown(&rt, TREE).await?;
    let mut waiters = tree.waiters()?;
    drop(tree.node("token")?.canceller().cancel(CancelLevel::Graceful));
    for name in ["token", "c1", "c2", "g1", "g2", "gg"] {
        tree.node(name)?.cancelled().await;
    }
    for (name, waiter) in &mut waiters {
        let above = ["parent", "sibling"].contains(name);
        let cx = tree.node(name)?;
        if !above {
            waiter.woken().await;
        }
        ensure!(waiter.wakes() == usize::from(!above), "{name}: {} wakes", waiter.wakes());
        ensure!(waiter.poll().is_pending() == above && cx.is_cancelled() != above, "{name}");
        let cause = match *name {
            "token" => Some(CancelCause::Requested),
            _ => (!above).then_some(CancelCause::ParentCancelled),
        };
        ensure!((cx.cause(), cx.level()) == (cause, cause.map(|_| CancelLevel::Graceful)), "{name}: {cx:?}");
        ensure!(waiter.wakes() == usize::from(!above), "{name} was woken by the look");
    }
    // A later request to the parent reaches the tasks that were left out, and none twice.
    drop(tree.top.cancel(CancelLevel::Graceful));
    tree.node("sibling")?.cancelled().await;
    for (name, waiter) in &mut waiters {
        waiter.woken().await;
        ensure!(waiter.wakes() == 1 && waiter.poll().is_ready(), "{name}");
    }
    ensure!(tree.node("token")?.cause() == Some(CancelCause::Requested), "the first cause stays");
    tree.open.set();
    Ok(tree.top.await?)
}

pub async fn contexts_and_cancellers_are_send_and_sync<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn both<T: Send + Sync>(_: &T) {}
    fn all<T: Send + Sync + Clone + Unpin + 'static>() {}
    all::<TaskContext>();
    all::<Canceller>();
    both::<Option<Cancelled>>(&None);
    both::<Option<Shield<std::future::Ready<()>>>>(&None);
    fn sent<T: Send + 'static>(_: &T) {}
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async {});
    let end: Cancellation = task.cancel(CancelLevel::Kill);
    sent(&task);
    sent(&end);
    Ok(())
}
