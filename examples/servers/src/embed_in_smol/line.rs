//! The lines that a client may send.

use std::io::{self, ErrorKind};

use smol::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// The largest `N` of `sum N`.
pub const MAX_N: u64 = 1000;

/// The longest line, in bytes. A line without an end is not read whole.
const MAX_LINE_BYTES: u64 = 256;

pub(super) enum Line {
    Sum(u64),
    Wait,
    Background,
    Stats,
    Quit,
}

impl Line {
    /// Parses a line. The error says what was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let number = |number: &str| number.parse().ok().filter(|number| *number <= MAX_N);
        match text.split_once(' ') {
            Some(("sum", n)) => number(n).map(Self::Sum).ok_or_else(|| format!("expected 0 to {MAX_N}")),
            None if text == "wait" => Ok(Self::Wait),
            None if text == "background" => Ok(Self::Background),
            None if text == "stats" => Ok(Self::Stats),
            None if text == "quit" => Ok(Self::Quit),
            _ => Err("expected `sum N`, `wait`, `background`, `stats` or `quit`".to_owned()),
        }
    }
}

/// Reads the next line, without its end; `None` once there are no more.
pub(super) async fn next(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = String::new();
    if reader.take(MAX_LINE_BYTES).read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    match line.strip_suffix('\n') {
        Some(text) => Ok(Some(text.trim_end_matches('\r').to_owned())),
        None => Err(io::Error::new(ErrorKind::InvalidData, "a line without an end, or too long")),
    }
}
