//! The answers of scripts. `None` is one that has not the form of the script's.

use std::sync::Arc;

use bytes::Bytes;
use redis::Value;

use sweet_async_pipeline::{Claim, Claims, DeadLetter, Depth, QueueMessage};

use crate::arguments::RedisReceipt;

pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

pub(crate) fn count(value: &Value) -> Option<usize> {
    number(value)?.try_into().ok()
}

pub(crate) fn depth(value: &Value) -> Option<Depth> {
    let Value::Array(counts) = value else { return None };
    let [waiting, delayed, claimed, done, dead] = counts.as_slice() else { return None };
    let count = |value| number(value)?.try_into().ok();
    Some(Depth {
        waiting: count(waiting)?,
        delayed: count(delayed)?,
        claimed: count(claimed)?,
        done: count(done)?,
        dead: count(dead)?,
    })
}

pub(crate) fn claims(value: Value, base: &Arc<str>) -> Option<Claims<RedisReceipt>> {
    let mut parts = array(value)?.into_iter();
    match number(&parts.next()?)? {
        0 => Some(Claims::Empty),
        2 => Some(Claims::Over),
        _ => {
            let claimed = array(parts.next()?)?;
            let claims: Option<Vec<_>> = claimed.into_iter().map(|value| claim(value, base)).collect();
            claims.filter(|claims| !claims.is_empty()).map(Claims::Messages)
        }
    }
}

fn claim(value: Value, base: &Arc<str>) -> Option<Claim<RedisReceipt>> {
    let [number, fence, deliveries, job, key, body] = array(value)?.try_into().ok()?;
    let receipt = RedisReceipt { base: base.clone(), number: unsigned(&number)?, fence: unsigned(&fence)? };
    Some(Claim { message: message(job, key, body)?, receipt, deliveries: small(&deliveries)? })
}

/// Dead letters, and the number of the last one.
pub(crate) fn letters(value: Value) -> Option<(Vec<DeadLetter>, u64)> {
    let mut last = 0;
    let mut letters = Vec::new();
    for value in array(value)? {
        let [number, deliveries, reason, job, key, body] = array(value)?.try_into().ok()?;
        last = unsigned(&number)?;
        letters.push(DeadLetter::new(message(job, key, body)?, small(&deliveries)?, text(reason)?));
    }
    Some((letters, last))
}

fn message(job: Value, key: Value, body: Value) -> Option<QueueMessage> {
    let Value::BulkString(body) = body else { return None };
    Some(QueueMessage::new(text(job)?, text(key)?, Bytes::from(body)))
}

fn text(value: Value) -> Option<Arc<str>> {
    let Value::BulkString(bytes) = value else { return None };
    String::from_utf8(bytes).ok().map(Arc::from)
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn unsigned(value: &Value) -> Option<u64> {
    number(value)?.try_into().ok()
}

fn small(value: &Value) -> Option<u32> {
    number(value)?.try_into().ok()
}
