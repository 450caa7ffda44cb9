//! Tracing, spans: work is in the span of its caller, wherever it runs, and until its destructors have run.

use std::convert::Infallible;
use std::future::IntoFuture as _;
use std::str::FromStr;
use std::task::Poll;
use std::thread::{self, ThreadId};

use tracing::span::Id;
use tracing::{Instrument as _, Span};

use crate::kit::prelude::*;
use crate::kit::spans::{Calls, ReportsSpanOnDrop, current_span, inside, span};

pub async fn spawned_work_is_in_its_callers_span<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let within = inside(&caller);
    let builder = || AsyncTask::to::<bool>().on(&rt);
    let [a, b, c, d, e] = std::array::from_fn(|_| within.clone());
    let tasks = caller.in_scope(|| {
        [
            builder().spawn(move || async move {
                let before = a();
                yield_now().await;
                before && a()
            }),
            builder().name("named").timeout(1.hours()).spawn(move || async move {
                let before = b();
                yield_now().await;
                before && b()
            }),
            builder().spawn(c),
            builder().spawn_blocking(d),
            builder().inline().spawn(e),
        ]
    });
    // Awaited outside of the span.
    for (n, task) in tasks.into_iter().enumerate() {
        ensure!(task.await?, "kind {n}");
    }
    Ok(())
}

pub async fn work_in_place_is_in_the_span_that_awaits_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let within = inside(&caller);
    let builder = || AsyncTask::to::<bool>().on(&rt);
    let [a, b, c] = std::array::from_fn(|_| within.clone());
    ensure!(builder().run_blocking(a).instrument(caller.clone()).await?, "blocking");
    ensure!(builder().run(b).instrument(caller.clone()).await?, "synchronous");
    ensure!(builder().run(|| async { c() }).instrument(caller.clone()).await?, "asynchronous");
    ensure!(builder().timeout(1.hours()).run_blocking(within).instrument(caller).await?, "with a limit");
    Ok(())
}

pub async fn a_child_is_in_the_span_that_its_parent_was_in<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (caller, own) = (span()?, span()?);
    let (within, within_own) = (inside(&caller), inside(&own));
    let inner = rt.clone();
    let parent = caller.in_scope(|| {
        AsyncTask::to::<[bool; 4]>().on(&rt).try_spawn(move || async move {
            let child = |within: Span| {
                let check = inside(&within);
                let again = inner.clone();
                let spawn = || {
                    AsyncTask::to::<bool>().on(&inner).try_spawn(move || async move {
                        let grandchild = AsyncTask::to::<bool>().on(&again).spawn_blocking(check.clone());
                        Ok(grandchild.await? && check())
                    })
                };
                within.in_scope(spawn)
            };
            let inherited = child(Span::current());
            let changed = child(own);
            let current_span = AsyncTask::to::<bool>().on(&inner).spawn_blocking(within.clone());
            Ok([inherited.await?, changed.await?, current_span.await?, within() && !within_own()])
        })
    });
    ensure!(parent.await? == [true; 4]);
    Ok(())
}

pub async fn work_started_outside_of_any_span_has_none<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let other = span()?;
    for round in 0..20 {
        // Threads have been in a span before, and another task is in one now.
        let elsewhere = other.in_scope(|| AsyncTask::to::<()>().on(&rt).spawn(yield_now));
        let blocking = other.in_scope(|| AsyncTask::to::<()>().on(&rt).spawn_blocking(|| ()));
        let builder = || AsyncTask::to::<bool>().on(&rt);
        let none = || current_span().is_none();
        let tasks = [
            builder().spawn(move || async move {
                let before = none();
                yield_now().await;
                before && none()
            }),
            builder().spawn(none),
            builder().inline().spawn(none),
        ];
        for task in tasks {
            // The span of a later await is not that of the spawn.
            ensure!(task.instrument(other.clone()).await?, "round {round}");
        }
        ensure!(builder().run_blocking(none).await?, "round {round}, in place");
        elsewhere.await?;
        blocking.await?;
        ensure!(current_span().is_none(), "a span was left on the caller's thread");
    }
    Ok(())
}

