//! A macro for the two outcomes of a task.

/// Awaits a task, or work in place, with one arm for each outcome: the `OK` arm's value is wrapped in `Ok`,
/// the `ERR` arm gives a `Result` itself.
///
/// ```
/// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder, await_result};
/// # async fn length<R: Runtime>(runtime: R) -> Result<usize, AsyncTaskError> {
/// let text = TaskBuilder::<String, _>::new(runtime).run(|| async { String::from("four") });
/// await_result!(text, |result| { OK(text) => text.len(), ERR(error) => Err(error) })
/// # }
/// ```
#[macro_export]
macro_rules! await_result {
    ($task:expr, |$result:ident| {
        OK($ok:pat) => $value:expr, ERR($err:pat) => $otherwise:expr $(,)?
    }) => {{
        let $result = $task.await;
        match $result {
            ::core::result::Result::Ok($ok) => ::core::result::Result::Ok($value),
            ::core::result::Result::Err($err) => $otherwise,
        }
    }};
}
