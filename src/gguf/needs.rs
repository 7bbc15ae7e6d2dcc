//! What a model takes of memory, by its headers.

use std::fmt;

use super::Header;
use crate::text::size;

/// Without a wish, the context is what the model was trained for, at most this: more costs
/// memory that most machines would rather have for something else.
const DEFAULT_CONTEXT: u64 = 8192;

/// Where a header doesn't say what the model was trained for.
const UNKNOWN_CONTEXT: u64 = 2048;

/// Fewer tokens hold no question.
const LEAST_CONTEXT: u64 = 64;

/// Compute buffers of llama.cpp and of the image encoder, beside weights and KV cache.
/// Measured with small models at batches of 512; an estimate for others.
const BUFFER_BYTES: u64 = 256 * 1024 * 1024;

/// What a model takes of memory, in bytes: rather too much than too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Its weights.
    pub weights: u64,
    /// The KV cache.
    pub kv: u64,
    /// Tokens that the KV cache holds.
    pub tokens: u64,
    /// The weights of its projector.
    pub encoder: u64,
    /// Buffers to compute in.
    pub buffers: u64,
}

impl Needs {
    /// What a model with its projector takes for a context of so many tokens.
    pub fn of(model: &Header, mmproj: Option<&Header>, tokens: u64) -> Self {
        Self {
            weights: model.tensor_bytes,
            kv: model.kv_bytes(tokens),
            tokens,
            encoder: mmproj.map_or(0, |mmproj| mmproj.tensor_bytes),
            buffers: BUFFER_BYTES,
        }
    }

    /// All of it together.
    pub fn total(&self) -> u64 {
        [self.weights, self.kv, self.encoder, self.buffers].into_iter().fold(0, u64::saturating_add)
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weights, kv, tokens, encoder, buffers } = *self;
        let (weights, kv, encoder, buffers) = (size(weights), size(kv), size(encoder), size(buffers));
        write!(
            to,
            "weights {weights}, KV cache for {tokens} tokens {kv}, image encoder {encoder}, buffers about {buffers}"
        )
    }
}

impl Header {
    /// Tokens of context that the model was trained for.
    pub fn trained_context(&self) -> u64 {
        self.own("context_length").unwrap_or(UNKNOWN_CONTEXT)
    }

    /// Tokens of context that it is set up with: as wanted, or else what it was trained for, at
    /// most 8,192.
    pub fn context(&self, wanted: Option<u32>) -> u64 {
        let own = || self.trained_context().min(DEFAULT_CONTEXT);
        wanted.map_or_else(own, u64::from).max(LEAST_CONTEXT)
    }
}
