//! The interface for calling a receiver, with the work around each call.

/// Calls a receiver, one call after the other. A plain closure is a caller with no work around its calls.
pub trait Caller<A, O>: Send + Sync {
    /// Begins a call.
    fn call(&self, argument: A) -> O;

    /// Runs user code with the worker's state installed: a call, a poll of the call's future, or the drop of
    /// that future.
    fn run(&self, code: &mut dyn FnMut());

    /// Ends the last call with its outcome. Called within [`run`](Self::run). A call that is dropped by a
    /// kill is never ended.
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
