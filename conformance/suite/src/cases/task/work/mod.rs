//! Work: closures and futures of all kinds give a value, run where the builder says, and are waited for.

pub mod blocking;
pub mod in_place;
pub mod results;
pub mod spawn;
pub mod unregistered;
pub mod values;
