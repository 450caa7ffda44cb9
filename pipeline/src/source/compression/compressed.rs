//! The compressed bytes of a source, and the error of those that cannot be decoded.

use std::io::{self, Read};

/// A reader that counts the bytes read, and keeps the first of them.
pub(crate) struct Counting {
    base: Box<dyn Read + Send>,
    bytes_read: u64,
    /// The first bytes, as far as `bytes_read` counts them.
    first: [u8; 4],
}

impl Counting {
    pub(crate) fn new(base: Box<dyn Read + Send>) -> Self {
        Self { base, bytes_read: 0, first: [0; 4] }
    }

    /// An empty source, as a placeholder.
    pub(crate) fn empty() -> Self {
        Self::new(Box::new(io::empty()))
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Returns its first bytes, as far as they were read.
    pub(crate) fn first(&self) -> &[u8] {
        let read = self.bytes_read.min(self.first.len() as u64) as usize;
        self.first.get(..read).unwrap_or_default()
    }
}

impl Read for Counting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // An interrupted read is repeated here: a decoder may not be able to go on from the middle of a
        // header.
        let read = loop {
            match self.base.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if self.bytes_read < 4 {
            let before = self.bytes_read as usize;
            for (first, byte) in self.first.iter_mut().skip(before).zip(into.iter().take(read)) {
                *first = *byte;
            }
        }
        self.bytes_read += read as u64;
        Ok(read)
    }
}

/// The error of data that is corrupt or cut short. Any other error of the reader keeps its kind.
pub(crate) fn corrupt(
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
