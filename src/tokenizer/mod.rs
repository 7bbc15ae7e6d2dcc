//! Counts tokens as a model does, without the model: from its `tokenizer.json`, or from the
//! vocabulary in its GGUF file.
//!
//! From a GGUF it counts what percept-llama counts, which is the model's own count as far as
//! llama.cpp is exact. Vocabularies that can't be built exactly are refused
//! ([`TokenizerError::Kind`]): whoever counts then estimates with [`crate::text::tokens`].
//!
//! | `tokenizer.ggml.model` | models | built |
//! | --- | --- | --- |
//! | `bert` | BERT and its kin (MiniLM, BGE, E5, Nomic) | WordPiece |
//! | `gpt2` | GPT-2, Llama 3, Qwen 2 and 3, SmolLM, ModernBERT, … | byte pair encoding, where the way that it splits words is known |
//! | `llama`, `t5`, others | Llama 2, Gemma; XLM-RoBERTa (BGE-M3) | refused |

mod byte_pair;
#[cfg(test)]
mod tests;
mod word_piece;

use std::path::{Path, PathBuf};

use tokenizers::NormalizedString;

use crate::gguf::{self, GgufError};
use word_piece::WordPiece;

/// Longer texts are counted in pieces of about this many bytes, cut at white space: memory is
/// some fifty times the piece.
const PIECE_BYTES: usize = 64 * 1024;

/// More than any `tokenizer.json` has (Gemma's: 33 MB).
const MOST_JSON: u64 = 128 * 1024 * 1024;

/// A tokenizer that counts.
#[derive(Debug)]
pub struct Tokenizer {
    kind: Kind,
    /// Marks that the model puts around a text.
    marks: usize,
}

#[derive(Debug)]
enum Kind {
    WordPiece(WordPiece),
    Pipeline(Box<tokenizers::Tokenizer>),
}

/// Why there is no tokenizer.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The GGUF file can't be read.
    #[error("{path} can't be used: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: GgufError,
    },
    /// The file is no `tokenizer.json`.
    #[error("{path} is no tokenizer.json that percept can use: {why}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Its kind can't be built exactly.
    #[error("the tokens of {path} can't be counted exactly without the model ({kind}); they are estimated")]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: String,
    },
}

impl Tokenizer {
    /// Reads a `tokenizer.json` of Hugging Face's tokenizers.
    ///
    /// # Errors
    ///
    /// It can't be read, is too large, or is none.
    pub fn from_json(path: &Path) -> Result<Self, TokenizerError> {
        let refused = |why: String| TokenizerError::Json { path: path.to_owned(), why };
        let bytes = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?.len();
        if bytes > MOST_JSON {
            return Err(refused(format!("it has {}", crate::text::size(bytes))));
        }
        let json = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
        let mut tokenizer =
            tokenizers::Tokenizer::from_bytes(json).map_err(|error| refused(error.to_string()))?;
        // What a passage is cut to for embedding is no matter of counting it.
        tokenizer.with_truncation(None).map_err(|error| refused(error.to_string()))?.with_padding(None);
        let marks = tokenizer.encode_fast("", true).map_or(0, |encoding| encoding.len());
        Ok(Self { kind: Kind::Pipeline(Box::new(tokenizer)), marks })
    }

    /// Builds the tokenizer of a model from its GGUF file.
    ///
    /// # Errors
    ///
    /// The file can't be read, or its vocabulary can't be built exactly.
    pub fn from_gguf(path: &Path) -> Result<Self, TokenizerError> {
        let vocabulary = gguf::read_vocabulary(path)
            .map_err(|error| TokenizerError::File { path: path.to_owned(), error })?;
        let built = match vocabulary.text("model") {
            Some("bert") => Ok((Kind::WordPiece(WordPiece::new(&vocabulary)), word_piece::MARKS)),
            Some("gpt2") => byte_pair::build(&vocabulary)
                .map(|(tokenizer, marks)| (Kind::Pipeline(Box::new(tokenizer)), marks)),
            Some(other) => Err(format!("a vocabulary of kind {other}")),
            None => Err("no vocabulary".to_owned()),
        };
        match built {
            Ok((kind, marks)) => Ok(Self { kind, marks }),
            Err(kind) => {
                Err(TokenizerError::Kind { path: path.to_owned(), kind: crate::text::printable(&kind) })
            }
        }
    }

    /// Tokens of a text, without the marks that the model puts around it. Control tokens in the
    /// text are text.
    pub fn count(&self, text: &str) -> usize {
        pieces(text).map(|piece| self.count_piece(piece)).fold(0, usize::saturating_add)
    }

    /// Tokens of a text as the model gets it.
    pub fn with_special(&self, text: &str) -> usize {
        self.count(text).saturating_add(self.marks)
    }

    fn count_piece(&self, text: &str) -> usize {
        match &self.kind {
            Kind::WordPiece(words) => words.count(text),
            // What its regular expressions give up on is estimated.
            Kind::Pipeline(tokenizer) => tokenizer
                .encode_fast(text, false)
                .map_or_else(|_| crate::text::tokens(text), |encoding| encoding.len()),
        }
    }
}

/// A text with letters and their marks apart (Unicode's form NFD), as vocabularies without
/// accents want it.
pub fn decomposed(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_owned(),
        false => {
            let mut normalized = NormalizedString::from(text);
            normalized.nfd();
            normalized.get().to_owned()
        }
    }
}

/// A text in pieces of bounded length, cut behind white space where there is some.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match rest.len() {
            0 => return None,
            length if length <= PIECE_BYTES => length,
            _ => {
                let end = rest.floor_char_boundary(PIECE_BYTES);
                rest[..end].rfind(char::is_whitespace).filter(|&at| at > 0).unwrap_or(end)
            }
        };
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}
