//! The progress bar of a program that reads files.

use indicatif::{ProgressBar, ProgressStyle};

/// Returns a bar of bytes on stderr, drawn only if that is a terminal.
///
/// # Errors
///
/// None: the template of the bar is correct.
pub fn progress_bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")?;
    Ok(ProgressBar::new(0).with_style(style))
}
