//! The words of a file, as the index holds them.
//!
//! To make them takes about as long as to write them, so it can be done on another thread than
//! the one that writes ([`super::Store::put_analysed`]).

use std::path::Path;

use super::lexical::may_be_meant;
use super::passage::{NewFile, NewPassage, PassageKind};
use super::words::Language;

pub use super::words::Analyser;

/// What of a text's first line stands for a title, in bytes.
const MOST_LEAD: usize = 120;

/// The words of a file and its passages: tokens that are joined by blanks.
#[derive(Debug)]
pub struct Words {
    pub(super) language: Language,
    pub(super) path: String,
    pub(super) title: String,
    /// As many as the file has passages.
    pub(super) passages: Vec<PassageWords>,
    /// Words as they were written that the analyser didn't meet lately.
    pub(super) spellings: Vec<String>,
}

/// Those of a passage.
#[derive(Debug)]
pub(super) struct PassageWords {
    pub(super) heading: String,
    pub(super) body: String,
}

impl Analyser {
    /// The words of a file below a source. What was met is remembered: where they can't be
    /// written, the analyser is to be dropped as well.
    pub fn words(&mut self, source: &Path, file: &NewFile, passages: &[NewPassage]) -> Words {
        let language = language(passages);
        let mut spellings = Vec::new();
        let mut new = |new: &str| {
            if may_be_meant(new) {
                spellings.push(new.to_owned());
            }
        };
        let mut analysed = |text: &str| self.document(text, language, &mut new);
        let below = source.parent().and_then(|above| file.path.strip_prefix(above).ok());
        let path = analysed(&below.unwrap_or(&file.path).to_string_lossy());
        let title = analysed(file.title.as_deref().unwrap_or_else(|| lead(passages)));
        let passages = passages.iter().map(|passage| PassageWords {
            heading: analysed(&passage.heading.join("\n")),
            body: analysed(&passage.text),
        });
        let passages = passages.collect();
        Words { language, path, title, passages, spellings }
    }
}

/// The language of a file's prose; what isn't sure, and code, is taken for English.
fn language(passages: &[NewPassage]) -> Language {
    let prose = passages.iter().filter(|passage| passage.kind != PassageKind::Code);
    let longest = prose.max_by_key(|passage| passage.text.len());
    longest.and_then(|passage| Language::of(&passage.text)).unwrap_or(Language::ENGLISH)
}

/// What a text without a title begins with: its first line says what it is about, and finds
/// its later passages, too.
fn lead(passages: &[NewPassage]) -> &str {
    let first = passages.first().filter(|first| first.kind == PassageKind::Text);
    let line =
        first.and_then(|first| first.text.lines().find(|line| !line.trim().is_empty())).unwrap_or_default();
    &line[..crate::text::boundary_before(line, MOST_LEAD)]
}
