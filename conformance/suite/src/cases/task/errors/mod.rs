//! Promise 7, panic, and errors: a failure is the error of its own task, and its text stands once in it.

pub mod error_chains;
pub mod panic;
pub mod result_errors;
