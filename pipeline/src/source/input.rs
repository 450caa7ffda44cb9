//! The inputs of text sources, and how they are opened.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::pin::Pin;

use bytes::{Buf, Bytes};
use futures_io::AsyncRead;

use crate::source::compression::codec::{Codec, Compression};
use crate::source::compression::plaintext::Plaintext;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::metrics::metered;

/// The input of a text source.
pub(crate) enum Input {
    Blocking(Blocking, Option<Codec>),
    /// Read on the executor.
    Async(Pin<Box<dyn AsyncRead + Send>>),
}

/// An input that is read on the blocking pool.
pub(crate) enum Blocking {
    File(PathBuf),
    Bytes(Bytes),
    Reader(Box<dyn Read + Send>),
}

/// An open input.
pub(crate) struct Opened {
    pub(crate) reader: Plaintext,
    /// Its length in bytes, if it has one that should not shrink.
    pub(crate) length: Option<u64>,
}

impl Input {
    /// Returns the name of a source that was given none.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Blocking(Blocking::File(path), _) => path.display().to_string(),
            Self::Blocking(Blocking::Bytes(_), _) => "bytes".to_owned(),
            Self::Blocking(Blocking::Reader(_), _) | Self::Async(_) => "a reader".to_owned(),
        }
    }

    /// Returns its length in bytes, if known before it is opened.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Blocking(Blocking::Bytes(bytes), _) => Some(bytes.len() as u64),
            _ => None,
        }
    }

    /// Returns the input with this compression.
    ///
    /// # Errors
    ///
    /// The input is compressed, and the feature `compression` is not enabled or the input is read on the
    /// executor.
    pub(crate) fn compressed(self, compression: Compression) -> Result<Self, AsyncTaskError> {
        match self {
            Self::Blocking(input, _) => {
                let path = if let Blocking::File(path) = &input { Some(path.as_path()) } else { None };
                let codec = compression.codec(path)?;
                Ok(Self::Blocking(input, codec))
            }
            Self::Async(_) if compression.codec(None)?.is_some() => Err(AsyncTaskError::config(
                "with_compression is for what is read on the blocking pool: decompress a polled reader before",
            )),
            polled => Ok(polled),
        }
    }
}

impl Blocking {
    /// Opens the input. Blocks the thread.
    pub(crate) fn open(self, codec: Option<Codec>) -> io::Result<Opened> {
        let (reader, length): (Box<dyn Read + Send>, _) = match self {
            Self::File(path) => {
                let file = File::open(path)?;
                let about = file.metadata()?;
                if about.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                let length = about.is_file().then_some(about.len());
                (Box::new(metered(file)), length)
            }
            Self::Bytes(bytes) => {
                let length = Some(bytes.len() as u64);
                (Box::new(bytes.reader()), length)
            }
            Self::Reader(reader) => (reader, None),
        };
        Ok(Opened { reader: Plaintext::of(reader, codec), length })
    }
}
