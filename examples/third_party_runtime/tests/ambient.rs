//! The ambient runtime of the facade on the tiny runtime, which the facade does not know.

#[macro_use]
#[path = "../../../conformance/tests/ambient/cases.rs"]
mod cases;
mod flavour;

on!(one_worker, crate::flavour::Tiny<1>, a_thread_finds_the_runtime_that_it_has_entered);
on!(three_workers, crate::flavour::Tiny<3>, a_thread_finds_the_runtime_that_it_has_entered);
