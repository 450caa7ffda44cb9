//! `kill -9` at every node of a graph of 200, in one chain of processes on a file of SQLite.
//!
//! The parent starts this program again and again. Each child goes on with the run, and kills itself in the first node that
//! no other has died in: at the beginning of its work, or at the end of it, before its output is kept. Nodes that others
//! have died in run to their end. The last child completes the graph. The nodes write to a log, which survives as the file
//! of SQLite does. A second chain of processes is killed from outside, at any time.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use sweet_async_core::{AsyncTaskError, DynRuntime, TaskBuilder};
use sweet_async_orchestra::durable::{NodeProgress, RunStore as _, runs};
use sweet_async_orchestra::{Node, Orchestrator, OrchestratorBuilder};
use sweet_async_sql::{Durability, SqliteStore};
use sweet_async_tokio::OwnedTokio;

const NODES: usize = 200;
const LAYER: usize = 10;
/// The first argument of a child: it kills itself, or waits for that.
const KILLS_ITSELF: &str = "--kills-itself";
const IS_KILLED: &str = "--is-killed";

type Result<T = (), E = anyhow::Error> = std::result::Result<T, E>;

/// Numbers by a fixed seed, each below its argument.
fn random() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

/// The dependencies of each node: up to three of the layer before it.
fn dependencies() -> Vec<Vec<usize>> {
    let mut random = random();
    let mut of_node = |node: usize| match (node / LAYER).checked_sub(1) {
        None => Vec::new(),
        // The last depends on its whole layer before.
        Some(layer) if node == NODES - 1 => (layer * LAYER..(layer + 1) * LAYER).collect(),
        Some(layer) => {
            let count = 1 + random(3);
            let mut on: Vec<usize> = (0..count).map(|_| layer * LAYER + random(LAYER)).collect();
            on.sort_unstable();
            on.dedup();
            on
        }
    };
    (0..NODES).map(&mut of_node).collect()
}

fn value(node: usize, inputs: impl Iterator<Item = u64>) -> u64 {
    inputs.fold(node as u64 + 1, |sum, input| sum.wrapping_mul(31).wrapping_add(input))
}

/// The values that a run without a kill gives.
fn expected() -> Result<Vec<u64>> {
    let mut values: Vec<u64> = Vec::with_capacity(NODES);
    for (node, on) in dependencies().iter().enumerate() {
        let inputs: Option<Vec<u64>> = on.iter().map(|on| values.get(*on).copied()).collect();
        values.push(value(node, inputs.context("a later node")?.into_iter()));
    }
    Ok(values)
}

fn append(folder: &Path, line: &str) -> std::io::Result<()> {
    let log = OpenOptions::new().create(true).append(true).open(folder.join("log"));
    log?.write_all(format!("{line}\n").as_bytes())
}

fn lines(folder: &Path) -> Result<Vec<String>> {
    Ok(fs::read_to_string(folder.join("log"))?.lines().map(str::to_owned).collect())
}

/// The numbers of the nodes in lines that begin with a word.
fn numbers(lines: &[String], word: &str) -> Vec<usize> {
    lines.iter().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).collect()
}

/// Sends this process SIGKILL. It does not return.
fn kill() -> String {
    let id = std::process::id().to_string();
    let killed = Command::new("sh").args(["-c", "kill -9 \"$0\"", &id]).status();
    format!("kill -9 {id} has come back: {killed:?}")
}

async fn open(folder: &Path) -> Result<SqliteStore> {
    let builder = SqliteStore::builder(folder.join("runs.db"));
    Ok(builder.durability(Durability::ProcessCrash).open().await?)
}

/// Registers the graph. `work` is called at the begin and at the end of each node's work.
fn register(
    all: &Orchestrator<DynRuntime>,
    runtime: &DynRuntime,
    work: impl Fn(&str, usize) -> Result<(), AsyncTaskError> + Clone + Send + Sync + 'static,
) -> Result<Vec<Node<u64>>> {
    let mut nodes: Vec<Node<u64>> = Vec::with_capacity(NODES);
    for (node, on) in dependencies().into_iter().enumerate() {
        let on: Vec<Node<u64>> = on.into_iter().filter_map(|on| nodes.get(on).cloned()).collect();
        let (builder, work) = (TaskBuilder::<u64, _>::new(runtime.clone()), work.clone());
        let body = move |inputs: Vec<Arc<u64>>| async move {
            work("begin", node)?;
            let own = value(node, inputs.iter().map(|input| **input));
            work("end", node)?;
            Ok::<_, AsyncTaskError>(own)
        };
        nodes.push(all.register_durable_after(node.to_string(), &on, builder, body)?);
    }
    Ok(nodes)
}

