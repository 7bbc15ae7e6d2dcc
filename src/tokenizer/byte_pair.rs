//! Byte pair encoding on bytes, as GPT-2 has it: words are cut by a regular expression that
//! `tokenizer.ggml.pre` names, their bytes are merged in the order of the merges.
//!
//! The expressions are those of llama.cpp (`llm_tokenizer_bpe` in llama-vocab.cpp), which has them
//! from the models' `tokenizer.json`.

use std::collections::HashSet;

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use crate::gguf::{TokenKind, Vocabulary};

/// Words that the model remembers: a text has the same ones again and again.
const CACHED_WORDS: usize = 10_000;

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const DIGIT: &str = r"\p{N}";
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How words are cut and merged.
struct Rules {
    /// Each cuts what the ones before left.
    cuts: &'static [&'static str],
    /// A word that is a token is that token, whatever the merges make of it.
    whole_words: bool,
    /// Marks around a text, where the file doesn't say.
    starts: bool,
}

fn rules(pre: &str) -> Option<Rules> {
    let rules = |cuts, whole_words| Some(Rules { cuts, whole_words, starts: whole_words });
    match pre {
        "gpt-2" | "phi-2" | "jina-es" | "jina-de" | "jina-v2-es" | "jina-v2-de" | "jina-v1-en"
        | "jina-v2-code" | "roberta-bpe" | "mellum" | "modern-bert" | "olmo" | "mpt" => rules(&[GPT2], false),
        "smollm" | "starcoder" | "refact" | "command-r" => rules(&[DIGIT, GPT2], false),
        "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "falcon-h1" | "pixtral" | "lfm2" => {
            rules(&[LLAMA3], true)
        }
        "qwen2" | "deepseek-r1-qwen" | "stablelm2" => rules(&[QWEN2], false),
        "qwen35" => rules(&[QWEN35], false),
        _ => None,
    }
}

/// Builds the tokenizer, and counts its marks around a text; an error names what isn't known.
pub(super) fn build(vocabulary: &Vocabulary) -> Result<(Tokenizer, usize), String> {
    let pre = vocabulary.text("pre").unwrap_or("unnamed");
    let rules = rules(pre).ok_or_else(|| format!("byte pairs with words cut as {pre}"))?;
    let failed = |error: tokenizers::Error| format!("byte pairs that don't fit together: {error}");
    let ids = (0_u32..).zip(&vocabulary.tokens).map(|(id, token)| (token.clone(), id));
    let model = BPE::builder()
        .vocab_and_merges(ids.collect::<Vocab>(), merges(vocabulary))
        .ignore_merges(rules.whole_words)
        .cache_capacity(CACHED_WORDS)
        .build()
        .map_err(failed)?;
    let mut tokenizer = Tokenizer::new(model);
    let mut cuts = Vec::new();
    for cut in rules.cuts {
        let pattern = SplitPattern::Regex((*cut).to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(failed)?;
        cuts.push(PreTokenizerWrapper::from(split));
    }
    cuts.push(ByteLevel::new(false, false, false).into());
    tokenizer.with_pre_tokenizer(Some(Sequence::new(cuts)));
    let own = vocabulary.tokens.iter().enumerate();
    let own = own.filter(|(id, _)| vocabulary.kind(*id) == TokenKind::UserDefined);
    tokenizer.add_tokens(own.map(|(_, token)| AddedToken::from(token.clone(), false))).map_err(failed)?;
    let marks = [("add_bos_token", rules.starts), ("add_eos_token", false)];
    let marks = marks.into_iter().filter(|(key, usual)| vocabulary.bool(key).unwrap_or(*usual)).count();
    Ok((tokenizer, marks))
}

/// The merges that make tokens; others change nothing (a vocabulary of bytes has a dummy one).
fn merges(vocabulary: &Vocabulary) -> Merges {
    let tokens: HashSet<&str> = vocabulary.tokens.iter().map(String::as_str).collect();
    let mut merges = Vec::new();
    for merge in &vocabulary.merges {
        if let Some((first, second)) = merge.split_once(' ')
            && [first, second, &[first, second].concat()].iter().all(|text| tokens.contains(text))
        {
            merges.push((first.to_owned(), second.to_owned()));
        }
    }
    merges
}
