//! Policies from a configuration file, through serde: the feature `serde`.
//!
//! A policy is a map. Its keys are `max_retries`, and the names of the methods of [`Retry`](crate::Retry) and of
//! the builders, whose docs are those of the keys. A duration is a text with units, such as `250ms`, `30s` or
//! `1h 30m`; `forever` is the longest of all, `Duration::MAX`. A key that is unknown or given twice is an error, and
//! so is a value out of its range: of a builder, once it is built. An error names its key. Functions such as
//! [`trip_if`](crate::CircuitBreakerBuilder::trip_if) are in no file: read the builder, and add them.
//!
//! ```toml
//! [retry]
//! max_retries = 4
//! backoff = { exponential = { base = "100ms", factor = 2.0, max = "20s" } } # or immediate, fixed, linear
//! jitter = "full"                                                           # or none, equal
//! max_retry_after = "1m"                                                    # bounds a `retry_after` of the program
//! budget = { max_tokens = 10, token_ratio = 0.1 }
//!
//! [breaker]
//! name = "orders"
//! window = { calls = 100 }                                                  # or time = "30s"
//! failure_rate = 0.5
//! slow_call_rate = { longer_than = "2s", rate = 0.8 }
//! open_timeout = "30s"
//!
//! [limiter]
//! name = "orders"
//! max_concurrent = 64                                                       # or adaptive = { min = 1, max = 64 }
//! rate = { count = 100, period = "1s" }
//! max_waiting = 1000
//! ```

mod breaker;
mod duration;
mod limiter;
mod retry;

pub use duration::duration;
use serde::de::{Deserialize, Error, MapAccess};

/// Reads the value of `key`. Its error names the key.
fn value<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A, key: &str) -> Result<T, A::Error> {
    map.next_value().map_err(|error| A::Error::custom(format_args!("`{key}`: {error}")))
}

/// Implements `Deserialize` for a builder: a map, whose keys change it one after the other. `$new` is the builder
/// without any of them, `$required` a key that must be there.
macro_rules! from_map {
    ($builder:ty, $what:literal, $new:expr, $($required:literal)?, { $($key:literal => $set:expr,)+ }) => {
        impl<'de> serde::Deserialize<'de> for $builder {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Settings;

                const KEYS: &[&str] = &[$($key),+];

                impl<'de> serde::de::Visitor<'de> for Settings {
                    type Value = $builder;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a map with the settings of ", $what))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$builder, A::Error> {
                        use serde::de::Error as _;

                        let (mut builder, mut seen): ($builder, Vec<&str>) = ($new, Vec::new());
                        while let Some(key) = map.next_key::<String>()? {
                            let Some(key) = KEYS.iter().copied().find(|known| *known == key) else {
                                return Err(A::Error::unknown_field(&key, KEYS));
                            };
                            if seen.contains(&key) {
                                return Err(A::Error::duplicate_field(key));
                            }
                            seen.push(key);
                            builder = match key {
                                $($key => {
                                    let set: fn($builder, _) -> $builder = $set;
                                    set(builder, $crate::configuration::value(&mut map, key)?)
                                })+
                                _ => builder,
                            };
                        }
                        $(if !seen.contains(&$required) {
                            return Err(A::Error::missing_field($required));
                        })?
                        Ok(builder)
                    }
                }

                deserializer.deserialize_struct(stringify!($builder), KEYS, Settings)
            }
        }
    };
}

use from_map;
