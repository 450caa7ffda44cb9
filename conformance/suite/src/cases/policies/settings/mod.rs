//! Promises 3 and 4, settings: an impossible value is refused with its name and its range, whatever the order
//! of a builder's calls, and before any work. Tables have a row for each setting.

pub mod impossible_builds;
pub mod impossible_pipelines;
pub mod impossible_settings;
mod table;
