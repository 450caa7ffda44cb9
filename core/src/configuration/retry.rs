//! Retries from a configuration file.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::duration::Text;
use super::from_map;
use crate::retry::{Jitter, Retry, RetryBudget, RetryStrategy};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Strategy {
    Immediate,
    Fixed { delay: Text },
    Linear { base: Text, step: Text, max: Text },
    Exponential { base: Text, factor: f64, max: Text },
}

impl<'de> Deserialize<'de> for RetryStrategy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let strategy = match Strategy::deserialize(deserializer)? {
            Strategy::Immediate => Self::Immediate,
            Strategy::Fixed { delay } => Self::Fixed { delay: delay.0 },
            Strategy::Linear { base, step, max } => Self::Linear { base: base.0, step: step.0, max: max.0 },
            Strategy::Exponential { base, factor, max } => {
                Self::Exponential { base: base.0, factor, max: max.0 }
            }
        };
        strategy.check().map_err(D::Error::custom)?;
        Ok(strategy)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum JitterName {
    None,
    Full,
    Equal,
}

impl<'de> Deserialize<'de> for Jitter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match JitterName::deserialize(deserializer)? {
            JitterName::None => Self::None,
            JitterName::Full => Self::Full,
            JitterName::Equal => Self::Equal,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    max_tokens: u32,
    token_ratio: f64,
}

impl<'de> Deserialize<'de> for RetryBudget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Budget { max_tokens, token_ratio } = Budget::deserialize(deserializer)?;
        let budget = Self::new(max_tokens, token_ratio);
        budget.check().map_err(D::Error::custom)?;
        Ok(budget)
    }
}

from_map!(Retry, "a retry", Self::Value::default(), "max_retries", {
    "max_retries" => |retry, retries| retry.with_retries(retries),
    "backoff" => |retry, strategy| retry.backoff(strategy),
    "jitter" => |retry, jitter| retry.jitter(jitter),
    "max_retry_after" => |retry, most: Text| retry.max_retry_after(most.0),
    "budget" => |retry, budget: RetryBudget| retry.budget(&budget),
});
