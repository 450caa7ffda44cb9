//! The suite on every flavour of Tokio. A file for each backend, so that they compile at the same time.

#[path = "flavours/tokio.rs"]
mod flavours;

conformance::suite! {
    tokio_current_thread: flavours::CurrentThread,
    tokio_multi_thread: flavours::MultiThread,
}
