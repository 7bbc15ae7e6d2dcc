//! Places that an answer names: of attached logs and tables (`app.log:12`, `orders.csv row 3`),
//! and of documents (see [`super::documents`]).
//!
//! Only names of what is attached count there, so that a time or an address is none. Whether
//! the place exists is told apart from whether it is one: a model may cite what isn't there.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::PathBuf;

use super::documents::{Claimed, Documents, Standing};
use crate::attachment::{Attachment, AttachmentId, Medium};
use crate::digest::LogDigest;
use crate::document::Place;
use crate::text;
use crate::tui::scroll::Choice;

/// Citations that are listed.
const MOST_CITES: usize = 200;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A source of a log, with its number of lines.
    Source { log: AttachmentId, source: usize, lines: u64 },
    /// A table, with its number of rows.
    Table { table: Box<Attachment>, rows: u64 },
    /// A document, or why it isn't there.
    Document { path: Result<PathBuf, String>, place: Place },
}

/// The names that can be cited. A later one takes the place of an earlier one of that name.
#[derive(Debug, Default)]
pub(in crate::tui) struct Names {
    names: HashMap<String, Target>,
    /// The lengths that they have, the longest last.
    lengths: BTreeSet<usize>,
    documents: Documents,
}

impl Names {
    /// The sources of a log; `own` is what the log itself is called.
    pub(in crate::tui) fn log(&mut self, id: &AttachmentId, own: Option<&str>, digest: &LogDigest) {
        for (source, facts) in digest.sources.iter().enumerate() {
            let own = own.filter(|_| digest.sources.len() == 1);
            for name in [facts.source.name.as_str(), facts.cite.as_str()].into_iter().chain(own) {
                self.source(name, id, source, facts.lines);
            }
        }
    }

    /// The only source of a log whose record isn't at hand.
    pub(in crate::tui) fn only_source(&mut self, log: &Attachment) {
        if let Medium::Log { lines, files: 1, .. } = log.medium {
            self.source(&log.name, &log.id, 0, lines);
        }
    }

    fn source(&mut self, name: &str, log: &AttachmentId, source: usize, lines: u64) {
        self.name(name, Target::Source { log: log.clone(), source, lines });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.documents.standings.is_empty()
    }

    /// What is known of documents.
    pub(in crate::tui) fn documents(&mut self, documents: Documents) {
        self.documents = documents;
    }

    /// The claims of a text about documents, for [`Self::find_in`].
    pub(super) fn claims(&self, text: &str) -> Vec<Claimed> {
        self.documents.claims(text)
    }

    /// A table.
    pub(in crate::tui) fn table(&mut self, table: &Attachment) {
        let Medium::Table { rows, .. } = table.medium else { return };
        let target = Target::Table { table: Box::new(table.clone()), rows };
        if let Some((stem, _)) = table.name.rsplit_once('.') {
            self.name(stem, target.clone());
        }
        self.name(&table.name, target);
    }

    fn name(&mut self, name: &str, target: Target) {
        if !name.is_empty() {
            self.lengths.insert(name.len());
            self.names.insert(name.to_owned(), target);
        }
    }

    /// The longest name that ends here and is no part of a longer word: where it begins.
    fn ending_at(&self, text: &str, end: usize, is_table: bool) -> Option<(usize, &Target)> {
        self.lengths.iter().rev().find_map(|length| {
            let start = end.checked_sub(*length)?;
            let target = self.names.get(text.get(start..end)?)?;
            let whole = !text[..start].chars().next_back().is_some_and(|c| is_word(c) || "-./\\".contains(c));
            (whole && matches!(target, Target::Table { .. }) == is_table).then_some((start, target))
        })
    }

