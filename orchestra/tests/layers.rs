//! The layers of the orchestra: each module uses those of its own layer and of the ones before it.

use std::error::Error;
use std::path::Path;

#[path = "../../core/tests/layers/modules.rs"]
mod modules;

use modules::{Modules, backward, circles};

/// The layers, in their order.
const LAYERS: [&str; 9] =
    ["status", "graph", "durable", "error", "edge_policy", "execution", "registry", "orchestrator", "report"];

#[test]
fn no_layer_uses_one_after_it() -> Result<(), Box<dyn Error>> {
    let arrows = modules()?.arrows();
    assert!(arrows.len() > 50, "{} arrows were found", arrows.len());
    let backward = backward(&arrows, &LAYERS);
    assert!(backward.is_empty(), "{backward:#?}");
    Ok(())
}

#[test]
fn no_modules_lead_to_each_other() -> Result<(), Box<dyn Error>> {
    let circles = circles(&modules()?.arrows());
    assert!(circles.is_empty(), "{circles:#?}");
    Ok(())
}

fn modules() -> std::io::Result<Modules> {
    Modules::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}
