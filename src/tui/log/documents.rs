//! Places of documents that an answer names: `docs/setup.md:40-52`, `manual.pdf:p3`.
//!
//! Names of documents can't be listed as those of what is attached can: whatever has the form
//! of a citation is a [`Claim`], which is looked into on another thread. What was quoted right
//! beside it belongs to the claim: it has to stand in the document.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use crate::document::Place;

/// The longest name of a file that is looked for, in bytes.
const MOST_NAME: usize = 300;

/// The longest quote that is checked, in bytes.
const MOST_QUOTE: usize = 2_000;

/// A quote of fewer letters is a word that is talked about.
const LEAST_QUOTE: usize = 12;

/// A citation, with what is quoted beside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::tui) struct Claim {
    /// The file, as it is named.
    pub(in crate::tui) file: String,
    /// Where in it.
    pub(in crate::tui) place: Place,
    /// What is said to stand there.
    pub(in crate::tui) quote: Option<String>,
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Standing {
    /// It stands there.
    There(PathBuf),
    /// It doesn't: why.
    Wrong(String),
    /// It is no citation: of a file that nobody found.
    Nothing,
}

/// What is known of documents that can be cited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::tui) struct Documents {
    /// The files that were found in this conversation, as they are cited.
    pub(in crate::tui) found: HashMap<String, PathBuf>,
    /// What was looked into.
    pub(in crate::tui) standings: HashMap<Claim, Standing>,
}

/// A claim, and where it stands in a text.
pub(super) type Claimed = (Range<usize>, Claim);

impl Documents {
    /// The claims of a text, in its order.
    pub(in crate::tui) fn claims(&self, text: &str) -> Vec<(Range<usize>, Claim)> {
        let mut claims: Vec<Claimed> =
            text.match_indices(':').filter_map(|(at, _)| self.claim(text, at)).collect();
        claims.extend(self.whole_files(text));
        claims.sort_by_key(|(range, _)| range.start);
        let mut taken: Option<Range<usize>> = None;
        for (range, claim) in &mut claims {
            if let Some(quote) = quote_beside(text, range).filter(|quote| taken.as_ref() != Some(quote)) {
                claim.quote = Some(unquoted(&text[quote.clone()]));
                taken = Some(quote);
            }
        }
        claims
    }

    /// The citation whose colon stands here.
    fn claim(&self, text: &str, colon: usize) -> Option<Claimed> {
        let (place, end) = place(text, colon + 1)?;
        let start = self.known_name(&text[..colon]).or_else(|| name(&text[..colon]))?;
        let file = text[start..colon].to_owned();
        let counts = self.found.contains_key(&file) || is_file_name(&file);
        counts.then_some((start..end, Claim { file, place, quote: None }))
    }

    /// Where a name that was found begins, if one ends here: it may hold anything.
    fn known_name(&self, before: &str) -> Option<usize> {
        let names = self.found.keys().filter(|name| before.ends_with(name.as_str()));
        let starts = names.map(|name| before.len() - name.len());
        starts.filter(|start| !before[..*start].chars().next_back().is_some_and(is_name)).min()
    }

    /// Pictures that were found, which are cited without a place.
    fn whole_files<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Claimed> + 'a {
        self.found.keys().flat_map(move |file| {
            text.match_indices(file.as_str()).filter_map(move |(start, _)| {
                let end = start + file.len();
                let (before, mut behind) = (text[..start].chars().next_back(), text[end..].chars());
                let ends = match behind.next() {
                    // A full stop, but no extension.
                    Some('.') => !behind.next().is_some_and(char::is_alphanumeric),
                    Some(':') => place(text, end + 1).is_none(),
                    next => !next.is_some_and(is_name),
                };
                let whole = ends && !before.is_some_and(is_name);
                whole.then(|| (start..end, Claim { file: file.clone(), place: Place::Whole, quote: None }))
            })
        })
    }

    /// What became of a citation in a text with these claims: the worst, where it stands there
    /// several times.
    pub(super) fn standing(&self, claims: &[Claimed], file: &str, place: Place) -> Option<&Standing> {
        let same = claims.iter().filter(|(_, claim)| claim.file == file && claim.place == place);
        let mut standings = same.filter_map(|(_, claim)| self.standings.get(claim));
        let first = standings.next()?;
        let wrong = |standing: &&Standing| matches!(standing, Standing::Wrong(_));
        Some(std::iter::once(first).chain(standings).find(wrong).unwrap_or(first))
    }

    /// The claims of a text that were not looked into yet.
    pub(in crate::tui) fn open(&self, text: &str) -> Vec<Claim> {
        let claims = self.claims(text).into_iter().map(|(_, claim)| claim);
        claims.filter(|claim| !self.standings.contains_key(claim)).collect()
    }
}

