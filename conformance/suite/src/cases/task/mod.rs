//! One task, promises 1 and 7: its work, its errors, its handle and its capabilities.

mod capabilities;
mod errors;
mod handle;
mod work;

pub use capabilities::*;
pub use errors::*;
pub use handle::*;
pub use work::*;
