//! Pipelines: reading, formats, receivers, collections and the run of the whole.

mod collect;
mod read;
mod receive;
mod run;
mod text;

pub use collect::*;
pub use read::*;
pub use receive::*;
pub use run::*;
pub use text::*;
