//! The formats of text: each as a type, with its options, its decoders and its kind of queue message.

#[cfg(feature = "csv")]
pub(crate) mod csv;
pub(crate) mod csv_options;
pub(crate) mod header;
#[cfg(feature = "json")]
pub(crate) mod json_lines;
pub(crate) mod lines;
pub(crate) mod marker;
