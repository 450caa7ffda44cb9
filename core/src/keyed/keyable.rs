//! The policies that a `Keyed` can hold.

use std::time::Instant;

use crate::breaker::CircuitBreaker;
use crate::limit::Limiter;

/// A policy that a [`Keyed`](crate::Keyed) can hold: a [`CircuitBreaker`], a [`Limiter`], or a pair of such
/// policies. Its clones are the same policy, and it knows whether it is in use.
pub trait Keyable: sealed::Sealed + Clone + Send + Sync + 'static {
    /// True if nothing is lost with the policy at `now`: this is the only handle to it, so that no task uses
    /// it or is about to, and a new policy would admit the same.
    ///
    /// - A limiter has all of its burst again, if it has a rate.
    /// - A breaker would admit a call: it is closed, or its open timeout has passed.
    fn is_idle(&self, now: Instant) -> bool;
}

impl Keyable for CircuitBreaker {
    fn is_idle(&self, now: Instant) -> bool {
        self.is_unused(now)
    }
}

impl Keyable for Limiter {
    fn is_idle(&self, now: Instant) -> bool {
        self.is_unused(now)
    }
}

impl<A: Keyable, B: Keyable> Keyable for (A, B) {
    fn is_idle(&self, now: Instant) -> bool {
        self.0.is_idle(now) && self.1.is_idle(now)
    }
}

// The table of a `Keyed` calls it under a lock, so it must not call back.
mod sealed {
    use std::time::Instant;

    use crate::breaker::CircuitBreaker;
    use crate::limit::Limiter;

    #[allow(unnameable_types, reason = "a seal")]
    pub trait Sealed {
        /// Calls `each` with the address of each policy. Two handles to one policy have the same address.
        fn each_address(&self, each: &mut dyn FnMut(usize));

        /// As [`is_idle`](super::Keyable::is_idle), without the policies that other keys have, too: these are
        /// not lost.
        fn is_idle_apart_from(&self, now: Instant, is_shared: &dyn Fn(usize) -> bool) -> bool;
    }

    impl Sealed for CircuitBreaker {
        fn each_address(&self, each: &mut dyn FnMut(usize)) {
            each(self.address());
        }

        fn is_idle_apart_from(&self, now: Instant, is_shared: &dyn Fn(usize) -> bool) -> bool {
            is_shared(self.address()) || self.is_unused(now)
        }
    }

    impl Sealed for Limiter {
        fn each_address(&self, each: &mut dyn FnMut(usize)) {
            each(self.address());
        }

        fn is_idle_apart_from(&self, now: Instant, is_shared: &dyn Fn(usize) -> bool) -> bool {
            is_shared(self.address()) || self.is_unused(now)
        }
    }

    impl<A: Sealed, B: Sealed> Sealed for (A, B) {
        fn each_address(&self, each: &mut dyn FnMut(usize)) {
            self.0.each_address(each);
            self.1.each_address(each);
        }

        fn is_idle_apart_from(&self, now: Instant, is_shared: &dyn Fn(usize) -> bool) -> bool {
            self.0.is_idle_apart_from(now, is_shared) && self.1.is_idle_apart_from(now, is_shared)
        }
    }
}
