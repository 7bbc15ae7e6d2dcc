//! An answer while it is streamed: its text, and which of its words the model was
//! unsure of.

use crate::message::{Part, Span};
use crate::text;

/// Collects the tokens of an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    text: String,
    /// The words, each with its least log-probability.
    words: Vec<(Span, f32)>,
    /// The word that is not ended yet: its first byte and its least log-probability.
    word: Option<(usize, f32)>,
    unsure_below: f32,
    /// Something came since it was last written to the store.
    pub(super) dirty: bool,
}

impl Answer {
    pub(super) fn new(unsure_below: f32) -> Self {
        Self { unsure_below, ..Self::default() }
    }

    pub(super) fn push(&mut self, text: &str, logprob: f32) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.words.extend(self.word.take().map(|word| self.ended(word)));
            } else {
                let (start, least) = self.word.unwrap_or((self.text.len(), logprob));
                self.word = Some((start, least.min(logprob)));
            }
            self.text.push(c);
        }
        self.dirty = true;
    }

    /// Takes so many bytes off the end: a call that came as text.
    pub(super) fn cut(&mut self, bytes: usize) {
        let end = text::boundary_before(&self.text, self.text.len().saturating_sub(bytes));
        self.text.truncate(self.text[..end].trim_end().len());
        let end = self.text.len();
        self.words.retain(|(span, _)| span.end <= end);
        self.word = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The text so far as a message's part, with the unsure words marked.
    pub(super) fn part(&self) -> Part {
        let unsure = self.words().filter(|(_, least)| *least < self.unsure_below).map(|(span, _)| span);
        Part::Text { text: self.text.clone(), unsure: unsure.collect() }
    }

    /// The words so far, each with the least probability of its tokens.
    pub(super) fn words(&self) -> impl Iterator<Item = (Span, f32)> {
        let last = self.word.map(|word| self.ended(word));
        self.words.iter().copied().chain(last).map(|(span, least)| (span, least.exp()))
    }

    fn ended(&self, (start, least): (usize, f32)) -> (Span, f32) {
        (Span { start, end: self.text.len() }, least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsure_words(tokens: &[(&str, f32)], below: f32) -> Vec<String> {
        let mut answer = Answer::new(below);
        for (text, probability) in tokens {
            answer.push(text, probability.ln());
        }
        match answer.part() {
            Part::Text { text, unsure } => unsure.iter().map(|s| text[s.start..s.end].to_owned()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_word_is_as_sure_as_its_least_likely_token() {
        let tokens = [("the ", 0.9), ("lin", 0.9), ("ker", 0.3), (" fails", 0.8)];
        assert_eq!(unsure_words(&tokens, 0.5), ["linker"]);
        assert_eq!(unsure_words(&tokens, 0.2), [""; 0]);
        assert_eq!(unsure_words(&tokens, 0.85), ["linker", "fails"]);
    }

    #[test]
    fn marks_stand_on_char_boundaries_across_lines() {
        assert_eq!(unsure_words(&[("é\n", 0.9), ("ü", 0.1), ("!\n", 0.9)], 0.5), ["ü!"]);
    }
}
