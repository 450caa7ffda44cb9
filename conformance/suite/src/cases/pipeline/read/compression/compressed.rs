//! Pipelines, sources: compressed text is read with the positions of its text; corrupt data is an error.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::library::pipeline::{Compression, Progress};
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::kit::prelude::*;
use crate::kit::{Person, collect_rows};

fn gzip(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text)?;
    Ok(encoder.finish()?)
}

fn zstd(text: &[u8]) -> Result<Vec<u8>, Failure> {
    Ok(compress_to_vec(text, CompressionLevel::Fastest))
}

type Encode = fn(&[u8]) -> Result<Vec<u8>, Failure>;

const BOTH: [(&str, Compression, Encode); 2] =
    [("gz", Compression::Gzip, gzip), ("zst", Compression::Zstd, zstd)];

/// Rows that differ enough for more than one block.
fn text(rows: u64) -> String {
    let mut text = "id,name\n".to_owned();
    for id in 0..rows {
        let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        text.push_str(&format!("{id},{mixed:x}\n"));
    }
    text
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

pub async fn files_are_read_by_their_extension<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let text = text(20_000);
    let plain = write(folder.path(), "plain.csv", text.as_bytes())?;
    let (due, _) =
        collect_rows::<Person, _, _>(&rt, 2, |sources| sources.of_file(plain).into_chunks(64.kib())).await?;
    ensure!(due.len() == 20_000);
    for (end, _, encode) in BOTH {
        let bytes = encode(text.as_bytes())?;
        let compressed = write(folder.path(), &format!("rows.csv.{}", end.to_uppercase()), &bytes)?;
        let (rows, summary) =
            collect_rows::<Person, _, _>(&rt, 2, |sources| sources.of_file(compressed).into_chunks(64.kib()))
                .await?;
        ensure!(rows == due, "{end}");
        ensure!(summary.bytes() == bytes.len() as u64, "{end}: bytes are those of the file");
    }
    Ok(())
}

pub async fn bytes_and_readers_are_read_with_the_set_compression<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (end, compression, encode) in BOTH {
        let bytes = encode(b"1\n2\nbad\n4\n")?;
        let reader = io::Cursor::new(bytes.clone());
        let (rows, summary) = collect_rows::<u64, _, _>(&rt, 2, move |sources| {
            sources.of_bytes(bytes).with_compression(compression).lines().into_chunks(1.lines());
            sources.of_reader(reader).with_compression(compression).lines().into_chunks(100.lines());
        })
        .await?;
        ensure!(rows == [(0, 1), (1, 2), (3, 4), (4, 1), (5, 2), (7, 4)], "{end}: {rows:?}");
        let positions: Vec<_> =
            summary.errors().iter().map(|e| (e.position().line(), e.position().byte())).collect();
        ensure!(positions == [(Some(3), Some(4)); 2], "{end}: positions are those of the text");
    }
    Ok(())
}

pub async fn plain_text_may_have_any_name<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = write(folder.path(), "not-really.gz", b"1\n2\n")?;
    let (rows, _) = collect_rows::<u64, _, _>(&rt, 1, move |sources| {
        sources.of_file(path).with_compression(Compression::None).lines().into_chunks(1.lines());
    })
    .await?;
    ensure!(rows == [(0, 1), (1, 2)]);
    Ok(())
}

pub async fn several_members_and_frames_are_one_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (end, _, encode) in BOTH {
        // A member ends in the middle of a row.
        let mut bytes = encode(b"1\n2\n3")?;
        if end == "zst" {
            // A skippable frame of three bytes.
            bytes.extend([0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        }
        bytes.extend(encode(b"3\n4")?);
        bytes.extend(encode(b"")?);
        bytes.extend(encode(b"\n5\n")?);
        let path = write(folder.path(), &format!("rows.{end}"), &bytes)?;
        let (rows, _) = collect_rows::<u64, _, _>(&rt, 2, move |sources| {
            sources.of_file(path).lines().into_chunks(1.lines())
        })
        .await?;
        ensure!(rows.iter().map(|(_, row)| *row).eq([1, 2, 33, 4, 5]), "{end}: {rows:?}");
    }
    Ok(())
}

/// Reads the lines of a file to its error, under both error strategies.
async fn fails<R: Runtime>(rt: &R, path: &Path, kind: io::ErrorKind, expected: &str) -> Outcome {
    for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
        let file = path.to_owned();
        let run = AsyncTask::emits::<String>()
            .on(rt)
            .on_error(strategy)
            .sender(move |sources| sources.of_file(file).lines().into_chunks(100.lines()))
            .for_each(|_: Event<String>| {});
        let error = failed(run.await)?;
        let text = error.to_string();
        ensure!(matches!(&error, AsyncTaskError::Io { error, .. } if error.kind() == kind), "{error:?}");
        ensure!(text.contains(&path.display().to_string()) && text.contains(expected), "{text}");
    }
    Ok(())
}

