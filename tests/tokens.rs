//! Cancellation tokens of tokio-util, on both backends.
#![cfg(all(feature = "smol", feature = "tokio", feature = "tokio-util"))]

use futures_lite::future::{or, pending, yield_now};
use sweet_async::prelude::*;
use sweet_async::smol::SmolPool;
use sweet_async::tokens::{cancel_with, token_of};
use sweet_async::tokio::OwnedTokio;
use sweet_async::{BoxError, TaskBuilder};
use tokio_util::sync::CancellationToken;

type Outcome = Result<(), BoxError>;

/// Runs a case on each backend.
fn on_each(tokio: impl AsyncFnOnce() -> Outcome, smol: impl AsyncFnOnce() -> Outcome) -> Outcome {
    OwnedTokio::multi_thread(2)?.block_on(tokio())??;
    SmolPool::new(2)?.block_on(smol())?
}

macro_rules! on_both {
    ($($case:ident)+) => {$(
        #[test]
        fn $case() -> Outcome {
            on_each(
                async || cases::$case(sweet_async::tokio::TokioRuntime::current()?).await,
                async || cases::$case(sweet_async::smol::SmolRuntime::current()).await,
            )
        }
    )+};
}

on_both! {
    a_token_is_cancelled_with_its_task
    a_token_is_cancelled_by_a_kill
    a_kill_reaches_blocking_work_by_its_token
    a_token_is_cancelled_at_the_end_of_its_task
    a_task_is_cancelled_with_its_token
    a_token_kills_a_task_that_was_asked_gracefully
    a_task_that_ends_first_leaves_nothing
}

mod cases {
    use super::*;

    pub(super) async fn a_token_is_cancelled_with_its_task<R: Runtime>(runtime: R) -> Outcome {
        let task = TaskBuilder::<u32, R>::new(runtime).spawn_with(|cx| async move {
            let token = token_of(&cx)?;
            cx.started();
            token.cancelled().await;
            Ok::<_, AsyncTaskError>(7)
        });
        task.ready().await?;
        drop(task.cancel_gracefully());
        assert_eq!(task.await?, 7);
        Ok(())
    }

    pub(super) async fn a_token_is_cancelled_by_a_kill<R: Runtime>(runtime: R) -> Outcome {
        let (give, take) = async_channel();
        let task = TaskBuilder::<(), R>::new(runtime).spawn_with(|cx| async move {
            give(token_of(&cx)?);
            pending::<()>().await;
            Ok::<_, AsyncTaskError>(())
        });
        let token = take().await;
        assert!(!token.is_cancelled());
        drop(task.cancel(CancelLevel::Kill));
        token.cancelled().await;
        Ok(())
    }

    pub(super) async fn a_kill_reaches_blocking_work_by_its_token<R: Runtime>(runtime: R) -> Outcome {
        let own = runtime.clone();
        let task = TaskBuilder::<(), R>::new(runtime).spawn_with(|cx| async move {
            let token = token_of(&cx)?;
            cx.started();
            let work = move || {
                while !token.is_cancelled() {
                    std::thread::yield_now();
                }
            };
            TaskBuilder::<(), R>::new(own).spawn_blocking(work).await
        });
        task.ready().await?;
        // It waits for the work, which waits for the token.
        let end = task.cancel(CancelLevel::Kill).await;
        assert!(end.status().is_terminal());
        Ok(())
    }

    pub(super) async fn a_token_is_cancelled_at_the_end_of_its_task<R: Runtime>(runtime: R) -> Outcome {
        let task =
            TaskBuilder::<CancellationToken, R>::new(runtime).spawn_with(|cx| async move { token_of(&cx) });
        task.await?.cancelled().await;
        Ok(())
    }

    pub(super) async fn a_task_is_cancelled_with_its_token<R: Runtime>(runtime: R) -> Outcome {
        let token = CancellationToken::new();
        let task = TaskBuilder::<(), R>::new(runtime.clone()).spawn(pending::<()>);
        cancel_with(&runtime, task.canceller(), token.clone(), CancelLevel::Kill)?;
        token.cancel();
        let error = task.await.err().ok_or("it has ended well")?;
        assert!(error.is_cancelled(), "{error}");
        Ok(())
    }

    pub(super) async fn a_token_kills_a_task_that_was_asked_gracefully<R: Runtime>(runtime: R) -> Outcome {
        let token = CancellationToken::new();
        let builder = TaskBuilder::<(), R>::new(runtime.clone()).grace(1.hours());
        let task = builder.spawn_with(|cx| async move {
            cx.started();
            pending::<()>().await;
        });
        task.ready().await?;
        cancel_with(&runtime, task.canceller(), token.clone(), CancelLevel::Kill)?;
        drop(task.cancel_gracefully());
        // Until the request was noticed.
        for _ in 0..100 {
            yield_now().await;
        }
        token.cancel();
        let error = task.await.err().ok_or("it has ended well")?;
        assert!(error.is_cancelled(), "{error}");
        Ok(())
    }

    pub(super) async fn a_task_that_ends_first_leaves_nothing<R: Runtime>(runtime: R) -> Outcome {
        let before = runtime.active_task_count();
        let token = CancellationToken::new();
        let task = TaskBuilder::<u32, R>::new(runtime.clone()).spawn(|| async { 7 });
        cancel_with(&runtime, task.canceller(), token.clone(), CancelLevel::Kill)?;
        assert_eq!(task.await?, 7);
        let gone = async {
            while runtime.active_task_count() > before {
                yield_now().await;
            }
            Ok(())
        };
        let late = async {
            runtime.sleep(60.seconds()).await?;
            Err(BoxError::from("the wait for the token is still there"))
        };
        or(gone, late).await
    }

    /// A place for one token, and the wait for it.
    fn async_channel()
    -> (impl FnOnce(CancellationToken) + Send + 'static, impl AsyncFnOnce() -> CancellationToken) {
        let place = std::sync::Arc::new(std::sync::OnceLock::new());
        let give = place.clone();
        let take = async move || loop {
            if let Some(token) = place.get() {
                return CancellationToken::clone(token);
            }
            yield_now().await;
        };
        (move |token| drop(give.set(token)), take)
    }
}
