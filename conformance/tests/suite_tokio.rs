//! The suite on every flavour of Tokio. A file for each backend, so that they compile at the same time.

#![cfg(feature = "tokio")]

#[path = "flavours/tokio.rs"]
mod flavours;

conformance::suite!(tokio_current_thread, flavours::CurrentThread);
conformance::suite!(tokio_multi_thread, flavours::MultiThread);
