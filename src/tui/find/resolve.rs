//! What citations of documents stand for: which file, whether it has that line or page, and
//! whether what is quoted beside them stands in it word for word. Done on another thread.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::document::Place;
use crate::retrieval::{Library, Passage};
use crate::text;
use crate::tui::log::{Claim, Standing};

/// The longest file that is read to look for a line and a quote; in a longer one they are
/// believed.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Claims that are looked into at once: an answer that makes more is no answer.
const MOST_CLAIMS: usize = 200;

/// Where claims are looked into.
pub(in crate::tui) struct Shelf<'a> {
    /// The files that were found in the conversation, as they are cited.
    pub(in crate::tui) found: &'a HashMap<String, PathBuf>,
    /// The index.
    pub(in crate::tui) library: Option<&'a Library>,
    /// The working folder.
    pub(in crate::tui) folder: &'a Path,
    /// Documents were found in the conversation, so that a name of none of them is wrong.
    pub(in crate::tui) strict: bool,
}

/// Looks into claims.
pub(in crate::tui) fn resolve(claims: &[Claim], shelf: &Shelf<'_>) -> Vec<(Claim, Standing)> {
    let mut read = HashMap::new();
    let looked = claims.iter().take(MOST_CLAIMS).map(|claim| {
        let standing = match file(&claim.file, shelf) {
            Some(path) => {
                let known = read.entry(path.clone()).or_insert_with(|| Content::of(&path, shelf.library));
                known.standing(claim, path)
            }
            None if shelf.strict => {
                Standing::Wrong(format!("no document {} was found", text::one_line(&claim.file)))
            }
            None => Standing::Nothing,
        };
        (claim.clone(), standing)
    });
    let looked: Vec<_> = looked.collect();
    // The rest is not looked into again and again.
    let rest = claims.iter().skip(MOST_CLAIMS).map(|claim| (claim.clone(), Standing::Nothing));
    looked.into_iter().chain(rest).collect()
}

/// The file that a name means: one that was found, else one of the index, else one in the
/// working folder.
fn file(name: &str, shelf: &Shelf<'_>) -> Option<PathBuf> {
    let library = || {
        let library = shelf.library.filter(|library| !library.is_empty())?;
        library.files_named(name).ok()?.into_iter().next()
    };
    let here = || Some(shelf.folder.join(name)).filter(|path| path.is_file());
    // A model may leave the folders out.
    let shortened = || shelf.found.values().find(|path| path.ends_with(name)).cloned();
    shelf.found.get(name).cloned().or_else(shortened).or_else(library).or_else(here)
}

/// What is known of a file.
struct Content {
    /// Its text, where it is one and not too long.
    text: Option<String>,
    passages: Vec<Passage>,
    is_there: bool,
}

impl Content {
    fn of(path: &Path, library: Option<&Library>) -> Self {
        let passages = library.and_then(|library| library.passages_of(path).ok()).unwrap_or_default();
        Self { text: text_of(path), passages, is_there: path.is_file() }
    }

    fn standing(&self, claim: &Claim, path: PathBuf) -> Standing {
        if !self.is_there {
            return Standing::Wrong(format!("{} is not there any more", text::one_line(&claim.file)));
        }
        let missing = self.missing_place(claim.place);
        match missing.or_else(|| self.missing_quote(claim.quote.as_deref()?)) {
            Some(why) => Standing::Wrong(why),
            None => Standing::There(path),
        }
    }

    /// Why the place isn't there.
    fn missing_place(&self, place: Place) -> Option<String> {
        let (what, things, wanted) = match place {
            Place::Whole => return None,
            Place::Lines(from, _) => return self.missing_line(from),
            Place::Page(page) => ("page", "pages", page),
            Place::Slide(slide) => ("slide", "slides", slide),
            Place::Cell(cell) => ("cell", "cells", cell),
            Place::Rows(from, _) => ("row", "rows", from),
            Place::Message(message) => ("message", "messages", message),
            Place::Paragraphs(from, _) => ("paragraph", "paragraphs", from),
            Place::Seconds(from, _) => ("second", "seconds", from),
        };
        // Passages are in the order of the file; without any nothing is known of it.
        let last = self.passages.iter().filter_map(|passage| last_of(passage.place, place)).max();
        let has = last.unwrap_or(0);
        (!self.passages.is_empty() && wanted > has)
            .then(|| format!("there is no {what} {wanted}: it has {has} {things} with words"))
    }

