//! Durations as texts with units.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Reads a duration as a policy's are read, for other settings of a program:
/// `#[serde(deserialize_with = "sweet_async::configuration::duration")]`.
///
/// # Errors
///
/// A text without a unit, or that is no duration.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Text::deserialize(deserializer).map(|text| text.0)
}

/// A duration in a configuration file.
#[derive(Clone, Copy)]
pub(super) struct Text(pub(super) Duration);

struct DurationText;

impl Visitor<'_> for DurationText {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit, such as \"250ms\", \"30s\" or \"1h 30m\", or \"forever\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        if text == "forever" {
            return Ok(Text(Duration::MAX));
        }
        humantime::parse_duration(text)
            .map(Text)
            .map_err(|error| E::custom(format_args!("{text:?} is no duration: {error}")))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DurationText)
    }
}
