//! The ambient runtime of the facade on the tiny runtime, which the facade does not know.

#[macro_use]
#[path = "../../../conformance/tests/ambient/cases.rs"]
mod cases;
mod flavour;

on! { tiny one_worker crate::flavour::Tiny<1> }
on! { tiny three_workers crate::flavour::Tiny<3> }
