//! Source code and configuration: functions, classes, sections, by indentation and blank
//! lines. No grammar of any language is known, so that none can be wrong about a new one: what
//! stands deeper belongs to the line above it that stands less deep.

use std::cmp::Ordering;

use super::decode::{Lines, indent, short};
use super::outline::Outline;
use super::plain::place;
use super::{BlockKind, Language};

/// Bytes of a class (a module, a table of a configuration) that is kept as one block; a larger
/// one is looked into. About what a passage holds.
const WHOLE: usize = 1000;

/// How deep it is looked into classes within classes.
const MOST_DEPTH: u8 = 5;

/// The longest signature that is a heading, in bytes.
const MOST_SIGNATURE: usize = 100;

/// First words of lines that go on with what stands above them at the same depth.
const GOES_ON: [&str; 24] = [
    "else",
    "elif",
    "elsif",
    "except",
    "finally",
    "rescue",
    "ensure",
    "catch",
    "end",
    "done",
    "fi",
    "esac",
    "then",
    "do",
    "where",
    "public:",
    "private:",
    "protected:",
    "#if",
    "#ifdef",
    "#ifndef",
    "#else",
    "#elif",
    "#endif",
];

/// First words of statements: what stands below them is no part with a name.
const STATEMENTS: [&str; 22] = [
    "if", "for", "while", "switch", "match", "try", "with", "loop", "do", "case", "return", "else", "until",
    "foreach", "unless", "begin", "when", "select", "import", "use", "from", "assert",
];

/// Words of lines whose inside is looked into: it holds parts with names of their own.
const HOLDERS: [&str; 15] = [
    "class",
    "impl",
    "mod",
    "module",
    "namespace",
    "trait",
    "interface",
    "enum",
    "struct",
    "object",
    "extension",
    "describe",
    "package",
    "protocol",
    "contract",
];

/// Puts the parts of a source into the outline.
pub(super) fn read(text: &str, language: Language, outline: &mut Outline) {
    let lines = Lines::new(text);
    let reader = Reader { lines: &lines, language };
    let first = (0..lines.count()).find(|at| !lines.blank(*at, at + 1)).unwrap_or(lines.count());
    reader.stretch((first, lines.count()), None, 1, outline);
}

struct Reader<'a> {
    lines: &'a Lines<'a>,
    language: Language,
}

/// A part of a stretch: lines `from` to `to` (not included); with the line that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    from: usize,
    to: usize,
    named: Option<usize>,
}

