//! WordPiece as llama.cpp has it (`llm_tokenizer_wpm` in llama-vocab.cpp): words as BERT cuts
//! them, each in the longest tokens that there are, from the left.

use std::collections::HashSet;

use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use crate::gguf::Vocabulary;

/// What is put around a text: `[CLS]` and `[SEP]`.
pub(super) const MARKS: usize = 2;

/// What begins a word in GGUF files; what goes on has nothing.
const WORD_START: &str = "\u{2581}";

/// Bytes of the longest token that is looked for: BERT's is of 18 characters. The bound keeps a
/// damaged vocabulary from making a long word slow.
const MOST_TOKEN_BYTES: usize = 256;

/// The words of a vocabulary.
#[derive(Debug)]
pub(super) struct WordPiece {
    tokens: HashSet<String>,
    longest: usize,
    normalizer: BertNormalizer,
}

impl WordPiece {
    pub(super) fn new(vocabulary: &Vocabulary) -> Self {
        let lowercase = vocabulary.bool("normalizer.lowercase").unwrap_or(true);
        let strip_accents = vocabulary.bool("normalizer.strip_accents").unwrap_or(lowercase);
        let longest = vocabulary.tokens.iter().map(String::len).max().unwrap_or(0);
        Self {
            tokens: vocabulary.tokens.iter().cloned().collect(),
            longest: longest.min(MOST_TOKEN_BYTES),
            normalizer: BertNormalizer::new(true, true, Some(strip_accents), lowercase),
        }
    }

    pub(super) fn count(&self, text: &str) -> usize {
        let mut normalized = NormalizedString::from(text);
        let mut words = match self.normalizer.normalize(&mut normalized) {
            Ok(()) => PreTokenizedString::from(normalized),
            Err(_) => return crate::text::tokens(text),
        };
        match BertPreTokenizer.pre_tokenize(&mut words) {
            Ok(()) => words
                .get_splits(OffsetReferential::Normalized, OffsetType::None)
                .into_iter()
                .map(|(word, _, _)| self.count_word(word))
                .sum(),
            Err(_) => crate::text::tokens(text),
        }
    }

    /// A word that some of is in no token is one unknown token.
    fn count_word(&self, word: &str) -> usize {
        if word.is_empty() {
            return 0;
        }
        let word = [WORD_START, word].concat();
        let (mut at, mut count) = (0, 0);
        while at < word.len() {
            match self.longest_at(&word[at..]) {
                Some(length) => (at, count) = (at + length, count + 1),
                None => return 1,
            }
        }
        count
    }

    /// Bytes of the longest token that a text begins with.
    fn longest_at(&self, text: &str) -> Option<usize> {
        let mut end = text.floor_char_boundary(self.longest);
        while end > 0 {
            if self.tokens.contains(&text[..end]) {
                return Some(end);
            }
            end = text.floor_char_boundary(end - 1);
        }
        None
    }
}
