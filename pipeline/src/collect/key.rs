//! The keys under which values are collected.

use std::hash::Hash;

/// A key under which values can be collected: every type that is `Hash + Eq + Send + 'static` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    note = "a key is `Hash + Eq + Send + 'static`; for a float take its bits, as `f64::to_bits` gives them"
)]
pub trait Key: Hash + Eq + Send + 'static {}

// The compiler is to name this trait for a type that is no key, and not the bounds of this impl.
#[diagnostic::do_not_recommend]
impl<K: Hash + Eq + Send + 'static> Key for K {}
