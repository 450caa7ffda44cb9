//! The suite on every flavour of smol. A file for each backend, so that they compile at the same time.

#[path = "flavours/smol.rs"]
mod flavours;

conformance::suite! {
    smol_global: flavours::Global,
    smol_one_thread: flavours::OneThread,
    smol_many_threads: flavours::ManyThreads,
    smol_own_executor: flavours::OwnExecutor,
}
