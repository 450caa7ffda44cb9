//! Pipelines, ends: a file that is written appears whole or not at all, whatever ends its pipeline.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::library::pipeline::PipelineBuilder;
use crate::library::{CancellableTask as _, TimedTask as _};
use futures_lite::StreamExt as _;

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::{explode, no_jobs};

/// A folder with an older file in it.
struct Folder {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Folder {
    fn new() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("rows.txt");
        fs::write(&path, "old\n")?;
        Ok(Self { folder, path })
    }

    /// The number of files.
    fn files(&self) -> Result<usize, Failure> {
        Ok(fs::read_dir(self.folder.path())?.count())
    }

    /// Checks that only the older file is there, as it was.
    fn check_unchanged(&self) -> Outcome {
        ensure!(self.files()? == 1, "a file was left");
        ensure!(fs::read_to_string(&self.path)? == "old\n");
        Ok(())
    }
}

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(2)
}

/// Enough rows for some writes, then a latch that is set, and then silence until `open`.
fn rows(written: Latch, open: Latch) -> impl futures_lite::Stream<Item = u64> + Send + 'static {
    let waits = futures_lite::stream::once_future(async move {
        written.set();
        open.wait().await;
        0
    });
    futures_lite::stream::iter(1_000_000..1_035_000u64).chain(waits)
}

pub async fn an_older_file_stays_until_the_new_one_is_whole<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = Folder::new()?;
    let (written, open) = (Latch::new(), Latch::new());
    let (stream, path) = (rows(written.clone(), open.clone()), folder.path.clone());
    let run = numbers(&rt)
        .sender(|sources| sources.of_stream(stream).into_chunks(1_000.items()))
        .write_lines(path)
        .spawn();
    written.wait().await;
    ensure!(folder.files()? == 2, "a temporary file stands beside it");
    ensure!(fs::read_to_string(&folder.path)? == "old\n");
    open.set();
    ensure!(run.await?.handled() == 35_001);
    ensure!(folder.files()? == 1 && fs::read_to_string(&folder.path)?.lines().count() == 35_001);
    Ok(())
}

pub async fn a_pipeline_that_fails_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = Folder::new()?;
    let text: String = (0..30_000u64).map(|n| format!("{n}\n")).chain(["x\n".to_owned()]).collect();
    for name in ["rows.txt", "new.txt", "new.gz", "new.zst"] {
        let path = folder.folder.path().join(name);
        let text = text.clone();
        let bad_row = numbers(&rt)
            .sender(move |sources| sources.of_bytes(text).lines().into_chunks(1_000.lines()))
            .write_lines(&path);
        ensure!(matches!(failed(bad_row.await)?, AsyncTaskError::Parse { .. }));
        folder.check_unchanged()?;
        let bad_source = numbers(&rt)
            .sender(|sources| {
                let items = (0..3u64).map(|n| if n == 2 { explode("in a source") } else { n });
                sources.of(items).into_chunks(1.items());
            })
            .write_lines(&path);
        ensure!(failed(bad_source.await)?.is_panic());
        folder.check_unchanged()?;
    }
    Ok(())
}

pub async fn a_pipeline_that_is_cancelled_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let folder = Folder::new()?;
        let (written, path) = (Latch::new(), folder.path.clone());
        let stream = rows(written.clone(), Latch::new());
        let run = numbers(&rt)
            .sender(|sources| sources.of_stream(stream).into_chunks(1_000.items()))
            .write_lines(path)
            .spawn();
        written.wait().await;
        ensure!(run.cancel(level).await.was_cancelled());
        folder.check_unchanged().with_context(|| format!("{level:?}"))?;
        ensure!(failed(run.await)?.is_cancelled());
    }
    Ok(())
}

pub async fn a_pipeline_that_is_dropped_leaves_nothing<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    let folder = Folder::new()?;
    let (written, path) = (Latch::new(), folder.path.clone());
    let stream = rows(written.clone(), Latch::new());
    let run =
        numbers(&rt).sender(|sources| sources.of_stream(stream).into_chunks(1_000.items())).write_lines(path);
    let task = AsyncTask::to::<u64>()
        .on(&rt)
        .spawn(move || async move { Ok::<_, AsyncTaskError>(run.await?.handled()) });
    written.wait().await;
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
    no_jobs(&rt, facts).await;
    folder.check_unchanged()
}

