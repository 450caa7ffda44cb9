//! Random programs: trees of tasks that fail, panic, are killed, time out, are dropped and detached, and block. In each
//! of them an await means that nothing is left, the counts are right, and the program ends and replays.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_lite::future::yield_now;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::{AsyncTaskError, BlockOn as _, CancelLevel, Runtime as _, Task, TaskBuilder};
use sweet_async_sim::{SimHandle, SimRuntime};

/// The counts of a program: its tasks, and awaits that returned too early.
#[derive(Default)]
struct Findings {
    tasks: AtomicUsize,
    /// Awaits that returned with part of their subtree alive.
    left: AtomicUsize,
}

/// How many of a subtree are alive.
type Count = Arc<AtomicUsize>;

/// Counts in each subtree that it belongs to.
struct Here(Vec<Count>);

impl Here {
    fn new(above: &[Count]) -> Self {
        for count in above {
            count.fetch_add(1, Ordering::SeqCst);
        }
        Self(above.to_vec())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        for count in &self.0 {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[derive(Clone)]
struct World {
    rt: SimHandle,
    findings: Arc<Findings>,
    /// Whether blocking work may block on tasks of its own. There are no time limits then: one that passes while such
    /// work runs leaves it running, as it says.
    nests: bool,
}

type Kept = (Task<(), SimHandle>, Count);

type Node = Pin<Box<dyn Future<Output = Result<(), AsyncTaskError>> + Send>>;

impl World {
    fn one_in(&self, n: u64) -> bool {
        self.rt.entropy().is_multiple_of(n)
    }

    fn look(&self, subtree: &Count) {
        if subtree.load(Ordering::SeqCst) != 0 {
            self.findings.left.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A task's work: a few things drawn at random, and children that do the same.
    fn node(self, depth: u32, above: Vec<Count>) -> Node {
        self.findings.tasks.fetch_add(1, Ordering::SeqCst);
        let here = Here::new(&above);
        Box::pin(async move {
            let _here = here;
            let mut kept = Vec::new();
            for _ in 0..1 + self.rt.entropy() % 5 {
                match self.rt.entropy() % 10 {
                    0 => yield_now().await,
                    1 => self.rt.sleep(Duration::from_millis(self.rt.entropy() % 5)).await?,
                    2 => self.blocking(depth, &above).await?,
                    3 if self.one_in(6) => return Err(AsyncTaskError::failure("drawn")),
                    4 if self.one_in(10) => explode(),
                    _ if depth == 0 => {}
                    _ => kept.extend(self.child(depth, &above).await?),
                }
            }
            // Tasks whose handles were kept: some are awaited, the rest is dropped with this.
            for (task, subtree) in kept {
                if self.one_in(2) {
                    let _ = task.await;
                    self.look(&subtree);
                }
            }
            Ok(())
        })
    }

    /// A child: awaited, killed, dropped, detached, or given back.
    async fn child(&self, depth: u32, above: &[Count]) -> Result<Option<Kept>, AsyncTaskError> {
        let subtree = Count::default();
        let detached = self.one_in(8);
        // A detached task belongs to no subtree but its own.
        let mut counts = if detached { Vec::new() } else { above.to_vec() };
        counts.push(subtree.clone());
        let builder = TaskBuilder::<(), _>::new(self.rt.clone());
        let builder = builder.name("child").timeout(if !self.nests && self.one_in(4) {
            Duration::from_millis(self.rt.entropy() % 6)
        } else {
            Duration::MAX
        });
        let world = self.clone();
        if self.one_in(6) {
            // In place, as part of this task, which is the one that waits for what is spawned there.
            let _ = builder.run(move || world.node(depth - 1, counts)).await;
            return Ok(None);
        }
        let task = builder.spawn(move || world.node(depth - 1, counts));
        if detached {
            task.detach();
            return Ok(None);
        }
        match self.rt.entropy() % 5 {
            0 => {
                let result = task.await;
                self.look(&subtree);
                if self.one_in(2) { result.map(|()| None) } else { Ok(None) }
            }
            1 => {
                yield_now().await;
                task.cancel(CancelLevel::Kill).await;
                self.look(&subtree);
                Ok(None)
            }
            2 => Ok(None),
            _ => Ok(Some((task, subtree))),
        }
    }

    async fn blocking(&self, depth: u32, above: &[Count]) -> Result<(), AsyncTaskError> {
        let (world, here, subtree) = (self.clone(), Here::new(above), Count::default());
        let detached = self.one_in(2);
        let mut counts = if detached { Vec::new() } else { above.to_vec() };
        counts.push(subtree.clone());
        let work = move || {
            let _here = here;
            if depth == 0 {
                return Ok(());
            }
            let inner = world.clone();
            let child = TaskBuilder::new(world.rt.clone()).spawn(move || inner.node(depth - 1, counts));
            if detached {
                child.detach();
            } else if world.nests && world.one_in(2) {
                let result = world.rt.block_on(child)?;
                world.look(&subtree);
                return result;
            }
            Ok(())
        };
        let result = TaskBuilder::<(), _>::new(self.rt.clone()).run_blocking(work).await;
        if self.one_in(2) { result } else { Ok(()) }
    }
}

#[allow(clippy::panic, reason = "a program may panic")]
fn explode() {
    panic!("drawn")
}

/// A simulation, the trunk of a program on it, and the count of all that hangs on it.
fn plant(seed: u64, nests: bool) -> (SimRuntime, World, Task<(), SimHandle>, Count) {
    let sim = SimRuntime::new(seed);
    let world = World { rt: sim.runtime().clone(), findings: Arc::default(), nests };
    let (inner, all) = (world.clone(), Count::default());
    let counts = vec![all.clone()];
    let trunk = TaskBuilder::new(world.rt.clone()).spawn(move || inner.node(5, counts));
    (sim, world, trunk, all)
}

fn run(seed: u64, nests: bool) -> anyhow::Result<(usize, u64)> {
    let (sim, world, trunk, all) = plant(seed, nests);
    let _ = sim.block_on(trunk).context("it does not end")?;
    world.look(&all);
    // Detached tasks go on, and end too.
    sim.block_on(async {
        while world.rt.active_task_count() > 0 {
            world.rt.sleep(Duration::from_millis(1)).await?;
            ensure!(sim.elapsed() < Duration::from_secs(60), "{:?}", world.rt.root().live_tasks());
        }
        Ok(())
    })??;
    let left = world.findings.left.load(Ordering::SeqCst);
    ensure!(left == 0, "{left} awaits returned too early");
    ensure!(world.rt.root().active_blocking_jobs() == 0, "a blocking job is still counted");
    Ok((world.findings.tasks.load(Ordering::SeqCst), sim.fingerprint()))
}

fn sweep(seeds: std::ops::Range<u64>, nests: bool) -> anyhow::Result<()> {
    // Panics are part of the programs, and their reports are noise.
    std::panic::set_hook(Box::new(|_| {}));
    let mut tasks = 0;
    for seed in seeds {
        let (ran, fingerprint) = run(seed, nests).with_context(|| format!("with seed {seed}"))?;
        let again = run(seed, nests)?;
        ensure!(again == (ran, fingerprint), "seed {seed} does not replay");
        tasks += ran;
    }
    ensure!(tasks > 10_000, "only {tasks} tasks: the programs are too small to say much");
    Ok(())
}

#[test]
fn random_programs_leave_nothing() -> anyhow::Result<()> {
    sweep(0..1_000, false)
}

#[test]
fn random_programs_that_block_in_blocking_work_leave_nothing() -> anyhow::Result<()> {
    sweep(0..1_000, true)
}

#[test]
fn nothing_is_left_of_a_simulation_that_ends_in_the_middle() -> anyhow::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    for seed in 0..500 {
        let (sim, world, trunk, all) = plant(seed, true);
        let wait = Duration::from_millis(seed % 5);
        sim.block_on(world.rt.sleep(wait))??;
        drop(sim);
        ensure!(all.load(Ordering::SeqCst) == 0 && trunk.status().is_terminal(), "with seed {seed}");
        let root = world.rt.root();
        ensure!((root.active_tasks(), root.active_blocking_jobs()) == (0, 0), "with seed {seed}: {root:?}");
    }
    Ok(())
}

#[test]
fn a_shutdown_in_the_middle_leaves_nothing() -> anyhow::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    for seed in 0..500 {
        let (sim, world, trunk, all) = plant(seed, false);
        let rt = world.rt.clone();
        sim.block_on(async {
            rt.sleep(Duration::from_millis(seed % 5)).await?;
            // At its limit it kills what is left, and either way it waits.
            let _ = rt.shutdown(Duration::from_millis(seed % 3)).await;
            Ok::<_, AsyncTaskError>(())
        })??;
        ensure!(all.load(Ordering::SeqCst) == 0 && trunk.status().is_terminal(), "with seed {seed}");
        let root = rt.root();
        ensure!((root.active_tasks(), root.active_blocking_jobs()) == (0, 0), "with seed {seed}: {root:?}");
    }
    Ok(())
}
