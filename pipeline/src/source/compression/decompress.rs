//! A reader that decompresses as it reads.

use std::io::{self, BufReader, Read};

use crate::source::compression::codec::Codec;
use crate::source::compression::compressed::{Counting, corrupt};
use crate::source::compression::gzip::Members;
use crate::source::compression::zstd::Frames;

/// Compressed bytes, read as text.
pub(crate) enum Decompressed {
    Gzip(Box<Members>),
    Zstd(Box<Frames<BufReader<Counting>>>),
}

impl Decompressed {
    pub(crate) fn of(base: Box<dyn Read + Send>, codec: Codec) -> Self {
        let source = BufReader::with_capacity(32 << 10, Counting::new(base));
        match codec {
            Codec::Gzip => Self::Gzip(Box::new(Members::new(source))),
            Codec::Zstd => Self::Zstd(Box::new(Frames::new(source))),
        }
    }

    /// The number of compressed bytes read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.source().bytes_read()
    }

    fn source(&self) -> &Counting {
        match self {
            Self::Gzip(members) => members.source().get_ref(),
            Self::Zstd(frames) => frames.source().get_ref(),
        }
    }

    /// The format that the data should have, if its first bytes are not of that format.
    fn expected(&self) -> Option<&'static str> {
        let first = self.source().first();
        let begins = |magic: &[u8]| first.iter().zip(magic).all(|(byte, due)| byte == due);
        match self {
            Self::Gzip(_) => (!begins(&[0x1F, 0x8B])).then_some("gzip"),
            Self::Zstd(_) => {
                // A frame, or a skippable one.
                let skipped = |kind: u8| begins(&[kind, 0x2A, 0x4D, 0x18]);
                let is_zstd = begins(&[0x28, 0xB5, 0x2F, 0xFD]) || (0x50..=0x5F).any(skipped);
                (!is_zstd).then_some("zstd")
            }
        }
    }
}

/// The error of plain data that is read as `codec`.
fn not_compressed(codec: &str) -> io::Error {
    let reason = format!(
        "it is no {codec} data, which its first bytes would say: where it is plain text, say with_compression(Compression::None)"
    );
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

impl Read for Decompressed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self {
            Self::Gzip(members) => members.read(into).map_err(|error| corrupt("gzip", error.kind(), error)),
            Self::Zstd(frames) => frames.read(into),
        };
        read.map_err(|error| match (error.kind(), self.expected()) {
            (io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof, Some(codec)) => not_compressed(codec),
            _ => error,
        })
    }
}
