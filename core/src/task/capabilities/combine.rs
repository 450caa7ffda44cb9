//! Combinators of the futures of a result. They are inherent methods, so that their names never clash with
//! those of `FutureExt`.
//!
//! The closures run in the caller's poll; their panics are not caught.

use std::future::Future;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::handle::run::Run;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;

/// Defines the same four methods for each kind of future of a result.
macro_rules! combinators {
    ($T:ident) => {
        /// Maps the value.
        ///
        /// # Errors
        ///
        /// The error of the first, unchanged: `f` is not called then.
        ///
        /// # Cancel safety
        ///
        /// As of all four: a dropped future drops what it waits for, the task or the work. A member of a scope goes
        /// on in its scope.
        pub async fn map<U>(self, f: impl FnOnce($T) -> U) -> Result<U, AsyncTaskError> {
            self.await.map(f)
        }

        /// Maps the error.
        ///
        /// # Errors
        ///
        /// The output of `f`.
        pub async fn map_err<E>(self, f: impl FnOnce(AsyncTaskError) -> E) -> Result<$T, E> {
            self.await.map_err(f)
        }

        /// Passes the value on to work that may fail: a task, work in place, or any future of a `Result`.
        ///
        /// # Errors
        ///
        /// The error of the first, or of the second.
        pub async fn and_then<U, E, F>(self, f: impl FnOnce($T) -> F) -> Result<U, AsyncTaskError>
        where
            F: Future<Output = Result<U, E>>,
            E: Into<crate::error::BoxError>,
        {
            f(self.await?).await.map_err(AsyncTaskError::failure)
        }

        /// The value, or the result of other work, which is given the error.
        ///
        /// # Errors
        ///
        /// The error of the second.
        pub async fn or_else<E, F>(self, f: impl FnOnce(AsyncTaskError) -> F) -> Result<$T, AsyncTaskError>
        where
            F: Future<Output = Result<$T, E>>,
            E: Into<crate::error::BoxError>,
        {
            match self.await {
                Ok(value) => Ok(value),
                Err(error) => f(error).await.map_err(AsyncTaskError::failure),
            }
        }
    };
}

impl<T: Send + 'static, R: Runtime> Task<T, R> {
    combinators!(T);
}

impl<T: Send + 'static, R: Runtime> ScopedTask<T, R> {
    combinators!(T);
}

impl<T, G: Future<Output = Result<T, AsyncTaskError>>> Run<G> {
    combinators!(T);
}
