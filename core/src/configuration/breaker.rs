//! Circuit breakers from a configuration file.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::duration::Text;
use super::from_map;
use crate::breaker::{BreakerWindow, CircuitBreaker, CircuitBreakerBuilder};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Window {
    Calls(u32),
    Time(Text),
}

impl<'de> Deserialize<'de> for BreakerWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Window::deserialize(deserializer)? {
            Window::Calls(calls) => Self::Calls(calls),
            Window::Time(time) => Self::Time(time.0),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowCalls {
    longer_than: Text,
    rate: f64,
}

from_map!(CircuitBreakerBuilder, "a circuit breaker", CircuitBreaker::builder(), , {
    "name" => |breaker, name: String| breaker.name(name),
    "failure_threshold" => |breaker, failures| breaker.failure_threshold(failures),
    "window" => |breaker, window| breaker.window(window),
    "minimum_calls" => |breaker, calls| breaker.minimum_calls(calls),
    "failure_rate" => |breaker, rate| breaker.failure_rate(rate),
    "slow_call_rate" => |breaker, slow: SlowCalls| breaker.slow_call_rate(slow.longer_than.0, slow.rate),
    "open_timeout" => |breaker, time: Text| breaker.open_timeout(time.0),
    "half_open_calls" => |breaker, calls| breaker.half_open_calls(calls),
    "half_open_timeout" => |breaker, time: Text| breaker.half_open_timeout(time.0),
});

/// A breaker of its own for each time that it is read, closed.
impl<'de> Deserialize<'de> for CircuitBreaker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CircuitBreakerBuilder::deserialize(deserializer)?.build().map_err(D::Error::custom)
    }
}
