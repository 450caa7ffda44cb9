//! The workers of a pipeline: they take chunks from the queue, decode their rows, and call the receiver.
//!
//! A synchronous receiver is called in time slices, an asynchronous one is awaited. The argument is an event
//! or a batch. A failed call is repeated where the strategy says so.
//!
//! - `worker`, `intake`, `pending_batch`, `state`: one worker, compiled once for all pipelines
//! - `erased`: the handler and its workers as the untyped parts use them; `typed`: the same with their types
//! - `handlers`: one handler for each kind of end; `completion`: the end of the pipeline, as they learn of it
//! - `call`: the calls of a receiver
//! - `rows`, `feed`: the rows of a chunk on their way to a handler, and their outcomes
//! - `ahead`: rows whose stages run before the receiver gets any value of their chunk
//! - `keys`: the order of rows by key
//! - `slot`: the state of a handler for one worker

pub(crate) mod ahead;
pub(crate) mod call;
pub(crate) mod completion;
pub(crate) mod erased;
pub(crate) mod feed;
pub(crate) mod handlers;
pub(crate) mod intake;
pub(crate) mod keys;
pub(crate) mod pending_batch;
pub(crate) mod rows;
pub(crate) mod slot;
pub(crate) mod state;
pub(crate) mod typed;
pub(crate) mod worker;
