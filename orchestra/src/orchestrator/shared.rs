//! What all handles of an orchestrator, and all that it runs, share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use event_listener::Event;

use crate::OrchestratorError;
use crate::execution::batch::Batch;
use crate::execution::failures::Failures;
use crate::execution::session::Session;
use crate::execution::whose::Whose;
use crate::registry::description::Registry;
use crate::registry::key::Mark;
use crate::registry::registration::Stage;
use crate::status::{ExecutionStats, NodeStatus};
use sweet_async_core::extend::TaskRef;
use sweet_async_core::extend::notify_all;
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::Runtime;

pub(crate) struct Shared<R: Runtime> {
    /// What was registered. A lock: it is taken for what is registered, started, cancelled and asked, and not by what runs. An
    /// ad-hoc task is such a start: it is either counted before the orchestrator closes, or refused. Nothing of the user's runs
    /// while it is held, destructors included.
    book: Mutex<Registry<R>>,
    pub(crate) limiter: Option<Limiter>,
    /// The least and the most that may be under way, where the load decides.
    pub(crate) scale: Option<(usize, usize)>,
    /// How many may be under way now; 0 for any number.
    pub(crate) places: AtomicUsize,
    /// One of the runs changes that number.
    pub(crate) is_scaled: AtomicBool,
    /// It takes nothing more: nothing begins any more.
    is_closed: AtomicBool,
    /// It is being shut down, in order: that some tasks are cancelled by that is no news.
    pub(crate) is_shut_down: AtomicBool,
    /// How many tasks have ended.
    pub(crate) done: AtomicU64,
    /// When the first run began.
    pub(crate) epoch: OnceLock<Instant>,
    pub(crate) failures: Failures,
    /// Its nodes are told from those of others by it.
    pub(crate) mark: Arc<Mark>,
    /// Tasks that are in no graph. A lock, so that the numbers add up at any moment: taken three times for each.
    guests: Mutex<ExecutionStats>,
    changed: Event,
    /// How many listen, so that an end at which nobody does costs a load.
    listeners: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<R: Runtime> Shared<R> {
    pub(crate) fn new(
        book: Registry<R>,
        limiter: Option<Limiter>,
        places: usize,
        scale: Option<(usize, usize)>,
    ) -> Self {
        Self {
            mark: book.mark.clone(),
            book: Mutex::new(book),
            limiter,
            scale,
            places: AtomicUsize::new(places),
            is_scaled: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            is_shut_down: AtomicBool::new(false),
            done: AtomicU64::new(0),
            epoch: OnceLock::new(),
            failures: Failures::default(),
            guests: Mutex::default(),
            changed: Event::new(),
            listeners: AtomicUsize::new(0),
        }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Registry<R>> {
        lock(&self.book)
    }

    /// Closes it. Gives what that was holding which never begins, to be dropped without the lock.
    pub(crate) fn close(&self, book: &mut Registry<R>) -> Vec<Stage<R>> {
        // SeqCst: said before tasks are asked, so that none begins in a place which one of them gives back.
        self.is_closed.store(true, Ordering::SeqCst);
        book.close()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// True if `task` is a task of this orchestra, or below one: what it runs here is in the place that this has.
    pub(crate) fn has(&self, task: &TaskRef) -> bool {
        let book = self.book();
        let runs = [book.run.clone(), book.guests.clone()];
        drop(book);
        runs.iter().flatten().any(|run| run.has(task))
    }

    pub(crate) fn guests(&self) -> ExecutionStats {
        lock(&self.guests).clone()
    }

    pub(crate) fn guest_came(&self) {
        lock(&self.guests).pending += 1;
    }

    pub(crate) fn guest_began(&self) {
        let mut guests = lock(&self.guests);
        guests.pending = guests.pending.saturating_sub(1);
        guests.running += 1;
    }

    pub(crate) fn guest_ended(&self, began: bool, status: &NodeStatus, took: Option<Duration>) {
        let mut guests = lock(&self.guests);
        let was = if began { &mut guests.running } else { &mut guests.pending };
        *was = was.saturating_sub(1);
        guests.count(status, took);
    }

    /// Something has ended.
    pub(crate) fn tell(&self) {
        // SeqCst pairs with `until`: the one who ends something stores that before this.
        if self.listeners.load(Ordering::SeqCst) > 0 {
            notify_all(&self.changed);
        }
    }

    /// Waits until `done` is true, which is asked at first and after each end.
    pub(crate) async fn until(&self, mut done: impl FnMut() -> bool) {
        struct Listens<'a>(&'a AtomicUsize);
        impl Drop for Listens<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        if done() {
            return;
        }
        self.listeners.fetch_add(1, Ordering::SeqCst);
        let _listens = Listens(&self.listeners);
        loop {
            let heard = self.changed.listen();
            if done() {
                return;
            }
            heard.await;
        }
    }

    /// Waits until the cells have ended.
    pub(crate) async fn ends(self: Arc<Self>, cells: Vec<(Arc<Batch<R>>, u32)>) {
        let mut cells = cells.into_iter().peekable();
        self.until(|| {
            // Those that have ended stay so, and are not looked at again.
            let has_ended =
                |(plan, index): &(Arc<Batch<R>>, u32)| plan.cell(*index).is_none_or(|cell| cell.has_ended());
            while cells.next_if(has_ended).is_some() {}
            cells.peek().is_none()
        })
        .await;
    }

    /// Waits until nothing that was started is left.
    pub(crate) async fn join(&self) -> Result<(), OrchestratorError> {
        self.until(|| self.book().live == 0).await;
        let stopped = self.book().stopped.clone();
        match (self.failures.since(0), stopped) {
            (Some(failure), _) => Err(failure),
            (None, Some(error)) => Err(OrchestratorError::Stopped(error)),
            (None, None) => Ok(()),
        }
    }

    /// From now on `run` takes no plans; false if it has some that have not ended.
    pub(crate) fn close_run(&self, run: &Arc<Session<R>>) -> bool {
        let mut book = self.book();
        let left = run.is_idle().then(|| book.leave_run(run));
        drop(book);
        left.is_some()
    }

    /// As [`close_run`](Self::close_run), for a run that has ended with what it had.
    pub(crate) fn retire(&self, run: &Arc<Session<R>>) {
        let left = self.book().leave_run(run);
        drop(left);
    }

    /// The plans that `run` was given.
    pub(crate) fn plans(&self, run: &Arc<Session<R>>) -> Vec<Arc<Batch<R>>> {
        self.book().plans(run)
    }

    /// A run was to begin, and did not.
    pub(crate) fn not_begun(&self) {
        let mut book = self.book();
        book.live = book.live.saturating_sub(1);
        let gone = book.discard();
        drop(book);
        drop(gone);
        self.tell();
    }

    /// A run is over, and nothing of it is left.
    pub(crate) fn run_ended(&self, run: &Session<R>, task: &TaskRef) {
        let mut book = self.book();
        book.live = book.live.saturating_sub(1);
        let (mut last, mut stopped) = (None, None);
        // Relaxed: written with the book locked.
        if run.is_taken.load(Ordering::Relaxed) {
            // The orchestration as a task is that of the graph.
            let own = match run.whose {
                Whose::Graph => &mut book.last,
                Whose::Guests => &mut book.last_guests,
            };
            last = own.replace(task.clone());
            // Relaxed: set before they were asked, and they have ended.
            let is_news = match run.whose {
                Whose::Graph => true,
                Whose::Guests => book.stopped.is_none() && !self.is_shut_down.load(Ordering::Relaxed),
            };
            if let Some(error) = run.stopped.get().filter(|_| is_news) {
                stopped = book.stopped.replace(error.clone());
            }
        }
        let gone = book.discard();
        drop(book);
        drop((gone, last, stopped));
        self.tell();
    }
}
