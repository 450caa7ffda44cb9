//! The guide: a page for each topic, with examples that run as tests.
//!
//! | page | content |
//! |---|---|
//! | [`tasks`] | a builder, `run` and `spawn`, handles, errors, blocking work |
//! | [`cancellation`] | levels, reasons, grace; and the effect of a dropped future, function by function |
//! | [`time`] | limits, deadlines, intervals, schedules |
//! | [`policies`] | retries, breakers, limiters, hedging, recovery, chaos; their order; a comparison with other crates |
//! | [`structure`] | scopes, groups, daemons, supervision, shutdown |
//! | [`pipelines`] | sources, stages, receivers, ends, errors, memory |
//! | [`distributed`] | pipelines over several processes and machines |
//! | [`orchestras`] | tasks that depend on each other |
//! | [`metrics`] | usage of tasks, traces, figures of a runtime |
//! | [`testing`] | the simulation: seeds, virtual time, races |
//! | [`backends`] | the features; Tokio, smol, both, another one |
//! | [`limits`] | things that cannot be done |
//! | [`costs`] | allocations, instructions, and ratios to peers |
//! | [`migrating`] | before and after, for users of Tokio, tokio-util, tower, backon and smol |

/// Makes a module of each page.
macro_rules! pages {
    ($($page:ident)+) => {$(
        #[doc = include_str!(concat!("../guide/", stringify!($page), ".md"))]
        pub mod $page {}
    )+};
}

pages! {
    tasks cancellation time policies structure pipelines distributed orchestras metrics testing backends limits costs
    migrating
}
