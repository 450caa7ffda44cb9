//! Policies of a task, promises 3, 5 and 9, and its recovery: each policy alone, and their order.

mod breaker;
mod chaos;
mod hedge;
mod keyed;
mod layers;
mod limiter;
mod priority;
mod restart;
mod retry;
mod settings;

pub use breaker::*;
pub use chaos::*;
pub use hedge::*;
pub use keyed::*;
pub use layers::*;
pub use limiter::*;
pub use priority::*;
pub use restart::*;
pub use retry::*;
pub use settings::*;
