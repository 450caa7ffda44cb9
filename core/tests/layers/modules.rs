//! The arrows between the modules of a crate, read from its files: from each path that begins with `crate`,
//! `super` or `self` to the module that defines its item.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

/// A path of names, from the root of the crate.
type Names = Vec<String>;

pub(crate) struct Modules {
    /// The code of each module, without comments and re-exports.
    code: BTreeMap<Names, String>,
    passed_on: PassedOn,
}

/// The re-exports of each module: the name in the module, and the path that it stands for.
type PassedOn = BTreeMap<(Names, String), Names>;

/// An arrow from a module to another one that it uses.
pub(crate) type Arrow = (String, String);

impl Modules {
    pub(crate) fn of(source: &Path) -> io::Result<Self> {
        let mut texts = BTreeMap::new();
        collect(source, &[], &mut texts)?;
        let mut modules = Self {
            code: texts.keys().map(|name| (name.clone(), String::new())).collect(),
            passed_on: BTreeMap::new(),
        };
        for (name, text) in &texts {
            let (code, passed_on) = modules.split(name, text);
            modules.passed_on.extend(passed_on);
            modules.code.insert(name.clone(), code);
        }
        Ok(modules)
    }

    /// The code of a module, and its re-exports.
    fn split(&self, name: &Names, text: &str) -> (String, PassedOn) {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let (mut code, mut passed_on, mut statement) = (String::new(), PassedOn::new(), None::<String>);
        for line in lines {
            let begins = ["pub use ", "pub(crate) use "].iter().find_map(|start| line.strip_prefix(start));
            let part = begins.or(statement.is_some().then_some(line));
            let Some(part) = part else {
                code.push_str(line);
                code.push('\n');
                continue;
            };
            let so_far = statement.get_or_insert_default();
            so_far.push_str(part);
            so_far.push(' ');
            if !line.contains(';') {
                continue;
            }
            let (mut paths, whole) = (Vec::new(), statement.take().unwrap_or_default());
            tree(whole.trim_start(), Vec::new(), &mut paths);
            for path in paths {
                let own = self.absolute(name, &path).unwrap_or_default();
                passed_on.extend(path.last().map(|item| ((name.clone(), item.clone()), own)));
            }
        }
        (code, passed_on)
    }

    /// `path` as it is written in `module`, from the root of the crate; `None` if it begins in another crate.
    fn absolute(&self, module: &Names, path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        let mut names = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => module.clone(),
            _ => {
                let child: Names = module.iter().chain([first]).cloned().collect();
                return self
                    .code
                    .contains_key(&child)
                    .then(|| child.into_iter().chain(rest.iter().cloned()).collect());
            }
        };
        if first == "super" {
            names.pop();
        }
        for name in rest {
            if name == "super" {
                names.pop();
            } else {
                names.push(name.clone());
            }
        }
        Some(names)
    }

    /// The module that defines the item of an absolute path.
    fn home(&self, path: &[String], depth: usize) -> Names {
        let is_module =
            |length: &usize| path.get(..*length).is_some_and(|names| self.code.contains_key(names));
        let length = (0..=path.len()).rev().find(is_module).unwrap_or(0);
        let (module, rest) = path.split_at(length);
        let from = rest.first().and_then(|item| self.passed_on.get(&(module.to_vec(), item.clone())));
        match from {
            Some(from) if depth < 8 && !from.is_empty() => self.home(from, depth + 1),
            _ => module.to_vec(),
        }
    }

    /// Every arrow, except for those of the modules that re-export the public items: the root and `extend`.
    pub(crate) fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (module, code) in &self.code {
            if module.is_empty() || module.join("::") == "extend" {
                continue;
            }
            for path in paths(code) {
                let Some(path) = self.absolute(module, &path) else { continue };
                let home = self.home(&path, 0);
                if home != *module && !home.is_empty() {
                    arrows.insert((module.join("::"), home.join("::")));
                }
            }
        }
        arrows
    }
}

fn collect(folder: &Path, above: &[String], texts: &mut BTreeMap<Names, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(stem) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
        let mut name = above.to_vec();
        if path.is_dir() {
            name.push(stem);
            collect(&path, &name, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            if stem != "mod" && stem != "lib" {
                name.push(stem);
            }
            texts.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The paths of `code` that begin in this crate, those of `use` included.
fn paths(code: &str) -> Vec<Names> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code.get(..at).and_then(|before| before.chars().next_back());
            if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':') {
                continue;
            }
            tree(code.get(at..).unwrap_or_default(), Vec::new(), &mut found);
        }
    }
    found
}

/// Reads one path, or a tree of paths in braces, and returns the text after it.
fn tree<'a>(text: &'a str, mut path: Names, found: &mut Vec<Names>) -> &'a str {
    let mut text = text;
    loop {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name.is_empty() {
            let Some(mut rest) = rest.strip_prefix('{') else { break };
            while let Some(next) = rest.trim_start().chars().next().filter(|next| *next != '}') {
                rest = rest.trim_start();
                if next == ',' {
                    rest = rest.split_at(1).1;
                    continue;
                }
                rest = tree(rest, path.clone(), found);
                // Skips an alias or a star.
                let end = rest.find([',', '}']).unwrap_or(rest.len());
                rest = rest.split_at(end).1;
            }
            return rest.trim_start().strip_prefix('}').unwrap_or_default();
        }
        if name != "self" || path.is_empty() {
            path.push(name.to_owned());
        }
        text = rest;
        match rest.strip_prefix("::") {
            Some(more) => text = more,
            None => break,
        }
    }
    found.push(path);
    text
}

/// The sets of modules that all lead to each other, the largest first.
pub(crate) fn circles(arrows: &BTreeSet<Arrow>) -> Vec<BTreeSet<String>> {
    let modules: BTreeSet<&String> = arrows.iter().flat_map(|(from, to)| [from, to]).collect();
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = open.pop() {
            let next = arrows.iter().filter(|(from, _)| *from == module).map(|(_, to)| to.clone());
            open.extend(next.filter(|to| seen.insert(to.clone())));
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        modules.iter().map(|module| (*module, reach(module))).collect();
    let both = |a: &String, b: &String| {
        let leads = |from, to| reached.get(from).is_some_and(|seen: &BTreeSet<String>| seen.contains(to));
        leads(a, b) && leads(b, a)
    };
    let circles: BTreeSet<BTreeSet<String>> = modules
        .iter()
        .map(|module| {
            modules.iter().filter(|other| both(module, other)).map(|other| (*other).clone()).collect()
        })
        .filter(|circle: &BTreeSet<String>| circle.len() > 1)
        .collect();
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// True if `module` is `layer`, or below it.
pub(crate) fn is_in(module: &str, layer: &str) -> bool {
    module.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The arrows from a layer to one after it. A layer is a module with all below it; the longest name counts.
pub(crate) fn backward(arrows: &BTreeSet<Arrow>, layers: &[&str]) -> Vec<Arrow> {
    let layer = |module: &str| {
        let of_module = layers.iter().enumerate().filter(|(_, layer)| is_in(module, layer));
        of_module.max_by_key(|(_, layer)| layer.len()).map(|(number, _)| number)
    };
    let is_backward = |(from, to): &&Arrow| match (layer(from), layer(to)) {
        (Some(from), Some(to)) => from < to,
        _ => true,
    };
    arrows.iter().filter(is_backward).cloned().collect()
}