pub async fn data_that_is_cut_short_is_an_error_with_its_path<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (end, _, encode) in BOTH {
        let bytes = encode(text(3_000).as_bytes())?;
        for keep in [0, 1, 3, 7, 100, bytes.len() / 2, bytes.len() - 1] {
            let path = write(folder.path(), &format!("{keep}.{end}"), bytes.get(..keep).context("longer")?)?;
            let context = || format!("{end}, {keep} of {} bytes", bytes.len());
            fails(&rt, &path, io::ErrorKind::UnexpectedEof, "cut short").await.with_context(context)?;
        }
    }
    Ok(())
}

pub async fn data_that_is_corrupt_is_an_error_with_its_path<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (end, _, encode) in BOTH {
        let bytes = encode(text(3_000).as_bytes())?;
        let path = write(folder.path(), &format!("text.{end}"), b"this is no compressed data at all")?;
        fails(&rt, &path, io::ErrorKind::InvalidData, "with_compression(Compression::None)")
            .await
            .context(end)?;
        // Garbage after the last member.
        let mut longer = bytes.clone();
        longer.extend(b"and more of it");
        let path = write(folder.path(), &format!("longer.{end}"), &longer)?;
        fails(&rt, &path, io::ErrorKind::InvalidData, "corrupt").await.context(end)?;
        // The checksum is in the last bytes.
        let mut summed = bytes.clone();
        let at = summed.len() - if end == "gz" { 6 } else { 2 };
        *summed.get_mut(at).context("longer")? ^= 1;
        let path = write(folder.path(), &format!("summed.{end}"), &summed)?;
        fails(&rt, &path, io::ErrorKind::InvalidData, "corrupt").await.context(end)?;
    }
    Ok(())
}

pub async fn a_polled_reader_cannot_be_decompressed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let run = AsyncTask::emits::<String>()
        .on(&rt)
        .sender(|sources| {
            let reader = futures_lite::io::Cursor::new(Vec::new());
            sources
                .of_async_reader(reader)
                .with_compression(Compression::Gzip)
                .lines()
                .into_chunks(1.lines());
        })
        .for_each(|_: Event<String>| {});
    ensure!(matches!(failed(run.await)?, AsyncTaskError::InvalidConfig(_)));
    Ok(())
}

pub async fn progress_counts_compressed_bytes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (end, _, encode) in BOTH {
        let bytes = encode(text(3_000).as_bytes())?;
        let size = bytes.len() as u64;
        let path = write(folder.path(), &format!("rows.{end}"), &bytes)?;
        let last = std::sync::Arc::new(std::sync::Mutex::new(Progress::default()));
        let report = last.clone();
        AsyncTask::emits::<String>()
            .on(&rt)
            .on_progress(move |progress| {
                if let Ok(mut last) = report.lock() {
                    *last = progress;
                }
            })
            .sender(move |sources| sources.of_file(path).lines().into_chunks(100.lines()))
            .for_each(|_: Event<String>| {})
            .await?;
        let last = last.lock().map_err(|_| Failure::msg("poisoned"))?;
        ensure!((last.bytes_read, last.bytes_total) == (size, Some(size)), "{end}: {last:?} of {size}");
    }
    Ok(())
}

pub async fn a_window_beyond_the_bound_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    // A frame header alone, with a window of 16 MiB, and one with a window of 8 MiB.
    let frame = |window| [0x28, 0xB5, 0x2F, 0xFD, 0, window, 1, 0, 0];
    let path = write(folder.path(), "wide.zst", &frame(14 << 3))?;
    fails(&rt, &path, io::ErrorKind::InvalidData, "8 MiB").await?;
    let path = write(folder.path(), "narrow.zst", &frame(13 << 3))?;
    let (rows, _) = collect_rows::<String, _, _>(&rt, 1, move |sources| {
        sources.of_file(path).lines().into_chunks(1.lines())
    })
    .await?;
    ensure!(rows.is_empty());
    Ok(())
}
