//! The binary that counts heap allocations per operation. `run` must have none, and `spawn` one more than the
//! executor's own spawn.

#![allow(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::alloc::System;

use side_by_side::backend::{Backend, Smol, Tokio};
use side_by_side::p2::SpawnMethod;
use side_by_side::p3::Policy;
use side_by_side::p3::events::EventPolicy;
use side_by_side::p13::Used;
use side_by_side::{Failure, p1};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const COUNT: usize = 10_000;

/// Runs `work`, and prints its allocations per operation, less those that it makes for no operation at all.
fn count(name: &str, mut work: impl FnMut(usize) -> Result<(), Failure>) -> Result<(), Failure> {
    // Once before the counted runs: queues grow to their size.
    work(COUNT)?;
    let mut allocations = |operations| -> Result<_, Failure> {
        let region = Region::new(COUNTING);
        work(operations)?;
        let change = region.change();
        Ok((change.allocations + change.reallocations, change.bytes_allocated))
    };
    let (none, some) = (allocations(0)?, allocations(COUNT)?);
    let each = |some: usize, none: usize| some.saturating_sub(none) as f64 / COUNT as f64;
    println!("{name:<52} {:>8.3} {:>10.1}", each(some.0, none.0), each(some.1, none.1));
    Ok(())
}

fn all<B: Backend>(backend: &B) -> Result<(), Failure> {
    let named = |name: &str| format!("{}: {name}", B::NAME);
    count(&named("inline await"), |n| backend.block_on(p1::inline(n))?.map(drop))?;
    count(&named("run"), |n| backend.block_on(p1::run(n))?.map(drop))?;
    for method in SpawnMethod::ALL {
        count(&named(&format!("{}, from block_on", method.name())), |n| {
            backend.block_on(method.batch(backend, n))?.map(drop)
        })?;
        count(&named(&format!("{}, inside a task", method.name())), |n| {
            method.inside(backend, method.batch(backend, n)).map(drop)
        })?;
    }
    for used in Used::ALL {
        count(&named(&format!("{}, used", used.name())), |n| {
            backend.block_on(used.ours(backend, n))?.map(drop)
        })?;
        count(&named(used.peer()), |n| backend.block_on(used.theirs::<B>(n))?.map(drop))?;
    }
    for policy in Policy::ALL {
        count(&named(&format!("{}, run", policy.name())), |n| policy.measure(backend, false, n))?;
        count(&named(&format!("{}, spawn + join", policy.name())), |n| policy.measure(backend, true, n))?;
    }
    for (policy, is_async) in EventPolicy::all() {
        count(&named(&policy.name(is_async)), |n| policy.measure(backend, is_async, n))?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    println!("{:<52} {:>8} {:>10}", "per operation", "count", "bytes");
    all(&Tokio::current_thread()?)?;
    all(&Smol::current_thread())
}
