//! Pipelines, progress: the total of bytes is known from the start, if every source can tell its own.

use crate::library::pipeline::{Progress, Sources};

use crate::kit::prelude::*;
use crate::kit::published::{LONG, bounded, publish};

/// The progress while the first event is held, and after the end.
async fn progress<R: Runtime>(
    rt: &R,
    sender: impl FnOnce(&mut Sources<u64>) + Send + 'static,
) -> Result<[Progress; 2], Failure> {
    let (first, open) = (Latch::new(), Latch::new());
    let (reached, opened) = (first.clone(), open.clone());
    let mut run = AsyncTask::emits::<u64>()
        .on(rt)
        .workers(1)
        .queue(1)
        .sender(sender)
        .for_each(move |_: Event<u64>| {
            let (reached, opened) = (reached.clone(), opened.clone());
            async move {
                reached.set();
                opened.wait().await;
            }
        })
        .spawn();
    first.wait().await;
    let before = run.progress();
    open.set();
    (&mut run).await?;
    Ok([before, run.progress()])
}

pub async fn the_total_is_known_from_the_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut paths = Vec::new();
    for (name, text) in [("a", "1\n2\n3\n4\n"), ("b", "10\n20\n"), ("c", "100\n")] {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        paths.push(path);
    }
    let all = move |sources: &mut Sources<u64>| {
        sources.of_files(paths).lines().into_chunks(1.lines());
        sources.of_bytes("5\n").lines().into_chunks(1.lines());
    };
    let [before, after] = progress(&rt, all).await?;
    ensure!(before.bytes_total == Some(20), "{before:?}");
    ensure!((after.bytes_read, after.bytes_total) == (20, Some(20)), "{after:?}");
    Ok(())
}

pub async fn a_file_that_grows_before_its_turn_counts_as_it_is<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("grows");
    std::fs::write(&path, "2\n")?;
    let grows = path.clone();
    let mut run = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .queue(1)
        .sender(|sources| {
            // More chunks than are read before the first is handled.
            sources.of_bytes("1\n".repeat(20)).lines().into_chunks(1.lines());
            sources.of_file(path).lines().into_chunks(1.lines());
        })
        .for_each(move |event: Event<u64>| match event.sequence() {
            0 => std::fs::write(&grows, "2\n3\n"),
            _ => Ok(()),
        })
        .spawn();
    (&mut run).await?;
    let last = run.progress();
    ensure!((last.bytes_read, last.bytes_total) == (44, Some(44)), "{last:?}");
    Ok(())
}

pub async fn a_source_of_unknown_size_has_no_total<R: Runtime>(rt: R, _: Facts) -> Outcome {
    type Sender = Box<dyn FnOnce(&mut Sources<u64>) + Send>;
    let senders: [(&str, Sender); 4] = [
        ("an iterator", Box::new(|sources| sources.of(0..3).into_chunks(1.items()))),
        (
            "a stream",
            Box::new(|sources| sources.of_stream(futures_lite::stream::iter(0..3)).into_chunks(1.items())),
        ),
        ("a reader", Box::new(|sources| sources.of_reader(&b"1\n2\n"[..]).lines().into_chunks(1.lines()))),
        (
            "bytes and an iterator",
            Box::new(|sources| {
                sources.of_bytes("1\n2\n").lines().into_chunks(1.lines());
                sources.of(0..3).into_chunks(1.items());
            }),
        ),
    ];
    for (what, sender) in senders {
        for progress in progress(&rt, sender).await? {
            ensure!(progress.bytes_total.is_none(), "{what}: {progress:?}");
        }
    }
    Ok(())
}

pub async fn a_queue_has_no_total<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for with_bytes in [false, true] {
        let queue = bounded(10);
        publish(&rt, &queue, "numbers", 3, 1).await?;
        queue.close();
        let sender = move |sources: &mut Sources<u64>| {
            sources.of_queue(&queue).with_lease(LONG).lines();
            if with_bytes {
                sources.of_bytes("4\n").lines().into_chunks(1.lines());
            }
        };
        let [before, after] = progress(&rt, sender).await?;
        ensure!(before.bytes_total.is_none(), "while it runs, bytes beside it {with_bytes}: {before:?}");
        ensure!(after.bytes_total.is_none(), "after its end, bytes beside it {with_bytes}: {after:?}");
        ensure!(after.handled == 3 + u64::from(with_bytes), "{after:?}");
    }
    Ok(())
}
