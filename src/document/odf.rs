//! OpenDocument (ISO/IEC 26300): text, slides and sheets, which are one format.

use std::sync::atomic::AtomicBool;

use super::decode::short;
use super::outline::{MOST_HEADING, Outline};
use super::package::Package;
use super::rows::{MOST_COLUMNS, Rows};
use super::xml::{Element, Node, text_of, walk};
use super::{BlockKind, Place, Unreadable};

/// The most spaces that one element stands for.
const MOST_SPACES: u32 = 100;

/// The longest cell that is said as often as it is repeated, in bytes.
const MOST_REPEATED: usize = 1000;

/// Elements whose text is not the document's: what was deleted, what was remarked.
const ASIDE: [&str; 4] = ["tracked-changes", "annotation", "forms", "desc"];

/// Puts the text of a document into the outline; its title, where it has one.
pub(super) fn read(
    bytes: &[u8],
    outline: &mut Outline,
    notes: &mut Vec<String>,
    stop: &AtomicBool,
) -> Result<Option<String>, Unreadable> {
    let mut package = Package::open(bytes)?;
    let manifest = package.part("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains("encryption-data") {
        return Err(Unreadable::Encrypted);
    }
    let content = package.needed("content.xml")?;
    let mut text = Text::new(outline);
    walk(&content, stop, &mut |node| text.node(node))?;
    notes.extend(text.rows.note());
    let title = text.title.take();
    let said = package.part("meta.xml")?.and_then(|meta| text_of(&meta, "title", stop));
    Ok(said.map(|said| short(&said, MOST_HEADING)).or(title))
}

struct Text<'o> {
    outline: &'o mut Outline,
    title: Option<String>,
    /// The paragraph so far, and the level of the heading that it is.
    paragraph: String,
    level: Option<u8>,
    /// Paragraphs stand within each other where there are frames.
    depth: u32,
    /// Paragraphs of a text, slides, or rows of a sheet so far.
    number: u32,
    counted: Counted,
    /// Rows of tables that are open: of a text, tables stand within cells, too.
    open_rows: Vec<Vec<String>>,
    rows: Rows,
    /// How often the cell and the row that are open are repeated.
    cell_repeats: u32,
    row_repeats: u32,
    in_slide_title: bool,
    /// How deep it is in what is no text of the document.
    aside: u32,
}

/// What places are counted in.
#[derive(Clone, Copy, PartialEq)]
enum Counted {
    Paragraphs,
    Slides,
    Sheet,
}

