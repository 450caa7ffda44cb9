//! Formats of text, and the reports about malformed text.

pub mod bad_input;
pub mod csv_options;
pub mod dialects;
pub mod foreign_inputs;
pub mod headers;
pub mod json_lines;
pub mod open_quotes;
#[cfg(feature = "cases")]
pub mod properties;
#[cfg(feature = "cases")]
pub mod properties_of_options;
#[cfg(feature = "cases")]
pub mod properties_of_quotes;
pub mod row;
pub mod true_texts;
