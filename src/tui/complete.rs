//! Completion of slash commands, model names and `@path`, with fuzzy matching.

use std::path::{Path, PathBuf};

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::command::COMMANDS;

/// How many candidates are shown.
pub(super) const MOST_SHOWN: usize = 8;

/// Files that are looked at below the current folder; more would take too long.
const MOST_FILES: usize = 20_000;

/// Folders below the current one that are looked into.
const DEPTH: usize = 6;

/// What can be put in place of a word of the composer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Completion {
    /// The word to replace: its first column (in chars) in the cursor's line.
    pub(super) start: usize,
    /// What to put in its place, with what is shown beside it.
    pub(super) candidates: Vec<(String, String)>,
    /// Which one is chosen.
    pub(super) selected: usize,
    /// The candidates are files: the chosen one is attached.
    pub(super) files: bool,
}

/// Completes the word before the cursor; `column` counts chars.
pub(super) fn complete(line: &str, column: usize, files: &[String], models: &[String]) -> Option<Completion> {
    let before: String = line.chars().take(column).collect();
    if let Some(argument) = before.strip_prefix("/model ") {
        let candidates = rank(argument, models.iter().map(|name| (name.clone(), String::new())));
        return some("/model ".chars().count(), candidates, false);
    }
    if let Some(name) = before.strip_prefix('/')
        && !name.contains(char::is_whitespace)
    {
        let all = COMMANDS.iter().map(|(_, name, arguments, words)| {
            (
                format!("/{name}"),
                if arguments.is_empty() { (*words).to_owned() } else { format!("{arguments}  {words}") },
            )
        });
        return some(0, rank(&format!("/{name}"), all), false);
    }
    let word = before.rsplit(char::is_whitespace).next().unwrap_or("");
    let query = word.strip_prefix('@')?;
    let candidates = match query.starts_with(['/', '~', '.']) {
        true => rank(query, listed(query).into_iter().map(|path| (path, String::new()))),
        false => rank(query, files.iter().map(|path| (path.clone(), String::new()))),
    };
    some(before.chars().count() - word.chars().count(), candidates, true)
}

fn some(start: usize, candidates: Vec<(String, String)>, files: bool) -> Option<Completion> {
    (!candidates.is_empty()).then_some(Completion { start, candidates, selected: 0, files })
}

/// The best matches, best first; all that there is for an empty query.
fn rank(query: &str, candidates: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut matcher = Matcher::new(Config::DEFAULT.match_paths());
    let pattern = Pattern::new(query, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, (String, String))> = candidates
        .filter_map(|candidate| {
            let score = pattern.score(Utf32Str::new(&candidate.0, &mut buffer), &mut matcher)?;
            Some((score, candidate))
        })
        .collect();
    // Stable: what came first stays first among equals.
    scored.sort_by_key(|(score, (path, _))| (std::cmp::Reverse(*score), path.len()));
    scored.into_iter().take(MOST_SHOWN).map(|(_, candidate)| candidate).collect()
}

/// What lies in the folder that a path names so far.
fn listed(query: &str) -> Vec<String> {
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

/// `~` in front of a path.
pub(super) fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix('~'), std::env::home_dir()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(path),
    }
}

/// The files below a folder that are not ignored, for `@`. Takes a moment.
pub(super) fn files_below(folder: &Path) -> Vec<String> {
    let walk = ignore::WalkBuilder::new(folder).max_depth(Some(DEPTH)).build();
    let files = walk.filter_map(|entry| {
        let entry = entry.ok().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))?;
        entry.path().strip_prefix(folder).ok()?.to_str().map(str::to_owned)
    });
    let mut files: Vec<String> = files.take(MOST_FILES).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<String> {
        let files = ["docs/alsa.md", "shots/build error.png", "src/main.rs"].map(str::to_owned);
        let models = ["starter", "qwen3-vl-4b"].map(str::to_owned);
        let completion = complete(line, line.chars().count(), &files, &models).unwrap_or_default();
        completion.candidates.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn commands_models_and_files_are_found() {
        assert_eq!(names("/sc"), ["/screenshot"]);
        assert_eq!(names("/model q"), ["qwen3-vl-4b"]);
        assert_eq!(names("look at @errpng"), ["shots/build error.png"]);
        assert_eq!(names("@"), ["src/main.rs", "docs/alsa.md", "shots/build error.png"]);
        assert!(names("mail@").is_empty() && names("hello").is_empty() && names("@zzz").is_empty());
        assert_eq!(names("@./src/tui/comp"), ["./src/tui/complete.rs"]);
    }
}