impl Reader<'_> {
    /// Reads lines `from` to `to` (not included) at a depth from 1: those that stand deeper than
    /// `outer`, and what closes them.
    fn stretch(&self, (from, to): (usize, usize), outer: Option<usize>, depth: u8, outline: &mut Outline) {
        for part in self.parts(from, to, outer) {
            if outline.is_full() {
                return;
            }
            let text = self.lines.text(part.from, part.to);
            let Some(named) = part.named else {
                outline.block(text, place(part.from, part.to), BlockKind::Code);
                continue;
            };
            let signature = signature(self.lines.get(named));
            let large = text.len() > WHOLE && depth < MOST_DEPTH && self.holds(named, &signature);
            match large.then(|| self.inside(named, part.to)).flatten() {
                Some(inside) => {
                    outline.unwritten(depth, &signature);
                    let head = self.lines.text(part.from, inside);
                    outline.block(head, place(part.from, inside), BlockKind::Code);
                    let outer = indent(self.lines.get(named));
                    self.stretch((inside, part.to), Some(outer), depth + 1, outline);
                }
                None => outline.under(depth, &signature, text, place(part.from, part.to), BlockKind::Code),
            }
            outline.close(depth);
        }
    }

    /// The parts of a stretch, which have all of its lines.
    fn parts(&self, from: usize, to: usize, outer: Option<usize>) -> Vec<Part> {
        let inner = |at: &usize| {
            !self.lines.blank(*at, at + 1) && outer.is_none_or(|outer| indent(self.lines.get(*at)) > outer)
        };
        let base = (from..to).filter(inner).map(|at| indent(self.lines.get(at))).min().unwrap_or(0);
        let mut parts: Vec<Part> = Vec::new();
        // Where a comment began that may belong to what comes next.
        let mut comment: Option<usize> = None;
        let (mut deeper, mut blank) = (false, false);
        for at in from..to {
            let text = self.lines.get(at).trim();
            if text.is_empty() {
                // A comment that nothing stands below is a part by itself.
                if let Some(from) = comment.take() {
                    parts.push(Part { from, to, named: None });
                    deeper = false;
                }
                blank = true;
                continue;
            }
            match indent(self.lines.get(at)).cmp(&base) {
                Ordering::Less => comment = None,
                Ordering::Greater => {
                    if let (Some(last), false) = (parts.last_mut(), deeper) {
                        last.named = last.named.or_else(|| self.names(last.from, at, base));
                    }
                    (comment, deeper) = (None, true);
                }
                Ordering::Equal if self.is_comment(text) => {
                    // A blank line in front of a comment parts what is below it, too.
                    comment = comment.or(Some(at));
                    continue;
                }
                Ordering::Equal => {
                    let begin = comment.take().unwrap_or(at);
                    let section = self.language == Language::Config && text.starts_with('[');
                    // Statements without anything below them stay together up to a blank line.
                    let apart = deeper || blank || section || parts.is_empty() || self.opens(at, to, base);
                    if apart && (parts.is_empty() || !self.goes_on(text)) {
                        parts.push(Part { from: begin, to, named: section.then_some(at) });
                        deeper = false;
                    }
                }
            }
            blank = false;
        }
        close_up(&mut parts, from, to);
        parts
    }

    /// Whether a line is deeper than `base` right below this one.
    fn opens(&self, at: usize, to: usize, base: usize) -> bool {
        at + 1 < to && !self.lines.blank(at + 1, at + 2) && indent(self.lines.get(at + 1)) > base
    }

    /// The line from `from` on that names what stands deeper below it, at `deep`.
    fn names(&self, from: usize, deep: usize, base: usize) -> Option<usize> {
        let json = self.language == Language::Json;
        let named = (from..deep).rev().find(|at| {
            let text = self.lines.get(*at).trim();
            let bracket = matches!(text, "{" | "(" | "begin" | "BEGIN" | "AS" | "as") && !json;
            !text.is_empty() && !bracket && indent(self.lines.get(*at)) == base && !self.is_comment(text)
        })?;
        let text = self.lines.get(named).trim();
        let statement = STATEMENTS.contains(&first_word(text)) && self.language != Language::Sql;
        (!statement && (json || !signature(text).is_empty())).then_some(named)
    }

    /// Whether the inside of a part is looked into.
    fn holds(&self, named: usize, signature: &str) -> bool {
        match self.language {
            Language::Config | Language::Json | Language::Xml | Language::Style => true,
            _ => {
                let anonymous = self.lines.get(named).trim().len() <= 1;
                anonymous
                    || signature.split(|c: char| !c.is_alphanumeric()).any(|word| HOLDERS.contains(&word))
            }
        }
    }

    /// The line in which the inside of a part begins, if it has one that can be told apart.
    fn inside(&self, named: usize, to: usize) -> Option<usize> {
        let base = indent(self.lines.get(named));
        (named + 1..to).find(|at| !self.lines.blank(*at, at + 1) && indent(self.lines.get(*at)) > base)
    }

    fn goes_on(&self, text: &str) -> bool {
        text.starts_with(['}', ')', ']', '{'])
            || text.starts_with("</")
            || GOES_ON.contains(&first_word(text))
    }

    /// Comments, attributes and decorators: what stands right above belongs to what is below.
    fn is_comment(&self, text: &str) -> bool {
        let marks: &[&str] = match self.language {
            Language::Rust => &["//", "#[", "#!", "/*", "*"],
            Language::C => &["//", "/*", "*", "template"],
            Language::JavaScript | Language::Go | Language::Java => &["//", "/*", "*", "@"],
            Language::Python | Language::Shell | Language::Ruby => &["#", "@"],
            Language::Config => &["#", ";"],
            Language::Sql => &["--", "/*", "*"],
            Language::Style => &["/*", "*"],
            Language::Json | Language::Xml => &[],
            Language::Other => &["//", "#", "/*", "*", "--", "@", "%", ";"],
        };
        marks.iter().any(|mark| text.starts_with(mark))
    }
}

