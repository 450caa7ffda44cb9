//! Receipts, keys and times as arguments of scripts.
//!
//! Lists are one argument each, however long they are: a command has a limit to the number of its arguments.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// The longest time, about 126 years. Added to the server's, it is still an exact number in a script.
const MOST_MICROS: u64 = 4_000_000_000_000_000;

/// The receipt of a message of a [`RedisQueue`](crate::RedisQueue): the queue, the number of the message, and that of
/// the delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedisReceipt {
    /// The beginning of the queue's keys.
    pub(crate) base: Arc<str>,
    pub(crate) number: u64,
    pub(crate) fence: u64,
}

/// Packs the receipts of this queue. Those of other queues are of no message here.
pub(crate) fn packed_receipts(base: &str, receipts: &[RedisReceipt]) -> String {
    let mut packed = String::with_capacity(receipts.len() * 24);
    for RedisReceipt { number, fence, .. } in receipts.iter().filter(|receipt| &*receipt.base == base) {
        // A `String` takes everything.
        let _ = write!(packed, "{number} {fence} ");
    }
    packed
}

/// Packs keys, each after its length and a colon.
pub(crate) fn packed_keys(keys: &[Arc<str>]) -> String {
    let mut packed = String::new();
    for key in keys {
        // A `String` takes everything.
        let _ = write!(packed, "{}:{key}", key.len());
    }
    packed
}

/// A time in microseconds, rounded up.
pub(crate) fn micros(time: Duration) -> u64 {
    let micros = time.as_nanos().div_ceil(1000);
    u64::try_from(micros).unwrap_or(MOST_MICROS).min(MOST_MICROS)
}

/// The beginning of a queue's keys. Two queues never have the same one, whatever is in the names.
pub(crate) fn base(prefix: &str, name: &str) -> String {
    let mut base = String::with_capacity(prefix.len() + name.len() + 3);
    base.push('{');
    push_escaped(&mut base, prefix);
    base.push(':');
    push_escaped(&mut base, name);
    base.push('}');
    base
}

fn push_escaped(base: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            // `}` ends the hash tag, `:` the prefix.
            '%' => base.push_str("%25"),
            ':' => base.push_str("%3A"),
            '{' => base.push_str("%7B"),
            '}' => base.push_str("%7D"),
            _ => base.push(character),
        }
    }
}
