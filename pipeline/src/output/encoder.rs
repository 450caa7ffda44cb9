//! The compression of a file that is written.

use std::io::{self, Write};

#[cfg(feature = "compression")]
use flate2::write::GzEncoder;
#[cfg(feature = "compression")]
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::output::target::Target;
use crate::source::compression::codec::Codec;

/// The text of a zstd frame: enough for its tables to pay off, little enough to be held.
#[cfg(feature = "compression")]
const FRAME: usize = 1 << 20;

/// A file, and the compression of what is written to it.
pub(crate) enum Encoder {
    Plain(Target),
    #[cfg(feature = "compression")]
    Gzip(GzEncoder<Target>),
    #[cfg(feature = "compression")]
    Zstd(Frames),
}

impl Encoder {
    pub(crate) fn new(target: Target, codec: Option<Codec>) -> Self {
        match codec {
            #[cfg(feature = "compression")]
            Some(Codec::Gzip) => Self::Gzip(GzEncoder::new(target, flate2::Compression::default())),
            #[cfg(feature = "compression")]
            Some(Codec::Zstd) => Self::Zstd(Frames { target, text: Vec::new(), has_any: false }),
            _ => Self::Plain(target),
        }
    }

    pub(crate) fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(target) => target.write_all(text),
            #[cfg(feature = "compression")]
            Self::Gzip(encoder) => encoder.write_all(text),
            #[cfg(feature = "compression")]
            Self::Zstd(frames) => frames.write_all(text),
        }
    }

    /// Writes what is held back, and puts the file in its place. See [`Target::commit`].
    pub(crate) fn commit(self, is_wanted: impl FnOnce() -> bool) -> io::Result<()> {
        let target = match self {
            Self::Plain(target) => target,
            #[cfg(feature = "compression")]
            Self::Gzip(encoder) => encoder.finish()?,
            #[cfg(feature = "compression")]
            Self::Zstd(frames) => frames.finish()?,
        };
        target.commit(is_wanted)
    }
}

/// zstd data in frames, one after the other: the compressor makes a frame of text that is all there.
#[cfg(feature = "compression")]
pub(crate) struct Frames {
    target: Target,
    /// The text of the next frame.
    text: Vec<u8>,
    has_any: bool,
}

#[cfg(feature = "compression")]
impl Frames {
    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        self.text.extend_from_slice(text);
        if self.text.len() >= FRAME { self.frame() } else { Ok(()) }
    }

    fn frame(&mut self) -> io::Result<()> {
        let frame = compress_to_vec(self.text.as_slice(), CompressionLevel::Fastest);
        self.text.clear();
        self.has_any = true;
        self.target.write_all(&frame)
    }

    fn finish(mut self) -> io::Result<Target> {
        // A file without a frame is no zstd data.
        if !self.text.is_empty() || !self.has_any {
            self.frame()?;
        }
        Ok(self.target)
    }
}
