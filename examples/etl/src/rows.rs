//! The rows of the files and of the database, and the transformations between them.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// A measured day.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Day {
    /// Year/month/day.
    pub date: String,
    /// In millimetres.
    pub precipitation: f64,
    /// In degrees Celsius.
    pub temp_max: f64,
    /// In degrees Celsius.
    pub temp_min: f64,
    /// One word; after the transformation, several.
    pub weather: String,
}

/// The meaning of a word for the weather.
#[derive(Clone, Debug, Deserialize)]
pub struct Condition {
    /// The word.
    pub weather: String,
    /// The meaning.
    pub description: String,
}

/// A corrected value for a day.
#[derive(Clone, Debug, Deserialize)]
pub struct Correction {
    /// The day.
    pub date: String,
    /// In millimetres.
    pub precipitation: f64,
}

/// The season of a month.
#[derive(Clone, Debug, Deserialize)]
pub struct Season {
    /// From 1.
    pub month: u32,
    /// One word.
    pub season: String,
}

/// The forecast for a day.
#[derive(Clone, Debug, Deserialize)]
pub struct Forecast {
    /// The day.
    pub date: String,
    /// In degrees Celsius.
    pub temp_max: f64,
}

/// A month, over all years.
#[derive(Clone, Debug, PartialEq)]
pub struct Month {
    /// From 1.
    pub month: u32,
    /// Its season.
    pub season: String,
    /// The number of days that were measured.
    pub days: usize,
    /// The precipitation of all of them, in millimetres.
    pub precipitation: f64,
    /// The highest temperature, in degrees Celsius.
    pub temp_max: f64,
}

/// Returns the days with the corrections and the descriptions applied.
pub(super) fn corrected(days: &[Day], conditions: &[Condition], corrections: &[Correction]) -> Vec<Day> {
    let descriptions: HashMap<&str, &str> =
        conditions.iter().map(|condition| (&*condition.weather, &*condition.description)).collect();
    let precipitation_by_date: HashMap<&str, f64> =
        corrections.iter().map(|correction| (&*correction.date, correction.precipitation)).collect();
    let correct = |day: &Day| Day {
        precipitation: precipitation_by_date.get(&*day.date).copied().unwrap_or(day.precipitation),
        weather: descriptions
            .get(&*day.weather)
            .map_or_else(|| day.weather.clone(), |text| (*text).to_owned()),
        ..day.clone()
    };
    days.iter().map(correct).collect()
}

/// Summarises the days by month. A day whose date has no month is left out.
pub(super) fn months(days: &[Day], seasons: &HashMap<u32, String>) -> Vec<Month> {
    let mut months: BTreeMap<u32, Month> = BTreeMap::new();
    for day in days {
        let Some(Ok(number)) = day.date.split('/').nth(1).map(str::parse::<u32>) else { continue };
        let month = months.entry(number).or_insert_with(|| Month {
            month: number,
            season: seasons.get(&number).cloned().unwrap_or_default(),
            days: 0,
            precipitation: 0.0,
            temp_max: f64::NEG_INFINITY,
        });
        month.days += 1;
        month.precipitation += day.precipitation;
        month.temp_max = month.temp_max.max(day.temp_max);
    }
    months.into_values().collect()
}
