//! Orchestras: the graph, the run, the cancellation, ad-hoc tasks, and the orchestrator as a task.

mod ad_hoc;
mod graph;
mod handle;
mod run;
mod stop;

pub use ad_hoc::*;
pub use graph::*;
pub use handle::*;
pub use run::*;
pub use stop::*;