    /// The places that a text names, in its order.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        self.find_in(text, &self.claims(text))
    }

    /// The same of a part of a text that makes these claims.
    pub(super) fn find_in(&self, text: &str, claims: &[Claimed]) -> Vec<Found> {
        let mut found: Vec<Found> = self.lines(text).chain(self.rows(text)).collect();
        let claimed: Vec<Found> = self.claimed(text, claims).filter(|one| !overlaps(&found, one)).collect();
        found.extend(claimed);
        found.sort_by_key(|one| one.range.start);
        found
    }

    fn claimed<'a>(&'a self, text: &str, claims: &'a [Claimed]) -> impl Iterator<Item = Found> + 'a {
        self.claims(text).into_iter().filter_map(move |(range, claim)| {
            let path = match self.documents.standing(claims, &claim.file, claim.place)? {
                Standing::There(path) => Ok(path.clone()),
                Standing::Wrong(why) => Err(why.clone()),
                Standing::Nothing => return None,
            };
            Some(Found { range, numbers: (0, 0), target: Target::Document { path, place: claim.place } })
        })
    }

    fn lines<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Found> + 'a {
        text.match_indices(':').filter_map(move |(colon, _)| {
            let (numbers, end) = numbers(text, colon + 1)?;
            let (start, target) = self.ending_at(text, colon, false)?;
            Some(Found { range: start..end, numbers, target: target.clone() })
        })
    }

    fn rows<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Found> + 'a {
        text.match_indices(" row").filter_map(move |(at, word)| {
            let rest = text.get(at + word.len()..)?;
            let gap = if rest.starts_with("s ") { 2 } else { usize::from(rest.starts_with(' ')) };
            let (numbers, end) = (gap > 0).then(|| numbers(text, at + word.len() + gap)).flatten()?;
            // A name may be quoted or set as code.
            let before = text[..at].trim_end_matches(['`', '"', '\'', '*']);
            let (start, target) = self.ending_at(text, before.len(), true)?;
            Some(Found { range: start..end, numbers, target: target.clone() })
        })
    }
}

/// A place that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where in the text.
    pub(super) range: Range<usize>,
    /// The first and the last line or row of what is attached.
    pub(super) numbers: (u64, u64),
    pub(super) target: Target,
}

impl Found {
    /// Why it can't be followed, if it can't.
    pub(super) fn missing(&self) -> Option<String> {
        let (from, _) = self.numbers;
        let (has, things) = match &self.target {
            Target::Source { lines, .. } => (*lines, "lines"),
            Target::Table { rows, .. } => (*rows, "rows"),
            Target::Document { path, .. } => return path.as_ref().err().cloned(),
        };
        let thing = things.trim_end_matches('s');
        (from > has).then(|| format!("there is no {thing} {from}: it has {} {things}", text::thousands(has)))
    }
}

fn overlaps(found: &[Found], one: &Found) -> bool {
    found.iter().any(|other| other.range.start < one.range.end && one.range.start < other.range.end)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A number, or two with a dash between, that begins here and is no part of a longer word,
/// and where it ends.
fn numbers(text: &str, at: usize) -> Option<((u64, u64), usize)> {
    let (from, mut end) = number(text, at)?;
    let mut to = from;
    let dash = text[end..].chars().next().filter(|c| matches!(c, '-' | '–'));
    if let Some((last, after)) = dash.and_then(|dash| number(text, end + dash.len_utf8()))
        && last >= from
    {
        (to, end) = (last, after);
    }
    let mut behind = text[end..].chars();
    let longer = match behind.next() {
        Some('.' | ':' | ',') => behind.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => is_word(c),
        None => false,
    };
    (!longer).then_some(((from, to), end))
}

fn number(text: &str, at: usize) -> Option<(u64, usize)> {
    let rest = text.get(at..)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..digits].parse().ok().filter(|&number| number > 0)?;
    Some((number, at + digits))
}

/// A citation in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cite {
    pub(super) found: Found,
    /// As it stands in the answer.
    pub(super) words: String,
    /// What stands around it there.
    pub(super) context: String,
    /// Why it can't be followed: it isn't there.
    pub(super) missing: Option<String>,
}

/// The list of citations.
#[derive(Debug, Default)]
pub(super) struct Cites {
    /// The answers, the last one first.
    pub(super) answers: Vec<String>,
    pub(super) listed: Vec<Cite>,
    pub(super) choice: Choice,
    /// Those beyond the bound.
    pub(super) more: usize,
}