/// A place that begins here and is no part of a longer word, and where it ends.
fn place(text: &str, at: usize) -> Option<(Place, usize)> {
    let rest = text.get(at..)?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '–');
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let written = rest[..length].trim_end_matches(['-', '–']);
    let parsed: Place = written.replace('–', "-").parse().ok().filter(|place| *place != Place::Whole)?;
    let mut behind = rest[written.len()..].chars();
    let longer = match behind.next() {
        // `app.rs:12:5` is a line and a column, `1:30:05` is none.
        Some(':') => parsed.line().is_none() && behind.next().is_some_and(|c| c.is_ascii_digit()),
        Some('.' | ',') => behind.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    };
    let zero = matches!(parsed, Place::Lines(0, _) | Place::Page(0));
    (!longer && !zero).then_some((parsed, at + written.len()))
}

/// Letters of names that hold no blanks.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '\\' | '~' | '+' | '@' | '#' | '%' | '=')
}

/// Where the name that ends here begins.
fn name(before: &str) -> Option<usize> {
    let start = before.char_indices().rev().take_while(|(_, c)| is_name(*c)).last()?.0;
    (before.len() - start <= MOST_NAME).then_some(start)
}

/// Whether a name looks like one of a file: with an extension, and no part of an address.
fn is_file_name(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let extension =
        last.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension);
    let has_extension = extension.is_some_and(|extension| {
        (1..=8).contains(&extension.len())
            && extension.starts_with(|c: char| c.is_ascii_alphabetic())
            && extension.chars().all(|c| c.is_ascii_alphanumeric())
    });
    has_extension && !name.starts_with("//") && !name.contains('@')
}

/// What is quoted right before or right behind a citation: in quotation marks, or as a block.
fn quote_beside(text: &str, cite: &Range<usize>) -> Option<Range<usize>> {
    let found = marked_before(text, cite.start)
        .or_else(|| marked_behind(text, cite.end))
        .or_else(|| block_around(text, cite))?;
    let words = text[found.clone()].chars().filter(|c| c.is_alphanumeric()).count();
    (words >= LEAST_QUOTE && found.len() <= MOST_QUOTE).then_some(found)
}

/// `"…" (docs/a.md:3)`
fn marked_before(text: &str, start: usize) -> Option<Range<usize>> {
    let before = text[..start].trim_end_matches([' ', '(', '[', '`', '*', '_', '—', '–', '-']);
    let mark = before.chars().next_back()?;
    let end = before.len() - mark.len_utf8();
    let opening = match mark {
        '"' => '"',
        '”' => '“',
        '“' => '„',
        '»' => '«',
        _ => return None,
    };
    let begin = text[..end].rfind(opening)? + opening.len_utf8();
    Some(begin..end).filter(|quote| !text[quote.clone()].contains("\n\n"))
}

/// `docs/a.md:3: "…"`
fn marked_behind(text: &str, end: usize) -> Option<Range<usize>> {
    let behind = text[end..].trim_start_matches([')', ']', '`', '*', '_', ':', ',', ' ', '—', '–', '-']);
    let mark = behind.chars().next()?;
    let begin = text.len() - behind.len() + mark.len_utf8();
    let closing = match mark {
        '"' => '"',
        '“' => '”',
        '„' => '“',
        '«' => '»',
        _ => return None,
    };
    let quote = begin..begin + text[begin..].find(closing)?;
    Some(quote).filter(|quote| !text[quote.clone()].contains("\n\n"))
}

