//! Processes that share a queue, and are killed: `kill -9` of consumers, of the publisher and of the server, a consumer
//! that hangs past its lease, and connections that are cut. No line may be lost, or be seen twice in the results, and it
//! ends.

mod interruptions;

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use sweet_async_core::{RuntimeExt as _, TaskBuilder};
use sweet_async_pipeline::{ChunkSizeExt as _, PipelineBuilder, Queue};

use crate::{Backend, Failure, Outcome};

/// The variable that makes this program a consumer or a publisher: the engine, the role and the address.
const ROLE: &str = "QUEUE_KILLS_ROLE";

/// The variable with the number of messages of each test; 600 by default.
const MESSAGES: &str = "QUEUE_KILLS_MESSAGES";

/// The variable with the number of times that each test is run; 1 by default.
const ROUNDS: &str = "QUEUE_KILLS_ROUNDS";

/// The variable with the program that kills the server, and starts it again.
const RESTART: &str = "SERVER_RESTART";

/// The lines of a message.
const LINES: u64 = 10;

/// The lease of consumers, and so the time after which the messages of one that was killed come back.
const LEASE: Duration = Duration::from_secs(1);

/// The job.
const JOB: &str = "lines";

/// The time after which a test has hung.
const LIMIT: Duration = Duration::from_secs(300);

/// An engine that processes share by an address.
pub trait SharedEngine: Sized + 'static {
    /// The runtime of all processes.
    type Backend: Backend;
    /// The engine.
    type Queue: Queue;

    /// True for an engine on a server that `SERVER_RESTART` kills.
    const HAS_SERVER: bool;

    /// Returns the reason for which the engine is not here.
    fn unavailable() -> Option<String> {
        None
    }

    /// Returns the address of a new place for queues, and whatever is to live as long as the place.
    ///
    /// # Errors
    ///
    /// There is no such place.
    fn place() -> Result<(String, Box<dyn std::any::Any>), Failure>;

    /// Opens the queue of this name at the address.
    fn open(address: &str, name: &str) -> impl Future<Output = Result<Self::Queue, Failure>>;

    /// Cuts all connections of other processes to the place. False where there are none to be cut.
    fn cut(_address: &str) -> impl Future<Output = Result<bool, Failure>> {
        std::future::ready(Ok(false))
    }
}

/// Makes a `main` that runs the tests on each [`SharedEngine`], one after the other. Each starts further processes of the
/// same program.
#[macro_export]
macro_rules! queue_kills {
    ($($name:ident: $engine:ty),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::kills::run(::std::vec![$($crate::kills::engine::<$engine>(::std::stringify!($name))),+])
        }
    };
}

/// The tests of an engine, and its roles.
pub struct Kills {
    name: &'static str,
    role: fn(role: &str, address: &str) -> Outcome,
    tests: Vec<Trial>,
}

/// Returns the tests of the engine `E`, which is called `name` in their names.
pub fn engine<E: SharedEngine>(name: &'static str) -> Kills {
    let test = |test: &'static str, body: fn(&Parts<E>) -> Outcome, needs_server: bool| {
        let run = move || {
            if let Some(reason) = E::unavailable() {
                return Err(Failed::from(reason));
            }
            let rounds = number(ROUNDS, 1).map_err(Failed::from)?;
            for round in 0..rounds {
                let parts = Parts::<E>::new(name)?;
                body(&parts)
                    .with_context(|| format!("round {round}"))
                    .map_err(|e| Failed::from(format!("{e:?}")))?;
            }
            Ok(())
        };
        let is_ignored =
            E::unavailable().is_some() || needs_server && (!E::HAS_SERVER || std::env::var(RESTART).is_err());
        Trial::test(format!("{name}::{test}"), run).with_ignored_flag(is_ignored)
    };
    let tests = vec![
        test("consumers_are_killed", interruptions::consumers_are_killed, false),
        test("the_publisher_is_killed", interruptions::the_publisher_is_killed, false),
        test("a_consumer_hangs_past_its_lease", interruptions::a_consumer_hangs_past_its_lease, false),
        test("connections_are_cut", interruptions::connections_are_cut, true),
        test("the_server_is_killed", interruptions::the_server_is_killed, true),
    ];
    Kills { name, role: role::<E>, tests }
}

/// Runs the tests of all engines, one after the other; or the role that this process was started for.
pub fn run(engines: Vec<Kills>) -> ExitCode {
    if let Ok(role) = std::env::var(ROLE) {
        return match take_role(&engines, &role) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // A role reports to its starter through stderr.
                let _ = std::io::stderr().write_all(format!("{error:?}\n").as_bytes());
                ExitCode::FAILURE
            }
        };
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, engines.into_iter().flat_map(|engine| engine.tests).collect()).exit_code()
}

fn take_role(engines: &[Kills], role: &str) -> Outcome {
    let mut parts = role.splitn(3, ' ');
    let (name, role, address) = (parts.next(), parts.next(), parts.next());
    let engine = engines.iter().find(|engine| Some(engine.name) == name).context("no such engine")?;
    (engine.role)(role.context("no role")?, address.context("no address")?)
}

fn number(variable: &str, default: u64) -> Result<u64, String> {
    let Ok(text) = std::env::var(variable) else { return Ok(default) };
    text.parse().map_err(|_| format!("{variable} is to be a number, not {text:?}"))
}

