//! The layers of the orchestra: each module uses those of its own layer and of the ones before it.

use std::error::Error;
use std::path::Path;

#[path = "../../core/tests/layers/modules.rs"]
mod modules;

use modules::{Modules, backward, circles};

/// In their order.
const LAYERS: [&str; 8] =
    ["status", "error", "edge_policy", "graph", "execution", "registry", "orchestrator", "report"];

#[test]
fn no_layer_uses_one_after_it_but_a_session_its_orchestrator() -> Result<(), Box<dyn Error>> {
    let arrows = modules()?.arrows();
    assert!(arrows.len() > 50, "{} arrows were found", arrows.len());
    let mut backward = backward(&arrows, &LAYERS);
    // The one circle that is left: a session tells the orchestrator of its end, and asks it whether it is closed.
    backward.retain(|(from, to)| !(from == "execution::session" && to == "orchestrator::shared"));
    assert!(backward.is_empty(), "{backward:#?}");
    Ok(())
}

#[test]
fn circles_of_files_are_not_larger_than_they_were() -> Result<(), Box<dyn Error>> {
    let circles = circles(&modules()?.arrows());
    assert!(circles.iter().all(|circle| circle.len() <= 7), "{circles:#?}");
    Ok(())
}

fn modules() -> std::io::Result<Modules> {
    Modules::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}
