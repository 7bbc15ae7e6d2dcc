//! What was typed: the messages that were sent, and the draft that was not.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// How many messages are kept.
const MOST: usize = 500;

/// How many percepts at once have a draft of their own that is kept.
const MOST_DRAFTS: u32 = 64;

/// The messages that were sent, oldest first, and where one is among them.
#[derive(Debug, Default)]
pub(super) struct History {
    path: Option<PathBuf>,
    entries: Vec<String>,
    /// The entry that the composer shows; none: the draft.
    at: Option<usize>,
    /// What was typed before going back.
    draft: String,
    /// Where the draft is kept: this percept's own.
    draft_file: Option<File>,
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
        let draft_file = path.as_deref().and_then(draft_file);
        Self { path, entries, at: None, draft: String::new(), draft_file }
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
        self.draft_file.as_ref().and_then(|mut file| read(&mut file).ok()).unwrap_or_default()
    }

    /// Keeps what is in the composer, for the next time.
    pub(super) fn keep_draft(&self, text: &str) {
        let Some(file) = &self.draft_file else { return };
        let text = if text.trim().is_empty() { "" } else { text };
        if let Err(error) = overwrite(file, text) {
            tracing::warn!(%error, "the draft can't be kept");
        }
    }
}

/// The draft's file for this percept, locked for as long as it runs, so that two percepts
/// never write over each other's: one that an earlier percept left a text in, else an
/// unused one. Without one the draft is not kept.
fn draft_file(history: &Path) -> Option<File> {
    let mut unused = None;
    for number in 1..=MOST_DRAFTS {
        let name = if number == 1 { "draft.txt".to_owned() } else { format!("draft-{number}.txt") };
        let path = history.with_file_name(name);
        // A new number is needed only when all before it are taken.
        if unused.is_some() && !path.exists() {
            break;
        }
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let Ok(file) = private(options).open(path) else { continue };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            // Where there are no locks, percepts share a draft.
            Ok(()) | Err(TryLockError::Error(_)) => {
                if file.metadata().is_ok_and(|metadata| metadata.len() > 0) {
                    return Some(file);
                }
                unused = unused.or(Some(file));
            }
        }
    }
    unused
}

fn read(file: &mut &File) -> std::io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Cut to its length last: a crash in between leaves too much rather than too little.
fn overwrite(mut file: &File, text: &str) -> std::io::Result<()> {
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
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

    #[test]
    fn every_running_percept_has_a_draft_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let start = || History::load(Some(dir.path().join("history.jsonl")));
        let first = start();
        first.keep_draft("half a question");
        let second = start();
        assert_eq!(second.draft(), "");
        second.keep_draft("another");
        // Leaving with nothing typed touches no draft but its own.
        let third = start();
        third.keep_draft("");
        drop(third);
        assert_eq!(first.draft(), "half a question");

        // What a percept that is gone left is taken up again, one each.
        drop((first, second));
        let (next, after) = (start(), start());
        assert_eq!((next.draft().as_str(), after.draft().as_str()), ("half a question", "another"));
        next.keep_draft("");
        assert_eq!(start().draft(), "");
    }
}
