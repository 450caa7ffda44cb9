//! The ambient runtime of the facade on every flavour. The suite itself is compiled without the facade.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

#[macro_use]
#[path = "ambient/cases.rs"]
mod cases;
#[macro_use]
mod flavours;

on_each_flavour! { on }
