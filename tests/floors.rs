//! Reads the source tree: imports go down only, and an engine's crate is named by its own
//! worker alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

/// The floor of each module of the library, as `src/lib.rs` lists them.
const FLOORS: [(&str, u8); 33] = [
    ("attachment", 0),
    ("gguf", 0),
    ("message", 0),
    ("redact", 0),
    ("text", 0),
    ("wire", 0),
    ("audio", 1),
    ("digest", 1),
    ("document", 1),
    ("fetch", 1),
    ("hardware", 1),
    ("roi", 1),
    ("table", 1),
    ("tokenizer", 1),
    ("catalogue", 2),
    ("intake", 2),
    ("prompts", 2),
    ("retrieval", 2),
    ("session", 2),
    ("engines", 3),
    ("microphone", 3),
    ("tools", 3),
    ("agent", 4),
    ("dictation", 4),
    ("indexing", 4),
    ("print", 5),
    ("serve", 5),
    ("eval", 5),
    ("tui", 5),
    ("cli", 6),
    ("config", 6),
    ("paths", 6),
    ("main", 6),
];

/// The crates of the engines, with the folder that may name them.
const ENGINES: [(&str, &str); 3] = [
    ("llama_cpp_2", "src/bin/percept-llama"),
    ("llama_cpp_sys_2", "src/bin/percept-llama"),
    ("whisper_rs", "src/bin/percept-whisper"),
];

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules of the crate that a source names: `crate::module` and `crate::{module, …}`.
fn named(source: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    // A link in a comment is no import.
    let code =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let source = code.as_str();
    let mut modules = Vec::new();
    for (at, _) in source.match_indices("crate::") {
        let rest = &source[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split_once("};").map_or(list, |(list, _)| list);
                modules.extend(list.split(',').map(|item| word(item.trim())));
            }
            None => modules.push(word(rest)),
        }
    }
    modules
}

/// Why a source may not name what it names; `None` if it may.
fn violation(path: &str, source: &str) -> Option<String> {
    for (engine, folder) in ENGINES {
        if source.contains(&format!("{engine}::")) && !path.starts_with(folder) {
            return Some(format!("{path} names {engine}; only {folder} may"));
        }
    }
    if path.starts_with("src/bin/") || path == "src/lib.rs" {
        return None;
    }
    let inside = path.strip_prefix("src/")?;
    let module = inside.split(['/', '.']).next()?;
    let Some(own) = floor(module) else {
        return Some(format!("{path}: `{module}` has no floor in tests/floors.rs"));
    };
    for other in named(source).into_iter().filter(|other| other != module) {
        match floor(&other) {
            Some(floor) if floor > own => {
                return Some(format!("{path} (floor {own}) uses {other} (floor {floor})"));
            }
            Some(floor @ 1..=2) if own == floor => {
                return Some(format!("{path} uses {other}: floor {floor} has no imports among itself"));
            }
            _ => {}
        }
    }
    None
}

#[test]
fn imports_go_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&root.join("src"), &mut found);
    assert!(found.len() > 40, "the sources are read");
    let violations: Vec<String> = found
        .iter()
        .filter_map(|path| {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            violation(&name, &std::fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn a_violation_is_seen() {
    assert!(violation("src/wire/x.rs", "use crate::agent::Agent;").is_some());
    assert!(violation("src/session/x.rs", "use crate::{intake::take, text};").is_some());
    assert!(violation("src/agent/x.rs", "llama_cpp_2::model").is_some());
    assert!(violation("src/bin/percept-whisper/main.rs", "llama_cpp_2::model").is_some());
    assert!(violation("src/new.rs", "").is_some());
    assert_eq!(violation("src/tui/x.rs", "use crate::agent::Agent; use crate::wire;"), None);
}
