//! A minimal HTTP/1.1 client, which can leave before it is answered.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request that was sent. Dropping it disconnects the client.
#[derive(Debug)]
pub struct Request {
    stream: TcpStream,
}

/// The answer of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The text after the headers.
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
/// The errors of the socket.
pub async fn send(server: SocketAddr, method: &str, path: &str) -> io::Result<Request> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(Request { stream })
}

/// Sends a request as [`send`] does, and waits for the answer.
///
/// # Errors
///
/// As [`send`] and [`Request::answer`].
pub async fn ask(server: SocketAddr, method: &str, path: &str) -> anyhow::Result<Answer> {
    send(server, method, path).await?.answer().await
}

impl Request {
    /// Waits for the answer, which ends with the connection.
    ///
    /// # Errors
    ///
    /// The errors of the socket, and an answer that is not HTTP.
    pub async fn answer(mut self) -> anyhow::Result<Answer> {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).await?;
        let (head, body) = text.split_once("\r\n\r\n").context("an answer without an end of headers")?;
        let status = head.split(' ').nth(1).context("an answer without a status")?.parse()?;
        Ok(Answer { status, body: body.to_owned() })
    }
}
