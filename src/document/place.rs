//! Where in a document something stands, as it is written in a citation.

use std::fmt;
use std::str::FromStr;

/// Where in a document something stands. Numbers begin at 1.
///
/// Written behind the document's path and a colon: `setup.md:40-52`, `manual.pdf:p3`,
/// `deck.pptx:s4`, `notes.ipynb:c7`, `prices.xlsx:r12-40`, `inbox.mbox:m5`,
/// `report.docx:g12-15`, `talk.wav:t83-95`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// All of it: a picture.
    Whole,
    /// Lines, both included.
    Lines(u32, u32),
    /// A page.
    Page(u32),
    /// A slide.
    Slide(u32),
    /// A cell of a notebook.
    Cell(u32),
    /// Rows of a sheet, both included.
    Rows(u32, u32),
    /// A message of a mailbox.
    Message(u32),
    /// Paragraphs of a document without fixed pages, both included; a row of a table is one.
    Paragraphs(u32, u32),
    /// Seconds of a recording, from and to.
    Seconds(u32, u32),
}

impl Place {
    /// The line to open an editor at, where there are lines.
    pub fn line(self) -> Option<u32> {
        match self {
            Self::Lines(from, _) => Some(from),
            _ => None,
        }
    }

    /// The place from here to the end of another one, where both can be cited as one: lines,
    /// rows and paragraphs go on, all else only within itself.
    pub fn through(self, to: Self) -> Option<Self> {
        match (self, to) {
            (Self::Lines(from, a), Self::Lines(b, to)) => Some(Self::Lines(from.min(b), to.max(a))),
            (Self::Rows(from, a), Self::Rows(b, to)) => Some(Self::Rows(from.min(b), to.max(a))),
            (Self::Paragraphs(from, a), Self::Paragraphs(b, to)) => {
                Some(Self::Paragraphs(from.min(b), to.max(a)))
            }
            (here, to) => (here == to).then_some(here),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |f: &mut fmt::Formatter<'_>, letter: &str, from: u32, to: u32| match from == to {
            true => write!(f, "{letter}{from}"),
            false => write!(f, "{letter}{from}-{to}"),
        };
        match *self {
            Self::Whole => Ok(()),
            Self::Lines(from, to) => range(f, "", from, to),
            Self::Page(page) => write!(f, "p{page}"),
            Self::Slide(slide) => write!(f, "s{slide}"),
            Self::Cell(cell) => write!(f, "c{cell}"),
            Self::Rows(from, to) => range(f, "r", from, to),
            Self::Message(message) => write!(f, "m{message}"),
            Self::Paragraphs(from, to) => range(f, "g", from, to),
            Self::Seconds(from, to) => range(f, "t", from, to),
        }
    }
}

/// It is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in a document; places look like 40, 40-52, p3, s4, c7, r12, m5, g12, t83")]
pub struct NoPlace(pub String);

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let wrong = || NoPlace(text.to_owned());
        if text.is_empty() {
            return Ok(Self::Whole);
        }
        let letter = text.chars().next().filter(char::is_ascii_alphabetic);
        let numbers = &text[letter.map_or(0, char::len_utf8)..];
        let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let (from, to) = match numbers.split_once('-') {
            Some((from, to)) => (number(from)?, Some(number(to)?)),
            None => (number(numbers)?, None),
        };
        let last = to.unwrap_or(from);
        if last < from {
            return Err(wrong());
        }
        match (letter, to) {
            (None, _) => Ok(Self::Lines(from, last)),
            (Some('p'), None) => Ok(Self::Page(from)),
            (Some('s'), None) => Ok(Self::Slide(from)),
            (Some('c'), None) => Ok(Self::Cell(from)),
            (Some('r'), _) => Ok(Self::Rows(from, last)),
            (Some('m'), None) => Ok(Self::Message(from)),
            (Some('g'), _) => Ok(Self::Paragraphs(from, last)),
            (Some('t'), _) => Ok(Self::Seconds(from, last)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for place in [
            Place::Whole,
            Place::Lines(40, 40),
            Place::Lines(40, 52),
            Place::Page(3),
            Place::Slide(4),
            Place::Cell(7),
            Place::Rows(2, 9),
            Place::Message(5),
            Place::Paragraphs(12, 15),
            Place::Seconds(83, 95),
        ] {
            assert_eq!(place.to_string().parse(), Ok(place), "{place}");
        }
        for wrong in ["x", "p", "p3-4", "9-8", "-", "1-", "q7", "4294967296", "é1"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