pub async fn a_pipeline_out_of_time_leaves_nothing<R: Runtime>(rt: R, facts: Facts) -> Outcome {
    let folder = Folder::new()?;
    let (written, path) = (Latch::new(), folder.path.clone());
    let stream = rows(written.clone(), Latch::new());
    let run = numbers(&rt)
        .timeout(1.hours())
        .sender(|sources| sources.of_stream(stream).into_chunks(1_000.items()))
        .write_lines(path)
        .spawn();
    // Before that, a file that is yet to be created could appear after the last look.
    written.wait().await;
    run.set_timeout(5.millis())?;
    ensure!(failed(run.await)?.is_timeout());
    no_jobs(&rt, facts).await;
    // Where others count in the same root scope, the last write may still be under way.
    while facts.shares_root && folder.files()? > 1 {
        yield_now().await;
    }
    folder.check_unchanged()
}

pub async fn a_place_without_room_for_a_file_is_an_error_at_the_start<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let folder = Folder::new()?;
    let inside = |name: &str| folder.folder.path().join(name);
    fs::create_dir(inside("folder"))?;
    let cases = [
        (inside("missing/rows.txt"), io::ErrorKind::NotFound),
        (inside("rows.txt/rows.txt"), io::ErrorKind::NotADirectory),
        (inside("folder"), io::ErrorKind::InvalidInput),
    ];
    for (path, kind) in cases {
        let asked = Census::default();
        let asking = asked.clone();
        let run = numbers(&rt)
            .sender(move |sources| {
                let items = (0..3u64).inspect(move |_| drop(asking.enter()));
                sources.of(items).into_chunks(1.items());
            })
            .write_lines(&path);
        let error = failed(run.await)?;
        let text = error.to_string();
        ensure!(matches!(&error, AsyncTaskError::Io { error, .. } if error.kind() == kind), "{error:?}");
        ensure!(text.contains(&path.display().to_string()) && asked.ever() == 0, "{text}");
    }
    fs::remove_dir(inside("folder"))?;
    folder.check_unchanged()
}

#[cfg(unix)]
fn link(folder: &Folder, link: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&folder.path, fs::Permissions::from_mode(0o640))?;
    Ok(std::os::unix::fs::symlink(&folder.path, link)?)
}

#[cfg(unix)]
fn mode(path: &Path) -> Result<u32, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

#[cfg(unix)]
pub async fn a_link_and_permissions_stay<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (folder, other) = (Folder::new()?, tempfile::tempdir()?);
    let path = other.path().join("link.txt");
    link(&folder, &path)?;
    numbers(&rt).sender(|sources| sources.of([7]).into_chunks(1.items())).write_lines(&path).await?;
    ensure!(fs::symlink_metadata(&path)?.is_symlink() && fs::read_to_string(&folder.path)? == "7\n");
    ensure!(mode(&folder.path)? == 0o640);
    Ok(())
}

#[cfg(not(unix))]
pub async fn a_link_and_permissions_stay<R: Runtime>(_: R, _: Facts) -> Outcome {
    Ok(())
}

pub async fn what_cannot_be_kept_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = Folder::new()?;
    let refused = |error: AsyncTaskError, why: &str| {
        ensure!(
            matches!(error, AsyncTaskError::InvalidConfig(_)) && error.to_string().contains(why),
            "{error}"
        );
        folder.check_unchanged()
    };
    let queue = LeasedQueue::new(&rt);
    let run = numbers(&rt).sender(move |sources| sources.of_queue(&queue).lines()).write_lines(&folder.path);
    refused(failed(run.await)?, "reads no queue")?;
    let sender =
        |sources: &mut crate::library::pipeline::Sources<u64>| sources.of([1]).into_chunks(1.items());
    let retried = numbers(&rt).on_error(ErrorStrategy::retry(1)).sender(sender).write_lines(&folder.path);
    refused(failed(retried.await)?, "no receiver to call again")?;
    let timed = numbers(&rt).event_timeout(1.seconds()).sender(sender).write_lines(&folder.path);
    refused(failed(timed.await)?, "event_timeout")
}
