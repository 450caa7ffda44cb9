//! Keys that values can be collected under.

use std::hash::Hash;

/// A key that values can be collected under: every type that is `Hash + Eq + Send + 'static` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    note = "a key is `Hash + Eq + Send + 'static`; for a float take its bits, as `f64::to_bits` gives them"
)]
pub trait Key: Hash + Eq + Send + 'static {}

// What is said of a type that is none is to name this trait.
#[diagnostic::do_not_recommend]
impl<K: Hash + Eq + Send + 'static> Key for K {}
