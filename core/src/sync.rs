//! The atomics that core's own protocols are made of, in one place: the models in `tests/` put others here.

pub(crate) use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