/// Makes the parts have all lines of a stretch: each ends where the next one begins.
fn close_up(parts: &mut Vec<Part>, from: usize, to: usize) {
    if parts.is_empty() {
        parts.push(Part { from, to, named: None });
    }
    parts[0].from = from;
    for at in 1..parts.len() {
        parts[at - 1].to = parts[at].from;
    }
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '#' | ':'))).next().unwrap_or_default()
}

/// The line that names a part, without what opens its inside.
fn signature(line: &str) -> String {
    let name = line.trim().trim_end_matches(|c: char| c.is_whitespace() || "{([:,=".contains(c));
    short(name.trim_matches(['"', '\'']), MOST_SIGNATURE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::{joined, shown};

    fn headings(text: &str, language: Language) -> Vec<(&'static str, u32, u32)> {
        let read = |text: &str, outline: &mut Outline| {
            read(text, language, outline);
            None
        };
        shown(read, text).into_iter().map(|(heading, from, to, _)| (heading, from, to)).collect()
    }

    #[test]
    fn functions_of_rust_keep_their_comments_and_attributes() {
        let text = "//! A module.\n\nuse a::b;\nuse c;\n\n/// Does.\n#[inline]\nfn one(\n    a: u32,\n) -> u32 {\n    if a {\n        b\n    }\n}\n\nconst A: u8 = 1;\nfn two() {}\n";
        let expected = [("", 1, 2), ("", 3, 5), ("fn one", 6, 15), ("", 16, 17)];
        assert_eq!(headings(text, Language::Rust), expected);
    }

    #[test]
    fn methods_of_a_large_class_stand_under_it() {
        let body = "        x = 'long enough to be looked into'\n".repeat(20);
        let text = format!(
            "import os\n\nclass A(B):\n    \"\"\"Doc.\"\"\"\n\n    def one(self):\n{body}\n    @property\n    def two(self):\n{body}\n\ndef free():\n    pass\n"
        );
        let expected = [
            ("", 1, 2),
            ("class A(B)", 3, 3),
            ("class A(B)", 4, 5),
            ("class A(B)/def one(self)", 6, 27),
            ("class A(B)/def two(self)", 28, 51),
            ("def free()", 52, 53),
        ];
        assert_eq!(headings(&text, Language::Python), expected);
    }

    #[test]
    fn braces_on_lines_of_their_own_name_nothing() {
        let text = "#include <a.h>\n\n/* Adds. */\nint add(int a, int b)\n{\n    return a + b;\n}\n\nstatic int x;\n";
        assert_eq!(headings(text, Language::C), [("", 1, 2), ("int add(int a, int b)", 3, 8), ("", 9, 9)]);
    }

    #[test]
    fn sections_of_a_configuration_are_parts() {
        let text = "a = 1\n\n# Who.\n[package]\nname = \"x\"\n[dependencies]\nb = 1\n";
        let expected = [("", 1, 2), ("[package]", 3, 5), ("[dependencies]", 6, 7)];
        assert_eq!(headings(text, Language::Config), expected);
    }

    #[test]
    fn keys_of_large_json_and_yaml_are_headings() {
        let items = "    \"item\": \"something\",\n".repeat(50);
        let json = format!("{{\n  \"first\": {{\n{items}  }},\n  \"second\": {{\n    \"a\": 1\n  }}\n}}\n");
        let found = headings(&json, Language::Json);
        assert!(found.iter().any(|(heading, ..)| heading.ends_with("second")), "{found:?}");
        let yaml = format!("on:\n  push:\n{items}  pull:\n    b: 1\njobs:\n  c: 2\n");
        let names: Vec<&str> = headings(&yaml, Language::Config).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["on", "on/push", "on/push", "on/pull", "jobs"]);
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_lost(text in "(([ \t]{0,6}(fn a|class B|if x|\\}|\\{|#c|\\[s\\]|//d|else|e;)?)\n){0,30}") {
            for language in [Language::Rust, Language::Python, Language::C, Language::Config, Language::Json] {
                let mut outline = Outline::new(usize::MAX);
                read(&text, language, &mut outline);
                let blocks = outline.finish(&mut Vec::new());
                let all = joined(&blocks);
                proptest::prop_assert_eq!(all.trim(), text.trim());
            }
        }
    }
}
