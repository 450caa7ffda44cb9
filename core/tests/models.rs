//! Models of core's atomic protocols. Loom runs each in every interleaving of its threads, or up to a bound
//! if the model says so.
//!
//! Core's own files are included as they are. Everything that they take from `crate::sync` is loom's here:
//! `models/sync.rs` stands for that folder. So the models of tasks go through the real `tree/`; those in
//! `models/tree/` only take the steps of a poll in the place of `task/`.
//!
//! What is not driven, and why:
//!
//! - `task/`, except for `work/job.rs`, finds the task of a poll in a thread-local of std, which loom's
//!   threads would share.
//! - `panic.rs` would catch the panics with which loom ends a model: `models/panic.rs` stands for it.
//! - `keyed/table.rs` compares the guards of an `ArcSwap`, and its stand-in has none.
//! - `breaker/mod.rs` and `ticket.rs` only combine the files that are included, as their model does.
//! - `metrics/`, except for `sequence_counter.rs`, and `usage/metering.rs` have counters of std's, each of
//!   which stands for itself.
//! - `recovery.rs`, `trace.rs` and the source location in `node.rs` use cells of kept crates, whose values
//!   stand for themselves.
//!
//! Loom treats `SeqCst` accesses as `AcqRel` ones. So a protocol that needs more, a store and then a load of
//! another word against the same in the other order, cannot be shown here: `RootScope::notify_end` against a
//! shutdown, `job_started` against a cancellation.

#![allow(unnameable_types, reason = "types that are public in core")]

#[path = "../src/adaptive/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod adaptive;
#[path = "../src/body.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod body;
#[path = "../src/breaker/state.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod breaker_state;
#[path = "models/breaker.rs"]
mod breakers;
#[path = "models/tree/callbacks.rs"]
mod callbacks;
#[path = "models/tree/channels.rs"]
mod channels;
#[path = "models/tree/counting.rs"]
mod counting;
#[path = "models/tree/daemons.rs"]
mod daemons;
#[path = "models/tree/detaching.rs"]
mod detaching;
#[path = "../src/keyed/entry.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod entry;
#[path = "../src/error/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod error;
#[path = "models/handover.rs"]
mod handover;
#[path = "../src/task/work/job.rs"]
mod job;
#[path = "models/jobs.rs"]
mod jobs;
#[path = "models/keyed_entries.rs"]
mod keyed_entries;
#[path = "../src/limit/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod limit;
#[path = "models/limiter.rs"]
mod limiter;
#[path = "models/tree/listening.rs"]
mod listening;
#[path = "../src/metrics/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod metrics;
#[path = "models/panic.rs"]
mod panic;
#[path = "../src/program/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod program;
#[path = "models/tree/raising.rs"]
mod raising;
#[path = "../src/breaker/rates.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod rates;
#[path = "models/tree/reasons.rs"]
mod reasons;
#[path = "../src/retry/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod retry;
#[path = "../src/runtime/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod runtime;
#[path = "models/sequence_counters.rs"]
mod sequence_counters;
#[path = "models/tree/shutting_down.rs"]
mod shutting_down;
#[path = "models/statistics.rs"]
mod statistics;
#[path = "../src/breaker/switch.rs"]
mod switch;
#[path = "models/sync.rs"]
mod sync;
#[path = "models/tree/tasks.rs"]
mod tasks;
#[path = "../src/time/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod time;
#[path = "../src/tree/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod tree;
#[path = "models/tree/trees.rs"]
mod trees;
#[path = "../src/vocabulary/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "public in core, which has other uses for it")]
mod vocabulary;
#[path = "../src/breaker/window.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod window;

// The names by which the files of a folder know each other.
mod breaker {
    pub(crate) use crate::{breaker_state as state, window};
}
mod keyed {
    pub(crate) mod keyable {
        pub(crate) trait Keyable: Clone {
            fn each_address(&self, each: &mut dyn FnMut(usize));
            fn is_idle_apart_from(&self, now: std::time::Instant, is_shared: &dyn Fn(usize) -> bool) -> bool;
        }
    }
}

use loom::thread::JoinHandle;

/// All interleavings.
const ALL: Option<usize> = None;
/// Interleavings with at most three preemptions, for models in which all would take minutes.
const FEW: Option<usize> = Some(3);
/// The most steps of one execution. It only guards against a model that never ends.
const BRANCHES: usize = 10_000;

/// Runs `model` in all interleavings with no more than `preemptions` threads stopped where they could have
/// gone on.
fn check(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = BRANCHES;
    builder.check(model);
}

/// The result of a thread. A panic in it fails the model by itself.
fn joined<T>(thread: JoinHandle<T>) -> Option<T> {
    thread.join().ok()
}
