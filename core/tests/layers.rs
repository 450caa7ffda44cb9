//! The layers of core: each module uses modules of its own layer and of the layers before it.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

#[path = "layers/modules.rs"]
mod modules;

use modules::{Modules, backward, circles, is_in};

/// The layers, in their order. The folders of `task` are layers of their own.
const LAYERS: [&str; 30] = [
    "sync",
    "vocabulary",
    "error",
    "panic",
    "body",
    "retry",
    "hedge",
    "chaos",
    "metrics",
    "adaptive",
    "runtime",
    "tree",
    "time",
    "breaker",
    "limit",
    "keyed",
    "configuration",
    "program",
    "task::settings",
    "task::view",
    "task::work",
    "task::lifecycle",
    "task::layers",
    "task::handle",
    "task::capabilities",
    "task::builder",
    "task::group",
    "task::macros",
    "task",
    "reports",
];

/// The largest circle that is permitted. It is the only one that leaves a folder: a task knows its runtime,
/// and a runtime the root of its tasks.
const LARGEST_CIRCLE: usize = 9;

#[test]
fn no_layer_uses_one_after_it_but_runtime_and_tree_each_other() -> Result<(), Box<dyn Error>> {
    let arrows = modules()?.arrows();
    assert!(arrows.len() > 100, "{} arrows were found", arrows.len());
    let mut backward = backward(&arrows, &LAYERS);
    backward.retain(|(from, to)| !(is_in(from, "runtime") && to == "tree::root"));
    assert!(backward.is_empty(), "{backward:#?}");
    Ok(())
}

#[test]
fn import_cycles_stay_small_and_within_a_folder() -> Result<(), Box<dyn Error>> {
    let circles = circles(&modules()?.arrows());
    for circle in &circles {
        let folders: BTreeSet<_> =
            circle.iter().map(|module| module.rsplit_once("::").map(|(folder, _)| folder)).collect();
        let is_inherent =
            circle.iter().all(|module| module.starts_with("runtime::") || module.starts_with("tree::"));
        assert!(is_inherent || folders.len() == 1, "{circle:#?}");
    }
    assert!(circles.iter().all(|circle| circle.len() <= LARGEST_CIRCLE), "{circles:#?}");
    Ok(())
}

fn modules() -> std::io::Result<Modules> {
    Modules::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}
