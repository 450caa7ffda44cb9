//! What is read, and what becomes of it.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// A day, as it was measured.
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
    /// In a word; after the transformation, in several.
    pub weather: String,
}

/// What a word for the weather means.
#[derive(Clone, Debug, Deserialize)]
pub struct Condition {
    /// The word.
    pub weather: String,
    /// What it means.
    pub description: String,
}

/// A better value for a day.
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
    /// In a word.
    pub season: String,
}

/// What is expected of a day.
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
    /// How many days were measured.
    pub days: usize,
    /// Of all of them, in millimetres.
    pub precipitation: f64,
    /// The highest, in degrees Celsius.
    pub temp_max: f64,
}

/// The days with what is known better, and with descriptions.
pub(super) fn corrected(days: &[Day], conditions: &[Condition], corrections: &[Correction]) -> Vec<Day> {
    let means: HashMap<&str, &str> =
        conditions.iter().map(|condition| (&*condition.weather, &*condition.description)).collect();
    let better: HashMap<&str, f64> =
        corrections.iter().map(|correction| (&*correction.date, correction.precipitation)).collect();
    let correct = |day: &Day| Day {
        precipitation: better.get(&*day.date).copied().unwrap_or(day.precipitation),
        weather: means.get(&*day.weather).map_or_else(|| day.weather.clone(), |means| (*means).to_owned()),
        ..day.clone()
    };
    days.iter().map(correct).collect()
}

/// The months of the days; a date that is none is left out.
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
