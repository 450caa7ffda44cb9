//! Orchestras, pictures: tasks with names of all kinds can be drawn as Mermaid, DOT and SVG.

use crate::kit::orchestras::{Log, noting, orchestra};
use crate::kit::prelude::*;

/// True for the characters that XML 1.0 allows.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

pub async fn names_of_all_kinds_can_be_drawn<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).name("a\u{ffff}b").build()?;
    for name in ["", "no\u{fffe}character", "&lt;b&gt;", "two\nlines", "nul\0", "\u{1b}[31m"] {
        noting(&all, &Log::default(), name)?;
    }
    all.run().await?;
    let mermaid = all.to_mermaid();
    ensure!(!mermaid.contains("[\"\"]") && mermaid.contains("t0[\" \"]:::completed"), "{mermaid}");
    ensure!(mermaid.contains("t2[\"#38;lt#59;b#38;gt#59;\"]"), "{mermaid}");
    let dot = all.to_dot();
    ensure!(dot.contains("t2 [label=\"&amp;lt;b&amp;gt;\""), "{dot}");
    ensure!(dot.contains("t3 [label=\"two\\nlines\""), "{dot}");
    let report = all.report();
    let svg = report.to_svg();
    ensure!(svg.contains("&amp;lt;b&amp;gt;") && svg.contains("no\u{fffd}character"), "{svg}");
    for picture in [&mermaid, &dot, &svg] {
        ensure!(picture.chars().all(|c| is_xml(c) && (c == '\n' || !c.is_control())), "{picture:?}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.to_json())?;
    ensure!(json.pointer("/tasks/1/name") == Some(&"no\u{fffe}character".into()), "{json}");
    Ok(())
}
