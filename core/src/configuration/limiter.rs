//! Limiters from a configuration file.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::duration::Text;
use super::from_map;
use crate::limit::{Limiter, LimiterBuilder};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    min: usize,
    max: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    count: u32,
    period: Text,
}

from_map!(LimiterBuilder, "a limiter", Limiter::builder(), , {
    "name" => |limiter, name: String| limiter.name(name),
    "max_concurrent" => |limiter, most| limiter.max_concurrent(most),
    "adaptive" => |limiter, range: Range| limiter.adaptive(range.min..=range.max),
    "rate" => |limiter, rate: Rate| limiter.rate(rate.count, rate.period.0),
    "max_waiting" => |limiter, most| limiter.max_waiting(most),
    "ageing" => |limiter, interval: Text| limiter.ageing(interval.0),
});

/// A limiter of its own for each time that it is read.
impl<'de> Deserialize<'de> for Limiter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LimiterBuilder::deserialize(deserializer)?.build().map_err(D::Error::custom)
    }
}