    fn missing_line(&self, line: u32) -> Option<String> {
        let has = self.text.as_ref()?.lines().count();
        (line as usize > has).then(|| {
            format!("there is no line {line}: it has {}", text::counted(has as u64, "line", "lines"))
        })
    }

    /// Why the quote isn't there: neither in the file nor in what was read of it.
    fn missing_quote(&self, quote: &str) -> Option<String> {
        if self.text.is_none() && self.passages.is_empty() {
            return None;
        }
        let pieces: Vec<String> = quote
            .split(['…'])
            .flat_map(|piece| piece.split("..."))
            .map(words)
            .filter(|piece| !piece.is_empty())
            .collect();
        let passages: Vec<&str> = self.passages.iter().map(|passage| passage.text.as_str()).collect();
        let stands = |text: &str| {
            let text = words(text);
            pieces.iter().all(|piece| text.contains(piece.as_str()))
        };
        let there = self.text.as_deref().is_some_and(stands) || stands(&passages.join("\n"));
        (!there).then(|| "what is quoted beside it does not stand there word for word".to_owned())
    }
}

/// The last number of a place of that kind.
fn last_of(place: Place, kind: Place) -> Option<u32> {
    match (place, kind) {
        (Place::Page(last), Place::Page(_))
        | (Place::Slide(last), Place::Slide(_))
        | (Place::Cell(last), Place::Cell(_))
        | (Place::Message(last), Place::Message(_))
        | (Place::Rows(_, last), Place::Rows(..))
        | (Place::Seconds(_, last), Place::Seconds(..)) => Some(last),
        _ => None,
    }
}

/// A text with one blank between its words, without what marks them and without control
/// characters: as a model that saw it writes it again.
fn words(text: &str) -> String {
    let plain = text::printable(text);
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").replace(['`', '*'], "")
}

/// The text of a file that is short enough; `None`: it is no text, or too long.
fn text_of(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok().filter(|metadata| metadata.is_file())?;
    if metadata.len() > MOST_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    if let Some(text) = text::utf16(&bytes) {
        return Some(text);
    }
    (!bytes.contains(&0)).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(file: &str, place: &str, quote: Option<&str>) -> Claim {
        Claim { file: file.into(), place: place.parse().unwrap(), quote: quote.map(str::to_owned) }
    }

    fn wrong(claim: Claim, shelf: &Shelf<'_>) -> Option<String> {
        match resolve(&[claim], shelf).remove(0).1 {
            Standing::Wrong(why) => Some(why),
            Standing::There(_) => None,
            Standing::Nothing => Some("nothing".to_owned()),
        }
    }

    #[test]
    fn lines_and_quotes_are_looked_for_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("setup.md");
        std::fs::write(&path, "# Setup\n\nRun **make**  install,\nthen `percept`.\n").unwrap();
        std::fs::write(dir.path().join("here.md"), "x\n").unwrap();
        let found = HashMap::from([
            ("docs/setup.md".to_owned(), path),
            ("docs/gone.md".to_owned(), dir.path().join("gone.md")),
        ]);
        let shelf = Shelf { found: &found, library: None, folder: dir.path(), strict: true };
        let wrong = |claim| wrong(claim, &shelf);
        assert_eq!(wrong(claim("docs/setup.md", "3-4", Some("Run make install, then percept"))), None);
        assert_eq!(wrong(claim("docs/setup.md", "3", Some("Run make … then percept."))), None);
        assert_eq!(wrong(claim("here.md", "1", None)), None);
        for (claim, why) in [
            (claim("docs/setup.md", "9", None), "there is no line 9: it has 4 lines"),
            (
                claim("docs/setup.md", "3", Some("Run make uninstall")),
                "what is quoted beside it does not stand there word for word",
            ),
            (claim("docs/gone.md", "1", None), "docs/gone.md is not there any more"),
            (claim("docs/other.md", "1", None), "no document docs/other.md was found"),
        ] {
            assert_eq!(wrong(claim).as_deref(), Some(why));
        }
        let shelf = Shelf { strict: false, ..shelf };
        assert_eq!(resolve(&[claim("docs/other.md", "1", None)], &shelf)[0].1, Standing::Nothing);
    }
}
