//! Completion of slash commands, model names and `@path`, with fuzzy matching.

use std::path::PathBuf;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::command::COMMANDS;
use super::files::{Files, IGNORED, listed};

/// How many candidates are shown.
pub(super) const MOST_SHOWN: usize = 8;

/// So many files of the index are shown though there are enough of the current folder.
const MOST_INDEXED: usize = 3;

/// What the candidates are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Command,
    Model,
    /// The chosen one is attached.
    File,
}

/// What can be put in place of a word of the composer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) kind: Kind,
    /// The word to replace: its first column (in chars) in the cursor's line.
    pub(super) start: usize,
    /// What is typed of it.
    pub(super) query: String,
    /// What to put in its place, with what is shown beside it.
    pub(super) candidates: Vec<(String, String)>,
    /// Which one is chosen.
    pub(super) selected: usize,
    /// The person moved to it.
    pub(super) moved: bool,
}

impl Completion {
    /// Moves the choice, from the last to the first and back.
    pub(super) fn step(&mut self, by: isize) {
        let count = self.candidates.len();
        self.selected = (self.selected + count).saturating_add_signed(by) % count.max(1);
        self.moved = true;
    }

    /// Whether the chosen path, or its file name, begins with what is typed: then that is
    /// meant, and not a name that only happens to have the same letters in it.
    pub(super) fn is_close(&self) -> bool {
        let Some((chosen, _)) = self.candidates.get(self.selected) else { return false };
        let (query, chosen) = (self.query.to_lowercase(), chosen.to_lowercase());
        let name = chosen.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        !query.is_empty() && (chosen.starts_with(&query) || name.starts_with(&query))
    }
}

/// The word of a mention that the cursor stands behind, without its `@`; `column` counts
/// chars.
pub(super) fn mention(line: &str, column: usize) -> Option<String> {
    let before: String = line.chars().take(column).collect();
    before.rsplit(char::is_whitespace).next()?.strip_prefix('@').map(str::to_owned)
}

/// Completes the word before the cursor.
pub(super) fn complete(line: &str, column: usize, files: &Files, models: &[String]) -> Option<Completion> {
    const MODEL: [&str; 2] = ["/model ", "/compare "];
    let before: String = line.chars().take(column).collect();
    let named = MODEL.iter().find_map(|command| Some((command, before.strip_prefix(command)?)));
    if let Some((command, argument)) = named {
        let candidates = rank(argument, models.iter().map(|name| (name.clone(), String::new())));
        return some(Kind::Model, command.chars().count(), argument, candidates);
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
        return some(Kind::Command, 0, &before, rank(&before, all));
    }
    let query = mention(line, column)?;
    let candidates = match query.starts_with(['/', '~', '.']) {
        true => rank(&query, listed(&query).into_iter().map(|path| (path, String::new()))),
        false => {
            let mut here = rank(&query, files.all());
            let elsewhere = rank(&query, files.indexed().filter(|_| !query.is_empty()));
            here.truncate(MOST_SHOWN - elsewhere.len().min(MOST_INDEXED));
            here.extend(elsewhere.into_iter().take(MOST_SHOWN - here.len()));
            here
        }
    };
    some(Kind::File, before.chars().count() - query.chars().count() - 1, &query, candidates)
}

fn some(kind: Kind, start: usize, query: &str, candidates: Vec<(String, String)>) -> Option<Completion> {
    let query = query.to_owned();
    (!candidates.is_empty()).then_some(Completion {
        kind,
        start,
        query,
        candidates,
        selected: 0,
        moved: false,
    })
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
    scored.sort_by_key(|(score, (path, words))| (std::cmp::Reverse(*score), words == IGNORED, path.len()));
    scored.into_iter().take(MOST_SHOWN).map(|(_, candidate)| candidate).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &str) -> Completion {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let files = Files {
            shown: names(&["docs/alsa.md", "shots/build error.png", "src/main.rs"]),
            ignored: names(&["run.log"]),
            indexed: names(&["~/notes/alsa setup.md"]),
            cut: false,
        };
        let models = names(&["starter", "qwen3-vl-4b"]);
        complete(line, line.chars().count(), &files, &models).unwrap_or_default()
    }

    fn names(line: &str) -> Vec<String> {
        completed(line).candidates.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn commands_models_and_files_are_found() {
        assert_eq!(names("/sc"), ["/screenshot"]);
        assert_eq!(names("/model q"), ["qwen3-vl-4b"]);
        assert_eq!(names("look at @errpng"), ["shots/build error.png"]);
        assert_eq!(names("@"), ["src/main.rs", "docs/alsa.md", "shots/build error.png", "run.log"]);
        assert_eq!(names("@alsa"), ["docs/alsa.md", "~/notes/alsa setup.md"]);
        assert!(names("mail@").is_empty() && names("hello").is_empty() && names("@zzz").is_empty());
        assert_eq!(names("@./src/tui/comp"), ["./src/tui/complete.rs"]);
    }

    #[test]
    fn a_beginning_is_close_and_scattered_letters_are_not() {
        for (line, close) in [
            ("@sr", true),
            ("@main", true),
            ("@build", true),
            ("@mn", false),
            ("@", false),
            ("@errpng", false),
        ] {
            assert_eq!(completed(line).is_close(), close, "{line}");
        }
    }
}
