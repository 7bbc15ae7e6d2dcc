//! What was typed: the messages that were sent, and the draft that was not.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

/// How many messages are kept.
const MOST: usize = 500;

/// The messages that were sent, oldest first, and where one is among them.
#[derive(Debug, Default)]
pub(super) struct History {
    path: Option<PathBuf>,
    entries: Vec<String>,
    /// The entry that the composer shows; none: the draft.
    at: Option<usize>,
    /// What was typed before going back.
    draft: String,
}

impl History {
    /// Reads the file; one that can't be read is an empty history.
    pub(super) fn load(path: Option<PathBuf>) -> Self {
        let text = path.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let mut entries: Vec<String> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if entries.len() > 2 * MOST {
            entries.drain(..entries.len() - MOST);
            rewrite(path.as_ref(), &entries);
        }
        Self { path, entries, at: None, draft: String::new() }
    }

    /// Keeps a message; also one that was cleared instead of sent, so that it is not lost.
    pub(super) fn add(&mut self, text: &str) {
        self.at = None;
        self.draft.clear();
        if text.trim().is_empty() || self.entries.last().is_some_and(|last| last == text) {
            return;
        }
        self.entries.push(text.to_owned());
        if let Some(path) = &self.path
            && let Ok(line) = serde_json::to_string(text)
        {
            let file = private(OpenOptions::new().append(true).create(true)).open(path);
            let written = file.and_then(|mut file| writeln!(file, "{line}"));
            if let Err(error) = written {
                tracing::warn!(%error, "the history can't be written");
            }
        }
    }

    /// The entry before; `current` is what the composer holds.
    pub(super) fn back(&mut self, current: &str) -> Option<String> {
        let to = match self.at {
            None => {
                current.clone_into(&mut self.draft);
                self.entries.len().checked_sub(1)?
            }
            Some(at) => at.checked_sub(1)?,
        };
        self.at = Some(to);
        self.entries.get(to).cloned()
    }

    /// The entry after, at last the draft.
    pub(super) fn forward(&mut self) -> Option<String> {
        let at = self.at?;
        match self.entries.get(at + 1) {
            Some(entry) => {
                self.at = Some(at + 1);
                Some(entry.clone())
            }
            None => {
                self.at = None;
                Some(std::mem::take(&mut self.draft))
            }
        }
    }

    /// What was left in the composer the last time.
    pub(super) fn draft(&self) -> String {
        self.draft_path().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
    }

    /// Keeps what is in the composer, for the next time.
    pub(super) fn keep_draft(&self, text: &str) {
        let Some(path) = self.draft_path() else { return };
        let kept = match text.trim().is_empty() {
            true => fs::remove_file(&path).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
            false => private(OpenOptions::new().write(true).create(true).truncate(true))
                .open(&path)
                .and_then(|mut file| file.write_all(text.as_bytes())),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "the draft can't be kept");
        }
    }

    fn draft_path(&self) -> Option<PathBuf> {
        self.path.as_ref().map(|path| path.with_file_name("draft.txt"))
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn rewrite(path: Option<&PathBuf>, entries: &[String]) {
    let lines: Vec<String> = entries.iter().filter_map(|entry| serde_json::to_string(entry).ok()).collect();
    if let Some(path) = path
        && let Err(error) = fs::write(path, lines.join("\n") + "\n")
    {
        tracing::warn!(%error, "the history can't be shortened");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_and_forth_and_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let mut history = History::load(Some(path.clone()));
        history.add("one\nmore");
        history.add("two");
        history.add("two");
        let mut history = History::load(Some(path));
        assert_eq!(history.back("draft").as_deref(), Some("two"));
        assert_eq!(history.back("two").as_deref(), Some("one\nmore"));
        assert_eq!(history.back("one\nmore"), None);
        assert_eq!(history.forward().as_deref(), Some("two"));
        assert_eq!(history.forward().as_deref(), Some("draft"));
        assert_eq!(history.forward(), None);

        history.keep_draft("unsent");
        assert_eq!(history.draft(), "unsent");
        history.keep_draft("");
        assert_eq!(history.draft(), "");
    }
}
