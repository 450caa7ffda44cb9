//! Promise 7, panics: one in a function of a retry policy is caught, and is the error of the work.

use crate::library::{Retry, RetryStrategy};

use crate::cases::restarts::{Broken, Calls};
use crate::kit::explode;
use crate::kit::prelude::*;

/// A function of a policy that is called after a failed attempt.
#[derive(Clone, Copy, Debug)]
enum Function {
    RetryIf,
    RetryAfter,
    OnRetry,
}

const FUNCTIONS: [Function; 3] = [Function::RetryIf, Function::RetryAfter, Function::OnRetry];

/// A policy whose function panics.
fn panics_in(function: Function) -> Retry {
    let retry = Retry::new(5).backoff(RetryStrategy::Immediate);
    match function {
        Function::RetryIf => retry.retry_if(|_| explode("in a function")),
        Function::RetryAfter => retry.retry_after(|_| explode("in a function")),
        Function::OnRetry => retry.on_retry(|_| explode("in a function")),
    }
}

fn is_its_panic(error: &AsyncTaskError) -> bool {
    matches!(error, AsyncTaskError::Panic(panic) if panic.message() == "in a function")
}

pub async fn a_panic_in_a_function_is_the_error_of_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for function in FUNCTIONS {
        for spawned in [false, true] {
            let calls = Calls::default();
            let counted = calls.clone();
            let builder = AsyncTask::to::<u32>().on(&rt).name("fetch").retry_as(panics_in(function));
            let work = move || {
                let call = counted.next();
                async move { Err::<u32, _>(Broken(call)) }
            };
            let result = if spawned { builder.spawn(work).await } else { builder.run(work).await };
            let error = failed(result)?;
            ensure!(is_its_panic(&error), "{function:?}: {error:?}");
            ensure!(error.to_string() == "task `fetch` panicked: in a function", "{error}");
            ensure!(calls.made() == 1, "{function:?}");
        }
    }
    Ok(())
}

pub async fn a_panic_in_a_function_is_the_error_of_a_standalone_retry<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for function in FUNCTIONS {
        let calls = Calls::default();
        let retry = panics_in(function);
        let work = || std::future::ready(Err::<(), _>(Broken(calls.next())));
        let error = failed(retry.apply_on(&rt, work).await)?;
        ensure!(is_its_panic(&error) && calls.made() == 1, "{function:?}: {error:?}");
    }
    Ok(())
}

pub async fn a_recovery_is_called_with_the_panic<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for function in FUNCTIONS {
        for spawned in [false, true] {
            let builder = AsyncTask::to::<u32>()
                .on(&rt)
                .recover_with(|error| async move { if is_its_panic(&error) { Ok(7) } else { Err(error) } });
            let builder = builder.retry_as(panics_in(function));
            let work = || async { Err::<u32, _>(Broken(1)) };
            let result = if spawned { builder.spawn(work).await } else { builder.run(work).await };
            ensure!(result.as_ref().is_ok_and(|value| *value == 7), "{function:?}: {result:?}");
        }
    }
    Ok(())
}

pub async fn the_row_of_a_pipeline_is_rejected_with_the_panic_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for function in FUNCTIONS {
        for workers in [1, 3] {
            let summary = AsyncTask::emits::<u64>()
                .on(&rt)
                .workers(workers)
                .on_error(ErrorStrategy::retry_with(panics_in(function)))
                .sender(|sources| sources.of(0..20u64).into_chunks(3.items()))
                .for_each(|event: Event<u64>| if *event.data() == 7 { Err(Broken(7)) } else { Ok(()) })
                .await?;
            let counts = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
            ensure!(counts == (20, 19, 1, 0), "{function:?}: {counts:?}");
            let row = summary.errors().first().context("it is kept")?;
            ensure!(row.sequence() == 7 && is_its_panic(row.error()), "{function:?}: {row:?}");
        }
    }
    Ok(())
}
