//! No case is forgotten: what is written in the topics' files is what the list names.

use std::collections::BTreeSet;
use std::path::Path;

use conformance::{CASES, Failure, Outcome};

/// The names of all functions in the topics' files that have the shape of a case.
fn written() -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases"))? {
        let path = entry?.path();
        let Some(topic) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        for line in std::fs::read_to_string(&path)?.lines() {
            let case = line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub fn "));
            if let Some((name, _)) = case.and_then(|case| case.split_once('<')) {
                names.insert(format!("{topic}::{name}"));
            }
        }
    }
    Ok(names)
}

#[test]
fn every_case_that_is_written_is_listed() -> Outcome {
    let listed: BTreeSet<String> = CASES.iter().map(|case| (*case).to_owned()).collect();
    anyhow::ensure!(listed.len() == CASES.len(), "a case is listed twice");
    let written = written()?;
    let forgotten: Vec<_> = written.difference(&listed).collect();
    anyhow::ensure!(forgotten.is_empty(), "written and not listed: {forgotten:?}");
    anyhow::ensure!(written.len() == listed.len() && listed.len() >= 80, "{} cases", listed.len());
    Ok(())
}
