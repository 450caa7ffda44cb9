//! A batch: the plan that one start makes of the registry.

use std::sync::Arc;

use crate::edge_policy::EdgePolicy;
use crate::execution::batch::{Batch, Seed};
use crate::execution::node_state::Link;
use crate::execution::session::Session;
use crate::registry::description::Registry;
use crate::registry::registration::Stage;
use crate::status::Cause;
use sweet_async_core::runtime::Runtime;

/// A plan, and what is to be said to it once it is counted.
pub(crate) struct Planned<R: Runtime> {
    pub(crate) plan: Arc<Batch<R>>,
    /// Those of earlier plans that some of it wait for.
    pub(crate) late: Vec<(Arc<Batch<R>>, u32, Link)>,
    pub(crate) skipped: Vec<(u32, Cause)>,
}

impl<R: Runtime> Registry<R> {
    /// Makes a plan for `run` of those of `roots` and of what they depend on that were not started; `None` if there are none.
    pub(crate) fn plan(&mut self, run: &Arc<Session<R>>, roots: Vec<usize>) -> Option<Planned<R>> {
        const NONE: u32 = u32::MAX;
        let mut wanted = self.graph.with_above(roots);
        wanted.retain(|number| self.is_registered(*number));
        if wanted.is_empty() {
            return None;
        }
        wanted.sort_unstable();
        let mut places = vec![NONE; self.graph.len()];
        for (place, number) in (0..).zip(&wanted) {
            if let Some(own) = places.get_mut(*number) {
                *own = place;
            }
        }
        let place = |number: usize| places.get(number).copied().filter(|place| *place != NONE);
        let (mut late, mut skipped, mut seeds) = (Vec::new(), Vec::new(), Vec::with_capacity(wanted.len()));
        for (own, number) in (0..).zip(&wanted) {
            let mut unmet = 0;
            for link in self.graph.above(*number) {
                let stage = self.entries.get(link.node).map(|entry| &entry.stage);
                match (stage, link.edge) {
                    (Some(Stage::Registered(_)), _) => unmet += 1,
                    (Some(Stage::Started(plan, index)), policy) => {
                        unmet += 1;
                        late.push((plan.clone(), *index, Link { to: own, policy }));
                    }
                    // Unmet for good, so that it does not begin before it is skipped.
                    (Some(Stage::Skipped(cause)), EdgePolicy::Success) => {
                        unmet += 1;
                        skipped.push((own, cause.clone()));
                    }
                    (Some(Stage::Cancelled), EdgePolicy::Success) => {
                        unmet += 1;
                        skipped.push((own, Cause { task: self.name(link.node), cancelled: true }));
                    }
                    _ => {}
                }
            }
            let below = self.graph.below(*number).iter();
            let below = below.filter_map(|link| Some(Link { to: place(link.node)?, policy: link.edge }));
            seeds.push((unmet, below.collect::<Vec<_>>()));
        }
        let mut cells = Vec::with_capacity(wanted.len());
        for (number, (unmet, below)) in wanted.iter().zip(seeds) {
            let Some(entry) = self.entries.get_mut(*number) else { continue };
            if let Stage::Registered(work) = std::mem::replace(&mut entry.stage, Stage::Cancelled) {
                let (name, values) = (entry.name.clone(), entry.values.clone());
                cells.push(Seed { name, work, values, unmet, below });
            }
        }
        let plan = Batch::new(run.clone(), cells, false);
        for (index, number) in (0..).zip(&wanted) {
            if let Some(entry) = self.entries.get_mut(*number) {
                entry.stage = Stage::Started(plan.clone(), index);
            }
        }
        Some(Planned { plan, late, skipped })
    }
}