impl Cites {
    /// Finds them anew: the last answer's first, each place once.
    pub(super) fn arrange(&mut self, names: &Names) {
        let mut seen = Vec::new();
        self.listed.clear();
        self.more = 0;
        for answer in &self.answers {
            for found in names.find(answer) {
                let place = (found.target.clone(), found.numbers);
                if seen.contains(&place) {
                    continue;
                }
                if self.listed.len() == MOST_CITES {
                    self.more += 1;
                    continue;
                }
                seen.push(place);
                self.listed.push(cite(answer, found));
            }
        }
        self.choice.step(0, self.listed.len());
    }
}

fn cite(answer: &str, found: Found) -> Cite {
    let start = answer[..found.range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = answer[found.range.end..].find('\n').map_or(answer.len(), |at| found.range.end + at);
    let one_line = |text: &str| text::printable(text).replace(['\t', '\n'], " ");
    Cite {
        words: one_line(&answer[found.range.clone()]),
        context: one_line(answer[start..end].trim()),
        missing: found.missing(),
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{log_attachment, record, table_attachment};
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        let record = record();
        names.log(&log_attachment(&record).id, Some("app.log"), &record.digest);
        names.table(&table_attachment());
        names
    }

    fn found(text: &str) -> Vec<(String, (u64, u64))> {
        names().find(text).into_iter().map(|one| (text[one.range].to_owned(), one.numbers)).collect()
    }

    #[test]
    fn places_of_what_is_attached_are_found() {
        for (text, place, numbers) in [
            ("See app.log:12.", "app.log:12", (12, 12)),
            ("app.log:12, and so on", "app.log:12", (12, 12)),
            ("(app.log:12)", "app.log:12", (12, 12)),
            ("`app.log:12`", "app.log:12", (12, 12)),
            ("**app.log:12**:", "app.log:12", (12, 12)),
            ("at app.log:12-15;", "app.log:12-15", (12, 15)),
            ("at app.log:12–15", "app.log:12–15", (12, 15)),
            ("app.log:12-3", "app.log:12", (12, 12)),
            ("app.log:12: it says", "app.log:12", (12, 12)),
            ("漢app.log", "", (0, 0)),
            ("「app.log:7」", "app.log:7", (7, 7)),
            ("orders.csv row 3 says", "orders.csv row 3", (3, 3)),
            ("`orders.csv` row 3", "orders.csv` row 3", (3, 3)),
            ("orders rows 3-4.", "orders rows 3-4", (3, 4)),
        ] {
            let expected: Vec<_> =
                (!place.is_empty()).then(|| (place.to_owned(), numbers)).into_iter().collect();
            assert_eq!(found(text), expected, "{text}");
        }
        assert_eq!(found("app.log:1 and orders.csv row 2, app.log:3").len(), 3);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "app.log: 12",
            "app.log:0",
            "app.log:x",
            "app.log:12b",
            "app.log:12:30",
            "app.log:1.5",
            "myapp.log:12",
            "/var/log/app.log:12",
            "my-app.log:12",
            "x.app.log:12",
            "other.log:12",
            "http://app.log:99999999999999999999999",
            "orders.csv:3",
            "app.log row 3",
            "orders.csv rowing 3",
            "orders.csv row three",
            "reorders row 3",
            "at 02:14",
            "",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_listed_and_said() {
        let mut cites = Cites {
            answers: vec![
                "See app.log:9000 and orders.csv row 99.".into(),
                "app.log:3\nand app.log:9000".into(),
            ],
            ..Cites::default()
        };
        cites.arrange(&names());
        let listed: Vec<_> =
            cites.listed.iter().map(|one| (one.words.as_str(), one.missing.as_deref())).collect();
        let missing = [
            ("app.log:9000", Some("there is no line 9000: it has 301 lines")),
            ("orders.csv row 99", Some("there is no row 99: it has 3 rows")),
            ("app.log:3", None),
        ];
        assert_eq!(listed, missing);
        assert_eq!(cites.listed[2].context, "app.log:3");
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_searched(text in "[a-z:. 0-9`é漢-]{0,40}(app.log:|orders row )[0-9:é.-]{0,8}") {
            for found in names().find(&text) {
                proptest::prop_assert!(text.get(found.range.clone()).is_some());
            }
        }
    }
}
