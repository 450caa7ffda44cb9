//! Queues: engines, jobs, publishing, acknowledgement, batches and order.

pub mod engines;
pub mod jobs;
pub mod published_items;
pub mod published_names;
pub mod publishing;
pub mod queue_batches;
pub mod queue_errors;
pub mod queue_order;
pub mod queues;
pub mod settling;
