//! A conversion of weather between CSV and JSON Lines, in bounded memory and in the order of the rows.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde::{Deserialize, Serialize};
use sweet_async::pipeline::Progress;
use sweet_async::prelude::*;

/// A row, in either format.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Day {
    /// The day.
    pub date: String,
    /// In millimetres.
    pub precipitation: f64,
    /// In degrees Celsius.
    pub temp_max: f64,
    /// In degrees Celsius.
    pub temp_min: f64,
    /// In metres per second.
    pub wind: f64,
    /// The column `weather`, which is written as `conditions`. A file that was written can be read again.
    #[serde(rename(serialize = "conditions"), alias = "conditions")]
    pub weather: String,
}

enum Format {
    Csv,
    JsonLines,
}

impl Format {
    /// Returns the format that a file's name says. The pipeline itself finds the compression.
    fn of(file: &Path) -> anyhow::Result<Self> {
        let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(name);
        match name.rsplit_once('.') {
            Some((_, "csv")) => Ok(Self::Csv),
            Some((_, "jsonl")) => Ok(Self::JsonLines),
            _ => {
                bail!("{}: the name is to end with .csv or .jsonl, and .gz or .zst after it", file.display())
            }
        }
    }
}

/// Converts the file `from` to the file `to`, with the days whose weather is `only`, or with all. Rows are parsed
/// and filtered in parallel, and written in their order. The first row that cannot be read ends it, and then `to`
/// is not there, or as it was before.
///
/// # Errors
///
/// The name of a file says no format; the file cannot be read, or a row of it; or `to` cannot be written.
pub async fn convert(
    from: PathBuf,
    to: PathBuf,
    only: Option<String>,
    on_progress: impl Fn(Progress) + Send + Sync + 'static,
) -> anyhow::Result<FinalEvent> {
    let (read, written) = (Format::of(&from)?, Format::of(&to)?);
    let days = AsyncTask::emits::<Day>()
        .ordered()
        .on_progress(on_progress)
        .sender(move |sources| {
            let file = sources.of_file(from);
            match read {
                Format::Csv => file.into_chunks(64.kib()),
                Format::JsonLines => file.json_lines().into_chunks(64.kib()),
            }
        })
        .filter(move |day| only.as_ref().is_none_or(|weather| *weather == day.weather));
    Ok(match written {
        Format::Csv => days.write_csv(to).await?,
        Format::JsonLines => days.write_json_lines(to).await?,
    })
}
