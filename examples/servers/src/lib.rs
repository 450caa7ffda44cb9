//! Servers whose requests are tasks: in a program of Tokio's with axum, and in one of smol's with a protocol of lines.

#![forbid(unsafe_code)]

#[cfg(feature = "smol")]
pub mod embed_in_smol;
#[cfg(feature = "tokio")]
pub mod embed_in_tokio;
pub mod jobs;
