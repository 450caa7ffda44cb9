//! zstd data as text, frame by frame: the decoder knows one frame.

use std::error::Error;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::source::decompress::corrupt;

/// What the format's specification wants every decoder to take.
const WINDOW: u64 = 8 << 20;

/// An empty block that is the last of its frame, and a checksum, which is read only where the frame has one.
const LAST: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

/// Frames, one behind the other.
pub(crate) struct Frames<S> {
    source: S,
    decoder: FrameDecoder,
    in_frame: bool,
    /// The frame's error; reported after all data that was decoded before.
    fault: Option<io::Error>,
    /// No frame has been seen yet: nothing at all is no zstd data.
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

    /// Begins the next frame; false if there is none.
    fn begin(&mut self) -> io::Result<bool> {
        if !self.first && self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.first = false;
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
        Ok(true)
    }

    /// Decodes until there is something to give, or the frame ends.
    fn decode(&mut self) {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            if let Err(error) = self.decoder.decode_blocks(&mut self.source, one) {
                self.fault = Some(explain(error));
                // The decoder holds back one window of data until it has seen the last block, so it is given an empty one.
                // An error here adds nothing to the first.
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
                    // Reported again at each further read.
                    (0, Some(fault)) => return Err(io::Error::new(fault.kind(), fault.to_string())),
                    (0, None) => self.checked()?,
                    (read, _) => return Ok(read),
                }
                self.in_frame = false;
            }
            if !self.begin()? {
                return Ok(0);
            }
        }
    }
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
