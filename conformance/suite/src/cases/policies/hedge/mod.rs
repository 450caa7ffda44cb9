//! Promise 3, composition: a further attempt begins beside one that is slow or has failed, and the first
//! success is the result. Promise 2: the others, and all below them, have ended before the await returns.

pub mod hedge_budgets;
pub mod hedge_ends;
pub mod hedge_failures;
pub mod hedge_kinds;
pub mod hedge_policies;
pub mod hedge_settings;
pub mod hedges;
