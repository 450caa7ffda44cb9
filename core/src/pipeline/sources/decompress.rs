//! Decompresses as it reads.

use std::io::{self, BufReader, Read};

use super::Codec;
use super::gzip::Members;
use super::zstd::Frames;

/// Compressed bytes, as text.
pub(crate) enum Decompressed {
    Gzip(Box<Members>),
    Zstd(Box<Frames<BufReader<Counting>>>),
}

impl Decompressed {
    pub(super) fn of(base: Box<dyn Read + Send>, codec: Codec) -> Self {
        let source = BufReader::with_capacity(32 << 10, Counting { base, taken: 0 });
        match codec {
            Codec::Gzip => Self::Gzip(Box::new(Members::new(source))),
            Codec::Zstd => Self::Zstd(Box::new(Frames::new(source))),
        }
    }

    /// Compressed bytes taken so far.
    pub(super) fn taken(&self) -> u64 {
        let source = match self {
            Self::Gzip(members) => members.source(),
            Self::Zstd(frames) => frames.source(),
        };
        source.get_ref().taken
    }
}

impl Read for Decompressed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(members) => members.read(into).map_err(|error| corrupt("gzip", error.kind(), error)),
            Self::Zstd(frames) => frames.read(into),
        }
    }
}

/// What is wrong with compressed data, unless it is that it could not be read.
pub(super) fn corrupt(
    codec: &str,
    kind: io::ErrorKind,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> io::Error {
    let error = error.into();
    match kind {
        io::ErrorKind::UnexpectedEof => io::Error::new(kind, format!("the {codec} data is cut short")),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            io::Error::new(io::ErrorKind::InvalidData, format!("the {codec} data is corrupt: {error}"))
        }
        kind => io::Error::new(kind, error),
    }
}

/// Counts what is read.
pub(crate) struct Counting {
    base: Box<dyn Read + Send>,
    taken: u64,
}

impl Counting {
    /// What stands where a source was taken from.
    pub(super) fn nothing() -> Self {
        Self { base: Box::new(io::empty()), taken: 0 }
    }
}

impl Read for Counting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // A decoder may not be able to go on from the middle of a header.
        let read = loop {
            match self.base.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.taken += read as u64;
        Ok(read)
    }
}
