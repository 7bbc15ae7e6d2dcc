//! Chooses tokens, in the order of llama.cpp's own tools: penalties, top-k, top-p, min-p,
//! temperature, then a seeded draw.
//!
//! All of this goes over the whole vocabulary for each token, so it is written for the
//! compiler to vectorise: done naively it takes several percent of a small model's decode.

use llama_cpp_2::GrammarError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use percept::wire::Sampling;

/// How far back penalties look.
const PENALTY_WINDOW: i32 = 64;

/// Tokens that are never cut away.
const KEEP: usize = 1;

/// Values that are looked at side by side.
const LANES: usize = 16;

/// How the tokens of one answer are chosen.
pub(crate) enum Chooser {
    /// The most likely one.
    Greedy,
    /// By llama.cpp's samplers.
    Chain(LlamaSampler),
}

impl Chooser {
    pub(crate) fn new(sampling: &Sampling, n_vocab: i32) -> Self {
        let greedy = sampling.temperature <= 0.0;
        let penalties = ![0.0, 1.0].contains(&sampling.repeat_penalty) || sampling.presence_penalty != 0.0;
        match greedy && !penalties {
            true => Self::Greedy,
            false => Self::Chain(chain(sampling, n_vocab)),
        }
    }

    /// Keeps the answer to a grammar (GBNF, its root called `root`), from its first token on
    /// or from where all of it matches the pattern.
    pub(crate) fn constrained(
        sampling: &Sampling,
        model: &LlamaModel,
        grammar: &str,
        trigger: Option<String>,
    ) -> Result<Self, GrammarError> {
        let grammar = match trigger {
            None => LlamaSampler::grammar(model, grammar, "root")?,
            Some(pattern) => LlamaSampler::grammar_lazy_patterns(model, grammar, "root", &[pattern], &[])?,
        };
        Ok(Self::Chain(LlamaSampler::chain_simple([grammar, chain(sampling, model.n_vocab())])))
    }

    /// Chooses from a row of logits of the last evaluation (-1: its last); with the natural
    /// logarithm of the probability that the model gave to it.
    pub(crate) fn choose(&mut self, context: &LlamaContext<'_>, row: i32) -> (LlamaToken, f32) {
        let token = match self {
            Self::Greedy => LlamaToken(best(context.get_logits_ith(row)) as i32),
            Self::Chain(sampler) => sampler.sample(context, row),
        };
        let logits = context.get_logits_ith(row);
        (token, usize::try_from(token.0).map_or(f32::NEG_INFINITY, |token| logprob(logits, token)))
    }
}

/// The sampler for one answer. Temperature 0 is greedy; then only the penalties matter.
fn chain(sampling: &Sampling, n_vocab: i32) -> LlamaSampler {
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

/// Where the greatest logit stands; the first of several.
fn best(logits: &[f32]) -> usize {
    let most = greatest(logits);
    logits.iter().position(|&logit| logit == most).unwrap_or(0)
}

fn greatest(logits: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = logits.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &logit) in lanes.iter_mut().zip(chunk) {
            // Not `max`: its care for NaN costs more than the rest.
            *lane = if logit > *lane { logit } else { *lane };
        }
    }
    lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Natural logarithm of the probability of one token: log-softmax over the raw logits.
fn logprob(logits: &[f32], token: usize) -> f32 {
    let most = greatest(logits);
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = logits.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &logit) in lanes.iter_mut().zip(chunk) {
            *lane += exp(logit - most);
        }
    }
    let sum: f32 = lanes.iter().sum::<f32>() + rest.iter().map(|&logit| exp(logit - most)).sum::<f32>();
    logits.get(token).map_or(f32::NEG_INFINITY, |logit| logit - most - sum.ln())
}

/// e to the power of a number that is not positive, to five digits: 2^n by the exponent's
/// bits, 2^f for f from -1/2 to 1/2 by its Taylor polynomial of degree 6.
fn exp(x: f32) -> f32 {
    // Below, a float has no room; what is that unlikely adds nothing.
    let y = (x * std::f32::consts::LOG2_E).max(-126.0);
    let n = (y - 0.5) as i32; // rounds towards zero: to the nearest for numbers below 0
    let f = (y - n as f32) * std::f32::consts::LN_2;
    let two_to_f =
        1.0 + f * (1.0 + f * (0.5 + f * (1.0 / 6.0 + f * (1.0 / 24.0 + f * (1.0 / 120.0 + f / 720.0)))));
    f32::from_bits(((n + 127) << 23) as u32) * two_to_f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_five_digits() {
        for step in 0..=20_000 {
            let x = step as f32 * -0.005;
            let (ours, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours - exact).abs() <= 1e-5 * exact + 1e-37, "e^{x}: {ours} and {exact}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn the_best_is_the_first_of_the_greatest_wherever_it_stands() {
        for at in 0..40 {
            let mut logits = vec![-1.0; 40];
            logits[at] = 2.5;
            logits[39] = 2.5;
            assert_eq!(best(&logits), at);
        }
        assert_eq!(best(&[]), 0);
    }

    #[test]
    fn log_probabilities_sum_to_one() {
        let logits = [1.0, 2.0, 3.0, -50.0];
        let sum: f32 = (0..4).map(|token| logprob(&logits, token).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        assert!(logprob(&logits, 2) > logprob(&logits, 1));
        assert_eq!(logprob(&logits, 4), f32::NEG_INFINITY);
    }
}
