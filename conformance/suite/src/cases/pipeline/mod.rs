//! Pipelines: reading, formats, receivers, stages, collections, other ends and the run of the whole.

mod collect;
mod ends;
mod read;
mod receive;
mod run;
mod stage;
mod text;

pub use collect::*;
pub use ends::*;
pub use read::*;
pub use receive::*;
pub use run::*;
pub use stage::*;
pub use text::*;
