//! The bytes of a source as plain text, whatever their compression.

use std::io::{self, Read};

use crate::source::compression::codec::Codec;
#[cfg(feature = "compression")]
use crate::source::compression::decompress::Decompressed;

/// The bytes of a source as plain text.
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

    /// The number of compressed bytes read so far; `None` if the source is plain.
    pub(crate) fn bytes_read(&self) -> Option<u64> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "compression")]
            Self::Decompressed(text) => Some(text.bytes_read()),
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
