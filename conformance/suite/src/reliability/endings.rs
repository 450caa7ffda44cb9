//! Permits and shutdown reports, where their holder or the program ends at any moment.

use super::Scale;
use crate::Flavour;
use crate::cases::{permits_swept, signal_moments};
use crate::kit::prelude::*;

/// Returns the number of seeds, and the number of moments of each.
fn size(flavour: &Flavour, scale: Scale) -> (u64, usize) {
    match scale {
        Scale::Full if flavour.seeds > 1 => (200, 6),
        Scale::Full => (5, 8),
        Scale::Test => (1, 3),
    }
}

/// Row 24: a permit is never lost, and never given twice.
pub(super) fn permits(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let (seeds, moments) = size(flavour, scale);
    let mut rows = 0;
    for seed in 0..seeds {
        let harness = flavour.start_with(seed)?;
        let rt = harness.runtime();
        let swept = async {
            for holder in permits_swept::HOLDERS {
                rows += permits_swept::sweep(&rt, holder, moments).await?;
            }
            Ok::<_, Failure>(())
        };
        harness.block_on(swept)?.with_context(|| format!("with seed {seed}"))?;
    }
    Ok(format!("{rows} ends of holders, with {seeds} seeds: all permits are back"))
}

/// Row 25: the report of a shutdown that is requested twice.
pub(super) fn reports(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let (seeds, moments) = size(flavour, scale);
    if flavour.never_ends {
        return Ok("this executor never ends".into());
    }
    let mut rows = 0;
    for seed in 0..seeds {
        // Each seed begins far from the seeds of the next.
        rows += signal_moments::sweep(moments, seed * 10_000, |seed, at| {
            let harness = flavour.start_with(seed)?;
            let is_exact = flavour.facts.polls_on_caller;
            harness.block_on(signal_moments::signalled_at(harness.runtime(), at, is_exact))?
        })?;
    }
    Ok(format!("{rows} shutdowns requested twice, with {seeds} seeds: each names the killed tasks"))
}
