//! Pipelines, sources: whole rows before a cut in compressed data are handled, and padding is skipped.

use std::io::{self, Write as _};

use crate::library::pipeline::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::kit::prelude::*;
use crate::kit::{collect_rows, count};

pub(crate) fn gzip(text: &str) -> Result<Vec<u8>, Failure> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?)
}

fn zstd(text: &str) -> Vec<u8> {
    compress_to_vec(text.as_bytes(), CompressionLevel::Fastest)
}

/// Lines that differ enough for more than one block, each with its number.
fn text(lines: u64) -> String {
    (0..lines).map(|n| format!("{n} {:x}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect()
}

/// Reads `bytes` to their error. Returns the number of lines handled, which must be the first ones, and
/// whole.
async fn handled_before_the_error<R: Runtime>(
    rt: &R,
    bytes: &[u8],
    compression: Compression,
    kind: io::ErrorKind,
) -> Result<u64, Failure> {
    let handled = count();
    let (counter, bytes) = (handled.clone(), bytes.to_vec());
    let run = AsyncTask::emits::<String>()
        .on(rt)
        .ordered()
        .sender(move |sources| {
            sources.of_bytes(bytes).with_compression(compression).lines().into_chunks(1_000.lines());
        })
        .for_each(move |event: Event<String>| {
            let due = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mixed = due.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ensure!(*event.data() == format!("{due} {mixed:x}"), "line {due}: {}", event.data());
            Ok(())
        });
    let error = failed(run.await)?;
    ensure!(matches!(&error, AsyncTaskError::Io { error, .. } if error.kind() == kind), "{error:?}");
    Ok(handled.load(std::sync::atomic::Ordering::SeqCst))
}

pub async fn the_whole_rows_before_a_cut_stand<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const LINES: u64 = 16_000;
    let text = text(LINES);
    for (compression, bytes) in [(Compression::Gzip, gzip(&text)?), (Compression::Zstd, zstd(&text))] {
        // A cut in the checksum at the end, which no row needs.
        let cut = bytes.get(..bytes.len() - 2).context("longer")?;
        let all = handled_before_the_error(&rt, cut, compression, io::ErrorKind::UnexpectedEof).await?;
        ensure!(all == LINES, "{compression:?}: {all} of {LINES} rows were whole");
        // A cut in the middle: all blocks before it are whole, and no block has more than 128 KiB of text.
        let cut = bytes.get(..bytes.len() / 2).context("longer")?;
        let half = handled_before_the_error(&rt, cut, compression, io::ErrorKind::UnexpectedEof).await?;
        let least = LINES / 2 - LINES * (128 << 10) / text.len() as u64 - LINES / 20;
        ensure!(
            (least..LINES).contains(&half),
            "{compression:?}: {half} rows, and {least} at least were due"
        );
    }
    Ok(())
}

pub async fn the_whole_rows_before_a_corrupt_block_stand<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const LINES: u64 = 16_000;
    let text = text(LINES);
    let mut bytes = zstd(&text);
    // A block of an undefined kind as the first block of a second frame.
    bytes.extend([0x28, 0xB5, 0x2F, 0xFD, 0, 0x58, 7, 0, 0]);
    let whole = handled_before_the_error(&rt, &bytes, Compression::Zstd, io::ErrorKind::InvalidData).await?;
    ensure!(whole == LINES, "{whole} of {LINES}");
    Ok(())
}

pub async fn zeros_after_a_gzip_member_are_padding<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Fewer zeros than a header has bytes, and more than a buffer holds: after the last member, and between
    // two.
    for zeros in [1, 9, 512, 100_000] {
        let mut bytes = gzip("1\n2\n")?;
        bytes.resize(bytes.len() + zeros, 0);
        bytes.extend(gzip("3\n")?);
        bytes.resize(bytes.len() + zeros, 0);
        let length = bytes.len() as u64;
        let (rows, summary) = collect_rows::<u64, _, _>(&rt, 1, move |sources| {
            sources.of_bytes(bytes).with_compression(Compression::Gzip).lines().into_chunks(1.lines());
        })
        .await?;
        ensure!(rows == [(0, 1), (1, 2), (2, 3)], "{zeros} zeros: {rows:?}");
        ensure!(summary.bytes() == length, "padding is read: {} of {length}", summary.bytes());
    }
    Ok(())
}

pub async fn bytes_after_the_padding_are_a_member_or_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = text(3);
    for garbage in [&b"more"[..], &[0x1F], &[1]] {
        let mut bytes = gzip(&text)?;
        bytes.extend([0; 20]);
        bytes.extend(garbage);
        let kind = if garbage.len() < 4 { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
        // A header with too few bytes is cut short.
        bytes.extend(if garbage.len() < 4 { &[][..] } else { &b" of the garbage"[..] });
        let handled = handled_before_the_error(&rt, &bytes, Compression::Gzip, kind).await?;
        ensure!(handled == 3, "{garbage:?}: {handled}");
    }
    Ok(())
}
