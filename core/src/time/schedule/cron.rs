//! The times of day that a cron expression matches, by the crate `croner`; time zones by `jiff`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A cron expression in a time zone. A time of day is a duration since the beginning of 1970, as that of a
/// runtime is.
pub(super) struct CronTimes {
    expression: Box<str>,
    cron: Cron,
    zone: TimeZone,
}

impl CronTimes {
    /// Reads `expression`, in `zone` or in UTC; or gives the reason for which that is not possible.
    pub(super) fn parse(expression: &str, zone: Option<&str>) -> Result<Self, Arc<str>> {
        let cron = expression
            .parse::<Cron>()
            .map_err(|error| format!("the cron expression `{expression}` is not valid: {error}"))?;
        let zone = match zone {
            Some(name) => TimeZone::get(name).map_err(|error| {
                format!("the time zone `{name}` of the cron expression `{expression}` is not valid: {error}")
            })?,
            None => TimeZone::UTC,
        };
        Ok(Self { expression: expression.into(), cron, zone })
    }

    pub(super) fn expression(&self) -> &str {
        &self.expression
    }

    /// The first time that is not before `start`; `None` if there is none.
    pub(super) fn first(&self, start: Duration) -> Option<Duration> {
        // The search is by whole seconds.
        self.search(start, start.subsec_nanos() == 0)
    }

    /// The first time after `last`; `None` if there is none.
    pub(super) fn after(&self, last: Duration) -> Option<Duration> {
        // A search that did not advance would repeat the same time without end.
        self.search(last, false).filter(|next| *next > last)
    }

    fn search(&self, from: Duration, inclusive: bool) -> Option<Duration> {
        let second = i64::try_from(from.as_secs()).ok()?;
        let from = Timestamp::from_second(second).ok()?.to_zoned(self.zone.clone());
        let found = self.cron.find_next_occurrence(&from, inclusive).ok()?;
        u64::try_from(found.timestamp().as_second()).ok().map(Duration::from_secs)
    }
}

impl fmt::Debug for CronTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cron").field("expression", &self.expression).field("zone", &self.zone).finish()
    }
}
