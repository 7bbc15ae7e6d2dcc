//! Counting by hand, and what must never happen. `tests/embed.rs` compares with the worker.

use proptest::prelude::*;

use super::*;
use crate::gguf::{TokenKind, Vocabulary};

fn words(tokens: &[&str]) -> Tokenizer {
    let tokens = tokens.iter().map(|&token| token.to_owned()).collect();
    let vocabulary = Vocabulary { tokens, ..Vocabulary::default() };
    Tokenizer { kind: Kind::WordPiece(WordPiece::new(&vocabulary)), marks: word_piece::MARKS }
}

fn pairs(pre: &str, own: &[&str], merges: &[&str]) -> Result<Tokenizer, String> {
    let mut vocabulary = Vocabulary::default();
    vocabulary.values.insert("pre".to_owned(), gguf::Value::Text(pre.to_owned()));
    let bytes: std::collections::BTreeSet<char> =
        tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect();
    vocabulary.tokens.extend(bytes.iter().map(char::to_string));
    vocabulary.kinds = vec![TokenKind::Normal; vocabulary.tokens.len()];
    vocabulary.tokens.extend(own.iter().map(|&token| token.to_owned()));
    vocabulary.tokens.push("<|own|>".to_owned());
    vocabulary.kinds.extend(vec![TokenKind::Normal; own.len()]);
    vocabulary.kinds.push(TokenKind::UserDefined);
    vocabulary.merges = merges.iter().map(|&merge| merge.to_owned()).collect();
    let (tokenizer, marks) = byte_pair::build(&vocabulary)?;
    Ok(Tokenizer { kind: Kind::Pipeline(Box::new(tokenizer)), marks })
}

#[test]
fn words_are_cut_into_the_longest_tokens() {
    let tokenizer = words(&["▁un", "▁believ", "believ", "able", "▁", "a", "▁!", "▁한"]);
    assert_eq!(tokenizer.count("unbelievable"), 3);
    assert_eq!(tokenizer.count("Unbeliévable!"), 4);
    assert_eq!(tokenizer.count("believable xyz"), 3, "a word of unknown letters is one token");
    assert_eq!(tokenizer.count(" \t\n"), 0);
    assert_eq!(tokenizer.with_special(""), 2);
}

#[test]
fn bytes_are_merged_in_the_order_of_the_merges() {
    let tokenizer =
        pairs("gpt-2", &["ab", "bc", "abc", "Ġab"], &["a b", "b c", "ab c", "Ġ ab", "x y"]).unwrap();
    assert_eq!(tokenizer.count("abc"), 1);
    assert_eq!(tokenizer.count("bc abx"), 3);
    assert_eq!(tokenizer.count("é"), 2);
    assert_eq!(tokenizer.count("ab<|own|>ab"), 3);
    assert_eq!(tokenizer.with_special("abc"), 1, "GPT-2 puts nothing around a text");
    assert_eq!(pairs("llama-bpe", &[], &[]).unwrap().with_special("a"), 2, "Llama 3 begins each");
}

#[test]
fn digits_are_cut_as_each_model_does() {
    let count = |pre: &str| pairs(pre, &["12", "123"], &["1 2", "12 3"]).unwrap().count("123123");
    assert_eq!(count("gpt-2"), 2);
    assert_eq!(count("llama3"), 2);
    assert_eq!(count("qwen2"), 6);
    assert_eq!(count("smollm"), 6);
    let error = pairs("tekken", &[], &[]).err().unwrap();
    assert!(error.contains("tekken"), "{error}");
}

#[test]
fn a_vocabulary_that_can_not_be_built_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.json");
    std::fs::write(&path, "{}").unwrap();
    let error = Tokenizer::from_json(&path).unwrap_err().to_string();
    assert!(error.contains("x.json is no tokenizer.json"), "{error}");
    let error = Tokenizer::from_gguf(&path).unwrap_err().to_string();
    assert!(error.contains("not a GGUF file"), "{error}");
    assert!(matches!(Tokenizer::from_json(&folder.path().join("none")), Err(TokenizerError::Json { .. })));
}

#[test]
fn a_tokenizer_json_counts_with_its_marks_and_without_truncation() {
    let json = serde_json::json!({
        "version": "1.0",
        "truncation": { "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0 },
        "added_tokens": [],
        "normalizer": { "type": "Lowercase" },
        "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 1], "cls": ["[CLS]", 0] },
        "decoder": null,
        "model": { "type": "WordLevel", "unk_token": "[UNK]",
                   "vocab": { "[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "one": 3, "two": 4 } },
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, json.to_string()).unwrap();
    let tokenizer = Tokenizer::from_json(&path).unwrap();
    assert_eq!((tokenizer.count("One two three"), tokenizer.with_special("one")), (3, 3));
}

#[test]
fn long_texts_are_counted_in_pieces_and_long_words_in_time() {
    let tokenizer = words(&["▁a", "▁ab", "b", "ab", "▁"]);
    let text = "ab ".repeat(100_000);
    assert_eq!(tokenizer.count(&text), 100_000);
    assert_eq!(pieces(&text).collect::<String>(), text);
    assert_eq!(tokenizer.count(&"ab".repeat(100_000)), 100_000);
}

#[test]
fn letters_and_marks_come_apart() {
    assert_eq!(decomposed("é한"), "e\u{301}\u{1112}\u{1161}\u{11ab}");
    assert_eq!(decomposed("plain"), "plain");
}

proptest! {
    #[test]
    fn any_text_is_counted(text in any::<String>()) {
        let words = words(&["▁a", "b", "▁", "ä"]);
        let pairs = pairs("qwen2", &["ab"], &["a b"]).unwrap();
        prop_assert!(words.count(&text) <= decomposed(&text).chars().count() * 2 + 1);
        prop_assert!(pairs.count(&text) <= text.len());
        prop_assert_eq!(pieces(&text).collect::<String>(), text);
    }
}
