//! Permits and shutdown reports, where their holder or the program ends at any moment.

use super::Scale;
use crate::cases::{permits_swept, signal_moments};
use crate::kit::prelude::*;

/// Returns the number of seeds, and the number of moments of each.
fn size<H: Harness>(scale: Scale) -> (u64, usize) {
    match scale {
        Scale::Full if H::SEEDS > 1 => (200, 6),
        Scale::Full => (5, 8),
        Scale::Test => (1, 3),
    }
}

/// Row 24: a permit is never lost, and never given twice.
pub(super) fn permits<H: Harness>(scale: Scale) -> Result<String, Failure> {
    let (seeds, moments) = size::<H>(scale);
    let mut rows = 0;
    for seed in 0..seeds {
        let harness = H::start_with(seed)?;
        let rt = harness.runtime();
        let swept = async {
            for holder in permits_swept::HOLDERS {
                rows += permits_swept::sweep(&rt, holder, moments).await?;
            }
            Ok::<_, Failure>(())
        };
        harness.block_on(swept)?.with_context(|| format!("with seed {seed}"))?;
    }
    Ok(format!("{rows} ends of holders, with {seeds} seeds: all places are back"))
}

/// Row 25: the report of a shutdown that is requested twice.
pub(super) fn reports<H: Harness>(scale: Scale) -> Result<String, Failure> {
    let (seeds, moments) = size::<H>(scale);
    let mut rows = 0;
    for seed in 0..seeds {
        // Each seed begins far from the seeds of the next.
        rows += signal_moments::sweep::<H>(moments, seed * 10_000)?;
    }
    Ok(match rows {
        0 => "this executor never ends".into(),
        rows => format!("{rows} shutdowns told twice, with {seeds} seeds: each names what was killed"),
    })
}
