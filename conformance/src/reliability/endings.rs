//! What is given back, wherever its holder is ended.

use super::Scale;
use crate::cases::places_swept;
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