/// Lines of a block quote that end right before the citation's line, or begin right behind it.
fn block_around(text: &str, cite: &Range<usize>) -> Option<Range<usize>> {
    let line_start = text[..cite.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[cite.end..].find('\n').map_or(text.len(), |at| cite.end + at);
    let quoted = |line: &str| line.trim_start().starts_with('>');
    if quoted(&text[line_start..line_end]) {
        return None;
    }
    let before = text[..line_start].trim_end();
    let count = before.lines().rev().take_while(|line| quoted(line)).count();
    if count > 0 {
        let lines = before.split('\n').count();
        let begin = before.split('\n').take(lines - count).map(|line| line.len() + 1).sum();
        return Some(begin..before.len());
    }
    let behind = text[line_end..].trim_start_matches(['\n', ' ']);
    let begin = text.len() - behind.len();
    let length: usize = behind.split_inclusive('\n').take_while(|line| quoted(line)).map(str::len).sum();
    (length > 0).then(|| begin..begin + length)
}

/// A quote without the marks of a block.
fn unquoted(quote: &str) -> String {
    let lines = quote.lines().map(|line| {
        let bare = line.trim_start();
        bare.strip_prefix('>').map_or(line, |rest| rest.strip_prefix(' ').unwrap_or(rest))
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn documents() -> Documents {
        let found = ["docs/setup.md", "My Notes/set up.md", "shots/login.png", "docs/man.pdf"];
        let found = found.map(|name| (name.to_owned(), PathBuf::from("/home/me").join(name)));
        Documents { found: found.into(), ..Documents::default() }
    }

    fn cites(text: &str) -> Vec<String> {
        let claims = documents().claims(text);
        claims.into_iter().map(|(range, _)| text[range].to_owned()).collect()
    }

    #[test]
    fn what_has_the_form_of_a_citation_is_one() {
        for (text, expected) in [
            ("See docs/setup.md:40.", vec!["docs/setup.md:40"]),
            ("(`docs/setup.md:40-52`)", vec!["docs/setup.md:40-52"]),
            ("docs/setup.md:40–52, and", vec!["docs/setup.md:40–52"]),
            ("docs/setup.md:40: it says", vec!["docs/setup.md:40"]),
            ("in My Notes/set up.md:3", vec!["My Notes/set up.md:3"]),
            ("manual.pdf:p3; talk.wav:t83-95", vec!["manual.pdf:p3", "talk.wav:t83-95"]),
            ("made-up.md:9", vec!["made-up.md:9"]),
            ("src/main.rs:12:5", vec!["src/main.rs:12"]),
            ("the picture shots/login.png.", vec!["shots/login.png"]),
            ("漢字/説明.md:7", vec!["漢字/説明.md:7"]),
            (
                "prices.xlsx:r12-40 deck.pptx:s4 a.ipynb:c7",
                vec!["prices.xlsx:r12-40", "deck.pptx:s4", "a.ipynb:c7"],
            ),
        ] {
            assert_eq!(cites(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "at 02:14",
            "http://example.com/a.html:80",
            "localhost:8080",
            "10.0.0.1:80",
            "me@example.com:25",
            "setup.md: 40",
            "setup.md:0",
            "setup.md:40b",
            "setup.md:x",
            "key:12",
            "a.md:1.5",
            "shots/login.png.bak",
            "old-shots/login.png",
            ":12",
            "",
            "C:40",
            ".env:3",
        ] {
            assert_eq!(cites(text), Vec::<String>::new(), "{text}");
        }
    }

    fn quotes(text: &str) -> Vec<Option<String>> {
        documents().claims(text).into_iter().map(|(_, claim)| claim.quote).collect()
    }

    #[test]
    fn what_is_quoted_beside_a_citation_belongs_to_it() {
        let one = |quote: &str| vec![Some(quote.to_owned())];
        assert_eq!(
            quotes("It says \"install libasound2-dev\" (docs/setup.md:4)."),
            one("install libasound2-dev")
        );
        assert_eq!(quotes("docs/setup.md:4: “install libasound2-dev”"), one("install libasound2-dev"));
        assert_eq!(
            quotes("> install\n> libasound2-dev\n\n— `docs/setup.md:4`"),
            one("install\nlibasound2-dev")
        );
        assert_eq!(
            quotes("As docs/setup.md:4 says:\n\n> install libasound2-dev\n\nSo."),
            one("install libasound2-dev")
        );
        assert_eq!(
            quotes("\"the first of them\" (docs/setup.md:4), \"and the second\" (docs/man.pdf:p2)"),
            [Some("the first of them".to_owned()), Some("and the second".to_owned())]
        );
        assert_eq!(
            quotes("docs/setup.md:4: \"the first of them\" docs/man.pdf:p2"),
            [Some("the first of them".to_owned()), None]
        );
        assert_eq!(quotes("the \"linker\" (docs/setup.md:4)"), [None], "a word is no quote");
        assert_eq!(quotes("\"far away from it\" is said. See docs/setup.md:4"), [None]);
    }

    #[test]
    fn the_worst_of_a_place_counts() {
        let mut documents = documents();
        let text = "\"what stands there\" (docs/setup.md:4); \"what does not stand there\" (docs/setup.md:4)";
        let claims = documents.claims(text);
        assert_eq!(documents.open(text).len(), 2);
        let place = claims[0].1.place;
        assert_eq!(documents.standing(&claims, "docs/setup.md", place), None);
        let wrong = Standing::Wrong("it is not there".into());
        documents.standings.insert(claims[0].1.clone(), Standing::There("/a".into()));
        documents.standings.insert(claims[1].1.clone(), wrong.clone());
        assert_eq!(documents.standing(&claims, "docs/setup.md", place), Some(&wrong));
        assert_eq!(documents.open(text), []);
    }

    proptest! {
        #[test]
        fn any_text_can_be_searched(text in "([a-z:. \n>\"“”0-9`é漢-]|docs/setup\\.md:|manual\\.pdf:p){0,30}") {
            for (range, claim) in documents().claims(&text) {
                prop_assert!(text.get(range).is_some());
                prop_assert!(claim.quote.is_none_or(|quote| quote.len() <= MOST_QUOTE));
            }
        }
    }
}
