//! A receiver's closure with what surrounds its calls.

/// Calls a receiver, one call after the other. A closure is one that nothing surrounds.
pub trait Caller<A, O>: Send + Sync {
    /// Begins a call.
    fn call(&self, argument: A) -> O;

    /// Runs user code with the worker's state at hand: a call, a poll of the call's future, or that future's end.
    fn run(&self, code: &mut dyn FnMut());

    /// Ends the call that was begun last, with its outcome. Called within [`run`](Self::run). A call that is given up is
    /// never ended.
    fn end(&self, succeeded: bool);
}

impl<A, O, F: Fn(A) -> O + Send + Sync> Caller<A, O> for F {
    #[inline]
    fn call(&self, argument: A) -> O {
        self(argument)
    }

    fn run(&self, code: &mut dyn FnMut()) {
        code();
    }

    fn end(&self, _: bool) {}
}
