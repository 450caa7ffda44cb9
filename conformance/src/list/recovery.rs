//! The part of the list that is about retries, recovery and circuit breakers.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_recovery {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_limits! {
            [$($then)+]
            $($tasks)*
        }
    };
}
