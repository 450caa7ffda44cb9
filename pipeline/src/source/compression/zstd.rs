//! A reader of zstd data, frame by frame: the decoder handles one frame.

use std::error::Error;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::source::compression::compressed::corrupt;

/// The window that the format's specification wants every decoder to support.
const WINDOW: u64 = 8 << 20;

/// An empty block that is the last of its frame, and a checksum, which is read only where the frame has one.
const LAST: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

/// Frames, one after the other.
pub(crate) struct Frames<S> {
    source: S,
    decoder: FrameDecoder,
    /// Set once a frame's header is read. Cleared when all of the frame's data was given and its checksum
    /// matches.
    in_frame: bool,
    /// The error of a frame's header or of its blocks, reported after all data that was decoded before it.
    /// Never cleared: nothing is decoded from then on.
    fault: Option<io::Error>,
    /// Set until the first frame is begun: an empty source is no zstd data, and an error.
    first: bool,
}

impl<S: BufRead> Frames<S> {
    pub(crate) fn new(source: S) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Self { source, decoder, in_frame: false, fault: None, first: true }
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    /// Begins the next frame, or passes over one without data; false if there is none.
    fn begin(&mut self) -> io::Result<bool> {
        if !self.first && self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.first = false;
        self.begin_frame().inspect_err(|error| self.fault = Some(again(error)))?;
        Ok(true)
    }

    /// Reads a frame's header, or passes over a frame without data.
    fn begin_frame(&mut self) -> io::Result<()> {
        match self.decoder.init(&mut self.source) {
            Ok(()) => self.in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                let length = u64::from(length);
                if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
                    return Err(corrupt("zstd", io::ErrorKind::UnexpectedEof, ""));
                }
            }
            Err(error) => return Err(explain(error)),
        }
        Ok(())
    }

    /// Decodes until there is something to give, or the frame ends.
    fn decode(&mut self) {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            if let Err(error) = self.decoder.decode_blocks(&mut self.source, one) {
                self.fault = Some(explain(error));
                // The decoder holds back one window of data until it has seen the last block, so it is given
                // an empty one. An error here adds nothing to the first.
                let _ = self.decoder.decode_blocks(LAST, BlockDecodingStrategy::All);
                return;
            }
        }
    }

    fn checked(&self) -> io::Result<()> {
        match self.decoder.get_checksum_from_data() {
            Some(sum) if self.decoder.get_calculated_checksum() != Some(sum) => {
                Err(corrupt("zstd", io::ErrorKind::InvalidData, "its checksum does not match"))
            }
            _ => Ok(()),
        }
    }
}

impl<S: BufRead> Read for Frames<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.in_frame {
                if self.fault.is_none() {
                    self.decode();
                }
                match (self.decoder.read(into)?, &self.fault) {
                    (0, Some(fault)) => return Err(again(fault)),
                    (0, None) => self.checked()?,
                    (read, _) => return Ok(read),
                }
                self.in_frame = false;
            }
            if let Some(fault) = &self.fault {
                return Err(again(fault));
            }
            if !self.begin()? {
                return Ok(0);
            }
        }
    }
}

/// The same error, for one that is reported again at each further read.
fn again(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

fn explain(error: FrameDecoderError) -> io::Error {
    if matches!(error, FrameDecoderError::WindowSizeTooBig { .. }) {
        let reason = "the zstd data has a window of more than 8 MiB: compress it without --ultra and --long";
        return io::Error::new(io::ErrorKind::InvalidData, reason);
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(read) = error.downcast_ref::<io::Error>() {
            return corrupt("zstd", read.kind(), read.to_string());
        }
        cause = error.source();
    }
    corrupt("zstd", io::ErrorKind::InvalidData, error.to_string())
}
