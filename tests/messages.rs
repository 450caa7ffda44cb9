//! Compiler messages for easy mistakes. Each file of `tests/messages` is a program with one mistake, and
//! begins with the required parts of the message: parts, so that other compilers pass as well.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

/// The program that must compile.
const CONTROL: &str = "control";

/// A program, and the required parts of its message.
struct Case {
    name: String,
    path: PathBuf,
    texts: Vec<String>,
}

fn cases() -> TestResult<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages"))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a file without a name")?.to_owned();
        let source = fs::read_to_string(&path)?;
        let texts: Vec<_> =
            source.lines().map_while(|line| line.strip_prefix("// error: ")).map(str::to_owned).collect();
        if texts.is_empty() != (name == CONTROL) {
            return Err(format!("{name}: it says nothing of what the message is to be").into());
        }
        cases.push(Case { name, path, texts });
    }
    // The control first: it shows if the others mean anything.
    cases.sort_by_key(|case| (case.name != CONTROL, case.name.clone()));
    Ok(cases)
}

/// Writes a package of its own, which depends on this one and has a binary for each case.
fn package(cases: &[Case]) -> TestResult<PathBuf> {
    let (root, package) =
        (Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages"));
    fs::create_dir_all(&package)?;
    let mut manifest = format!(
        "[package]\nname = \"messages\"\nversion = \"0.0.0\"\nedition = \"2024\"\nautobins = false\n\n\
         [workspace]\n\n[dependencies]\nsweet-async = {{ path = {root:?}, default-features = false, features = [\"csv\", \"json\", \"orchestra\"] }}\n"
    );
    for case in cases {
        write!(manifest, "\n[[bin]]\nname = {:?}\npath = {:?}\n", case.name, case.path)?;
    }
    fs::write(package.join("Cargo.toml"), manifest)?;
    // The same versions, which are available without a network.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))?;
    Ok(package)
}

/// The compiler's answers, by the name of a case: if it compiles, and the messages.
type Answers = BTreeMap<String, (bool, String)>;

/// Compiles all cases in one go, so that they share the processors.
fn check(package: &Path) -> TestResult<Answers> {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--bins", "--keep-going", "--message-format", "json"])
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(package.join("target"))
        .output()?;
    let mut answers = Answers::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let text = |path| line.pointer(path).and_then(Value::as_str);
        let (Some("bin"), Some(name)) = (text("/target/kind/0"), text("/target/name")) else { continue };
        let (compiles, said) = answers.entry(name.to_owned()).or_default();
        match text("/reason") {
            Some("compiler-artifact") => *compiles = true,
            Some("compiler-message") => said.push_str(text("/message/rendered").unwrap_or_default()),
            _ => {}
        }
    }
    if answers.is_empty() {
        return Err(format!("nothing was compiled:\n{}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(answers)
}

#[test]
fn mistakes_are_explained() -> TestResult {
    let cases = cases()?;
    let answers = check(&package(&cases)?)?;
    let mut wrong = String::new();
    for case in &cases {
        let (compiles, said) = answers.get(&case.name).ok_or_else(|| format!("{}: no answer", case.name))?;
        if case.name == CONTROL {
            if !compiles {
                return Err(format!("the control does not compile:\n{said}").into());
            }
            continue;
        }
        if *compiles {
            write!(wrong, "\n{}: it compiles", case.name)?;
        }
        for text in case.texts.iter().filter(|text| !said.contains(*text)) {
            write!(wrong, "\n{}: it is not said that {text:?}:\n{said}", case.name)?;
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}
