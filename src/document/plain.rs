//! Plain text: paragraphs, under titles that are underlined (reStructuredText and READMEs) or
//! begin with `=` (AsciiDoc).

use super::decode::{Lines, short};
use super::outline::{MOST_HEADING, Outline};
use super::{BlockKind, Place};

/// What titles are underlined with, in reStructuredText.
const UNDERLINES: &str = "=-~^\"'`*+#_:.";

/// The place of lines `from` to `to` (not included) that are counted from 0.
pub(super) fn place(from: usize, to: usize) -> Place {
    let number = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    Place::Lines(number(from + 1), number(to.max(from + 1)))
}

/// Puts the text's paragraphs into the outline; its first title, where it has one.
pub(super) fn read(text: &str, outline: &mut Outline) -> Option<String> {
    let lines = Lines::new(text);
    let mut levels = Vec::new();
    let mut title = None;
    let mut at = 0;
    while at < lines.count() && lines.blank(at, at + 1) {
        at += 1;
    }
    while at < lines.count() && !outline.is_full() {
        let found = heading(&lines, at, &mut levels);
        let mut end = found.as_ref().map_or(at + 1, |found| at + found.lines);
        while found.is_none() && end < lines.count() && !lines.blank(end, end + 1) {
            end += 1;
        }
        while end < lines.count() && lines.blank(end, end + 1) {
            end += 1;
        }
        match found {
            Some(Heading { level, name, .. }) => {
                title.get_or_insert_with(|| short(&name, MOST_HEADING));
                outline.heading(level, &name, lines.text(at, end), place(at, end));
            }
            None => outline.block(lines.text(at, end), place(at, end), BlockKind::Prose),
        }
        at = end;
    }
    title
}

struct Heading {
    level: u8,
    name: String,
    /// How many lines it is written in.
    lines: usize,
}

/// The title that begins in a line. Which underline is which level is for the text to say:
/// the first is the highest.
fn heading(lines: &Lines<'_>, at: usize, levels: &mut Vec<(bool, char)>) -> Option<Heading> {
    if let Some(heading) = asciidoc(lines.get(at)) {
        return Some(heading);
    }
    let over = underline(lines.get(at));
    let (name, under, count) = match over {
        Some(_) => (lines.get(at + 1), lines.get(at + 2), 3),
        None => (lines.get(at), lines.get(at + 1), 2),
    };
    let mark = underline(under).filter(|mark| over.is_none_or(|over| over == *mark))?;
    // Shorter than its title it is a rule, or a row of a table.
    let long = under.trim_end().chars().count() >= name.trim().chars().count();
    let above = at == 0 || lines.blank(at - 1, at);
    let below = at + count >= lines.count() || lines.blank(at + count, at + count + 1) || over.is_some();
    let words = !name.trim().is_empty() && underline(name).is_none() && name.len() <= MOST_HEADING;
    if !(long && above && words && (below || !name.starts_with(' '))) {
        return None;
    }
    let style = (over.is_some(), mark);
    let level = levels.iter().position(|known| *known == style).unwrap_or_else(|| {
        levels.push(style);
        levels.len() - 1
    });
    let level = u8::try_from(level + 1).unwrap_or(u8::MAX);
    Some(Heading { level, name: name.trim().to_owned(), lines: count })
}

/// What a line underlines with, if it does nothing else.
fn underline(line: &str) -> Option<char> {
    let line = line.trim_end();
    let first = line.chars().next().filter(|c| UNDERLINES.contains(*c))?;
    (line.len() >= 3 && line.chars().all(|c| c == first)).then_some(first)
}

fn asciidoc(line: &str) -> Option<Heading> {
    let name = line.trim_start_matches('=');
    let level = u8::try_from(line.len() - name.len()).ok().filter(|level| (1..=6).contains(level))?;
    let words = name.strip_prefix(' ')?.trim();
    let heading = !words.is_empty() && words.len() <= MOST_HEADING && !words.starts_with('=');
    heading.then(|| Heading { level, name: words.trim_end_matches('=').trim().to_owned(), lines: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::shown;

    #[test]
    fn paragraphs_have_their_lines() {
        assert_eq!(
            shown(read, "\n\none\ntwo\n\n\nthree\n"),
            [("", 3, 6, "one\ntwo\n\n"), ("", 7, 7, "three")]
        );
    }

    #[test]
    fn underlined_titles_are_headings() {
        let text = "=====\nTitle\n=====\n\nabout\n\nUsage\n-----\nuse it\n\nMore\n----\n\nno\n--\n";
        let expected = [
            ("Title", 1, 6, "=====\nTitle\n=====\n\nabout\n"),
            ("Title/Usage", 7, 10, "Usage\n-----\nuse it\n"),
            ("Title/More", 11, 15, "More\n----\n\nno\n--"),
        ];
        assert_eq!(shown(read, text), expected);
        let mut outline = Outline::new(1000);
        assert_eq!(read(text, &mut outline).as_deref(), Some("Title"));
    }

    #[test]
    fn titles_of_asciidoc_are_headings() {
        assert_eq!(shown(read, "= Top\n\n== Sub\ntext\n"), [("Top/Sub", 1, 4, "= Top\n\n== Sub\ntext")]);
        assert_eq!(shown(read, "a\n=b\n"), [("", 1, 2, "a\n=b")]);
    }
}
