//! The vocabulary in a GGUF file: the entries `tokenizer.ggml.…`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::{GgufError, Reader, Value, open};

/// What the keys begin with.
const PREFIX: &str = "tokenizer.ggml.";

/// More tokens or merges than any vocabulary has (Gemma: 262,144 tokens, 514,906 merges).
const MOST_ENTRIES: u64 = 1 << 20;

/// More text than any vocabulary is (Gemma's is 4 MB).
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// What a model's tokens are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vocabulary {
    /// Single values, by their keys without `tokenizer.ggml.`.
    pub values: BTreeMap<String, Value>,
    /// The tokens' texts, by their numbers.
    pub tokens: Vec<String>,
    /// What each token is for; empty where the file doesn't say.
    pub kinds: Vec<TokenKind>,
    /// Their scores, for SentencePiece's models.
    pub scores: Vec<f32>,
    /// Merges of byte pair encoding, the first ones first: two texts with a space between.
    pub merges: Vec<String>,
    /// SentencePiece's table of normalised characters.
    pub charsmap: Vec<u8>,
}

/// What a token is for (`llama_token_type` in llama.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Text.
    Normal,
    /// What isn't known.
    Unknown,
    /// A mark of the model's, never text.
    Control,
    /// A text that is always a token of its own.
    UserDefined,
    /// Never used.
    Unused,
    /// A byte.
    Byte,
}

impl Vocabulary {
    /// A string value.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A truth value.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.values.get(key)? {
            Value::Bool(yes) => Some(*yes),
            _ => None,
        }
    }

    /// A token's number under a key.
    pub fn token(&self, key: &str) -> Option<u32> {
        match self.values.get(key)? {
            Value::Int(number) => u32::try_from(*number).ok(),
            _ => None,
        }
    }

    /// What a token is for.
    pub fn kind(&self, token: usize) -> TokenKind {
        self.kinds.get(token).copied().unwrap_or(TokenKind::Normal)
    }
}

/// Reads the vocabulary of a file; nothing else of it is kept.
///
/// # Errors
///
/// [`GgufError`], in words that go behind the file's name.
pub fn read_vocabulary(path: &Path) -> Result<Vocabulary, GgufError> {
    let (stream, length) = open(path)?;
    parse(stream, length)
}

pub(super) fn parse(stream: impl Read, length: u64) -> Result<Vocabulary, GgufError> {
    let (mut reader, start) = Reader::start(stream, length)?;
    let mut vocabulary = Vocabulary::default();
    for _ in 0..start.entries {
        let key = reader.string()?;
        let kind = reader.u32()?;
        match key.strip_prefix(PREFIX) {
            Some("tokens") => vocabulary.tokens = reader.texts(kind)?,
            Some("merges") => vocabulary.merges = reader.texts(kind)?,
            Some("scores") => vocabulary.scores = reader.floats(kind)?,
            Some("token_type") => {
                vocabulary.kinds = reader.integers(kind)?.into_iter().map(kind_of).collect();
            }
            Some("precompiled_charsmap") => {
                vocabulary.charsmap = reader.integers(kind)?.into_iter().map(|byte| byte as u8).collect();
            }
            Some(own) => {
                let value = reader.value(kind)?;
                vocabulary.values.insert(own.to_owned(), value);
            }
            None => drop(reader.value(kind)?),
        }
    }
    Ok(vocabulary)
}

fn kind_of(number: i64) -> TokenKind {
    match number {
        2 => TokenKind::Unknown,
        3 => TokenKind::Control,
        4 => TokenKind::UserDefined,
        5 => TokenKind::Unused,
        6 => TokenKind::Byte,
        _ => TokenKind::Normal,
    }
}

impl<R: Read> Reader<R> {
    /// The type and the length of an array of a vocabulary.
    fn long_array(&mut self, kind: u32) -> Result<(u32, u64), GgufError> {
        let damaged = |why: &str| GgufError::Damaged(format!("its vocabulary {why}"));
        if kind != 9 {
            return Err(damaged("is no list"));
        }
        let (kind, length) = (self.u32()?, self.u64()?);
        // Each element has a byte at least.
        self.need(length)?;
        match length <= MOST_ENTRIES {
            true => Ok((kind, length)),
            false => Err(damaged(&format!("has {length} entries"))),
        }
    }

    fn texts(&mut self, kind: u32) -> Result<Vec<String>, GgufError> {
        let (kind, length) = self.long_array(kind)?;
        if kind != 8 {
            return Err(GgufError::Damaged("its vocabulary is no text".to_owned()));
        }
        let start = self.at;
        let mut texts = Vec::new();
        for _ in 0..length {
            texts.push(self.string()?);
            if self.at - start > MOST_BYTES {
                return Err(GgufError::Damaged("its vocabulary is longer than any".to_owned()));
            }
        }
        Ok(texts)
    }

    fn integers(&mut self, kind: u32) -> Result<Vec<i64>, GgufError> {
        let (kind, length) = self.long_array(kind)?;
        (0..length).map(|_| self.integer(kind)).collect()
    }

    fn floats(&mut self, kind: u32) -> Result<Vec<f32>, GgufError> {
        let (kind, length) = self.long_array(kind)?;
        let float = |_| match self.value(kind)? {
            Value::Float(float) => Ok(float as f32),
            _ => Err(GgufError::Damaged("its vocabulary's scores are no numbers".to_owned())),
        };
        (0..length).map(float).collect()
    }
}
