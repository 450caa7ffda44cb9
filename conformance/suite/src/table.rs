//! Tables of the cases, made of the list. The tables of `driven` and of `owned` cases are compiled once, here.
//! The table of `typed` cases is compiled for each type of runtime.

use crate::library::{DynRuntime, Runtime};

use crate::run::Running;
use crate::{Facts, Outcome, Started};

/// One case of the list, with a function of type `B`.
pub(crate) struct Case<B> {
    /// `topic::case`.
    pub(crate) name: &'static str,
    /// The marks of the case: the properties that a flavour must have to run it.
    pub(crate) needs: &'static [&'static str],
    /// The case itself.
    pub(crate) body: B,
}

/// A case that is run inside `block_on`, on a handle to the runtime.
pub(crate) type Polled<R> = fn(R, Facts) -> Running;

/// A case that holds what was started.
pub(crate) type Called = fn(Started) -> Outcome;

/// The cases of one kind, in a slice for each topic of the list. Topics of another kind have empty ones.
pub(crate) type Table<B> = &'static [&'static [Case<B>]];

macro_rules! driven {
    ($($topic:ident $run:ident $cases:tt)+) => { &[$(topic! { driven $run $topic $cases }),+] };
}

macro_rules! typed {
    ($($topic:ident $run:ident $cases:tt)+) => { &[$(topic! { typed $run $topic $cases }),+] };
}

macro_rules! owned {
    ($($topic:ident $run:ident $cases:tt)+) => { &[$(topic! { owned $run $topic $cases }),+] };
}

/// Makes the slice of a topic: its cases, if it is of the kind that is named first. An unknown kind matches
/// no rule, so that no topic is left out by mistake.
macro_rules! topic {
    (driven driven $topic:ident $cases:tt) => {
        cases! { polled $topic $cases }
    };
    (typed typed $topic:ident $cases:tt) => {
        cases! { polled $topic $cases }
    };
    (owned owned $topic:ident $cases:tt) => {
        cases! { called $topic $cases }
    };
    ($kind:ident driven $topic:ident $cases:tt) => {
        &[]
    };
    ($kind:ident typed $topic:ident $cases:tt) => {
        &[]
    };
    ($kind:ident owned $topic:ident $cases:tt) => {
        &[]
    };
}

macro_rules! cases {
    ($how:ident $topic:ident { $($case:ident $(($need:ident))?)+ }) => {
        &[$(Case {
            name: concat!(stringify!($topic), "::", stringify!($case)),
            needs: &[$(stringify!($need))?],
            body: body! { $how $topic $case },
        }),+]
    };
}

/// Names the function of a case. One that is polled has a function of its own around it, and not a closure:
/// all closures of a table would be type-checked together with it, as one body.
macro_rules! body {
    (polled $topic:ident $case:ident) => {{
        fn body<R: Runtime>(rt: R, at: Facts) -> Running {
            Box::pin(crate::cases::$topic::$case(rt, at))
        }
        body
    }};
    (called $topic:ident $case:ident) => {
        crate::cases::$topic::$case
    };
}

// Statics, and not constants, so that no other crate compiles the cases again.

/// The `driven` cases.
pub(crate) static DRIVEN: Table<Polled<DynRuntime>> = crate::__conformance_cases! { driven };

/// The `owned` cases.
pub(crate) static OWNED: Table<Called> = crate::__conformance_cases! { owned };

impl<R: Runtime> Case<Polled<R>> {
    /// The `typed` cases. Flavours that share the type of their runtime share their code.
    pub(crate) const TYPED: Table<Polled<R>> = crate::__conformance_cases! { typed };
}
