//! Markdown (CommonMark with tables): its headings, and blocks that are whole paragraphs,
//! lists, tables and code blocks. The text stays the source's own lines.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::decode::{Lines, short};
use super::outline::{MOST_HEADING, Outline};
use super::plain::{self, place};
use super::{BlockKind, Place};

/// The longest text that is parsed as Markdown, in bytes: the parser keeps a node for each
/// word's worth of markup. What is longer is read as plain text.
const MOST_PARSED: usize = 8 << 20;

/// What begins in a line, outermost.
struct Part {
    line: usize,
    kind: BlockKind,
    heading: Option<(u8, String)>,
}

/// Puts the text's blocks into the outline; its title, where it has one.
pub(super) fn read(text: &str, outline: &mut Outline) -> Option<String> {
    match text.len() {
        ..=MOST_PARSED => blocks(text, None, outline),
        _ => plain::read(text, outline),
    }
}

/// The same, all of it at one place: a cell.
pub(super) fn read_at(text: &str, place: Place, outline: &mut Outline) -> Option<String> {
    if text.len() <= MOST_PARSED {
        return blocks(text, Some(place), outline);
    }
    outline.block(text.to_owned(), place, BlockKind::Prose);
    None
}

fn blocks(text: &str, all_at: Option<Place>, outline: &mut Outline) -> Option<String> {
    let lines = Lines::new(text);
    let (parts, mut title) = parts(text, &lines);
    for (at, part) in parts.iter().enumerate() {
        let end = parts.get(at + 1).map_or(lines.count(), |next| next.line);
        let text = lines.text(part.line, end);
        let (text, place) = match all_at {
            Some(place) if part.heading.is_none() => (text.trim_end().to_owned(), place),
            Some(place) => (text, place),
            None => (text, place(part.line, end)),
        };
        match &part.heading {
            Some((level, name)) => outline.heading(*level, name, text, place),
            None => outline.block(text, place, part.kind),
        }
    }
    let headings = || parts.iter().filter_map(|part| part.heading.as_ref());
    let first = headings().find(|(level, _)| *level == 1).or_else(|| headings().next());
    title = title.or_else(|| first.map(|(_, name)| short(name, MOST_HEADING)));
    title.filter(|title| !title.is_empty())
}

/// The outermost parts of a text, each from its first line to the next one's (so that every
/// line belongs to one), and the title that its front matter says.
fn parts(text: &str, lines: &Lines<'_>) -> (Vec<Part>, Option<String>) {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut walk = Walk { lines, parts: Vec::new(), depth: 0, within: None, metadata: false, title: None };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        walk.event(event, &range);
    }
    // What is no event (a definition of a link) in front of the first one.
    if let Some(first) = (0..lines.count()).find(|at| !lines.blank(*at, at + 1)) {
        match walk.parts.first_mut() {
            Some(part) if part.heading.is_none() => part.line = part.line.min(first),
            Some(part) if part.line <= first => {}
            _ => walk.parts.insert(0, Part { line: first, kind: BlockKind::Prose, heading: None }),
        }
    }
    (walk.parts, walk.title)
}

struct Walk<'a> {
    lines: &'a Lines<'a>,
    parts: Vec<Part>,
    depth: usize,
    /// A heading that is being read: its level and its words so far.
    within: Option<(u8, String)>,
    metadata: bool,
    title: Option<String>,
}

impl Walk<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.metadata => {
                self.title = self.title.take().or_else(|| title_of(&text));
            }
            Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => self.word(&text),
            Event::SoftBreak | Event::HardBreak => self.word(" "),
            Event::Rule if self.depth == 0 => self.part(range.start, BlockKind::Prose),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: &Range<usize>) {
        self.depth += 1;
        match tag {
            Tag::Heading { level, .. } if self.depth == 1 => {
                self.part(range.start, BlockKind::Prose);
                self.within = Some((number(*level), String::new()));
            }
            Tag::MetadataBlock(_) => {
                self.metadata = true;
                self.part(range.start, BlockKind::Prose);
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) if self.depth == 1 => {
                self.part(range.start, BlockKind::Code);
            }
            Tag::Table(_) if self.depth == 1 => self.part(range.start, BlockKind::Rows),
            _ if self.depth == 1 => self.part(range.start, BlockKind::Prose),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        self.depth = self.depth.saturating_sub(1);
        match tag {
            TagEnd::Heading(_) if self.depth == 0 => {
                if let Some(part) = self.parts.last_mut() {
                    part.heading = self.within.take();
                }
            }
            TagEnd::MetadataBlock(_) => self.metadata = false,
            _ => {}
        }
    }

    fn word(&mut self, text: &str) {
        if let Some((_, words)) = &mut self.within {
            words.push_str(text);
        }
    }

    /// A part begins; one that begins in the line of another belongs to it.
    fn part(&mut self, start: usize, kind: BlockKind) {
        let line = self.lines.at_byte(start);
        if self.parts.last().is_none_or(|last| last.line < line) {
            self.parts.push(Part { line, kind, heading: None });
        }
    }
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The title of a front matter: `title: …`.
fn title_of(yaml: &str) -> Option<String> {
    let title = yaml.lines().find_map(|line| line.strip_prefix("title:"))?;
    Some(short(title.trim().trim_matches(['"', '\'']), MOST_HEADING))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::shown;

    #[test]
    fn blocks_stand_under_their_headings_with_their_lines() {
        let text = "# Set *up*\n\nFirst.\n\n## Needs\n- a\n- b\n\n```sh\n# no heading\n```\n";
        let expected = [
            ("Set up", 1, 4, "# Set *up*\n\nFirst.\n"),
            ("Set up/Needs", 5, 8, "## Needs\n- a\n- b\n"),
            ("Set up/Needs", 9, 11, "```sh\n# no heading\n```"),
        ];
        assert_eq!(shown(read, text), expected);
    }

    #[test]
    fn no_line_is_lost() {
        let text = "[a]: b\n\n# T\n\n[c]: d\n\n| x |\n|---|\n| 1 |\n\n***\nSub\n---\nend\n";
        let expected = [
            ("", 1, 2, "[a]: b\n"),
            ("T", 3, 10, "# T\n\n[c]: d\n\n| x |\n|---|\n| 1 |\n"),
            ("T", 11, 11, "***"),
            ("T/Sub", 12, 14, "Sub\n---\nend"),
        ];
        assert_eq!(shown(read, text), expected);
    }

    #[test]
    fn the_title_is_that_of_the_front_matter_or_the_first_heading() {
        let title = |text| read(text, &mut Outline::new(1000));
        assert_eq!(title("---\ntitle: \"From above\"\n---\n# Heading\n").as_deref(), Some("From above"));
        assert_eq!(title("## Small\n# Big\n").as_deref(), Some("Big"));
        assert_eq!(title("text\n"), None);
    }
}