pub async fn receivers_are_in_the_span_of_the_pipelines_caller<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let builder = || {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .sender(|sources| sources.of(0..50u64).into_chunks(7.items()))
    };
    let calls = Calls::new(inside(&caller));
    let [sync, later, each, each_later, fold] = std::array::from_fn(|_| calls.clone());
    let collecting = builder().receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
        sync.call();
        collector.collect(event.sequence(), event.take_data());
    });
    collecting.await_final_event(|summary, _| summary).instrument(caller.clone()).await?;
    let collecting = builder().receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
        let calls = later.clone();
        async move {
            yield_now().await;
            calls.call();
            collector.collect(event.sequence(), event.take_data());
        }
    });
    collecting.await_final_event(|summary, _| summary).instrument(caller.clone()).await?;
    builder().for_each(move |_| each.call()).into_future().instrument(caller.clone()).await?;
    let asynchronous = builder().for_each(move |_: Event<u64>| {
        let calls = each_later.clone();
        async move {
            calls.call();
            yield_now().await;
            calls.call();
        }
    });
    asynchronous.into_future().instrument(caller.clone()).await?;
    let folding = builder().fold(|| (), move |(), _: Event<u64>| fold.call(), |(), ()| ());
    folding.into_future().instrument(caller).await?;
    calls.are(50 * 6)
}

/// The span in which it was parsed.
struct Parsed(Option<Id>);

impl FromStr for Parsed {
    type Err = Infallible;

    fn from_str(_: &str) -> Result<Self, Infallible> {
        Ok(Self(current_span()))
    }
}

pub async fn sources_and_parsers_are_in_the_span_of_the_pipelines_caller<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let caller = span()?;
    let calls = Calls::new(inside(&caller));
    let [named, items, stream] = std::array::from_fn(|_| calls.clone());
    let mut left = 50;
    let pipeline = AsyncTask::emits::<u64>().on(&rt).workers(2).sender(move |sources| {
        named.call();
        sources.of((0..50u64).inspect(move |_| items.call())).into_chunks(7.items());
        let pulled = futures_lite::stream::poll_fn(move |cx| {
            stream.call();
            left -= 1;
            // It is pending now and then, so that it is woken as well.
            match left % 10 {
                _ if left < 0 => Poll::Ready(None),
                0 => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                _ => Poll::Ready(Some(1)),
            }
        });
        sources.of_stream(pulled).into_chunks(7.items());
    });
    pipeline.for_each(|_| ()).into_future().instrument(caller.clone()).await?;
    calls.are(1 + 50 + 51)?;

    let (calls, id) = (Calls::new(inside(&caller)), caller.id());
    let parsed = calls.clone();
    let lines = AsyncTask::emits::<Parsed>().on(&rt).workers(2).sender(|sources| {
        sources.of_bytes("a\nb\nc\nd\n").lines().into_chunks(2.lines());
    });
    let same = move |event: Event<Parsed>| {
        parsed.call();
        if event.data().0 == id { Ok(()) } else { Err("it was parsed elsewhere") }
    };
    lines.for_each(same).into_future().instrument(caller).await?;
    calls.are(4)
}

