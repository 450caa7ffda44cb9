//! The messages that values were published as, read as they are in the queue.

use crate::library::pipeline::{BoundedQueue, Claims, Queue as _, QueueMessage};

use super::number::Number;
use super::table::{Combination, End};
use crate::kit::prelude::*;
use crate::kit::published::LONG;

/// The name under which values are published.
pub(super) const JOB: &str = "values";

/// The length of the numbers before a message's text: the first row, the rows, the first line, the first byte.
const NUMBERS: usize = 4 * 8;

/// A message of values.
pub(super) struct Published {
    pub(super) key: String,
    /// The number of lines that the message says it has.
    pub(super) lines: u64,
    /// The values, by row and part.
    pub(super) values: Vec<(u64, u64)>,
}

impl Published {
    fn read(message: &QueueMessage) -> Result<Self, Failure> {
        let lost = || format!("{:?} is too short", message.key());
        let (_, body) = message.body().split_first().with_context(lost)?;
        let (len, body) = body.split_first_chunk::<4>().with_context(lost)?;
        let numbers = body.get(u32::from_le_bytes(*len) as usize..).with_context(lost)?;
        let (numbers, text) = numbers.split_at_checked(NUMBERS).with_context(lost)?;
        let lines = numbers.get(8..).and_then(|rest| rest.first_chunk::<8>()).with_context(lost)?;
        let text = std::str::from_utf8(text)?;
        ensure!(text.ends_with('\n'), "the last line of {:?} is cut: {text:?}", message.key());
        let numbers: Vec<Number> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self {
            key: message.key().to_owned(),
            lines: u64::from_le_bytes(*lines),
            values: numbers.iter().map(|number| (number.row(), number.part)).collect(),
        })
    }
}

/// The messages that `queue` holds, in their order. They stay there. `None` if values are not published.
pub(super) async fn messages_of(
    queue: &BoundedQueue,
    combination: Combination,
) -> Result<Option<Vec<Published>>, Failure> {
    if combination.end != End::PublishItems {
        return Ok(None);
    }
    let mut claims = Vec::new();
    while let Some(Claims::Messages(more)) = poll_once(queue.claim(None, 1, LONG)).await.transpose()? {
        claims.extend(more);
    }
    claims.iter().map(|claim| Published::read(&claim.message)).collect::<Result<_, _>>().map(Some)
}