/// Publishes or consumes, in a process of its own.
fn role<E: SharedEngine>(role: &str, address: &str) -> Outcome {
    let backend = Rc::new(E::Backend::start(0)?);
    let runtime = backend.runtime();
    backend.block_on(async {
        let (chunks, results) = (E::open(address, "chunks").await?, E::open(address, "results").await?);
        // For the process that has started this one.
        std::io::stdout().write_all(b".")?;
        std::io::stdout().flush()?;
        match role {
            "publish" => {
                let lines = messages()? * LINES;
                let all: String = (0..lines).map(|n| format!("{n}\n")).collect();
                PipelineBuilder::<u64, _>::new(runtime)
                    .sender(move |sources| sources.of_bytes(all).lines().into_chunks(LINES.lines()))
                    .publish(&chunks, JOB)
                    .await?;
            }
            _ => {
                PipelineBuilder::<u64, _>::new(runtime)
                    .workers(2)
                    // A chunk is not to blame for those who are killed while they hold it.
                    .sender(move |sources| {
                        sources.of_queue(&chunks).job(JOB).with_lease(LEASE).max_deliveries(u32::MAX).lines()
                    })
                    .map(|n| n)
                    .publish_items(&results, JOB)
                    .await?;
            }
        }
        Ok(())
    })?
}

/// The processes of a test. Dropped, it kills them.
struct Processes {
    name: &'static str,
    address: String,
    running: Vec<Child>,
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.running {
            // One that has ended cannot be killed.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Processes {
    /// Starts a process, and waits until it has opened its queues.
    fn start(&mut self, role: &str) -> Outcome {
        let role = format!("{} {role} {}", self.name, self.address);
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.env(ROLE, role).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut is_open = [0];
        let opened = child.stdout.take().context("its output")?.read_exact(&mut is_open);
        self.running.push(child);
        opened.context("a process has ended before it has opened its queues")
    }

    /// Kills the process at `index`. False if it had ended, well.
    fn kill(&mut self, index: usize) -> Result<bool, Failure> {
        let mut child = self.running.remove(index);
        let is_running = child.try_wait()?.is_none();
        if is_running {
            child.kill()?;
        }
        let status = child.wait()?;
        ensure!(is_running || status.success(), "a process has ended with {status}");
        Ok(is_running)
    }

    /// True once all processes have ended, well.
    fn have_ended(&mut self) -> Result<bool, Failure> {
        let mut have_ended = true;
        for child in &mut self.running {
            match child.try_wait()? {
                Some(status) => ensure!(status.success(), "a process has ended with {status}"),
                None => have_ended = false,
            }
        }
        Ok(have_ended)
    }
}

/// The parts of a test.
struct Parts<E: SharedEngine> {
    name: &'static str,
    backend: E::Backend,
    address: String,
    _place: Box<dyn std::any::Any>,
}

impl<E: SharedEngine> Parts<E> {
    fn new(name: &'static str) -> Result<Self, Failure> {
        let (address, place) = E::place()?;
        Ok(Self { name, backend: E::Backend::start(0)?, address, _place: place })
    }

    fn processes(&self) -> Processes {
        Processes { name: self.name, address: self.address.clone(), running: Vec::new() }
    }

    /// Gathers the results on this process, does `step` again and again meanwhile, with a pause after each, until it
    /// says that it is done and all processes have ended, and checks the results.
    fn gather(
        &self,
        processes: &mut Processes,
        pause: Duration,
        mut step: impl AsyncFnMut(&mut Processes) -> Result<bool, Failure>,
    ) -> Outcome {
        let runtime = self.backend.runtime();
        let address = self.address.as_str();
        let numbers = self.backend.block_on(async {
            // Opened before the first step, which may kill the server.
            let (chunks, results) = (E::open(address, "chunks").await?, E::open(address, "results").await?);
            let queue = results.clone();
            let gathering = PipelineBuilder::<u64, _>::new(runtime.clone())
                .sender(move |sources| sources.of_queue(&queue).job(JOB).with_lease(LEASE * 5).json_lines())
                .collect_vec();
            let gathering =
                TaskBuilder::<_, _>::new(runtime.clone()).spawn(move || async move { gathering.await });
            let begun = Instant::now();
            let mut is_done = false;
            while !is_done || !processes.have_ended()? {
                ensure!(begun.elapsed() < LIMIT, "it does not end");
                runtime.sleep(pause).await?;
                is_done = is_done || step(processes).await?;
            }
            let (numbers, _) = gathering.await?;
            for (name, queue) in [("chunks", chunks), ("results", results)] {
                let depth = queue.depth().await.map_err(|error| Failure::from_boxed(error.into()))?;
                let is_clear = depth.waiting + depth.delayed + depth.claimed + depth.dead == 0;
                // One result for each chunk, however often that was handled.
                ensure!(is_clear && depth.done == messages()?, "{name}: {depth}");
            }
            Ok::<_, Failure>(numbers)
        })??;
        check(numbers)
    }
}

/// Checks that each line is there. This process sees a result twice where its own acknowledgement was lost with the
/// server.
fn check(mut numbers: Vec<u64>) -> Outcome {
    let lines = messages()? * LINES;
    numbers.sort_unstable();
    numbers.dedup();
    ensure!(numbers.len() as u64 == lines, "{} lines are lost", lines.saturating_sub(numbers.len() as u64));
    Ok(())
}

/// Returns the number of messages.
fn messages() -> Result<u64, Failure> {
    number(MESSAGES, 600).map_err(Failure::msg)
}