pub async fn destructors_of_killed_work_run_in_its_span<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let caller = span()?;
    let (sender, reported) = async_channel::unbounded();
    let started = Latch::new();
    let work = || {
        let (reports, start) = (ReportsSpanOnDrop(inside(&caller), sender.clone()), started.clone());
        move || async move {
            let _reports = reports;
            start.set();
            pending::<()>().await
        }
    };
    let builder = || AsyncTask::to::<()>().on(&rt);
    let spawn = |builder: crate::library::TaskBuilder<(), R>| caller.in_scope(|| builder.spawn(work()));

    let task = spawn(builder());
    started.wait().await;
    task.cancel(CancelLevel::Kill).await;
    ensure!(reported.recv().await?, "killed while it waits");

    let limited = caller.in_scope(|| builder().timeout(5.millis()).spawn(work()));
    ensure!(failed(limited.await)?.is_timeout());
    ensure!(reported.recv().await?, "at its time limit");

    drop(spawn(builder()));
    ensure!(reported.recv().await?, "its handle was dropped");

    let held = hold_workers(&rt, at).await?;
    let task = spawn(builder());
    let end = task.cancel(CancelLevel::Kill);
    held.release().await?;
    ensure!(end.await.was_cancelled() && reported.recv().await?, "killed before its first poll");

    let held = hold_workers(&rt, at).await?;
    let reports = ReportsSpanOnDrop(inside(&caller), sender.clone());
    let task = caller.in_scope(|| builder().spawn_blocking(move || drop(reports)));
    let end = task.cancel(CancelLevel::Kill);
    held.release().await?;
    ensure!(end.await.was_cancelled() && reported.recv().await?, "blocking work killed before it starts");
    Ok(())
}

pub async fn the_result_of_killed_blocking_work_is_dropped_in_its_span<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let caller = span()?;
    let (sender, reported) = async_channel::bounded(1);
    let (started, open, given_up) = (Latch::new(), Latch::new(), Latch::new());
    let (start, opened, giving_up, inner) = (started.clone(), open.clone(), given_up.on_drop(), rt.clone());
    let reports = ReportsSpanOnDrop(inside(&caller), sender);
    let task = caller.in_scope(|| {
        AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
            // Dropped after the future below.
            let _giving_up = giving_up;
            let job = AsyncTask::to::<ReportsSpanOnDrop<_>>().on(&inner).run_blocking(move || {
                start.set();
                opened.wait_blocking();
                reports
            });
            job.await.map(drop)?;
            Ok(())
        })
    });
    started.wait().await;
    let end = task.cancel(CancelLevel::Kill);
    // The receiver of the result is dropped before there is a result.
    given_up.wait().await;
    open.set();
    ensure!(end.await.was_cancelled());
    ensure!(reported.recv().await?);
    Ok(())
}

pub async fn the_span_stays_when_work_resumes_on_another_thread<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let caller = span()?;
    let within = inside(&caller);
    let open = Latch::new();
    let opened = open.clone();
    let (pause, paused) = async_channel::bounded(1);
    let task = caller.in_scope(|| {
        AsyncTask::to::<(bool, ThreadId)>().on(&rt).spawn(|| async move {
            let before = within();
            let _ = pause.try_send(thread::current().id());
            opened.wait().await;
            (before && within(), thread::current().id())
        })
    });
    let first = paused.recv().await?;
    // The span of the waker's thread is not the task's own.
    let waking = span()?;
    if at.polls_on_caller || rt.worker_count() < 2 {
        waking.in_scope(|| open.set());
        ensure!(task.await?.0);
        return Ok(());
    }
    // All workers are busy, and then one that is not the first is released.
    let (arrive, arrived) = async_channel::unbounded();
    let (mut busy, mut latches) = (Vec::new(), Vec::new());
    for _ in 0..rt.worker_count() {
        let (arrive, latch) = (arrive.clone(), Latch::new());
        busy.push(AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let _ = arrive.try_send((thread::current().id(), latch.on_drop()));
            latch.wait_blocking();
        }));
        // One at a time, for the reason that `hold_workers` has.
        latches.push(arrived.recv().await?);
    }
    let other = latches.iter().position(|(id, _)| *id != first).context("there is one worker only")?;
    // A latch is set when its guard is dropped.
    drop(latches.swap_remove(other));
    waking.in_scope(|| open.set());
    let (right, second) = task.await?;
    drop(latches);
    for task in busy {
        task.await?;
    }
    ensure!(right && second != first);
    Ok(())
}
