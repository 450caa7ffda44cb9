//! Tests of a library that is generic over the runtime. It keeps its promises on each backend: results in
//! order, a limited number at a time, the rest cancelled on a failure, and nothing left behind.
#![cfg(any(feature = "tokio", feature = "smol"))]

use std::future::pending;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use async_channel::{Receiver, Sender, bounded};
use examples::generic_library::{Limits, fetch_all};
use sweet_async::prelude::*;
use sweet_async::{Ambient, BoxError, OwnedRuntime, Runtime, RuntimeSource as _};

type TestResult = Result<(), BoxError>;

/// Runs a test on a runtime, and checks that nothing is left there at the end.
fn on<O: OwnedRuntime>(owned: O, test: impl AsyncFnOnce(&O::Handle) -> TestResult) -> TestResult {
    let runtime = owned.runtime();
    let test = AsyncTask::to::<()>().on(runtime).timeout(60.seconds()).run(|| test(runtime));
    owned.block_on(test)??;
    Ok(owned.shutdown(10.seconds())?)
}

macro_rules! on_each_backend {
    ($($test:ident)*) => {
        #[cfg(feature = "tokio")]
        mod on_tokio {
            $(#[test]
            fn $test() -> super::TestResult {
                super::on(sweet_async::tokio::OwnedTokio::multi_thread(2)?, super::$test)
            })*
        }

        #[cfg(feature = "smol")]
        mod on_smol {
            $(#[test]
            fn $test() -> super::TestResult {
                super::on(sweet_async::smol::SmolPool::new(2)?, super::$test)
            })*
        }
    };
}

on_each_backend! {
    results_are_in_the_order_of_the_inputs
    as_many_calls_run_at_once_as_the_limit_permits
    a_failure_cancels_the_rest_and_leaves_nothing
    a_timeout_names_the_input
    a_panic_is_an_error
    a_dropped_call_cancels_its_tasks
    it_runs_inside_a_task
    it_runs_on_the_ambient_runtime
    no_inputs_have_no_results
}

fn limits(at_once: usize) -> Limits {
    Limits { at_once: NonZeroUsize::new(at_once).unwrap_or(NonZeroUsize::MIN), each: 60.seconds() }
}

/// A guard for work to hold, and a receiver that sees when all clones of the guard are dropped.
fn guard() -> (Sender<()>, Receiver<()>) {
    bounded(1)
}

