//! Tokens to words and text.
//!
//! A token is some bytes: a word, the end of one, or a part of a character. A word starts
//! where a token starts with a space; in languages that write without spaces, where a
//! character does.

use percept::wire::{Segment, Word};

/// Languages that are written without spaces between words.
const SPACELESS: [&str; 7] = ["zh", "ja", "th", "lo", "my", "km", "yue"];

/// Whether a language is written without spaces.
pub(crate) fn spaceless(language: &str) -> bool {
    SPACELESS.contains(&language)
}

/// A token of text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) id: i32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) probability: f32,
    /// In milliseconds from the start of what was decoded.
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
}

/// Tokens that make a word, with the space before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spelt {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) text: String,
}

/// Puts tokens together to words.
pub(crate) fn spell(pieces: &[Piece], spaceless: bool) -> Vec<Spelt> {
    let mut words: Vec<Vec<Piece>> = Vec::new();
    let mut whole = true;
    for piece in pieces {
        let starts = whole && (words.is_empty() || starts_word(&piece.bytes, spaceless));
        match words.last_mut() {
            Some(word) if !starts => word.push(piece.clone()),
            _ => words.push(vec![piece.clone()]),
        }
        whole = words.last().is_none_or(|word| std::str::from_utf8(&bytes(word)).is_ok());
    }
    let spelt =
        |pieces: Vec<Piece>| Spelt { text: String::from_utf8_lossy(&bytes(&pieces)).into_owned(), pieces };
    words.into_iter().map(spelt).collect()
}

fn bytes(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect()
}

/// Punctuation belongs to the word before it.
fn starts_word(bytes: &[u8], spaceless: bool) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            text.starts_with(' ') || spaceless && text.chars().next().is_some_and(char::is_alphanumeric)
        }
        Err(_) => spaceless,
    }
}

/// A stretch of a transcript out of words, between two times; `offset_ms` is where the
/// decoded sound starts.
pub(crate) fn segment(
    words: &[Spelt],
    times: std::ops::Range<u64>,
    offset_ms: u64,
    with_words: bool,
) -> Segment {
    let text: String = words.iter().map(|word| word.text.as_str()).collect();
    let words = words.iter().filter(|_| with_words).filter_map(|word| timed(word, &times, offset_ms));
    Segment {
        start_ms: offset_ms + times.start,
        end_ms: offset_ms + times.end.max(times.start),
        text: text.trim().to_owned(),
        words: words.collect(),
    }
}

fn timed(word: &Spelt, times: &std::ops::Range<u64>, offset_ms: u64) -> Option<Word> {
    let text = word.text.trim();
    let (first, last) = (word.pieces.first()?, word.pieces.last()?);
    let start = first.start_ms.clamp(times.start, times.end.max(times.start));
    let end = last.end_ms.clamp(start, times.end.max(start));
    let probability = word.pieces.iter().map(|piece| piece.probability).fold(1.0, f32::min);
    (!text.is_empty()).then(|| Word {
        start_ms: offset_ms + start,
        end_ms: offset_ms + end,
        text: text.to_owned(),
        probability,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(parts: &[&[u8]]) -> Vec<Piece> {
        let piece = |(at, bytes): (usize, &&[u8])| Piece {
            id: at as i32,
            bytes: bytes.to_vec(),
            probability: 0.5,
            start_ms: at as u64 * 100,
            end_ms: at as u64 * 100 + 100,
        };
        parts.iter().enumerate().map(piece).collect()
    }

    fn texts(parts: &[&[u8]], spaceless: bool) -> Vec<String> {
        spell(&pieces(parts), spaceless).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_start_with_a_space() {
        assert_eq!(
            texts(&[b" And", b" so", b",", b" Mac", b"intosh", b"'s"], false),
            [" And", " so,", " Macintosh's"]
        );
    }

    #[test]
    fn characters_that_are_split_over_tokens_stay_whole() {
        let (head, tail) = "é".as_bytes().split_at(1);
        assert_eq!(texts(&[b" caf", head, tail, b" x"], false), [" café", " x"]);
        let you = "你".as_bytes();
        assert_eq!(texts(&[&you[..1], &you[1..], "好".as_bytes(), "。".as_bytes()], true), ["你", "好。"]);
    }

    #[test]
    fn times_of_words_stay_within_their_segment() {
        let words = spell(&pieces(&[b" one", b" two"]), false);
        let segment = segment(&words, 50..150, 1000, true);
        let word =
            |start_ms, end_ms, text: &str| Word { start_ms, end_ms, text: text.to_owned(), probability: 0.5 };
        assert_eq!((segment.start_ms, segment.end_ms, segment.text.as_str()), (1050, 1150, "one two"));
        assert_eq!(segment.words, [word(1050, 1100, "one"), word(1100, 1150, "two")]);
    }

    proptest! {
        #[test]
        fn no_text_is_lost(text in "[ aé你。]{0,20}", cuts in prop::collection::vec(1..4_usize, 0..80), spaceless: bool) {
            let mut rest = text.as_bytes();
            let mut parts = Vec::new();
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                if !part.is_empty() {
                    parts.push(part);
                }
                rest = after;
            }
            prop_assert_eq!(texts(&parts, spaceless).concat(), text);
        }
    }
}
