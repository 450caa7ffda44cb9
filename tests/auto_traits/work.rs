//! The same of work, whose type has no name.

use std::rc::Rc;

use sweet_async::pipeline::*;
use sweet_async::task::*;
use sweet_async::*;

use super::send;

/// Says of a value, whose type has no name, whether it may be sent.
macro_rules! may_be_sent {
    ($value:expr) => {{
        #[allow(unused_imports, reason = "used where the answer is no")]
        use send::Otherwise as _;
        probe(&$value).answer()
    }};
}

fn probe<T>(_: &T) -> send::Probe<T> {
    send::Probe(std::marker::PhantomData)
}

fn task() -> TaskBuilder<u32, Ambient> {
    AsyncTask::to::<u32>()
}

// Functions, since the compiler does not know such things of futures that are made in the body that asks.
async fn goes() -> u32 {
    std::future::ready(1).await
}

async fn stays() -> u32 {
    let local = Rc::new(1);
    std::future::ready(()).await;
    *local
}

async fn goes_in_scope(_: Scope<AmbientRuntime>) -> Result<u32, BoxError> {
    Ok(goes().await)
}

async fn stays_in_scope(_: Scope<AmbientRuntime>) -> Result<u32, BoxError> {
    Ok(stays().await)
}

#[test]
fn work_in_place_may_be_sent_where_the_work_may() {
    assert!(may_be_sent!(task().run(goes)) && !may_be_sent!(task().run(stays)));
    assert!(
        may_be_sent!(task().timeout(1.hours()).run(goes))
            && !may_be_sent!(task().timeout(1.hours()).run(stays))
    );
    assert!(may_be_sent!(task().tracing(true).run(goes)) && !may_be_sent!(task().tracing(true).run(stays)));
    assert!(may_be_sent!(task().run_with(|_| goes())) && !may_be_sent!(task().run_with(|_| stays())));
    assert!(may_be_sent!(task().scope(goes_in_scope)) && !may_be_sent!(task().scope(stays_in_scope)));
    assert!(may_be_sent!(task().run(goes).map(|n| n + 1)) && !may_be_sent!(task().run(stays).map(|n| n + 1)));
    assert!(may_be_sent!(task().run(goes).or_else(|_| task().run(goes))));
    assert!(may_be_sent!(all([task().run(goes)])) && !may_be_sent!(all([task().run(stays)])));
    assert!(may_be_sent!(any([task().run(goes)])) && may_be_sent!(n_of(1, [task().run(goes)])));
    assert!(
        may_be_sent!(task().await_result(goes, |_| ())) && !may_be_sent!(task().await_result(stays, |_| ()))
    );
    assert!(may_be_sent!(task().run_blocking(|| 1)));
    assert!(may_be_sent!(sweet_async::sleep(1.hours())) && may_be_sent!(sweet_async::yield_now()));
}

#[test]
fn a_pipeline_may_be_sent() {
    let numbers = || AsyncTask::emits::<u32>().sender(|sources| sources.of(0..3u32).into_chunks(1.items()));
    let collecting = numbers().receiver(|event: Event<u32>, collector: Collector<u32, u32>| {
        collector.collect(1, event.take_data());
    });
    assert!(may_be_sent!(collecting.await_final_event(|summary, _| summary.map(drop))));
    assert!(may_be_sent!(numbers().for_each(|_| ()).into_future()));
    assert!(may_be_sent!(
        numbers().fold(|| 0, |sum, event| *sum += event.take_data(), |a, b| a + b).into_future()
    ));
}

/// Compiles for any runtime: the use of tasks in spawned work by a library that is generic over the runtime.
#[allow(dead_code, reason = "it is compiled, and nothing is to be run")]
fn what_a_generic_library_may_send<R: Runtime>(runtime: &R, mut task: sweet_async::Task<u32, R>) {
    fn may_be_sent(_: impl Send) {}
    let builder = || TaskBuilder::<u32, R>::new(runtime.clone());
    may_be_sent(runtime.sleep(1.hours()));
    may_be_sent(runtime.shutdown(1.hours()));
    may_be_sent(AsyncTask::to().on(runtime).scope(|s| async move { Ok(s.spawn(|| async { Ok(1) }).await?) }));
    may_be_sent(builder().run(|| async { 1 }));
    may_be_sent(builder().run(|| 1));
    may_be_sent(builder().timeout(1.hours()).run(|| async { 1 }));
    may_be_sent(builder().hedge(Hedge::after(1.hours())).run(|| async { 1 }));
    may_be_sent(builder().run_with(|cx| async move { if cx.is_cancelled() { 0 } else { 1 } }));
    may_be_sent(builder().scope(|_| async { Ok(1) }));
    may_be_sent(all([builder().spawn(|| async { 1 })]));
    may_be_sent(async move {
        (&mut task).await?;
        task.cancel(CancelLevel::Kill).await;
        task.map(|n| n + 1).await
    });
    let numbers = PipelineBuilder::<u32, R>::new(runtime.clone()).sender(|sources| {
        sources.of(0..3u32).into_chunks(1.items());
    });
    may_be_sent(numbers.for_each(|_| ()).into_future());
}