/// Goes on with the run, and dies in the first node that no process has died in, if it is to.
fn child(folder: &Path, kills_itself: bool) -> Result {
    let tokio = OwnedTokio::multi_thread(1)?;
    let runtime = DynRuntime::new(tokio.runtime());
    let died: Vec<usize> = numbers(&lines(folder)?, "kill");
    tokio.block_on(async {
        let store = open(folder).await?;
        // One at a time: the nodes that are interrupted are then known.
        let most = if kills_itself { 1 } else { 8 };
        let builder = OrchestratorBuilder::new(runtime.clone()).max_concurrency(most);
        let all = builder.durable(&store, "run").build()?;
        let (own, is_first, handle) = (folder.to_owned(), Arc::new(AtomicBool::new(true)), all.clone());
        let work = move |at: &str, node: usize| {
            let append = |line: String| append(&own, &line).map_err(AsyncTaskError::failure);
            if is_first.swap(false, Ordering::Relaxed) {
                let names: Vec<_> = handle.interrupted().iter().map(|name| name.to_string()).collect();
                append(format!("interrupted {}", names.join(" ")))?;
            }
            append(format!("{at} {node}"))?;
            if kills_itself && !died.contains(&node) && (at == "begin") == node.is_multiple_of(2) {
                append(format!("kill {node}"))?;
                return Err(AsyncTaskError::failure(kill()));
            }
            Ok(())
        };
        let nodes = register(&all, &runtime, work)?;
        let stats = all.run().await?;
        ensure!(stats.completed == NODES, "{stats:?}");
        let last = nodes.last().and_then(Node::output).context("no output")?;
        append(folder, &format!("done {last}"))?;
        Ok(())
    })?
}

/// Children that kill themselves, one in each node.
fn kill_at_every_node() -> Result {
    let (began, folder) = (Instant::now(), tempfile::tempdir()?);
    append(folder.path(), "log")?;
    let (tokio, program) = (OwnedTokio::multi_thread(1)?, std::env::current_exe()?);
    let store = tokio.block_on(open(folder.path()))??;
    // The nodes that were completed, and those that processes have died in and that were not completed since.
    let (mut completed, mut interrupted, mut seen) = (BTreeSet::new(), BTreeSet::new(), 0);
    for number in 0..=NODES {
        let status = Command::new(&program).arg(KILLS_ITSELF).arg(folder.path()).status()?;
        let is_last = number == NODES;
        #[cfg(unix)]
        ensure!(is_last || std::os::unix::process::ExitStatusExt::signal(&status) == Some(9), "{status}");
        ensure!(status.success() == is_last, "process {number}: {status}");
        let lines = lines(folder.path())?;
        let new = lines.get(seen..).unwrap_or_default();
        seen = lines.len();
        let named = new.iter().filter_map(|line| line.strip_prefix("interrupted "));
        let named: BTreeSet<usize> =
            named.flat_map(|names| names.split(' ').filter_map(|name| name.parse().ok())).collect();
        ensure!(named == interrupted, "process {number}: {named:?} are named, and not {interrupted:?}");
        let (begun, killed) = (numbers(new, "begin"), numbers(new, "kill"));
        let again: Vec<_> = begun.iter().filter(|node| completed.contains(*node)).collect();
        ensure!(again.is_empty(), "process {number}: {again:?} had completed, and ran again");
        completed.extend(begun.iter().copied().filter(|node| !killed.contains(node)));
        interrupted.extend(killed);
        interrupted.retain(|node| !completed.contains(node));
        let run = tokio.block_on(runs(&store))??;
        let found = run.first().map(|run| (run.starts, run.completed, run.running, run.nodes));
        let expected = (number as u64 + 1, completed.len(), interrupted.len(), NODES);
        ensure!(found == Some(expected), "process {number}: {found:?}, not {expected:?}");
    }
    check_runs(folder.path())?;
    check_outputs(&tokio, &store, folder.path(), &expected()?)?;
    Ok(writeln!(std::io::stdout(), "{NODES} nodes, {NODES} processes killed: {:?}", began.elapsed())?)
}

