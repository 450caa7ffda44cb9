//! The macro that a backend calls: it makes a module of tests of the list, one for each case.

/// Makes a module of tests, one for each case, on the flavour that a [`Harness`](crate::Harness) describes.
///
/// `conformance::suite!(my_runtime, MyHarness);` in a file under `tests/` is all that a backend needs.
#[macro_export]
macro_rules! suite {
    ($module:ident, $harness:ty) => {
        mod $module {
            #[allow(unused_imports, reason = "the harness may be named by a full path")]
            use super::*;

            type Flavour = $harness;

            $crate::__conformance_cases! { $crate::__conformance_tests }
        }
    };
}

/// Makes a module for each topic, and a test for each case.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($($topic:ident $run:ident { $($case:ident $(($need:ident))?)+ })+) => {$(
        mod $topic {
            use super::Flavour;

            $(
                #[test]
                fn $case() -> $crate::Outcome {
                    $(if !$crate::run::has_threads::<Flavour>(stringify!($need)) {
                        return Ok(());
                    })?
                    let name = concat!(stringify!($topic), "::", stringify!($case));
                    $crate::__conformance_run!($run, Flavour, name, $topic, $case)
                }
            )+
        }
    )+};
}

/// Runs one case in the way that its topic states.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_run {
    (driven, $flavour:ident, $name:ident, $topic:ident, $case:ident) => {
        $crate::run::driven::<$crate::Erased<$flavour>>($name, $crate::erased::$topic::$case)
    };
    (typed, $flavour:ident, $name:ident, $topic:ident, $case:ident) => {
        $crate::run::driven::<$flavour>($name, |rt, at| Box::pin($crate::cases::$topic::$case(rt, at)))
    };
    (owned, $flavour:ident, $name:ident, $topic:ident, $case:ident) => {
        $crate::run::owned::<$flavour, _>($name, |harness: $flavour| $crate::cases::$topic::$case(harness))
    };
}
