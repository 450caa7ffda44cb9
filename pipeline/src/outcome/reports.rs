//! The results of a pipeline for other programs, through serde: the feature `serde`. A duration is a number of
//! seconds, and an error is its reason as a text.

use crate::outcome::final_event::FinalEvent;
use crate::outcome::progress::Progress;
use crate::outcome::row_error::RowError;
use crate::outcome::source_failure::SourceError;

sweet_async_core::report_fields! {
    Progress(progress) {
        bytes_read: progress.bytes_read,
        bytes_total: progress.bytes_total,
        read: progress.read,
        handled: progress.handled,
        rejected: progress.rejected,
        dropped: progress.dropped,
        workers: progress.workers,
        elapsed: progress.elapsed.as_secs_f64(),
    }
    RowError(row) {
        source: row.source_name(),
        line: row.position().line(),
        byte: row.position().byte(),
        sequence: row.sequence(),
        error: row.reason(),
    }
    SourceError(source) {
        source: source.source_name(),
        source_index: source.source_index(),
        rows: source.rows(),
        error: source.error().reason(),
    }
    FinalEvent(summary) {
        read: summary.read(),
        handled: summary.handled(),
        rejected: summary.rejected(),
        dropped: summary.dropped(),
        duplicates: summary.duplicates(),
        bytes: summary.bytes(),
        elapsed: summary.elapsed().as_secs_f64(),
        sources: summary.sources().iter().map(|source| &**source).collect::<Vec<_>>(),
        errors: summary.errors(),
        failed_sources: summary.failed_sources(),
        source_errors: summary.source_errors(),
    }
}
