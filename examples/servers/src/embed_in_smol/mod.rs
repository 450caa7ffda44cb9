//! A server for a line protocol, on smol, whose jobs are tasks. `embed_in_smol.rs` runs it.
//!
//! | line | answer |
//! |---|---|
//! | `sum N` | the sum of the first `N` squares, each by a child task |
//! | `wait` | none: the job is never done, and ends with its client |
//! | `background` | `background: accepted`: a job that outlives its client, and ends with the server |
//! | `stats` | the tasks of the executor, and the jobs |
//! | `quit` | `bye`, and the server ends |
//!
//! A line does not wait for those before it: answers come as jobs are done, and begin with their line. A
//! client that closes its end has left.
//!
//! - [`serve`]: the server, and its end
//! - [`Client`], [`tour`]: a client, and a demonstration with a few of them

mod client;
mod connection;
mod line;
mod server;
mod tour;

pub use client::{Client, Stats};
pub use line::MAX_N;
pub use server::serve;
pub use tour::tour;
