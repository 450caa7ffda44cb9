//! Models of core's atomic protocols. Loom runs each in every interleaving of its threads, or up to a bound
//! if the model says so.
//!
//! The files of core whose atomics come from `crate::sync` are included as they are, with loom's atomics
//! under them. The other parts of a protocol are in `models/task.rs`, where each function names its
//! counterpart in core.
//!
//! Loom treats `SeqCst` accesses as `AcqRel` ones. So a protocol that needs more, a store and then a load of
//! another word against the same in the other order, cannot be shown here: `RootScope::notify_end` against a
//! shutdown, `job_started` against a cancellation.

#[path = "../src/adaptive/aimd.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod aimd;
#[path = "../src/breaker/state.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod breaker_state;
#[path = "models/breaker.rs"]
mod breakers;
#[path = "models/callbacks.rs"]
mod callbacks;
#[path = "models/counting.rs"]
mod counting;
#[path = "../src/tree/usage/statistics.rs"]
#[expect(unreachable_pub, reason = "public in core")]
mod counts;
#[path = "models/daemons.rs"]
mod daemons;
#[path = "models/detaching.rs"]
mod detaching;
#[path = "../src/keyed/entry.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod entry;
#[path = "../src/adaptive/event_observer.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod event_observer;
#[path = "../src/task/work/job.rs"]
mod job;
#[path = "models/jobs.rs"]
mod jobs;
#[path = "models/keyed_entries.rs"]
mod keyed_entries;
#[path = "models/limiter.rs"]
mod limiter;
#[path = "models/listening.rs"]
mod listening;
#[path = "../src/adaptive/observer.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod observer;
#[path = "../src/limit/order.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod order;
#[path = "../src/tree/pending_children.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod pending_children;
#[path = "../src/vocabulary/priority.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod priority;
#[path = "models/raising.rs"]
mod raising;
#[path = "../src/breaker/rates.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod rates;
#[path = "models/reasons.rs"]
mod reasons;
#[path = "../src/metrics/sequence_counter.rs"]
mod sequence_counter;
#[path = "models/sequence_counters.rs"]
mod sequence_counters;
#[path = "../src/tree/state.rs"]
#[expect(unreachable_pub, reason = "public in core")]
#[allow(dead_code, reason = "flags and steps that no model needs")]
mod state;
#[path = "models/statistics.rs"]
mod statistics;
#[path = "../src/breaker/switch.rs"]
mod switch;
#[path = "models/sync.rs"]
mod sync;
#[path = "models/task.rs"]
mod task;
#[path = "models/trees.rs"]
mod trees;
#[path = "../src/limit/wait_queue.rs"]
#[allow(dead_code, reason = "what no model needs")]
mod wait_queue;
#[path = "../src/limit/waiter.rs"]
mod waiter;
#[path = "../src/breaker/window.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod window;

// The names by which core's files know each other.
mod adaptive {
    pub(crate) use crate::{aimd, event_observer, observer};
}
mod breaker {
    pub(crate) use crate::{breaker_state as state, window};
}
mod keyed {
    pub(crate) mod keyable {
        pub(crate) trait Keyable: Clone {
            fn is_idle(&self, now: std::time::Instant) -> bool;
        }
    }
}
mod limit {
    pub(crate) use crate::{order, waiter};
}
mod panic {
    pub(crate) use crate::task::caught;
}
mod tree {
    pub(crate) mod ending {
        pub(crate) use crate::task::Ending;
    }
}
mod vocabulary {
    pub(crate) use crate::priority;
}

use loom::thread::JoinHandle;

/// All interleavings.
const ALL: Option<usize> = None;
/// Interleavings with at most two preemptions, for models in which all would take minutes.
const FEW: Option<usize> = Some(2);

/// Runs `model` in all interleavings with no more than `preemptions` threads stopped where they could have
/// gone on.
fn check(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}

/// The result of a thread. A panic in it fails the model by itself.
fn joined<T>(thread: JoinHandle<T>) -> Option<T> {
    thread.join().ok()
}
