//! A web server on axum that starts tasks of ours; `embed_in_tokio.rs` runs it.
//!
//! - [`app`]: the routes, and the one place where tasks are started
//! - [`serve`]: the server, and its end
//! - [`client`], [`tour`]: a client, and a few of them at play

mod app;
pub mod client;
mod server;
mod tour;

pub use app::{MOST, Stats, app};
pub use server::serve;
pub use tour::{tour, until};
