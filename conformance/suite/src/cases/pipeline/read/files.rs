//! Pipelines, sources: a file that cannot be read is an error with its path, before any row is handled.
//! A file that changes while it is read has a stated answer, the same under both error strategies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::{SenderStrategy, Sources};

use super::compressed_ends::gzip;
use crate::kit::prelude::*;
use crate::kit::{Person, Sender, collect_rows};

const BOTH: [ErrorStrategy<String>; 2] = [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError];

/// Reads lines with one worker. `meddle` is called with each line before that counts as handled.
async fn read<R: Runtime>(
    rt: &R,
    strategy: ErrorStrategy<String>,
    sender: impl FnOnce(&mut Sources<String>) + Send + 'static,
    meddle: impl Fn(&str) + Send + Sync + 'static,
) -> (Result<FinalEvent, AsyncTaskError>, u64) {
    read_of(rt, strategy, Box::new(sender), Box::new(meddle)).await
}

async fn read_of<R: Runtime>(
    rt: &R,
    strategy: ErrorStrategy<String>,
    sender: Sender<String>,
    meddle: Box<dyn Fn(&str) + Send + Sync>,
) -> (Result<FinalEvent, AsyncTaskError>, u64) {
    let handled = Arc::new(AtomicU64::new(0));
    let counter = handled.clone();
    let result = AsyncTask::emits::<String>()
        .on(rt)
        .on_error(strategy)
        .workers(1)
        .queue(1)
        .sender(sender)
        .for_each(move |event: Event<String>| {
            meddle(event.data());
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .await;
    (result, handled.load(Ordering::SeqCst))
}

fn is_io(error: &AsyncTaskError, kind: io::ErrorKind, path: &Path) -> Outcome {
    let text = error.to_string();
    ensure!(matches!(error, AsyncTaskError::Io { error, .. } if error.kind() == kind), "{error:?}");
    ensure!(text.contains(&path.display().to_string()), "{text}");
    Ok(())
}

/// Checks that a bad file is an error, alone and as the last of several sources, before anything is handled.
async fn is_an_error_at_the_start<R: Runtime>(rt: &R, bad: &Path, kind: io::ErrorKind) -> Outcome {
    let folder = tempfile::tempdir()?;
    let good = folder.path().join("good.txt");
    fs::write(&good, "1\n2\n")?;
    for strategy in BOTH {
        let alone = bad.to_owned();
        let (result, _) = read(
            rt,
            strategy.clone(),
            |sources| sources.of_file(alone).lines().into_chunks(1.lines()),
            |_| (),
        )
        .await;
        is_io(&failed(result)?, kind, bad)?;
        let paths = [good.clone(), bad.to_owned()];
        let sender = |sources: &mut Sources<String>| {
            sources.of(["1".to_owned()]).into_chunks(1.items());
            sources.of_files(paths).lines().into_chunks(1.lines());
        };
        let (result, handled) = read(rt, strategy, sender, |_| ()).await;
        is_io(&failed(result)?, kind, bad)?;
        ensure!(handled == 0, "{handled} rows were handled before it was reported");
    }
    Ok(())
}

pub async fn a_missing_file_is_an_error_at_the_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    is_an_error_at_the_start(&rt, &folder.path().join("missing.txt"), io::ErrorKind::NotFound).await
}

pub async fn a_directory_is_an_error_at_the_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    is_an_error_at_the_start(&rt, folder.path(), io::ErrorKind::IsADirectory).await
}

#[cfg(unix)]
fn forbid(path: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o000))?)
}

#[cfg(not(unix))]
fn forbid(_: &Path) -> Outcome {
    Ok(())
}

pub async fn a_file_that_may_not_be_read_is_an_error_at_the_start<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("secret.txt");
    fs::write(&path, "1\n")?;
    forbid(&path)?;
    if File::open(&path).is_ok() {
        // Root may read everything, and on other systems nothing was forbidden: there is nothing to check.
        return Ok(());
    }
    is_an_error_at_the_start(&rt, &path, io::ErrorKind::PermissionDenied).await
}

/// Writes a file, and returns its path and its number of lines. It is larger than the read-ahead, which is
/// two blocks of 512 KiB and what chunk and queue hold.
fn long(folder: &Path) -> Result<(PathBuf, u64), Failure> {
    let path = folder.join("long.txt");
    let rest = "x".repeat(16 << 10);
    let text: String = (0..200).map(|n| format!("{n} {rest}\n")).collect();
    fs::write(&path, &text)?;
    Ok((path, 200))
}

fn lines(path: PathBuf) -> impl FnOnce(&mut Sources<String>) + Send + 'static {
    |sources| sources.of_file(path).lines().into_chunks(1.lines())
}

fn is_first(line: &str) -> bool {
    line.starts_with("0 ")
}

pub async fn a_truncated_file_is_an_error_and_rows_already_read_stand<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for strategy in BOTH {
        let folder = tempfile::tempdir()?;
        let (path, rows) = long(folder.path())?;
        let cut = path.clone();
        let cut = move |line: &str| {
            if is_first(line) {
                let _ = OpenOptions::new().write(true).open(&cut).and_then(|file| file.set_len(100));
            }
        };
        let (result, handled) = read(&rt, strategy, lines(path.clone()), cut).await;
        let error = failed(result)?;
        is_io(&error, io::ErrorKind::UnexpectedEof, &path)?;
        ensure!(error.to_string().contains("when it was opened"), "{error}");
        ensure!((1..rows).contains(&handled), "{handled} of {rows}");
    }
    Ok(())
}

