//! Servers whose requests are tasks: one with axum in a Tokio program, and one with a line protocol in a smol
//! program.

#![forbid(unsafe_code)]

#[cfg(feature = "smol")]
pub mod embed_in_smol;
#[cfg(feature = "tokio")]
pub mod embed_in_tokio;
pub mod jobs;
