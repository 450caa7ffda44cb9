//! The fuzz target for JSON Lines, cut anywhere, against serde_json line by line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sweet_async::AsyncTask;
use sweet_async::pipeline::{ChunkSize, ErrorStrategy};

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (size, text) = input;
    let bytes = text.clone();
    let run = AsyncTask::emits::<Value>()
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| {
            sources.of_bytes(bytes).json_lines().into_chunks(ChunkSize::Bytes(usize::from(size).max(1)));
        })
        .fold(
            Vec::new,
            |values, event| values.push((event.sequence(), event.take_data())),
            |mut left, right| {
                left.extend(right);
                left
            },
        );
    // UTF-16 is an error.
    let Ok(Ok((mut values, summary))) = sweet_async::block_on(async { run.await }) else { return };
    values.sort_by_key(|(sequence, _)| *sequence);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')));
    let (mut bad, mut expected) = (0, Vec::new());
    for line in lines {
        match serde_json::from_slice::<Value>(line) {
            Ok(value) => expected.push(value),
            Err(_) => bad += 1,
        }
    }
    assert!(values.iter().map(|(_, value)| value).eq(&expected), "{values:?} in place of {expected:?}");
    assert_eq!(summary.rejected(), bad);
});