pub async fn lines_appended_before_the_end_are_read_too<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for strategy in BOTH {
        let folder = tempfile::tempdir()?;
        let (path, rows) = long(folder.path())?;
        let append = path.clone();
        let append = move |line: &str| {
            if is_first(line) {
                let _ = OpenOptions::new()
                    .append(true)
                    .open(&append)
                    .and_then(|mut file| file.write_all(b"7\n8\n"));
            }
        };
        let (result, handled) = read(&rt, strategy, lines(path), append).await;
        ensure!(result?.read() == rows + 2 && handled == rows + 2);
    }
    Ok(())
}

pub async fn a_file_that_is_replaced_is_read_on_as_it_was<R: Runtime>(rt: R, _: Facts) -> Outcome {
    if !cfg!(unix) {
        // On other systems a file that is open may not be replaced at all.
        return Ok(());
    }
    for strategy in BOTH {
        let folder = tempfile::tempdir()?;
        let (path, rows) = long(folder.path())?;
        let (old, new) = (path.clone(), folder.path().join("new.txt"));
        fs::write(&new, "other\n")?;
        let replace = move |line: &str| {
            if is_first(line) {
                let _ = fs::rename(&new, &old);
            }
        };
        let (result, handled) = read(&rt, strategy, lines(path.clone()), replace).await;
        ensure!(result?.read() == rows && handled == rows);
        ensure!(fs::read_to_string(&path)? == "other\n", "it was replaced");
    }
    Ok(())
}

pub async fn a_file_removed_after_the_preflight_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (strategy, sender) in
        BOTH.into_iter().zip([SenderStrategy::Serial, SenderStrategy::Batched { size: 1, delay: 1.millis() }])
    {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("second.txt");
        fs::write(&path, "2\n")?;
        let (path_to_remove, removed) = (path.clone(), Latch::new());
        let remove = removed.clone();
        // Once the first source is asked, all files have been checked.
        let first = futures_lite::stream::once_future(async move {
            let _ = fs::remove_file(path_to_remove);
            remove.set();
            "1".to_owned()
        });
        let second = path.clone();
        let run = AsyncTask::emits::<String>()
            .on(&rt)
            .on_error(strategy)
            .sender_strategy(sender)
            .sender(|sources| {
                sources.of_stream(Box::pin(first)).into_chunks(1.items());
                sources.of_file(second).lines().into_chunks(1.lines());
            })
            .for_each(|_: Event<String>| {});
        is_io(&failed(run.await)?, io::ErrorKind::NotFound, &path)?;
        ensure!(removed.is_set());
    }
    Ok(())
}

pub async fn a_bad_file_of_several_ends_the_pipeline_when_it_is_reached<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let folder = tempfile::tempdir()?;
    let (first, third) = (folder.path().join("first.txt"), folder.path().join("third.txt"));
    fs::write(&first, "1\n2\n3\n")?;
    fs::write(&third, "6\n")?;
    let whole = gzip("4\n5\n")?;
    // The last of these is cut in its checksum, so its rows are whole.
    let cut = whole.get(..whole.len() - 2).context("longer")?;
    let bad: [(&str, &[u8], io::ErrorKind, u64); 3] = [
        ("utf-16.txt", b"\xff\xfe4\0\n\0", io::ErrorKind::InvalidData, 3),
        ("corrupt.gz", b"this is no compressed data at all", io::ErrorKind::InvalidData, 3),
        ("cut.gz", cut, io::ErrorKind::UnexpectedEof, 5),
    ];
    for (name, bytes, kind, due) in bad {
        let second = folder.path().join(name);
        fs::write(&second, bytes)?;
        for strategy in BOTH {
            let paths = [first.clone(), second.clone(), third.clone()];
            let sender =
                |sources: &mut Sources<String>| sources.of_files(paths).lines().into_chunks(1.lines());
            let (result, handled) = read(&rt, strategy, sender, |_| ()).await;
            is_io(&failed(result)?, kind, &second)?;
            ensure!(handled == due, "{name}: {handled} rows were handled, and {due} were due");
        }
    }
    Ok(())
}

pub async fn a_half_written_last_line_is_a_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("written.txt");
    // The last line is to be 56, and is not complete.
    fs::write(&path, "12\n34\n5")?;
    let part = path.clone();
    let (rows, summary) = collect_rows::<u64, _, _>(&rt, 1, move |sources| {
        sources.of_file(part).lines().into_chunks(1.lines());
    })
    .await?;
    ensure!(rows == [(0, 12), (1, 34), (2, 5)], "{rows:?}");
    ensure!((summary.read(), summary.rejected()) == (3, 0), "{summary:?}");
    // A part with too few fields is a row as well, and is rejected as any such row.
    let texts: [(&str, &[&str], u64); 2] =
        [("id,name\n1,Ada\n2,Gr", &["Ada", "Gr"], 0), ("id,name\n1,Ada\n2", &["Ada"], 1)];
    for (text, due, rejected) in texts {
        fs::write(&path, text)?;
        let part = path.clone();
        let (people, summary) = collect_rows::<Person, _, _>(&rt, 1, move |sources| {
            sources.of_file(part).into_chunks(1.rows());
        })
        .await?;
        ensure!(people.iter().map(|(_, person)| person.name.as_str()).eq(due.iter().copied()), "{people:?}");
        ensure!((summary.read(), summary.rejected()) == (2, rejected), "{summary:?}");
    }
    Ok(())
}
