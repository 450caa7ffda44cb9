//! A gzip decoder of several members, with zeros between them as padding.

use std::io::{self, BufRead, BufReader, Read};
use std::mem;

use flate2::bufread::GzDecoder;

use crate::source::compression::compressed::Counting;

/// Members, one after the other, each followed by any number of zeros: tapes and block devices pad with
/// zeros.
pub(crate) struct Members(GzDecoder<BufReader<Counting>>);

impl Members {
    pub(crate) fn new(source: BufReader<Counting>) -> Self {
        Self(GzDecoder::new(source))
    }

    pub(crate) fn source(&self) -> &BufReader<Counting> {
        self.0.get_ref()
    }

    /// At the end of a member, begins the next one; false if there is none.
    fn begin(&mut self) -> io::Result<bool> {
        let source = self.0.get_mut();
        loop {
            let data = source.fill_buf()?;
            let zeros = data.iter().take_while(|byte| **byte == 0).count();
            match data.len() {
                0 => return Ok(false),
                len if zeros < len => {
                    source.consume(zeros);
                    break;
                }
                len => source.consume(len),
            }
        }
        // The decoder keeps its memory: files of thousands of small members are common.
        let source = mem::replace(source, BufReader::with_capacity(0, Counting::empty()));
        self.0.reset(source);
        Ok(true)
    }
}

impl Read for Members {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(into)? {
                0 if !into.is_empty() && self.begin()? => {}
                read => return Ok(read),
            }
        }
    }
}
