//! The layers of the pipelines: each module uses only those of its own layer and of the layers before it.

use std::error::Error;
use std::path::Path;

#[path = "../../core/tests/layers/modules.rs"]
mod modules;

use modules::{Modules, backward, circles};

/// The layers in their order. The folders of `run` are layers of their own.
const LAYERS: [&str; 15] = [
    "text",
    "event",
    "outcome",
    "policy",
    "stage",
    "queue",
    "source",
    "output",
    "collect",
    "run::shared",
    "run::read",
    "run::work",
    "run::handle",
    "build",
    "macros",
];

#[test]
fn no_layer_uses_one_after_it() -> Result<(), Box<dyn Error>> {
    let arrows = modules()?.arrows();
    assert!(arrows.len() > 100, "{} arrows were found", arrows.len());
    let backward = backward(&arrows, &LAYERS);
    assert!(backward.is_empty(), "{backward:#?}");
    Ok(())
}

#[test]
fn import_cycles_stay_small_and_within_a_layer() -> Result<(), Box<dyn Error>> {
    for circle in circles(&modules()?.arrows()) {
        let is_of_one = LAYERS.iter().any(|layer| circle.iter().all(|module| module.starts_with(layer)));
        assert!(is_of_one && circle.len() <= 5, "{circle:#?}");
    }
    Ok(())
}

fn modules() -> std::io::Result<Modules> {
    Modules::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}
