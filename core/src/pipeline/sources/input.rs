//! Where text comes from, and how it is opened.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::pin::Pin;

use bytes::{Buf, Bytes};
use futures_io::AsyncRead;

/// Where text comes from.
pub(crate) enum Input {
    Blocking(Blocking),
    /// Read on the executor.
    Async(Pin<Box<dyn AsyncRead + Send>>),
}

/// What is read on the blocking pool.
pub(crate) enum Blocking {
    File(PathBuf),
    Bytes(Bytes),
    Reader(Box<dyn Read + Send>),
}

/// An input that is open.
pub(crate) struct Opened {
    pub(crate) reader: Box<dyn Read + Send>,
    /// Its length in bytes, where it has one that should not shrink.
    pub(crate) length: Option<u64>,
}

impl Input {
    /// What it is called where its user gave it no name.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Blocking(Blocking::File(path)) => path.display().to_string(),
            Self::Blocking(Blocking::Bytes(_)) => "bytes".to_owned(),
            Self::Blocking(Blocking::Reader(_)) | Self::Async(_) => "a reader".to_owned(),
        }
    }
}

impl Blocking {
    /// Opens it; blocks.
    pub(crate) fn open(self) -> io::Result<Opened> {
        match self {
            Self::File(path) => {
                let file = File::open(path)?;
                let about = file.metadata()?;
                if about.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                let length = about.is_file().then_some(about.len());
                Ok(Opened { reader: Box::new(file), length })
            }
            Self::Bytes(bytes) => {
                let length = Some(bytes.len() as u64);
                Ok(Opened { reader: Box::new(bytes.reader()), length })
            }
            Self::Reader(reader) => Ok(Opened { reader, length: None }),
        }
    }
}
