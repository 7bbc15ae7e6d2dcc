//! HTML: the words that a reader sees, under their headings, with the lines of the source.
//!
//! Only the tokenizer of html5ever is used: no tree is built, so that neither the depth of a
//! page nor its size matters.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use html5ever::TokenizerResult;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::decode::short;
use super::outline::{MOST_HEADING, Outline};
use super::{BlockKind, Place};
use crate::text::boundary_before;

/// Bytes that are given to the tokenizer at once; between them it can be stopped.
const STEP: usize = 64 * 1024;

/// The longest paragraph, in bytes: a page without any tags is cut here.
const MOST_PARAGRAPH: usize = 1 << 20;

/// Elements whose inside is not read.
const SKIPPED: [&str; 9] =
    ["script", "style", "nav", "noscript", "template", "iframe", "select", "object", "textarea"];

/// Elements before and behind which a paragraph ends.
const BLOCKS: [&str; 36] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hr",
    "legend",
    "li",
    "main",
    "menu",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "text",
    "thead",
    "tr",
    "ul",
];

/// Puts the page's text into the outline; its title, where it has one.
pub(super) fn read(text: &str, outline: &mut Outline, stop: &AtomicBool) -> Option<String> {
    let page = RefCell::new(Page::new(outline));
    let tokenizer = Tokenizer::new(Sink(&page), TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = text;
    while !rest.is_empty() && !stop.load(Ordering::Relaxed) {
        let (piece, behind) = rest.split_at(boundary_before(rest, STEP).max(1));
        queue.push_back(StrTendril::from_slice(piece));
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        rest = behind;
    }
    tokenizer.end();
    let mut page = page.borrow_mut();
    page.end_paragraph();
    let title = short(&page.title, MOST_HEADING);
    (!title.is_empty()).then_some(title).or_else(|| page.first_heading.take())
}

/// What the tokenizer calls.
struct Sink<'p, 'o>(&'p RefCell<Page<'o>>);

impl TokenSink for Sink<'_, '_> {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let mut page = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => page.words(&text, line),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return page.start(&tag, line),
            Token::TagToken(tag) => page.end(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// A page that is being read.
struct Page<'o> {
    outline: &'o mut Outline,
    title: String,
    first_heading: Option<String>,
    /// The paragraph so far, its lines, and what it is.
    paragraph: String,
    lines: Option<(u32, u32)>,
    kind: BlockKind,
    /// The level of the heading that is being read.
    heading: Option<u8>,
    /// The element that is skipped, and how often it stands within itself.
    skipped: Option<(String, u32)>,
    in_title: bool,
    in_pre: bool,
    /// A mark of a list's item or a cell's border that stands before the next word.
    mark: &'static str,
}

impl<'o> Page<'o> {
    fn new(outline: &'o mut Outline) -> Self {
        Self {
            outline,
            title: String::new(),
            first_heading: None,
            paragraph: String::new(),
            lines: None,
            kind: BlockKind::Prose,
            heading: None,
            skipped: None,
            in_title: false,
            in_pre: false,
            mark: "",
        }
    }

    fn start(&mut self, tag: &Tag, line: u32) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        match &mut self.skipped {
            // Where the main part begins, what was never closed ends.
            Some((skipped, _)) if skipped == "nav" && matches!(name, "main" | "article" | "h1") => {
                self.skipped = None;
            }
            Some((skipped, depth)) if skipped == name && !tag.self_closing => {
                *depth = depth.saturating_add(1)
            }
            Some(_) => {}
            None if is_skipped(tag) => self.skipped = Some((name.to_owned(), 1)),
            None => {}
        }
        match name {
            "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "iframe" | "noscript" => return TokenSinkResult::RawData(RawKind::Rawtext),
            "textarea" => return TokenSinkResult::RawData(RawKind::Rcdata),
            _ if self.skipped.is_some() => return TokenSinkResult::Continue,
            // A picture (SVG) has titles, too.
            "title" => {
                self.in_title = self.title.is_empty();
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.end_heading();
                self.heading = name[1..].parse().ok();
            }
            "img" => self.alternative(tag, line),
            "td" | "th" if !self.paragraph.trim().is_empty() => self.mark = "| ",
            "br" if self.in_pre || self.kind == BlockKind::Rows => self.words("\n", line),
            _ if BLOCKS.contains(&name) => self.block(name),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn block(&mut self, name: &str) {
        // A cell's paragraphs are of its row.
        if self.kind == BlockKind::Rows && name != "tr" && name != "table" {
            return self.words(" ", 0);
        }
        match name {
            // A heading that was never closed.
            "p" | "pre" | "ul" | "ol" | "table" => self.end_heading(),
            _ => self.end_paragraph(),
        }
        match name {
            "pre" => (self.in_pre, self.kind) = (true, BlockKind::Code),
            "tr" => self.kind = BlockKind::Rows,
            "li" => self.mark = "- ",
            _ => {}
        }
    }

    fn end(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        match &mut self.skipped {
            Some((skipped, depth)) if skipped == name => {
                *depth -= 1;
                if *depth == 0 {
                    self.skipped = None;
                }
                return;
            }
            Some(_) => return,
            None => {}
        }
        match name {
            "title" => self.in_title = false,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.end_heading(),
            "tr" | "table" | "pre" => self.end_paragraph(),
            _ if BLOCKS.contains(&name) && self.kind != BlockKind::Rows => self.end_paragraph(),
            _ => {}
        }
    }

    /// Words, with the line in which they end.
    fn words(&mut self, text: &str, line: u32) {
        if self.skipped.is_some() {
            return;
        }
        if self.in_title {
            return self.title.push_str(text);
        }
        if self.in_pre {
            self.paragraph.push_str(text);
        } else {
            self.collapsed(text);
        }
        if !text.trim().is_empty() {
            let breaks = |text: &str| u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
            let (start, end) = (breaks(text.trim_start()), breaks(&text[text.trim_end().len()..]));
            let (first, last) = (line.saturating_sub(start).max(1), line.saturating_sub(end).max(1));
            self.lines = Some(self.lines.map_or((first, last), |(from, to)| (from, to.max(last))));
        }
        if self.paragraph.len() > MOST_PARAGRAPH {
            self.end_heading();
        }
    }

    /// Takes words up as they are shown: white space is one space, and none begins a paragraph.
    fn collapsed(&mut self, text: &str) {
        for (at, word) in text.split(char::is_whitespace).enumerate() {
            let space = at > 0 && !self.paragraph.is_empty() && !self.paragraph.ends_with([' ', '\n']);
            if space {
                self.paragraph.push(' ');
            }
            if !word.is_empty() {
                if !self.mark.is_empty() && !self.paragraph.is_empty() && !self.paragraph.ends_with(' ') {
                    self.paragraph.push(' ');
                }
                self.paragraph.push_str(std::mem::take(&mut self.mark));
                self.paragraph.push_str(word);
            }
        }
    }

    fn alternative(&mut self, tag: &Tag, line: u32) {
        let alt = tag.attrs.iter().find(|attribute| &*attribute.name.local == "alt");
        if let Some(alt) = alt.filter(|alt| !alt.value.trim().is_empty()) {
            self.words(&format!(" {} ", alt.value), line);
        }
    }

    /// Ends the heading that is being read, or else the paragraph.
    fn end_heading(&mut self) {
        let Some(level) = self.heading.take() else { return self.end_paragraph() };
        // Links to the heading itself, as Sphinx and rustdoc write them.
        let text = std::mem::take(&mut self.paragraph);
        let name = text.trim().trim_matches(['¶', '§']).trim().to_owned();
        self.mark = "";
        if let Some((from, to)) = self.lines.take().filter(|_| !name.is_empty()) {
            self.first_heading.get_or_insert_with(|| short(&name, MOST_HEADING));
            self.outline.heading(level, &name, name.clone(), Place::Lines(from, to));
        }
    }

    fn end_paragraph(&mut self) {
        if self.heading.is_some() {
            return self.words(" ", 0);
        }
        let text = std::mem::take(&mut self.paragraph);
        let kind = std::mem::replace(&mut self.kind, BlockKind::Prose);
        let text = match std::mem::take(&mut self.in_pre) {
            true => text.trim_matches('\n').trim_end().to_owned(),
            false => text.trim().to_owned(),
        };
        self.mark = "";
        if let Some((from, to)) = self.lines.take() {
            self.outline.block(text, Place::Lines(from, to), kind);
        }
    }
}

fn is_skipped(tag: &Tag) -> bool {
    let value = |wanted: &str| {
        tag.attrs.iter().find(|attribute| &*attribute.name.local == wanted).map(|attribute| &*attribute.value)
    };
    let void =
        tag.self_closing || matches!(&*tag.name, "br" | "hr" | "img" | "input" | "link" | "meta" | "wbr");
    let hidden = value("role") == Some("navigation") || value("class") == Some("headerlink");
    SKIPPED.contains(&&*tag.name) || hidden && !void
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::shown;

    fn html(text: &str) -> Vec<(&'static str, u32, u32, &'static str)> {
        shown(|text, outline| read(text, outline, &AtomicBool::new(false)), text)
    }

    #[test]
    fn words_stand_under_headings_with_the_lines_of_the_source() {
        let text = "<html><title>T &amp; U</title><body>\n<h1>Set <b>up</b>¶</h1>\n<p>One\ntwo &lt;x&gt;.</p>\n<h2>Needs</h2>\n<ul><li>a<li>b\n</ul><pre>\n  x = 1\n  y\n</pre>";
        let expected = [
            ("Set up", 2, 4, "Set up\nOne two <x>."),
            ("Set up/Needs", 5, 6, "Needs\n- a"),
            ("Set up/Needs", 6, 6, "- b"),
            ("Set up/Needs", 8, 9, "  x = 1\n  y"),
        ];
        assert_eq!(html(text), expected);
        let mut outline = Outline::new(1000);
        assert_eq!(read(text, &mut outline, &AtomicBool::new(false)).as_deref(), Some("T & U"));
    }

    #[test]
    fn what_nobody_reads_is_dropped() {
        let text = "<script>if (a < b) '<p>no</p>'</script><style>p{}</style><nav><p>menu<nav>x</nav></p></nav>\
            <div role=\"navigation\"><div>side</div></div><noscript><p>no</p></noscript><template>t</template><p>yes";
        assert_eq!(html(text), [("", 1, 1, "yes")]);
        assert_eq!(html("<nav><p>never closed<h1>Top</h1>text"), [("Top", 1, 1, "Top\ntext")]);
    }

    #[test]
    fn rows_of_tables_are_rows() {
        let text = "<table><tr><th>a<th>b</tr>\n<tr><td><p>1</p><td>2\n<br>3</table>after";
        assert_eq!(html(text), [("", 1, 1, "a | b"), ("", 2, 3, "1 | 2 3"), ("", 3, 3, "after")]);
    }

    #[test]
    fn depth_and_length_are_no_matter() {
        let deep = "<div><ul><li>".repeat(100_000) + "x";
        assert_eq!(html(&deep).len(), 1);
        let long = "<h1>".to_owned() + &"never closed ".repeat(200_000);
        assert!(html(&long).len() > 1);
    }

    proptest::proptest! {
        #[test]
        fn lines_are_those_of_the_words(texts in proptest::collection::vec("[a-z]{1,8}", 1..20), gaps in proptest::collection::vec(0usize..4, 20)) {
            let mut page = String::new();
            let mut expected = Vec::new();
            for (text, gap) in texts.iter().zip(gaps) {
                page.push_str(&"\n".repeat(gap));
                let line = page.matches('\n').count() as u32 + 1;
                page.push_str(&format!("<p>{text}</p>"));
                expected.push((line, text.clone()));
            }
            let found: Vec<(u32, String)> = html(&page).into_iter().map(|(_, line, _, text)| (line, text.to_owned())).collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
