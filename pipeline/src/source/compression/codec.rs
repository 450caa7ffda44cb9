//! The choice of a text source's compression.

use std::path::Path;

use sweet_async_core::error::AsyncTaskError;

/// The compression of a text source's bytes, or of a [file that is written](crate::WriteFile).
///
/// Positions are those of the text. Bytes read, in [`Progress`](crate::Progress) and at the end, are those of
/// the source. Several gzip members or zstd frames, one after the other, are one text; zeros after a gzip
/// member are padding, and passed over.
///
/// Data that is corrupt or cut short is an error ([`AsyncTaskError::Io`]). The whole rows before it stand,
/// as far as data could be decompressed. Corruption may be noticed only after the text that was made of it
/// was handed on.
///
/// Decompressing costs a fixed amount of memory for each source that is being read: 64 KiB for gzip, and for
/// zstd the frame's window, of at most 8 MiB. Larger windows, which `zstd --ultra` and `--long` make, are an
/// error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// A file whose name ends in `.gz` is gzip, one in `.zst` zstd, in upper or lower case; everything else
    /// is plain.
    #[default]
    ByExtension,
    /// Plain, whatever the file's name.
    None,
    /// gzip (RFC 1952). Needs the feature `compression`.
    Gzip,
    /// zstd (RFC 8878), without a dictionary. Needs the feature `compression`.
    Zstd,
}

/// The format that a compressed source is decoded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Zstd,
}

impl Compression {
    /// Returns the format of the file `path`, which is read or written, or of a source without a name; `None`
    /// if it is plain.
    ///
    /// # Errors
    ///
    /// It is compressed, and the feature `compression` is not enabled.
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
                "a compressed file needs the feature `compression`; if it is plain, say `with_compression(Compression::None)`",
            ));
        }
        Ok(Some(codec))
    }
}
