//! The graph as text for programs that draw it: Mermaid and Graphviz.

use std::fmt::Write as _;

use crate::edge_policy::EdgePolicy;
use crate::orchestrator::handle::Orchestrator;
use crate::report::captions::shown;
use crate::status::NodeStatus;
use sweet_async_core::runtime::RuntimeSource;

/// One colour for each status, in pictures of all kinds: the status, the fill, and the line around it.
pub(crate) const COLOURS: [(&str, &str, &str); 7] = [
    ("completed", "#7fcf9f", "#2b7a4b"),
    ("running", "#8fbdf0", "#2f66a8"),
    ("pending cancellation", "#c9b6ee", "#6b4fa3"),
    ("failed", "#f2998f", "#b3261e"),
    ("cancelled", "#f6d186", "#9a6b00"),
    ("skipped", "#d3d7dc", "#7b828c"),
    ("pending", "#f4f5f7", "#9aa1ab"),
];

/// The fill and the line of `status`.
pub(crate) fn colours(status: &str) -> (&'static str, &'static str) {
    if status == "critical path" {
        return ("#ffffff", "#1b1f24");
    }
    let found = COLOURS.iter().find(|(word, ..)| *word == status);
    found.map_or(("#f4f5f7", "#9aa1ab"), |(_, fill, line)| (fill, line))
}

/// Escapes `text` for Mermaid, which ends a label at a quote, knows characters by their numbers, and refuses
/// an empty label.
fn for_mermaid(text: &str) -> String {
    if text.is_empty() {
        return " ".to_owned();
    }
    let escaped = |c: char| match shown(c) {
        '"' | '#' | '<' | '>' | '&' | '`' | '\\' | ';' => format!("#{};", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Escapes `text` for Graphviz, which reads labels as HTML does: `&lt;` is a `<` to it.
fn for_dot(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        '&' => "&amp;".to_owned(),
        c => shown(c).to_string(),
    };
    text.chars().map(escaped).collect()
}

/// The graph at one moment.
struct Picture {
    nodes: Vec<(String, NodeStatus)>,
    /// The edges, each once: the dependency, the dependent, and the condition.
    edges: Vec<(usize, usize, EdgePolicy)>,
}

impl<S: RuntimeSource> Orchestrator<S> {
    fn picture(&self) -> Picture {
        let registry = self.shared.registry();
        let nodes = registry.entries.iter().map(|entry| (entry.name.to_string(), entry.status())).collect();
        let mut edges = Vec::with_capacity(registry.graph.edges());
        for node in 0..registry.graph.len() {
            let mut above: Vec<_> = registry.graph.above(node).map(|link| (link.node, link.edge)).collect();
            above.sort_unstable_by_key(|(on, policy)| (*on, *policy == EdgePolicy::AnyEnd));
            above.dedup();
            edges.extend(above.into_iter().map(|(on, policy)| (on, node, policy)));
        }
        Picture { nodes, edges }
    }

    /// The graph as a Mermaid flowchart. Each task has the colour of its status; dotted edges are those of
    /// [`EdgePolicy::AnyEnd`].
    pub fn to_mermaid(&self) -> String {
        let Picture { nodes, edges } = self.picture();
        let mut text = String::from("flowchart LR\n");
        for (number, (name, status)) in nodes.iter().enumerate() {
            let class = status.as_str().replace(' ', "_");
            let _ = writeln!(text, "    t{number}[\"{}\"]:::{class}", for_mermaid(name));
        }
        for (from, to, policy) in edges {
            let arrow = if policy == EdgePolicy::AnyEnd { "-. any end .->" } else { "-->" };
            let _ = writeln!(text, "    t{from} {arrow} t{to}");
        }
        for (word, fill, line) in COLOURS {
            if nodes.iter().any(|(_, status)| status.as_str() == word) {
                let class = word.replace(' ', "_");
                let _ = writeln!(text, "    classDef {class} fill:{fill},stroke:{line},color:#1b1f24");
            }
        }
        text
    }

    /// As [`to_mermaid`](Self::to_mermaid), for Graphviz.
    pub fn to_dot(&self) -> String {
        let Picture { nodes, edges } = self.picture();
        let mut text = String::from(
            "digraph orchestra {\n    rankdir=LR;\n    node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
        );
        for (number, (name, status)) in nodes.iter().enumerate() {
            let (fill, line) = colours(status.as_str());
            let (name, status) = (for_dot(name), for_dot(&status.to_string()));
            let _ = writeln!(
                text,
                "    t{number} [label=\"{name}\", tooltip=\"{status}\", fillcolor=\"{fill}\", color=\"{line}\"];"
            );
        }
        for (from, to, policy) in edges {
            let style = if policy == EdgePolicy::AnyEnd { " [style=dotted, label=\"any end\"]" } else { "" };
            let _ = writeln!(text, "    t{from} -> t{to}{style};");
        }
        text.push_str("}\n");
        text
    }
}
