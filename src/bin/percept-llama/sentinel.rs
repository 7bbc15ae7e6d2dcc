//! What stands for pictures and for harmless text while a template is rendered, and the
//! cutting of the rendering at those places.

use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

/// Starts and ends a sentinel: a private-use character, for speed; the number makes it
/// unforgeable.
const EDGE: char = '\u{f8ff}';

/// A piece of a rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text to tokenize, with or without control tokens in it.
    Text { text: String, special: bool },
    /// A picture.
    Image { hash: String, path: PathBuf },
}

/// What a sentinel stands for.
pub(crate) enum Insert {
    Image { hash: String, path: PathBuf },
    Verbatim(String),
    End,
}

/// What stands behind the sentinels of one rendering.
pub(crate) struct Sentinels {
    nonce: u64,
    inserts: Vec<Insert>,
}

impl Sentinels {
    pub(crate) fn new() -> Self {
        let nonce = std::hash::RandomState::new().build_hasher().finish();
        Self { nonce, inserts: Vec::new() }
    }

    fn start(&self) -> String {
        format!("{EDGE}{:016x}:", self.nonce)
    }

    pub(crate) fn add(&mut self, insert: Insert) -> String {
        self.inserts.push(insert);
        format!("{}{}{EDGE}", self.start(), self.inserts.len() - 1)
    }

    /// Cuts a rendering at its sentinels; what follows an end is left out.
    pub(crate) fn cut(&self, rendered: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = rendered;
        while let Some((before, insert, after)) = self.split(rest) {
            push_text(&mut pieces, before, true);
            match insert {
                Insert::Verbatim(text) => push_text(&mut pieces, text, false),
                Insert::Image { hash, path } => {
                    pieces.push(Piece::Image { hash: hash.clone(), path: path.clone() })
                }
                Insert::End => return pieces,
            }
            rest = after;
        }
        push_text(&mut pieces, rest, true);
        pieces
    }

    fn split<'a>(&self, text: &'a str) -> Option<(&'a str, &Insert, &'a str)> {
        let start = self.start();
        let at = text.find(&start)?;
        let (number, after) = text[at + start.len()..].split_once(EDGE)?;
        Some((&text[..at], self.inserts.get(number.parse::<usize>().ok()?)?, after))
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str, special: bool) {
    if !text.is_empty() {
        pieces.push(Piece::Text { text: text.to_owned(), special });
    }
}
