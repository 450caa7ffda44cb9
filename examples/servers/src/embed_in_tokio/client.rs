//! Just enough of an HTTP/1.1 client to be told apart from one that leaves.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request that was sent. Dropped, the client disconnects.
#[derive(Debug)]
pub struct Request {
    stream: TcpStream,
}

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP's status code.
    pub status: u16,
    /// What came after the headers.
    pub body: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}

/// Connects and sends a request without a body.
///
/// # Errors
///
/// Those of the socket.
pub async fn send(server: SocketAddr, method: &str, path: &str) -> io::Result<Request> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(Request { stream })
}

/// As [`send`], and waits for the answer.
///
/// # Errors
///
/// As [`Request::answer`].
pub async fn ask(server: SocketAddr, method: &str, path: &str) -> anyhow::Result<Answer> {
    send(server, method, path).await?.answer().await
}

impl Request {
    /// Waits for the answer, which ends with the connection.
    ///
    /// # Errors
    ///
    /// Those of the socket, and an answer that is not HTTP.
    pub async fn answer(mut self) -> anyhow::Result<Answer> {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).await?;
        let (head, body) = text.split_once("\r\n\r\n").context("an answer without an end of headers")?;
        let status = head.split(' ').nth(1).context("an answer without a status")?.parse()?;
        Ok(Answer { status, body: body.to_owned() })
    }
}
