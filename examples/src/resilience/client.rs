//! A single GET request, by blocking calls.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The reason for a missing answer.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// The connection was refused, broke, or took too long.
    #[error("no answer: {0}")]
    Io(#[from] io::Error),
    /// The server has answered with an error.
    #[error("the server says {0}")]
    Status(u16),
    /// The answer was not HTTP.
    #[error("no HTTP answer: {0:?}")]
    Garbled(String),
}

/// Sends a request for `number`, and returns the number that the server answers with.
///
/// # Errors
///
/// See [`GetError`].
pub fn get(address: SocketAddr, number: u32) -> Result<u32, GetError> {
    let timeout = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    write!(stream, "GET /{number} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let garbled = || GetError::Garbled(text.clone());
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(garbled)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(garbled)?;
    match status {
        200 => body.parse().map_err(|_| garbled()),
        status => Err(GetError::Status(status)),
    }
}
