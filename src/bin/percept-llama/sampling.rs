//! Chooses tokens, in the order of llama.cpp's own tools: penalties, top-k, top-p, min-p,
//! temperature, then a seeded draw.

use llama_cpp_2::sampling::LlamaSampler;
use percept::wire::Sampling;

/// How far back penalties look.
const PENALTY_WINDOW: i32 = 64;

/// Tokens that are never cut away.
const KEEP: usize = 1;

/// The sampler for one answer. Temperature 0 is greedy; then only the penalties matter.
pub(crate) fn chain(sampling: &Sampling, n_vocab: i32) -> LlamaSampler {
    let mut samplers = Vec::new();
    let repeat = if sampling.repeat_penalty > 0.0 { sampling.repeat_penalty } else { 1.0 };
    if repeat != 1.0 || sampling.presence_penalty != 0.0 {
        samplers.push(LlamaSampler::penalties(
            n_vocab,
            PENALTY_WINDOW,
            repeat,
            0.0,
            sampling.presence_penalty,
        ));
    }
    if sampling.temperature <= 0.0 {
        samplers.push(LlamaSampler::greedy());
        return LlamaSampler::chain_simple(samplers);
    }
    if sampling.top_k > 0 {
        samplers.push(LlamaSampler::top_k(i32::try_from(sampling.top_k).unwrap_or(i32::MAX)));
    }
    if sampling.top_p < 1.0 {
        samplers.push(LlamaSampler::top_p(sampling.top_p, KEEP));
    }
    if sampling.min_p > 0.0 {
        samplers.push(LlamaSampler::min_p(sampling.min_p, KEEP));
    }
    samplers.push(LlamaSampler::temp(sampling.temperature));
    samplers.push(LlamaSampler::dist(sampling.seed.unwrap_or_else(random_seed)));
    LlamaSampler::chain_simple(samplers)
}

fn random_seed() -> u32 {
    // The standard library seeds its hash maps at random.
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() as u32
}

/// Natural logarithm of the probability of one token: log-softmax over the raw logits.
pub(crate) fn logprob(logits: &[f32], token: usize) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits.get(token).map_or(f32::NEG_INFINITY, |logit| logit - most - sum.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_sum_to_one() {
        let logits = [1.0, 2.0, 3.0, -50.0];
        let sum: f32 = (0..4).map(|token| logprob(&logits, token).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        assert!(logprob(&logits, 2) > logprob(&logits, 1));
        assert_eq!(logprob(&logits, 4), f32::NEG_INFINITY);
    }
}