/// Children that are killed at any time, with several nodes under way.
fn kill_at_random_times() -> Result {
    let (began, folder, mut random) = (Instant::now(), tempfile::tempdir()?, random());
    append(folder.path(), "log")?;
    let (tokio, program) = (OwnedTokio::multi_thread(1)?, std::env::current_exe()?);
    let store = tokio.block_on(open(folder.path()))??;
    let (mut completed, mut seen, mut killed) = (BTreeSet::new(), 0, 0);
    let is_done = loop {
        let mut child = Command::new(&program).arg(IS_KILLED).arg(folder.path()).spawn()?;
        // Ever later, so that it comes to an end on a slow machine as well.
        std::thread::sleep(Duration::from_millis((random(30) + killed) as u64));
        child.kill()?;
        let is_done = child.wait()?.success();
        let lines = lines(folder.path())?;
        let new = lines.get(seen..).unwrap_or_default();
        seen = lines.len();
        let again: Vec<_> =
            numbers(new, "begin").into_iter().filter(|node| completed.contains(node)).collect();
        ensure!(again.is_empty(), "{again:?} had completed, and ran again");
        let nodes = tokio.block_on(store.load("run"))??.unwrap_or_default();
        let kept = nodes.iter().filter(|stored| matches!(stored.progress, NodeProgress::Completed(_)));
        completed.extend(kept.filter_map(|stored| stored.node.name.parse::<usize>().ok()));
        if is_done || killed == 300 {
            break is_done;
        }
        killed += 1;
    };
    ensure!(is_done, "no process came to the end");
    check_outputs(&tokio, &store, folder.path(), &expected()?)?;
    Ok(writeln!(std::io::stdout(), "{NODES} nodes, killed {killed} times at random: {:?}", began.elapsed())?)
}

/// A process has died in each node, and each has run to its end once.
fn check_runs(folder: &Path) -> Result {
    let lines = lines(folder)?;
    let each: Vec<usize> = (0..NODES).collect();
    let sorted = |mut numbers: Vec<usize>| {
        numbers.sort_unstable();
        numbers
    };
    ensure!(sorted(numbers(&lines, "kill")) == each, "a process died in {:?}", numbers(&lines, "kill"));
    let twice: Vec<usize> = each.iter().flat_map(|node| [*node, *node]).collect();
    ensure!(sorted(numbers(&lines, "begin")) == twice, "{:?} have begun", numbers(&lines, "begin"));
    Ok(())
}

/// All outputs are right, and so is the result.
fn check_outputs(tokio: &OwnedTokio, store: &SqliteStore, folder: &Path, values: &[u64]) -> Result {
    let nodes = tokio.block_on(store.load("run"))??.context("no run")?;
    for (node, own) in nodes.iter().zip(values) {
        let kept = NodeProgress::Completed(own.to_string().into_bytes());
        ensure!(node.progress == kept, "{node:?} is not {own}");
    }
    let last = values.last().context("no value")?;
    let lines = lines(folder)?;
    ensure!(lines.last().map(String::as_str) == Some(&*format!("done {last}")), "{:?}", lines.last());
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next().unwrap_or_default();
    if first == KILLS_ITSELF || first == IS_KILLED {
        let folder = arguments.next().unwrap_or_default();
        return match child(Path::new(&folder), first == KILLS_ITSELF) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // There is nobody else to report it to.
                let _ = writeln!(std::io::stderr(), "a child: {error:?}");
                ExitCode::FAILURE
            }
        };
    }
    let test = |name: &str, run: fn() -> Result| {
        Trial::test(name, move || run().map_err(|error| Failed::from(format!("{error:?}"))))
    };
    let tests = vec![
        test("kill_at_every_node", kill_at_every_node),
        test("kill_at_random_times", kill_at_random_times),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
