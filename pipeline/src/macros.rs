//! The macro for the short form of a final event.

/// Awaits a pipeline's final event, with one arm for each outcome. The value of the `OK` arm is wrapped in
/// `Ok`; the `ERR` arm is a `Result` itself.
///
/// ```
/// # use sweet_async_core::{AsyncTaskError, Runtime};
/// # use sweet_async_pipeline::{ChunkSizeExt as _, Collected, PipelineBuilder, await_final_event};
/// # async fn squares<R: Runtime>(runtime: R) -> Result<Collected<u32, u32>, AsyncTaskError> {
/// let pipeline = PipelineBuilder::<u32, _>::new(runtime)
///     .sender(|sources| sources.of(0..10u32).into_chunks(4.items()))
///     .receiver(|event, collector| {
///         let n = event.take_data();
///         collector.collect(n, n * n);
///     });
/// await_final_event!(pipeline, |event, collector| { OK(_summary) => collector.collected(), ERR(e) => Err(e) })
/// # }
/// ```
#[macro_export]
macro_rules! await_final_event {
    ($pipeline:expr, |$event:ident, $collector:ident| {
        OK($ok:pat) => $value:expr, ERR($err:pat) => $otherwise:expr $(,)?
    }) => {
        $pipeline
            .await_final_event(|$event, $collector| match $event {
                ::core::result::Result::Ok($ok) => ::core::result::Result::Ok($value),
                ::core::result::Result::Err($err) => $otherwise,
            })
            .await
    };
}
