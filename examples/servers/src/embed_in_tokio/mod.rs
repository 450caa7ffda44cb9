//! A web server on axum that starts tasks. `embed_in_tokio.rs` runs it.
//!
//! - [`app`]: the routes, and the only code that starts tasks
//! - [`serve`]: the server, and its end
//! - [`client`], [`tour`]: a client, and a demonstration with a few requests

mod app;
pub mod client;
mod server;
mod tour;

pub use app::{MAX_N, Stats, app};
pub use server::serve;
pub use tour::{tour, until};
