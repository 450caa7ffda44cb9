//! Receivers of a pipeline: their strategies, order, rate and threads.

pub mod batches;
pub mod on_the_pool;
pub mod order;
pub mod ordered_ends;
pub mod rates;
pub mod receivers;
pub mod trying;
