//! Office Open XML (ECMA-376): text documents (docx) and slides (pptx).

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use super::decode::short;
use super::outline::{MOST_HEADING, Outline};
use super::package::Package;
use super::xml::{Element, Node, text_of, walk};
use super::{BlockKind, Place, Unreadable};

/// The level of a style that is the title of the whole document.
const TITLE: u8 = 0;

/// How many styles may stand on one another.
const MOST_BASES: usize = 10;

/// Puts the paragraphs and rows of a docx into the outline; its title, where it has one.
pub(super) fn docx(
    bytes: &[u8],
    outline: &mut Outline,
    stop: &AtomicBool,
) -> Result<Option<String>, Unreadable> {
    let mut package = Package::open(bytes)?;
    let document = package.needed("word/document.xml")?;
    let styles = match package.part("word/styles.xml")? {
        Some(xml) => Styles::read(&xml, stop)?,
        None => Styles::default(),
    };
    let mut text = Text {
        outline,
        styles: &styles,
        title: None,
        number: 0,
        paragraph: Paragraph::default(),
        rows: Vec::new(),
        ignored: 0,
    };
    walk(&document, stop, &mut |node| text.node(node))?;
    for part in ["word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(xml) = package.part(part)? {
            text.outline.close(1);
            walk(&xml, stop, &mut |node| text.node(node))?;
        }
    }
    let title = text.title.take();
    Ok(core_title(&mut package, stop)?.or(title))
}

/// The title among the properties.
fn core_title(package: &mut Package<'_>, stop: &AtomicBool) -> Result<Option<String>, Unreadable> {
    let core = package.part("docProps/core.xml")?;
    let title = core.and_then(|xml| text_of(&xml, "title", stop)).map(|title| short(&title, MOST_HEADING));
    // What python-pptx and PowerPoint write when nobody gave one.
    Ok(title.filter(|title| title != "PowerPoint Presentation" && title != "Word Document"))
}

/// The level of the heading that each style makes, from 1; [`TITLE`] for the title.
#[derive(Default)]
struct Styles {
    levels: HashMap<String, u8>,
    bases: HashMap<String, String>,
}

impl Styles {
    fn read(xml: &str, stop: &AtomicBool) -> Result<Self, Unreadable> {
        let mut styles = Self::default();
        let mut id = String::new();
        walk(xml, stop, &mut |node| {
            let Node::Open(element) = node else { return };
            match (element.name(), element.attribute("val")) {
                ("style", _) => id = element.attribute("styleId").unwrap_or_default(),
                // Names are English whatever the language of the program; ids are not.
                ("name", Some(name)) => {
                    let level = match name.to_lowercase().as_str() {
                        "title" => Some(TITLE),
                        name => name.strip_prefix("heading ").and_then(|level| level.parse().ok()),
                    };
                    styles.levels.extend(level.map(|level| (id.clone(), level)));
                }
                ("outlineLvl", Some(level)) => {
                    if let Ok(level @ 0..9) = level.parse::<u8>() {
                        styles.levels.entry(id.clone()).or_insert(level + 1);
                    }
                }
                ("basedOn", Some(base)) => drop(styles.bases.insert(id.clone(), base)),
                _ => {}
            }
        })?;
        Ok(styles)
    }

    fn level(&self, id: &str) -> Option<u8> {
        let mut id = id;
        for _ in 0..MOST_BASES {
            if let Some(level) = self.levels.get(id) {
                return Some(*level);
            }
            id = self.bases.get(id)?;
        }
        None
    }
}

/// A paragraph that is being read.
#[derive(Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    /// Within the text of a run: elsewhere text is no text (of a field, of a shape's data).
    in_text: bool,
}

/// A row of a table that is being read; tables stand within cells, too.
#[derive(Default)]
struct Row {
    cells: Vec<String>,
}

struct Text<'t, 'o> {
    outline: &'o mut Outline,
    styles: &'t Styles,
    title: Option<String>,
    /// Paragraphs so far; a row is one.
    number: u32,
    paragraph: Paragraph,
    rows: Vec<Row>,
    /// How deep it is in what says the same again for older programs.
    ignored: u32,
}

impl Text<'_, '_> {
    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Open(element) if element.name() == "Fallback" => self.ignored += 1,
            Node::Close("Fallback") => self.ignored = self.ignored.saturating_sub(1),
            _ if self.ignored > 0 => {}
            Node::Open(element) => self.open(&element),
            Node::Close(name) => self.close(name),
            Node::Text(text) if self.paragraph.in_text => self.paragraph.text.push_str(text),
            Node::Text(_) => {}
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            "t" => self.paragraph.in_text = true,
            "tab" if !self.paragraph.text.is_empty() => self.paragraph.text.push('\t'),
            "br" | "cr" => self.paragraph.text.push('\n'),
            "noBreakHyphen" => self.paragraph.text.push('-'),
            "pStyle" => {
                let style = element.attribute("val").unwrap_or_default();
                self.paragraph.level = self.paragraph.level.or_else(|| self.styles.level(&style));
            }
            "outlineLvl" => {
                self.paragraph.level = element
                    .number("val")
                    .and_then(|level| u8::try_from(level + 1).ok())
                    .filter(|level| *level < 10);
            }
            "tr" => self.rows.push(Row::default()),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    row.cells.push(String::new());
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.paragraph.in_text = false,
            "p" => self.end_paragraph(),
            "tr" => self.end_row(),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let Paragraph { text, level, .. } = std::mem::take(&mut self.paragraph);
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.cells.last_mut()) {
            if !cell.is_empty() && !text.is_empty() {
                cell.push(' ');
            }
            return cell.push_str(&text);
        }
        self.number = self.number.saturating_add(1);
        let place = Place::Paragraphs(self.number, self.number);
        match level {
            Some(level) if !text.trim().is_empty() && text.len() <= 2 * MOST_HEADING => {
                if level == TITLE || self.title.is_none() {
                    self.title.get_or_insert_with(|| short(&text, MOST_HEADING));
                }
                self.outline.heading(level, text.trim(), text.trim().to_owned(), place);
            }
            _ => self.outline.block(text, place, BlockKind::Prose),
        }
    }

    fn end_row(&mut self) {
        let Some(row) = self.rows.pop() else { return };
        // One within a cell comes before the row that it is in: copied outwards, what stands deep
        // would be copied without end.
        if row.cells.iter().any(|cell| !cell.trim().is_empty()) {
            self.number = self.number.saturating_add(1);
            let place = Place::Paragraphs(self.number, self.number);
            self.outline.block(row.cells.join(" | "), place, BlockKind::Rows);
        }
    }
}

