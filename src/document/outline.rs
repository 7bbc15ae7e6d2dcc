//! Blocks on their way into a document: each under the headings that it stands under.
//!
//! A heading is put in front of the first block under it, so that none stands alone that has a
//! text; what is said under no heading stands under none.

use super::decode::short;
use super::{Block, BlockKind, Place};

/// The longest heading or title, in bytes: a longer one is a paragraph that looks like one.
pub(super) const MOST_HEADING: usize = 160;

/// The deepest headings that are kept.
const MOST_DEPTH: usize = 6;

/// Collects blocks until there is too much text.
pub(super) struct Outline {
    path: Vec<(u8, String)>,
    pending: Option<Pending>,
    blocks: Vec<Block>,
    /// Bytes of text that may still come.
    room: usize,
    full: bool,
}

/// Headings that wait for a block.
struct Pending {
    heading: Vec<String>,
    text: String,
    place: Place,
}

impl Outline {
    /// An empty one, for at most so many bytes of text.
    pub(super) fn new(most: usize) -> Self {
        Self { path: Vec::new(), pending: None, blocks: Vec::new(), room: most, full: false }
    }

    /// Whether there was more text than there is room for: the rest is not wanted.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// A heading, 1 being the highest: its name, and how it is written.
    pub(super) fn heading(&mut self, level: u8, name: &str, text: String, place: Place) {
        let below = self.path.last().is_some_and(|(last, _)| *last < level);
        if !below {
            self.flush();
        }
        self.path.retain(|(other, _)| *other < level);
        let name = short(name, MOST_HEADING);
        if !name.is_empty() && self.path.len() < MOST_DEPTH {
            self.path.push((level, name));
        }
        let heading = self.names();
        self.pending = match self.pending.take() {
            None => Some(Pending { heading, text, place }),
            Some(before) => match before.place.through(place) {
                Some(place) => Some(Pending { heading, text: before.text + "\n" + &text, place }),
                None => {
                    self.push(before.text, before.heading, before.place, BlockKind::Prose);
                    Some(Pending { heading, text, place })
                }
            },
        };
    }

    /// A heading that is not written where it stands (a sheet's name).
    pub(super) fn unwritten(&mut self, level: u8, name: &str) {
        self.flush();
        self.close(level);
        let name = short(name, MOST_HEADING);
        if !name.is_empty() {
            self.path.push((level, name));
        }
    }

    /// A block that has a heading of its own, which is written in it.
    pub(super) fn under(&mut self, level: u8, name: &str, text: String, place: Place, kind: BlockKind) {
        self.unwritten(level, name);
        self.block(text, place, kind);
        self.close(level);
    }

    /// Ends what stands under headings of this level and lower ones.
    pub(super) fn close(&mut self, level: u8) {
        self.path.retain(|(other, _)| *other < level);
    }

    /// A block under the headings so far. Blank ones are left out.
    pub(super) fn block(&mut self, text: String, place: Place, kind: BlockKind) {
        if text.trim().is_empty() {
            return;
        }
        let heading = self.names();
        let (text, place) = match self.pending.take() {
            None => (text, place),
            Some(before) => match before.place.through(place) {
                Some(through) => (before.text + "\n" + &text, through),
                None => {
                    self.push(before.text, before.heading, before.place, BlockKind::Prose);
                    (text, place)
                }
            },
        };
        self.push(text, heading, place, kind);
    }

    fn names(&self) -> Vec<String> {
        self.path.iter().map(|(_, name)| name.clone()).collect()
    }

    fn flush(&mut self) {
        if let Some(before) = self.pending.take() {
            self.push(before.text, before.heading, before.place, BlockKind::Prose);
        }
    }

    fn push(&mut self, text: String, heading: Vec<String>, place: Place, kind: BlockKind) {
        if self.full || text.len() > self.room {
            self.full = true;
            return;
        }
        self.room -= text.len();
        if !text.trim().is_empty() {
            self.blocks.push(Block { text, heading, place, kind });
        }
    }

    /// The blocks; a note where some text found no room.
    pub(super) fn finish(mut self, notes: &mut Vec<String>) -> Vec<Block> {
        self.flush();
        if self.full {
            notes.push("it has more text than is read: the rest is left out".to_owned());
        }
        self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(build: impl Fn(&mut Outline)) -> Vec<(String, String, Place)> {
        let mut outline = Outline::new(1000);
        build(&mut outline);
        let blocks = outline.finish(&mut Vec::new());
        blocks.into_iter().map(|block| (block.text, block.heading.join("/"), block.place)).collect()
    }

    #[test]
    fn a_heading_goes_with_what_stands_under_it() {
        let blocks = built(|outline| {
            outline.heading(1, "A", "# A".into(), Place::Lines(1, 1));
            outline.heading(2, "B", "## B".into(), Place::Lines(2, 2));
            outline.block("text".into(), Place::Lines(3, 3), BlockKind::Prose);
            outline.block("more".into(), Place::Lines(4, 4), BlockKind::Prose);
            outline.heading(2, "C", "## C".into(), Place::Lines(5, 5));
            outline.heading(1, "D", "# D".into(), Place::Lines(6, 6));
        });
        let expected = [
            ("# A\n## B\ntext", "A/B", Place::Lines(1, 3)),
            ("more", "A/B", Place::Lines(4, 4)),
            ("## C", "A/C", Place::Lines(5, 5)),
            ("# D", "D", Place::Lines(6, 6)),
        ];
        assert_eq!(blocks, expected.map(|(text, path, place)| (text.to_owned(), path.to_owned(), place)));
    }

    #[test]
    fn no_text_comes_behind_what_found_no_room() {
        let mut outline = Outline::new(10);
        for text in ["12345678", "too long", "x"] {
            outline.block(text.into(), Place::Page(1), BlockKind::Prose);
        }
        let mut notes = Vec::new();
        assert!(outline.is_full());
        assert_eq!(outline.finish(&mut notes).len(), 1);
        assert_eq!(notes.len(), 1);
    }
}
