//! The interface for calling a receiver, with the work around each call.

/// Calls a receiver, one call after the other. A plain closure is a caller with no work around its calls.
pub trait Caller<A, O>: Send + Sync {
    /// An attempt: the calls whose outcome is one. Stages may make several arguments of a row.
    type Attempt: Copy + Send + Sync;

    /// Begins an attempt. Called within [`run`](Self::run), as the methods below.
    fn begin(&self) -> Self::Attempt;

    /// Calls the receiver, as a part of the attempt that was begun last.
    fn call(&self, attempt: Self::Attempt, argument: A) -> O;

    /// Runs user code with the worker's state installed: a call, a poll of the call's future, or the drop of
    /// that future.
    fn run(&self, code: &mut dyn FnMut());

    /// Ends the last attempt with its outcome. An attempt that is dropped by a kill is never ended.
    fn end(&self, succeeded: bool);
}

impl<A, O, F: Fn(A) -> O + Send + Sync> Caller<A, O> for F {
    type Attempt = ();

    #[inline]
    fn begin(&self) {}

    #[inline]
    fn call(&self, (): (), argument: A) -> O {
        self(argument)
    }

    fn run(&self, code: &mut dyn FnMut()) {
        code();
    }

    fn end(&self, _: bool) {}
}
