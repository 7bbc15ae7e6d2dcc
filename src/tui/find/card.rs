//! A result as a card: what it is called, and the rows of its text that say most of what was
//! looked for.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Opening, place};
use crate::document::Place;
use crate::message::Finding;
use crate::text;
use crate::tui::restyle::restyle;
use crate::tui::wrap::wrap;

/// Rows of text of a card.
pub(super) const ROWS: usize = 2;

/// Bytes of a passage that are looked at for its rows: more than passages have.
const MOST_TEXT: usize = 16 * 1024;

/// Letters of a word that may differ at its end: `linker` is found by `linking`.
const ENDING: usize = 3;

/// Words of so many letters are hardly ever what is looked for.
const SHORT: usize = 2;

/// Of a word so many letters count at least: `is` is not found in `island`.
const STEM: usize = 4;

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tui) struct Card {
    pub(in crate::tui) finding: Finding,
    /// Its text; `None`: it was not read yet.
    pub(in crate::tui) text: Option<String>,
    /// The person said that it is right.
    pub(in crate::tui) right: bool,
}

impl Card {
    /// One whose text was not read yet.
    pub(super) fn unread(finding: Finding) -> Self {
        Self { finding, text: None, right: false }
    }

    /// Whether it is a file that can be drawn: a page that is a picture lies in a document.
    pub(in crate::tui) fn is_picture_file(&self) -> bool {
        self.finding.picture && place(&self.finding) == Place::Whole
    }

    /// What it is called when it is attached: a picture by the name of its file.
    pub(in crate::tui) fn name(&self) -> String {
        name(&self.finding)
    }

    pub(super) fn opening(&self) -> Opening {
        let (path, cite) = (self.finding.path.clone(), self.finding.cite());
        Opening { path, cite, place: place(&self.finding), text: self.text.clone() }
    }

    /// The title of its file and its headings, in a line.
    pub(super) fn heading(&self) -> String {
        text::one_line(&self.finding.heading.join(" › "))
    }
}

/// What a result is called when it is attached.
pub(in crate::tui) fn name(finding: &Finding) -> String {
    let file = finding.path.file_name().map(|name| name.to_string_lossy().into_owned());
    match finding.picture && place(finding) == Place::Whole {
        true => file.unwrap_or_else(|| finding.cite()),
        false => finding.cite(),
    }
}

/// The rows of a text that hold the most of these words, with the words in this style.
pub(super) fn rows(passage: &str, words: &[String], width: usize, style: Style) -> Vec<Line<'static>> {
    let passage = &passage[..text::boundary_before(passage, MOST_TEXT)];
    let lines = passage.lines().filter(|line| !line.trim().is_empty());
    let mut rows: Vec<Line<'static>> = lines
        .flat_map(|line| wrap(&[Span::raw(text::printable(line.trim_end()))], width.max(1), 0))
        .collect();
    let found: Vec<Vec<(usize, Range<usize>)>> =
        rows.iter().map(|row| found_words(&row.to_string(), words)).collect();
    let best = best_rows(&found);
    rows.truncate(best + ROWS);
    let mut rows = rows.split_off(best);
    for (row, found) in rows.iter_mut().zip(&found[best..]) {
        found.iter().for_each(|(_, range)| restyle(row, range, style));
    }
    rows
}

/// The first of the neighbouring rows that hold the most different words, each counted once;
/// among equals those whose first row has some.
fn best_rows(found: &[Vec<(usize, Range<usize>)>]) -> usize {
    let score = |at: usize| {
        let mut words: Vec<usize> =
            found[at..(at + ROWS).min(found.len())].iter().flatten().map(|(word, _)| *word).collect();
        words.sort_unstable();
        words.dedup();
        (words.len(), found.get(at).is_some_and(|row| !row.is_empty()))
    };
    let last = found.len().saturating_sub(ROWS);
    (0..=last).rev().max_by_key(|at| score(*at)).unwrap_or(0)
}

/// The words of a query as they are looked for in a row; the shortest say nothing, where
/// there are others.
pub(super) fn words_of(query: &str) -> Vec<String> {
    let words = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    let long: Vec<String> = words.iter().filter(|word| word.chars().count() > SHORT).cloned().collect();
    if long.is_empty() { words } else { long }
}

/// Which of the words stand where in a row.
fn found_words(row: &str, words: &[String]) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in row.char_indices().chain([(row.len(), ' ')]) {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let token = row[from..at].to_lowercase();
                let which = words.iter().position(|word| is_alike(&token, word));
                found.extend(which.map(|which| (which, from..at)));
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Whether two words are the same but for their endings.
fn is_alike(token: &str, word: &str) -> bool {
    if token == word {
        return true;
    }
    let letters = word.chars().count();
    let stem = letters.saturating_sub(ENDING).max(STEM);
    let shared = token.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
    shared >= stem && token.chars().count() <= letters + ENDING
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Modifier;

    use super::*;

    fn shown(passage: &str, query: &str, width: usize) -> Vec<String> {
        let style = Style::new().add_modifier(Modifier::BOLD);
        let rows = rows(passage, &words_of(query), width, style);
        rows.iter()
            .map(|row| {
                let mark = |span: &Span<'_>| match span.style.add_modifier.contains(Modifier::BOLD) {
                    true => format!("*{}*", span.content),
                    false => span.content.to_string(),
                };
                row.spans.iter().map(mark).collect()
            })
            .collect()
    }

    #[test]
    fn the_rows_with_the_words_are_shown_and_the_words_marked() {
        let passage = "# Setup\n\nFirst of all.\n\nThe linker needs\nlibasound2-dev (ALSA).\nAnd more.\n";
        assert_eq!(
            shown(passage, "ALSA linking error", 40),
            ["The *linker* needs", "libasound2-dev (*ALSA*)."]
        );
        assert_eq!(shown(passage, "nothing there", 40)[..1], ["# Setup"]);
        assert_eq!(shown("one two three four", "four", 8), ["three ", "*four*"]);
        assert!(shown("", "x", 8).is_empty());
    }

    #[test]
    fn words_are_alike_but_for_their_endings() {
        for (token, word, alike) in [
            ("linker", "linking", true),
            ("errors", "error", true),
            ("island", "is", false),
            ("is", "is", true),
            ("installation", "install", false),
            ("installer", "install", true),
            ("über", "ube", false),
        ] {
            assert_eq!(is_alike(token, word), alike, "{token} {word}");
        }
    }

    proptest! {
        #[test]
        fn any_passage_becomes_rows(passage in any::<String>(), query in any::<String>(), width in 0_usize..30) {
            prop_assert!(shown(&passage, &query, width).len() <= ROWS);
        }
    }
}