impl<'o> Text<'o> {
    fn new(outline: &'o mut Outline) -> Self {
        Self {
            outline,
            title: None,
            paragraph: String::new(),
            level: None,
            depth: 0,
            number: 0,
            counted: Counted::Paragraphs,
            open_rows: Vec::new(),
            rows: Rows::default(),
            cell_repeats: 1,
            row_repeats: 1,
            in_slide_title: false,
            aside: 0,
        }
    }

    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Open(element) if ASIDE.contains(&element.name()) => {
                self.aside = self.aside.saturating_add(1)
            }
            Node::Close(name) if ASIDE.contains(&name) => self.aside = self.aside.saturating_sub(1),
            _ if self.aside > 0 => {}
            Node::Open(element) => self.open(&element),
            Node::Close(name) => self.close(name),
            Node::Text(text) if self.depth > 0 => self.words(text),
            Node::Text(_) => {}
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            "spreadsheet" => self.counted = Counted::Sheet,
            "presentation" => self.counted = Counted::Slides,
            "page" if self.counted == Counted::Slides => {
                self.number = self.number.saturating_add(1);
                self.outline.close(1);
            }
            "frame" => self.in_slide_title = element.attribute("class").is_some_and(|class| class == "title"),
            "table" if self.counted == Counted::Sheet => {
                self.number = 0;
                self.outline.unwritten(1, &element.attribute("name").unwrap_or_default());
            }
            "table-row" => {
                self.row_repeats = element.number("number-rows-repeated").unwrap_or(1);
                self.open_rows.push(Vec::new());
            }
            "table-cell" | "covered-table-cell" => {
                self.cell_repeats = element.number("number-columns-repeated").unwrap_or(1);
                if let Some(row) = self.open_rows.last_mut() {
                    row.push(String::new());
                }
            }
            "p" | "h" => {
                self.depth = self.depth.saturating_add(1);
                let level = element.number("outline-level").unwrap_or(1);
                self.level = (element.name() == "h").then(|| u8::try_from(level).unwrap_or(u8::MAX));
            }
            "s" => {
                let count = element.number("c").unwrap_or(1).min(MOST_SPACES);
                self.paragraph.push_str(&" ".repeat(count as usize));
            }
            "tab" => self.paragraph.push('\t'),
            "line-break" => self.paragraph.push('\n'),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" | "h" => self.end_paragraph(),
            "table-cell" | "covered-table-cell" => self.end_cell(),
            "table-row" => self.end_row(),
            "frame" => self.in_slide_title = false,
            _ => {}
        }
    }

    /// Words of a paragraph: white space in the XML is one space.
    fn words(&mut self, text: &str) {
        for (at, word) in text.split([' ', '\n', '\r', '\t']).enumerate() {
            if at > 0 && !self.paragraph.ends_with([' ', '\n', '\t']) && !self.paragraph.is_empty() {
                self.paragraph.push(' ');
            }
            self.paragraph.push_str(word);
        }
    }

    fn end_paragraph(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        let text = std::mem::take(&mut self.paragraph);
        let level = self.level.take();
        if let Some(cell) = self.open_rows.last_mut().and_then(|row| row.last_mut()) {
            cell.push_str(if cell.is_empty() { "" } else { " " });
            return cell.push_str(&text);
        }
        let level = level.or(self.in_slide_title.then_some(1));
        let place = self.place();
        match level.filter(|_| !text.trim().is_empty() && text.len() <= 2 * MOST_HEADING) {
            Some(level) => {
                self.title.get_or_insert_with(|| short(&text, MOST_HEADING));
                self.outline.heading(level, &text, text.trim().to_owned(), place);
            }
            None => self.outline.block(text, place, BlockKind::Prose),
        }
    }

    /// The place of the next paragraph or row.
    fn place(&mut self) -> Place {
        if self.counted == Counted::Slides {
            return Place::Slide(self.number.max(1));
        }
        self.number = self.number.saturating_add(1);
        Place::Paragraphs(self.number, self.number)
    }

    fn end_cell(&mut self) {
        let repeats = std::mem::replace(&mut self.cell_repeats, 1) as usize;
        if let Some(row) = self.open_rows.last_mut() {
            let cell = row.last().cloned().unwrap_or_default();
            // A row ends with all the cells that are empty up to the sheet's edge.
            let room = if cell.len() > MOST_REPEATED { 0 } else { MOST_COLUMNS.saturating_sub(row.len()) };
            let more = repeats.saturating_sub(1).min(room);
            row.extend(std::iter::repeat_n(cell, more));
        }
    }

    fn end_row(&mut self) {
        let Some(row) = self.open_rows.pop() else { return };
        let repeats = std::mem::replace(&mut self.row_repeats, 1);
        if self.counted == Counted::Sheet && self.open_rows.is_empty() {
            // A row that is repeated is said once; the next one has its number nevertheless.
            let number = self.number.saturating_add(1);
            self.number = self.number.saturating_add(repeats.max(1));
            if number == 1 {
                self.rows = Rows::default();
            }
            return self.rows.take(number, &row[..row.len().min(MOST_COLUMNS)], self.outline);
        }
        // One within a cell comes before the row that it is in: see ooxml.rs.
        if row.iter().any(|cell| !cell.trim().is_empty()) {
            let place = self.place();
            self.outline.block(row.join(" | "), place, BlockKind::Rows);
        }
    }
}
