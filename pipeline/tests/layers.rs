//! The layers of the pipelines: each module uses only those of its own layer and of the layers before it.

use std::error::Error;
use std::path::Path;

#[path = "../../core/tests/layers/modules.rs"]
mod modules;

use modules::{Modules, backward, circles, is_in};

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

/// The largest circle that is permitted, and only within `text`: a splitter reads the layout of CSV, fills a
/// table, and the table has the layout.
const LARGEST_CIRCLE: usize = 3;

#[test]
fn no_layer_uses_one_after_it() -> Result<(), Box<dyn Error>> {
    let arrows = modules()?.arrows();
    assert!(arrows.len() > 100, "{} arrows were found", arrows.len());
    let backward = backward(&arrows, &LAYERS);
    assert!(backward.is_empty(), "{backward:#?}");
    Ok(())
}

#[test]
fn import_cycles_are_within_the_text_alone() -> Result<(), Box<dyn Error>> {
    for circle in circles(&modules()?.arrows()) {
        let is_of_text = circle.iter().all(|module| is_in(module, "text"));
        assert!(is_of_text && circle.len() <= LARGEST_CIRCLE, "{circle:#?}");
    }
    Ok(())
}

fn modules() -> std::io::Result<Modules> {
    Modules::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}
