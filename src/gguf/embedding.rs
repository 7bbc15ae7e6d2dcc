//! What a header says of a model that finds vectors.

use super::{Header, Value};

/// The most tokens of an input where the model was trained for more: attention grows with the
/// square, and a passage of an index is a hundred times shorter.
const MOST_TOKENS: u64 = 8192;

/// Where a header doesn't say what the model was trained for: what BERT was.
const UNKNOWN_TOKENS: u64 = 512;

/// Fewer hold no input between the model's own marks.
const LEAST_TOKENS: u64 = 16;

/// How the tokens of an input become one vector (`llama_pooling_type` in llama.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The mean of all.
    Mean,
    /// The first token's.
    Cls,
    /// The last token's.
    Last,
    /// A score in place of a vector: a reranker.
    Rank,
}

impl Header {
    /// How it says that it makes a vector; `None`: it says nothing, it was not made for that.
    pub fn pooling(&self) -> Option<Pooling> {
        match self.own("pooling_type")? {
            1 => Some(Pooling::Mean),
            2 => Some(Pooling::Cls),
            3 => Some(Pooling::Last),
            4 => Some(Pooling::Rank),
            _ => None,
        }
    }

    /// Whether each token sees those before it only. Such a model keeps them in a KV cache.
    pub fn is_causal(&self) -> bool {
        self.own_value("attention.causal") != Some(&Value::Bool(false))
    }

    /// How it makes a vector whether it says so or not: the last token of a model that reads in
    /// order has seen all of an input; of others it is the mean.
    pub fn pooling_or_usual(&self) -> Pooling {
        self.pooling().unwrap_or(if self.is_causal() { Pooling::Last } else { Pooling::Mean })
    }

    /// Numbers of a vector; `None` where the header doesn't say.
    pub fn vector_length(&self) -> Option<usize> {
        let length = match self.pooling() {
            Some(Pooling::Rank) => Some(1),
            _ => self.own("embedding_length_out").or_else(|| self.own("embedding_length")),
        };
        length.and_then(|length| usize::try_from(length).ok()).filter(|&length| length > 0)
    }

    /// Tokens of an input that are read, its marks included: those that were trained, as wanted
    /// or 8,192 at most.
    pub fn input_tokens(&self, wanted: Option<u32>) -> u64 {
        let trained = self.own("context_length").unwrap_or(UNKNOWN_TOKENS);
        wanted.map_or(MOST_TOKENS, u64::from).min(trained).max(LEAST_TOKENS)
    }
}