async fn results_are_in_the_order_of_the_inputs<R: Runtime>(runtime: &R) -> TestResult {
    // Each waits for the one after it, so that the last ends first.
    let mut previous = None;
    let latches = (0..8).map(|number| {
        let (end, ended) = guard();
        (number, previous.replace(ended), end)
    });
    let mut latches: Vec<_> = latches.collect();
    latches.reverse();
    let order = Arc::new(Mutex::new(Vec::new()));
    let fetched = fetch_all(runtime, limits(8), latches, |(number, before, end)| {
        let order = order.clone();
        async move {
            if let Some(before) = before {
                let _ = before.recv().await;
            }
            order.lock().unwrap_or_else(PoisonError::into_inner).push(number);
            drop(end);
            Ok::<_, BoxError>(number)
        }
    });
    assert_eq!(fetched.await?, [7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(*order.lock().unwrap_or_else(PoisonError::into_inner), [0, 1, 2, 3, 4, 5, 6, 7]);
    Ok(())
}

async fn as_many_calls_run_at_once_as_the_limit_permits<R: Runtime>(runtime: &R) -> TestResult {
    let (live, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // The first three end only once all three have begun.
    let (begun, all_begun) = guard();
    let inputs = (0..20).map(|number| (number, (number < 3).then(|| begun.clone())));
    let inputs: Vec<_> = inputs.collect();
    drop(begun);
    let fetched = fetch_all(runtime, limits(3), inputs, |(number, begun)| {
        let (live, most, all_begun) = (live.clone(), most.clone(), all_begun.clone());
        async move {
            most.fetch_max(live.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            drop(begun);
            let _ = all_begun.recv().await;
            sweet_async::yield_now().await;
            live.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, BoxError>(number)
        }
    });
    assert!(fetched.await?.into_iter().eq(0..20));
    assert_eq!(most.load(Ordering::SeqCst), 3);
    Ok(())
}

async fn a_failure_cancels_the_rest_and_leaves_nothing<R: Runtime>(runtime: &R) -> TestResult {
    let begun = Arc::new(AtomicUsize::new(0));
    let (held, dropped) = guard();
    let (waiting, all_waiting) = guard();
    let inputs: Vec<_> = (0..10).map(|number| (number, held.clone(), waiting.clone())).collect();
    drop((held, waiting));
    let mut inputs = inputs.into_iter();
    let fetched = fetch_all(runtime, limits(4), inputs.by_ref(), |(number, held, waiting)| {
        let (begun, all_waiting) = (begun.clone(), all_waiting.clone());
        async move {
            let _held = held;
            begun.fetch_add(1, Ordering::SeqCst);
            if number == 2 {
                // The number of guards that are still held separates the other three that run from those that
                // never begin.
                drop(waiting);
                while all_waiting.sender_count() > 6 {
                    sweet_async::yield_now().await;
                }
                return Err("no such page");
            }
            drop(waiting);
            pending().await
        }
    });
    let error = fetched.await.map(|_: Vec<()>| ()).err().ok_or("it did not fail")?;
    assert_eq!((error.input, error.to_string().as_str()), (2, "input 2"));
    assert_eq!(format!("{:#}", error.error), "task `fetch 2` failed: no such page");
    assert_eq!(begun.load(Ordering::SeqCst), 4);
    // Destructors have run: only inputs that were never begun are held.
    assert_eq!((dropped.sender_count(), inputs.count()), (6, 6));
    assert_eq!(runtime.active_task_count(), 0);
    Ok(())
}

async fn a_timeout_names_the_input<R: Runtime>(runtime: &R) -> TestResult {
    let limits = Limits { each: 5.millis(), ..limits(2) };
    let fetched = fetch_all(runtime, limits, 0..4, async |number| match number {
        1 => pending().await,
        _ => Ok::<_, BoxError>(()),
    });
    let error = fetched.await.err().ok_or("it ended")?;
    assert!(error.error.is_timeout() && error.error.to_string().contains("`fetch 1`"), "{error}");
    Ok(())
}

async fn a_panic_is_an_error<R: Runtime>(runtime: &R) -> TestResult {
    let fetched = fetch_all(runtime, limits(2), 0..4, async |number| match number {
        3 => std::panic::resume_unwind(Box::new("boom")),
        _ => Ok::<_, BoxError>(()),
    });
    let error = fetched.await.err().ok_or("it ended")?;
    assert!(error.input == 3 && error.error.is_panic(), "{error}");
    Ok(())
}

async fn a_dropped_call_cancels_its_tasks<R: Runtime>(runtime: &R) -> TestResult {
    let (held, dropped) = guard();
    {
        let inputs = vec![held; 3];
        let fetched = fetch_all(runtime, limits(2), inputs, async |held| {
            let _held = held;
            pending::<()>().await;
            Ok::<_, BoxError>(())
        });
        let mut fetched = pin!(fetched);
        assert!(fetched.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(runtime.active_task_count(), 2);
    }
    // The cancellation is not awaited, but it comes.
    let _ = dropped.recv().await;
    Ok(())
}

async fn it_runs_inside_a_task<R: Runtime>(runtime: &R) -> TestResult {
    let inside = runtime.clone();
    let task = AsyncTask::to::<Vec<u32>>().on(runtime).spawn(move || async move {
        fetch_all(&inside, limits(2), 0..5, async |number| Ok::<_, BoxError>(number)).await
    });
    assert_eq!(task.await?, [0, 1, 2, 3, 4]);
    Ok(())
}

async fn it_runs_on_the_ambient_runtime<R: Runtime>(runtime: &R) -> TestResult {
    let ambient = Ambient.resolve()?;
    assert_eq!(ambient.name(), runtime.name());
    let fetched = fetch_all(&ambient, limits(2), 0..5, async |number| Ok::<_, BoxError>(number));
    assert_eq!(fetched.await?, [0, 1, 2, 3, 4]);
    Ok(())
}

async fn no_inputs_have_no_results<R: Runtime>(runtime: &R) -> TestResult {
    let fetched = fetch_all(runtime, limits(2), 0..0, async |_| Ok::<u32, BoxError>(1));
    assert!(fetched.await?.is_empty());
    Ok(())
}
