//! What is given back, and what is told, wherever the holder and the program are ended.

use super::Scale;
use crate::cases::{places_swept, told_moments};
use crate::kit::prelude::*;

/// How many seeds, and how many moments of each.
fn size<H: Harness>(scale: Scale) -> (u64, usize) {
    match scale {
        Scale::Full if H::SEEDS > 1 => (200, 6),
        Scale::Full => (5, 8),
        Scale::Test => (1, 3),
    }
}

/// Row 24: a place is never lost, and never given twice.
pub(super) fn places<H: Harness>(scale: Scale) -> Result<String, Failure> {
    let (seeds, moments) = size::<H>(scale);
    let mut rows = 0;
    for seed in 0..seeds {
        let harness = H::start_with(seed)?;
        let rt = harness.runtime();
        let swept = async {
            for holder in places_swept::HOLDERS {
                rows += places_swept::sweep(&rt, holder, moments).await?;
            }
            Ok::<_, Failure>(())
        };
        harness.block_on(swept)?.with_context(|| format!("with seed {seed}"))?;
    }
    Ok(format!("{rows} ends of holders, with {seeds} seeds: all places are back"))
}

/// Row 25: the report of a shutdown that is told twice.
pub(super) fn reports<H: Harness>(scale: Scale) -> Result<String, Failure> {
    let (seeds, moments) = size::<H>(scale);
    let mut rows = 0;
    for seed in 0..seeds {
        // Far from the seeds of the next.
        rows += told_moments::sweep::<H>(moments, seed * 10_000)?;
    }
    Ok(match rows {
        0 => "this executor never ends".into(),
        rows => format!("{rows} shutdowns told twice, with {seeds} seeds: each names what was killed"),
    })
}
