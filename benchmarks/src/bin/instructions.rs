//! Counts instructions per operation: each side runs under valgrind twice, for N and for 3 N operations, on one
//! thread; the difference over 2 N is one operation, free of noise.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::process::Command;

use clap::Parser;
use side_by_side::backend::{Backend, Smol, Tokio};
use side_by_side::data::Csv;
use side_by_side::looks::Look;
use side_by_side::p2::Way;
use side_by_side::p3::Policy;
use side_by_side::p4::{Kind, buffer_unordered, pipeline};
use side_by_side::{Failure, p1, p6, p7};
use sweet_async::pipeline::{Collection, Partition};

/// Counts instructions per operation, under valgrind.
#[derive(Parser)]
struct Arguments {
    /// Only sides whose name contains this.
    only: Option<String>,
    /// Runs this side so many times, and counts nothing: what runs under valgrind.
    #[arg(long, num_args = 2, value_names = ["SIDE", "COUNT"])]
    just: Option<Vec<String>>,
}

/// Megabytes of CSV that one pass of P7 reads.
const MEGABYTES: u64 = 2;

type Run = Box<dyn Fn(usize) -> Result<(), Failure>>;

/// One side: its name, how many times it runs at least, and the run.
type Side = (String, usize, Run);

fn sides<B: Backend>(backend: &B) -> Vec<Side> {
    let mut sides: Vec<Side> = Vec::new();
    let mut add = |name: &str, count, run: Run| {
        sides.push((format!("{} {name}", B::NAME), count, run));
    };
    let here = backend.clone();
    add("p1 inline await", 10_000, Box::new(move |n| here.block_on(p1::inline(n))?.map(drop)));
    let here = backend.clone();
    add("p1 run", 10_000, Box::new(move |n| here.block_on(p1::run(n))?.map(drop)));
    let here = backend.clone();
    add(
        "p1 raw spawn + join",
        10_000,
        Box::new(move |n| here.block_on(p1::spawned(here.clone(), n))?.map(drop)),
    );
    for way in Way::ALL {
        let here = backend.clone();
        let run = move |n| here.block_on(way.batch(&here, n))?.map(drop);
        add(&format!("p2 {}, from block_on", way.name()), 10_000, Box::new(run));
        let here = backend.clone();
        let run = move |n| way.inside(&here, way.batch(&here, n)).map(drop);
        add(&format!("p2 {}, inside a task", way.name()), 10_000, Box::new(run));
    }
    for (policy, spawned) in Policy::ALL.into_iter().flat_map(|policy| [(policy, false), (policy, true)]) {
        let here = backend.clone();
        let way = if spawned { "spawn + join" } else { "run" };
        let run = move |n| policy.measure(&here, spawned, n);
        add(&format!("p3 {}, {way}", policy.name()), 10_000, Box::new(run));
    }
    for look in Look::ALL {
        let here = backend.clone();
        let run = move |n| look.measure(&here, n);
        add(&format!("p3 {}", look.name()), 10_000, Box::new(run));
    }
    let here = backend.clone();
    add("p4 buffer_unordered", 100_000, Box::new(move |n| here.block_on(buffer_unordered(n as u64))?));
    for (kind, chunk) in Kind::ALL.into_iter().flat_map(|kind| [(kind, 256), (kind, 1024)]) {
        let here = backend.clone();
        let run = move |n| here.block_on(pipeline(&here, kind, n as u64, chunk, 1))?;
        add(&format!("p4 {}, chunks of {chunk}", kind.name()), 200_000, Box::new(run));
    }
    let here = backend.clone();
    let inserts = move |n| {
        let keep = Collection::into_partitions;
        here.block_on(p6::collect(&here, n as u64, 1, keep, |parts| parts.iter().map(Partition::len).sum()))?
            .map(drop)
    };
    add("p6 into_partitions", 200_000, Box::new(inserts));
    let here = backend.clone();
    let passes = move |n| {
        let csv = Csv::generate(MEGABYTES)?;
        (0..n).try_for_each(|_| here.block_on(p7::fold(&here, &csv, 256, 1))?)
    };
    add("p7 fold, per pass", 1, Box::new(passes));
    let here = backend.clone();
    let passes = move |n| {
        let csv = Csv::generate(MEGABYTES)?;
        (0..n).try_for_each(|_| here.block_on(p7::sums(&here, &csv, 256, 1))?)
    };
    add("p7 sums of rows that borrow, per pass", 1, Box::new(passes));
    sides
}

/// What needs no backend.
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
    let said = String::from_utf8_lossy(&output.stderr);
    let number = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    number.ok_or_else(|| format!("valgrind counted nothing: {said}").into())
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let mut all = sides(&Tokio::here()?);
    all.extend(sides(&Smol::here()));
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
