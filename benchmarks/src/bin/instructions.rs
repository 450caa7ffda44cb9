//! The binary that counts instructions per operation. Each side runs under valgrind twice, for N and for 3 N
//! operations, on one thread. The difference divided by 2 N is the cost of one operation, free of noise.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::process::Command;

use clap::Parser;
use side_by_side::backend::{Backend, Smol, Tokio};
use side_by_side::data::Csv;
use side_by_side::observations::Observation;
use side_by_side::p2::SpawnMethod;
use side_by_side::p3::Policy;
use side_by_side::p3::events::EventPolicy;
use side_by_side::p4::{Kind, buffer_unordered, pipeline};
use side_by_side::p13::Used;
use side_by_side::p15::{MODES, POLLS};
use side_by_side::{Failure, p1, p6, p7, p10, p15};
use sweet_async::pipeline::{Collected, Collection};

/// Counts instructions per operation, under valgrind.
#[derive(Parser)]
struct Arguments {
    /// Only sides whose name contains this.
    only: Option<String>,
    /// Runs SIDE so many times and counts nothing; valgrind runs this.
    #[arg(long, num_args = 2, value_names = ["SIDE", "COUNT"])]
    just: Option<Vec<String>>,
}

/// Megabytes of CSV that one pass of P7 reads.
const MEGABYTES: u64 = 2;

type Run = Box<dyn Fn(usize) -> Result<(), Failure>>;

/// One side: its name, the least number of operations that it runs, and the run.
type Side = (String, usize, Run);

fn sides<B: Backend>(backend: &B) -> Vec<Side> {
    let mut sides: Vec<Side> = Vec::new();
    let mut add = |name: &str, count, run: Run| {
        sides.push((format!("{} {name}", B::NAME), count, run));
    };
    let owned = backend.clone();
    add("p1 inline await", 10_000, Box::new(move |n| owned.block_on(p1::inline(n))?.map(drop)));
    let owned = backend.clone();
    add("p1 run", 10_000, Box::new(move |n| owned.block_on(p1::run(n))?.map(drop)));
    let owned = backend.clone();
    add(
        "p1 raw spawn + join",
        10_000,
        Box::new(move |n| owned.block_on(p1::spawned(owned.clone(), n))?.map(drop)),
    );
    for method in SpawnMethod::ALL {
        let owned = backend.clone();
        let run = move |n| owned.block_on(method.batch(&owned, n))?.map(drop);
        add(&format!("p2 {}, from block_on", method.name()), 10_000, Box::new(run));
        let owned = backend.clone();
        let run = move |n| method.inside(&owned, method.batch(&owned, n)).map(drop);
        add(&format!("p2 {}, inside a task", method.name()), 10_000, Box::new(run));
    }
    for used in Used::ALL {
        let owned = backend.clone();
        let run = move |n| owned.block_on(used.ours(&owned, n))?.map(drop);
        add(&format!("p13 {}, used", used.name()), 10_000, Box::new(run));
        let owned = backend.clone();
        let run = move |n| owned.block_on(used.theirs::<B>(n))?.map(drop);
        add(&format!("p13 {}: {}", used.name(), used.peer()), 10_000, Box::new(run));
    }
    for (policy, spawned) in Policy::ALL.into_iter().flat_map(|policy| [(policy, false), (policy, true)]) {
        let owned = backend.clone();
        let mode = if spawned { "spawn + join" } else { "run" };
        let run = move |n| policy.measure(&owned, spawned, n);
        add(&format!("p3 {}, {mode}", policy.name()), 10_000, Box::new(run));
    }
    for (policy, is_async) in EventPolicy::all() {
        let owned = backend.clone();
        let run = move |n| policy.measure(&owned, is_async, n);
        add(&format!("p3 {}", policy.name(is_async)), 20_000, Box::new(run));
    }
    for (name, mode) in MODES {
        let owned = backend.clone();
        let run =
            move |n: usize| owned.block_on(p15::tasks(owned.clone(), mode, n.div_ceil(POLLS)))?.map(drop);
        add(&format!("p15 {name}, per poll"), 50_000, Box::new(run));
    }
    let owned = backend.clone();
    let graph = move |n| owned.block_on(p10::by_hand(owned.clone(), p10::Graph::new(n)))?.map(drop);
    add("p10 by hand", 5_000, Box::new(graph));
    let owned = backend.clone();
    let graph = move |n| owned.block_on(p10::orchestra(owned.clone(), p10::Graph::new(n), false))?.map(drop);
    add("p10 orchestra, its description included", 5_000, Box::new(graph));
    for observation in Observation::ALL {
        let owned = backend.clone();
        let run = move |n| observation.measure(&owned, n);
        add(&format!("p3 {}", observation.name()), 10_000, Box::new(run));
    }
    let owned = backend.clone();
    add("p4 buffer_unordered", 100_000, Box::new(move |n| owned.block_on(buffer_unordered(n as u64))?));
    for (kind, chunk) in Kind::ALL.into_iter().flat_map(|kind| [(kind, 256), (kind, 1024)]) {
        let owned = backend.clone();
        let run = move |n| owned.block_on(pipeline(&owned, kind, n as u64, chunk, 1))?;
        add(&format!("p4 {}, chunks of {chunk}", kind.name()), 200_000, Box::new(run));
    }
    let owned = backend.clone();
    let inserts = move |n| {
        let finish = Collection::collected;
        owned.block_on(p6::collect(&owned, n as u64, 1, finish, Collected::len))?.map(drop)
    };
    add("p6 collected", 200_000, Box::new(inserts));
    let owned = backend.clone();
    let passes = move |n| {
        let csv = Csv::generate(MEGABYTES)?;
        (0..n).try_for_each(|_| owned.block_on(p7::fold(&owned, &csv, 256, 1))?)
    };
    add("p7 fold, per pass", 1, Box::new(passes));
    let owned = backend.clone();
    let passes = move |n| {
        let csv = Csv::generate(MEGABYTES)?;
        (0..n).try_for_each(|_| owned.block_on(p7::sums(&owned, &csv, 256, 1))?)
    };
    add("p7 sums of rows that borrow, per pass", 1, Box::new(passes));
    sides
}

/// The sides that need no backend.
fn peers() -> Vec<Side> {
    let passes = |n| {
        let csv = Csv::generate(MEGABYTES)?;
        (0..n).try_for_each(|_| p7::serial(&csv))
    };
    vec![("p7 serial csv + serde, per pass".to_owned(), 1, Box::new(passes))]
}

fn counted(name: &str, count: usize) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--just", name, &count.to_string()])
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let number = stderr.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    number.ok_or_else(|| format!("valgrind counted nothing: {stderr}").into())
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let mut all = sides(&Tokio::current_thread()?);
    all.extend(sides(&Smol::current_thread()));
    all.extend(peers());
    if let Some([side, count]) = arguments.just.as_deref() {
        let (_, _, run) = all.iter().find(|(name, ..)| name == side).ok_or("no such side")?;
        return run(count.parse()?);
    }
    println!("{:<52} {:>12}", "per operation", "instructions");
    for (name, count, _) in &all {
        if arguments.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let more = counted(name, 3 * count)?.saturating_sub(counted(name, *count)?);
        println!("{name:<52} {:>12.1}", more as f64 / (2 * count) as f64);
    }
    Ok(())
}
