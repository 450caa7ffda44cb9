//! The suite on every flavour of smol. A file for each backend, so that they compile at the same time.

#![cfg(feature = "smol")]

#[path = "flavours/smol.rs"]
mod flavours;

conformance::suite!(smol_global, flavours::Global);
conformance::suite!(smol_one_thread, flavours::OneThread);
conformance::suite!(smol_many_threads, flavours::ManyThreads);
conformance::suite!(smol_own_executor, flavours::OwnExecutor);
