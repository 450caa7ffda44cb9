//! Orchestras, run: a node starts once, after all its dependencies succeeded, and is skipped otherwise.

pub mod orchestra_again;
pub mod orchestra_concurrency;
pub mod orchestra_failures;
pub mod orchestra_repeats;
pub mod orchestras;