/// Puts the slides of a pptx into the outline, with their notes; the title of all.
pub(super) fn pptx(
    bytes: &[u8],
    outline: &mut Outline,
    stop: &AtomicBool,
) -> Result<Option<String>, Unreadable> {
    let mut package = Package::open(bytes)?;
    let presentation = package.needed("ppt/presentation.xml")?;
    let related = relations(&mut package, "ppt/_rels/presentation.xml.rels", stop)?;
    let mut slides = Vec::new();
    walk(&presentation, stop, &mut |node| {
        if let Node::Open(element) = node
            && element.name() == "sldId"
        {
            // `id` is also its own number; the relation is the one that is a name.
            slides.extend(element.attribute_named("r:id").and_then(|id| related.get(&id).cloned()));
        }
    })?;
    let mut title = None;
    for (number, target) in (1..).zip(slides) {
        let part = format!("ppt/{}", target.trim_start_matches("/ppt/"));
        let Some(xml) = package.part(&part)? else { continue };
        let mut slide = Slide::default();
        walk(&xml, stop, &mut |node| slide.node(node))?;
        let heading = slide.put(number, outline);
        title = title.or(heading);
        let rels = part.replacen("slides/", "slides/_rels/", 1) + ".rels";
        let notes = relations(&mut package, &rels, stop)?
            .into_values()
            .find(|target| target.contains("notesSlides/"));
        let Some(notes) = notes else { continue };
        if let Some(xml) =
            package.part(&format!("ppt/{}", notes.trim_start_matches("../").trim_start_matches("/ppt/")))?
        {
            let mut notes = Slide::default();
            walk(&xml, stop, &mut |node| notes.node(node))?;
            notes.put_text(number, outline);
        }
    }
    Ok(core_title(&mut package, stop)?.or(title))
}

/// The targets of a part's relations, by their ids.
fn relations(
    package: &mut Package<'_>,
    name: &str,
    stop: &AtomicBool,
) -> Result<HashMap<String, String>, Unreadable> {
    let mut found = HashMap::new();
    if let Some(xml) = package.part(name)? {
        walk(&xml, stop, &mut |node| {
            if let Node::Open(element) = node
                && let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target"))
            {
                found.insert(id, target);
            }
        })?;
    }
    Ok(found)
}

/// A slide that is being read.
#[derive(Default)]
struct Slide {
    title: String,
    paragraphs: Vec<(String, BlockKind)>,
    text: String,
    row: Vec<String>,
    in_title: bool,
    /// Within a placeholder of a number, a date, a footer.
    in_furniture: bool,
    in_text: bool,
    in_cell: bool,
}

impl Slide {
    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Open(element) => self.open(&element),
            Node::Close(name) => self.close(name),
            Node::Text(text) if self.in_text && !self.in_furniture => self.text.push_str(text),
            Node::Text(_) => {}
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            "sp" => (self.in_title, self.in_furniture) = (false, false),
            "ph" => {
                let kind = element.attribute("type").unwrap_or_default();
                self.in_title = matches!(kind.as_str(), "title" | "ctrTitle");
                self.in_furniture = matches!(kind.as_str(), "sldNum" | "dt" | "ftr" | "hdr");
            }
            "t" => self.in_text = true,
            "br" => self.text.push('\n'),
            "tc" => {
                self.in_cell = true;
                self.row.push(String::new());
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => {
                let text = std::mem::take(&mut self.text);
                match self.row.last_mut().filter(|_| self.in_cell) {
                    Some(cell) => {
                        cell.push_str(if cell.is_empty() { "" } else { " " });
                        cell.push_str(&text);
                    }
                    None if self.in_title => {
                        self.title.push_str(if self.title.is_empty() { "" } else { " " });
                        self.title.push_str(&text);
                    }
                    None => self.paragraphs.push((text, BlockKind::Prose)),
                }
            }
            "tc" => self.in_cell = false,
            "tr" => {
                let row = std::mem::take(&mut self.row);
                self.paragraphs.push((row.join(" | "), BlockKind::Rows));
            }
            "sp" => self.in_title = false,
            _ => {}
        }
    }

    /// Puts it into the outline; its title.
    fn put(mut self, number: u32, outline: &mut Outline) -> Option<String> {
        let title = short(&std::mem::take(&mut self.title), MOST_HEADING);
        outline.close(1);
        if !title.is_empty() {
            outline.heading(1, &title, title.clone(), Place::Slide(number));
        }
        self.put_text(number, outline);
        (!title.is_empty()).then_some(title)
    }

    fn put_text(self, number: u32, outline: &mut Outline) {
        for (text, kind) in self.paragraphs {
            outline.block(text, Place::Slide(number), kind);
        }
    }
}
