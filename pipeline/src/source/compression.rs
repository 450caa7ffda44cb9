//! Compressed text.

use std::io::{self, Read};
use std::path::Path;

#[cfg(feature = "compression")]
use crate::source::decompress::Decompressed;
use sweet_async_core::error::AsyncTaskError;

/// How the bytes of a text source are compressed.
///
/// Positions are those of the text; bytes read, in [`Progress`](crate::Progress) and at the end, are those of the
/// source. Several gzip members or zstd frames, one behind the other, are one text; zeros behind a gzip member are padding,
/// and passed over. Data that is corrupt or cut short is an error ([`AsyncTaskError::Io`]), and the whole rows before it
/// stand: those of all that could be decompressed. Where data is corrupt, that may be noticed only after what it has turned
/// into was handed on.
///
/// Decompressing costs a fixed amount of memory for each source that is being read: 64 KiB for gzip, and for zstd the
/// frame's window, of which at most 8 MiB are taken: beyond that lie `zstd --ultra` and `--long`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// A file whose name ends in `.gz` is gzip, one in `.zst` zstd; everything else is plain.
    #[default]
    ByExtension,
    /// Plain, whatever its name.
    None,
    /// gzip (RFC 1952). Needs the feature `compression`.
    Gzip,
    /// zstd (RFC 8878), without a dictionary. Needs the feature `compression`.
    Zstd,
}

/// What undoes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Zstd,
}

impl Compression {
    /// What undoes the compression of the file `path`, or of something without a name.
    ///
    /// # Errors
    ///
    /// The feature is not enabled.
    pub(crate) fn codec(self, path: Option<&Path>) -> Result<Option<Codec>, AsyncTaskError> {
        let codec = match self {
            Self::None => return Ok(None),
            Self::Gzip => Codec::Gzip,
            Self::Zstd => Codec::Zstd,
            Self::ByExtension => {
                let ends =
                    |end| path.and_then(Path::extension).is_some_and(|is| is.eq_ignore_ascii_case(end));
                match (ends("gz"), ends("zst")) {
                    (true, _) => Codec::Gzip,
                    (_, true) => Codec::Zstd,
                    _ => return Ok(None),
                }
            }
        };
        if cfg!(not(feature = "compression")) {
            return Err(AsyncTaskError::config(
                "the source is compressed: enable the feature `compression`, or say `with_compression(Compression::None)`",
            ));
        }
        Ok(Some(codec))
    }
}

/// A source's bytes, as text.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each source that is open, and it is seldom moved"
)]
pub(crate) enum Plaintext {
    Plain(Box<dyn Read + Send>),
    #[cfg(feature = "compression")]
    Decompressed(Decompressed),
}

impl Plaintext {
    pub(crate) fn of(base: Box<dyn Read + Send>, codec: Option<Codec>) -> Self {
        match codec {
            #[cfg(feature = "compression")]
            Some(codec) => Self::Decompressed(Decompressed::of(base, codec)),
            _ => Self::Plain(base),
        }
    }

    /// Compressed bytes taken so far; `None` if it is plain.
    pub(crate) fn taken(&self) -> Option<u64> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "compression")]
            Self::Decompressed(text) => Some(text.taken()),
        }
    }
}

impl Read for Plaintext {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(base) => base.read(into),
            #[cfg(feature = "compression")]
            Self::Decompressed(text) => text.read(into),
        }
    }
}
