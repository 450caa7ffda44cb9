//! P12: the cost of one task, of one task of a graph and of one row, which must not depend on their number.

use std::time::Duration;

use crate::backend::Backend;
use crate::data::Repeated;
use crate::measure::{Row, check, timed};
use crate::p2::SpawnMethod;
use crate::p10::{self, Graph};
use crate::{Failure, Size, p9};

/// The most that one of many may cost, as a multiple of one of few.
const GOAL: f64 = 1.2;

const FEW_TASKS: usize = 1_000;
const MANY_TASKS: usize = 1_000_000;

const FEW_NODES: usize = 1_000;
const MANY_NODES: usize = 100_000;

/// Rows, in millions.
const FEW_ROWS: u64 = 1;
const MANY_ROWS: u64 = 32;

/// Spawns and joins `count` tasks at a time, until there were `all`.
fn tasks<B: Backend>(
    backend: &B,
    method: SpawnMethod,
    count: usize,
    all: usize,
) -> Result<Duration, Failure> {
    timed(|| {
        for _ in 0..all / count {
            let sum = backend.block_on(method.batch(backend, count))??;
            check(&sum, &(0..count as u64).sum())?;
        }
        Ok(())
    })
}

/// Runs graphs of `count` tasks, until there were `all` tasks.
fn graphs<B: Backend>(backend: &B, by_hand: bool, count: usize, all: usize) -> Result<Duration, Failure> {
    let (graph, mut took) = (Graph::new(count), Duration::ZERO);
    for _ in 0..all / count {
        took += match by_hand {
            true => backend.block_on(p10::by_hand(backend.clone(), graph.clone()))??,
            false => backend.block_on(p10::orchestra(backend.clone(), graph.clone(), false))??,
        };
    }
    Ok(took)
}

/// Folds `count` rows, `times` times.
fn rows<B: Backend>(backend: &B, count: u64, times: u64, size: &Size) -> Result<Duration, Failure> {
    let csv = Repeated::rows(count)?;
    timed(|| {
        for _ in 0..times {
            backend.block_on(p9::fold(backend, csv.clone(), size))??;
        }
        Ok(())
    })
}

/// Measures the row.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let mut row = Row::new(format!("P12 {}: tasks, spawned and joined", B::NAME), size.rounds);
    // Beside the executor's own spawn, since many tasks miss the caches that a few fit into, whichever spawn
    // is used.
    for (method, goal) in [(SpawnMethod::Bare, None), (SpawnMethod::On, Some(GOAL))] {
        let name = |count: usize| format!("{}, {count} at a time", method.name());
        for count in [FEW_TASKS, MANY_TASKS] {
            row.side(name(count), MANY_TASKS as f64, move || tasks(backend, method, count, MANY_TASKS));
        }
        row.ratio(&name(MANY_TASKS), &name(FEW_TASKS), goal);
    }
    row.measure()?;
    let mut row = Row::new(format!("P12 {}: graphs of trivial tasks", B::NAME), size.rounds);
    for (side, by_hand, goal) in [("by hand", true, None), ("orchestra", false, Some(GOAL))] {
        let name = |count: usize| format!("{side}, {count} tasks");
        for count in [FEW_NODES, MANY_NODES] {
            row.side(name(count), MANY_NODES as f64, move || graphs(backend, by_hand, count, MANY_NODES));
        }
        row.ratio(&name(MANY_NODES), &name(FEW_NODES), goal);
    }
    row.measure()?;
    let (few, many) = (format!("{FEW_ROWS} M rows"), format!("{MANY_ROWS} M rows"));
    let millions = |count: u64| count as f64 * 1e6;
    Row::new(format!("P12 {}: rows of CSV, folded", B::NAME), size.rounds)
        .side(few.clone(), 8.0 * millions(FEW_ROWS), || rows(backend, FEW_ROWS * 1_000_000, 8, size))
        .side(many.clone(), millions(MANY_ROWS), || rows(backend, MANY_ROWS * 1_000_000, 1, size))
        .ratio(&many, &few, Some(GOAL))
        .measure()
}
