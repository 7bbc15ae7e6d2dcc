//! What a person allowed for good: a program with its subcommand, under a folder.
//!
//! A scope is made from a parsed command and matched against a parsed command, never
//! against text. The table of programs has the last word: a flag that it doesn't know, a
//! path outside, a redirection or a substitution is no match, whatever was allowed.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A remembered permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The program.
    pub program: String,
    /// Its subcommand: `["test"]` for `cargo test`.
    pub subcommand: Vec<String>,
    /// Where it may be run.
    pub folder: PathBuf,
}

impl Scope {
    /// The scope of a program's words (itself and its subcommand).
    pub fn new(words: &[String], folder: &Path) -> Option<Self> {
        let (program, subcommand) = words.split_first()?;
        Some(Self { program: program.clone(), subcommand: subcommand.to_vec(), folder: folder.to_path_buf() })
    }

    /// Whether this allows what `other`, made from a command that was judged, needs.
    pub fn covers(&self, other: &Self) -> bool {
        self.program == other.program
            && self.subcommand == other.subcommand
            && other.folder.starts_with(&self.folder)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program)?;
        self.subcommand.iter().try_for_each(|word| write!(f, " {word}"))?;
        write!(f, " (known flags, paths inside) under {}", self.folder.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_kept_as_json_and_covers_folders_below() {
        let words = ["cargo".to_owned(), "test".to_owned()];
        let scope = Scope::new(&words, Path::new("/a")).unwrap();
        let json = serde_json::to_string(&scope).unwrap();
        assert_eq!(json, r#"{"program":"cargo","subcommand":["test"],"folder":"/a"}"#);
        assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope);
        assert_eq!(scope.to_string(), "cargo test (known flags, paths inside) under /a");
        assert!(scope.covers(&Scope::new(&words, Path::new("/a/b")).unwrap()));
        assert!(!scope.covers(&Scope::new(&words, Path::new("/ab")).unwrap()));
        assert!(!scope.covers(&Scope::new(&words[..1], Path::new("/a")).unwrap()));
        assert_eq!(Scope::new(&[], Path::new("/a")), None);
    }
}
