//! Stages: the functions between the value of a row and the receiver.
//!
//! They know values and nothing else: no event, no position, no worker. A [`Chain`](chain::Chain) makes the
//! values of one row, and its caller adds the row's position to each of them. Chains are composed by their
//! types, so a chain of synchronous stages is one function to the compiler, and an asynchronous one is one
//! future. A row needs no box and passes no channel.
//!
//! - `chain`: the contract of a chain, and the empty one
//! - `step`: the function of one stage on one value
//! - `each`, `many`, `awaited`: a chain with one more stage, for each kind of stage
//! - `keyed`: a chain whose values have keys

pub(crate) mod awaited;
pub(crate) mod chain;
pub(crate) mod each;
pub(crate) mod keyed;
pub(crate) mod many;
pub(crate) mod step;
