//! The files that `@` offers: those below the current folder, those that git ignores
//! (logs, most often) after the others.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::complete::expand;

/// Files that are listed below the current folder; more would take too long to match.
const MOST_FILES: usize = 20_000;

/// Of those that git ignores: a build's output can have any number.
const MOST_IGNORED: usize = 5_000;

/// Folders below the current one that are looked into.
const DEPTH: usize = 6;

/// What stands beside a file that git ignores.
pub(super) const IGNORED: &str = "ignored by git";

/// What stands beside a file of the index.
const INDEXED: &str = "in the index";

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) shown: Vec<String>,
    pub(super) ignored: Vec<String>,
    /// Those of the index that lie elsewhere and have the letters that were typed.
    pub(super) indexed: Vec<String>,
    /// There are more than were listed.
    pub(super) cut: bool,
}

impl Files {
    /// All of them, with what is shown beside each.
    pub(super) fn all(&self) -> impl Iterator<Item = (String, String)> {
        let shown = self.shown.iter().map(|path| (path.clone(), String::new()));
        shown.chain(self.ignored.iter().map(|path| (path.clone(), IGNORED.to_owned())))
    }

    /// The files of the index, with what is shown beside each.
    pub(super) fn indexed(&self) -> impl Iterator<Item = (String, String)> {
        self.indexed.iter().map(|path| (path.clone(), INDEXED.to_owned()))
    }

    /// Said where what is typed matches none of them though there are more.
    pub(super) fn cut_words(&self) -> Option<String> {
        let listed = self.shown.len() + self.ignored.len();
        self.cut.then(|| {
            format!(
                "Not among the {listed} files listed ({DEPTH} folders deep); @./ and a path finds the others."
            )
        })
    }
}

/// Lists the files below a folder. Takes a moment.
pub(super) fn files_below(folder: &Path) -> Files {
    let mut cut = false;
    let mut walk = |builder: &mut WalkBuilder, most: usize, known: &HashSet<String>| {
        let mut found = Vec::new();
        for entry in builder.max_depth(Some(DEPTH)).build().flatten() {
            let Some(path) = name_of(&entry, folder) else {
                cut |= entry.depth() == DEPTH && entry.file_type().is_some_and(|kind| kind.is_dir());
                continue;
            };
            if known.contains(&path) {
                continue;
            }
            if found.len() == most {
                cut = true;
                break;
            }
            found.push(path);
        }
        found.sort();
        found
    };
    let shown = walk(&mut WalkBuilder::new(folder), MOST_FILES, &HashSet::new());
    let known = shown.iter().cloned().collect();
    let mut all = WalkBuilder::new(folder);
    all.git_ignore(false).git_global(false).git_exclude(false).ignore(false).parents(false);
    all.filter_entry(|entry| !can_be_made_again(entry));
    let ignored = walk(&mut all, MOST_IGNORED, &known);
    Files { shown, ignored, cut, indexed: Vec::new() }
}

fn name_of(entry: &DirEntry, folder: &Path) -> Option<String> {
    entry.file_type().filter(|kind| kind.is_file())?;
    entry.path().strip_prefix(folder).ok()?.to_str().map(str::to_owned)
}

/// A folder that says so itself (<https://bford.info/cachedir/>), or is known for it:
/// nobody asks about one of its thousands of files.
fn can_be_made_again(entry: &DirEntry) -> bool {
    entry.depth() > 0
        && entry.file_type().is_some_and(|kind| kind.is_dir())
        && (entry.file_name() == "node_modules" || entry.path().join("CACHEDIR.TAG").exists())
}

/// Files of the index as `@` offers them: without those below the current folder, which are
/// there already, and with `~` for the home.
pub(super) fn elsewhere(paths: &[PathBuf], folder: &Path, home: Option<&Path>) -> Vec<String> {
    let shown = |path: &PathBuf| match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.to_str()?).into(),
        None => path.to_str().map(str::to_owned),
    };
    paths.iter().filter(|path| !path.starts_with(folder)).filter_map(shown).collect()
}

/// What lies in the folder that a path names so far.
pub(super) fn listed(query: &str) -> Vec<String> {
    let cut = query.rfind('/').map_or(0, |at| at + 1);
    let folder = &query[..cut];
    let real = expand(if folder.is_empty() { "." } else { folder });
    let Ok(entries) = std::fs::read_dir(real) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let slash = if entry.path().is_dir() { "/" } else { "" };
            Some(format!("{folder}{}{slash}", entry.file_name().into_string().ok()?))
        })
        .take(MOST_FILES)
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_ignores_comes_after_and_what_is_too_deep_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        write(".gitignore", "*.log\n/target\n/node_modules\n");
        write("src/main.rs", "");
        write("server.log", "");
        write("target/CACHEDIR.TAG", "");
        write("target/debug/app", "");
        write("node_modules/left-pad/index.js", "");
        let files = files_below(dir.path());
        assert_eq!(
            (files.shown, files.ignored, files.cut),
            (vec!["src/main.rs".into()], vec!["server.log".into()], false)
        );
        write("a/b/c/d/e/f/g/deep.txt", "");
        let files = files_below(dir.path());
        assert!(files.cut && files.cut_words().unwrap().contains("2 files"));
    }
}
