//! Whole, cut, foreign and damaged headers.

use proptest::prelude::*;

use super::*;

/// A file with two values and one tensor of 4 × 8 floats.
fn sample() -> Vec<u8> {
    let string = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut bytes = b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
    bytes.extend(string("general.architecture"));
    bytes.extend(8_u32.to_le_bytes());
    bytes.extend(string("llama"));
    bytes.extend(string("llama.block_count"));
    bytes.extend(4_u32.to_le_bytes());
    bytes.extend(6_u32.to_le_bytes());
    bytes.extend(string("output.weight"));
    bytes.extend(2_u32.to_le_bytes());
    bytes.extend(4_u64.to_le_bytes());
    bytes.extend(8_u64.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend([0; 8]);
    bytes.resize(bytes.len().next_multiple_of(32) + 4 * 8 * 4, 0);
    bytes
}

fn parse_bytes(bytes: &[u8]) -> Result<Header, GgufError> {
    parse(bytes, bytes.len() as u64)
}

#[test]
fn a_whole_file_is_read() {
    let header = parse_bytes(&sample()).unwrap();
    assert_eq!((header.architecture(), header.own("block_count")), ("llama", Some(6)));
    assert_eq!((header.parameters, header.tensor_bytes), (32, 128));
}

#[test]
fn every_shorter_file_is_refused() {
    let whole = sample();
    for length in 0..whole.len() {
        assert!(parse_bytes(&whole[..length]).is_err(), "{length} bytes of {}", whole.len());
    }
    let error = parse_bytes(&whole[..whole.len() - 1]).unwrap_err();
    assert!(matches!(error, GgufError::Truncated { .. }), "{error}");
}

#[test]
fn other_files_are_named_as_such() {
    assert_eq!(
        parse_bytes(b"\x89PNG....").unwrap_err().to_string(),
        "it is not a GGUF file (it starts with `\\x89PNG`)"
    );
    assert!(parse_bytes(b"").unwrap_err().to_string().contains("empty"));
    let mut old = sample();
    old[4] = 1;
    assert!(matches!(parse_bytes(&old), Err(GgufError::Version(1))));
}

/// A header with these values of the architecture `a`.
fn header(values: &[(&str, Value)]) -> Header {
    let named = |name: &str| ("general.architecture".to_owned(), Value::Text(name.to_owned()));
    let own = values.iter().map(|(key, value)| (format!("a.{key}"), value.clone()));
    Header { version: 3, values: own.chain([named("a")]).collect(), tensor_bytes: 0, parameters: 0 }
}

#[test]
fn the_kv_cache_is_counted_for_the_layers_that_have_one() {
    let model = |kv: Value, more: &[(&str, Value)]| {
        let own = [
            ("block_count", Value::Int(6)),
            ("embedding_length", Value::Int(2048)),
            ("attention.head_count", Value::Int(32)),
            ("attention.head_count_kv", kv),
        ];
        header(&[&own[..], more].concat()).kv_bytes(1000)
    };
    let of_heads = |heads: u64| heads * (64 + 64) * 2 * 1000;
    assert_eq!(model(Value::Int(8), &[]), of_heads(6 * 8));
    // LFM2: two of six layers attend, the others are convolutions.
    assert_eq!(model(Value::Ints(vec![0, 0, 8, 0, 0, 8]), &[]), of_heads(16));
    // Qwen3.5: one in three, by an interval.
    assert_eq!(model(Value::Int(8), &[("full_attention_interval", Value::Int(3))]), of_heads(16));
    // A longer array than any model's is not looked into: all heads, as an upper bound.
    assert_eq!(model(Value::Array(5000), &[]), of_heads(6 * 32));
    assert_eq!(model(Value::Ints(vec![i64::MIN, i64::MAX, i64::MAX]), &[]), u64::MAX);
}

#[test]
fn short_arrays_of_integers_are_kept_and_long_ones_skipped() {
    let array = |kind: u32, elements: &[u8], length: u64| {
        let bytes = [&kind.to_le_bytes()[..], &length.to_le_bytes(), elements].concat();
        let length = bytes.len() as u64;
        Reader { stream: &bytes[..], at: 0, length }.value(9)
    };
    assert_eq!(array(4, &[1, 0, 0, 0, 0, 0, 0, 0], 2).unwrap(), Value::Ints(vec![1, 0]));
    assert_eq!(array(1, &[0xff], 1).unwrap(), Value::Ints(vec![-1]));
    assert_eq!(array(4, &[0; 4 * 1025], 1025).unwrap(), Value::Array(1025));
    assert_eq!(array(6, &[0; 4], 1).unwrap(), Value::Array(1));
    assert!(matches!(array(4, &[0; 4], 1000), Err(GgufError::Truncated { .. })));
}

/// A file of a vocabulary alone.
fn vocabulary() -> Vec<u8> {
    let string = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let list = |kind: u32, length: u64| {
        [9_u32.to_le_bytes().as_slice(), &kind.to_le_bytes(), &length.to_le_bytes()].concat()
    };
    let mut bytes = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    bytes.extend([string("general.architecture"), 8_u32.to_le_bytes().to_vec(), string("bert")].concat());
    bytes.extend([string("tokenizer.ggml.model"), 8_u32.to_le_bytes().to_vec(), string("bert")].concat());
    bytes.extend([string("tokenizer.ggml.tokens"), list(8, 2), string("▁a"), string("b")].concat());
    bytes.extend([string("tokenizer.ggml.token_type"), list(5, 2)].concat());
    bytes.extend([3_i32.to_le_bytes(), 1_i32.to_le_bytes()].concat());
    bytes.extend([string("tokenizer.ggml.scores"), list(6, 1), 0.5_f32.to_le_bytes().to_vec()].concat());
    bytes.extend([string("tokenizer.ggml.merges"), list(8, 1), string("a b")].concat());
    bytes
}

fn parse_vocabulary(bytes: &[u8]) -> Result<Vocabulary, GgufError> {
    vocabulary::parse(bytes, bytes.len() as u64)
}

#[test]
fn a_vocabulary_is_read_whole() {
    let read = parse_vocabulary(&vocabulary()).unwrap();
    assert_eq!(
        (read.text("model"), &read.tokens[..]),
        (Some("bert"), &["▁a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!((read.kind(0), read.kind(1)), (TokenKind::Control, TokenKind::Normal));
    assert_eq!((read.scores, read.merges), (vec![0.5], vec!["a b".to_owned()]));
    for length in 0..vocabulary().len() {
        assert!(parse_vocabulary(&vocabulary()[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn what_finds_vectors_says_how() {
    let of = |values: &[(&str, Value)]| {
        let header = header(values);
        (header.pooling_or_usual(), header.vector_length(), header.input_tokens(None))
    };
    let width = ("embedding_length", Value::Int(384));
    assert_eq!(of(&[]), (Pooling::Last, None, 512));
    let bert = [("pooling_type", Value::Int(1)), width.clone(), ("context_length", Value::Int(256))];
    assert_eq!(of(&bert), (Pooling::Mean, Some(384), 256));
    let unnamed = [("attention.causal", Value::Bool(false)), ("pooling_type", Value::Int(0)), width.clone()];
    assert_eq!(of(&unnamed), (Pooling::Mean, Some(384), 512));
    let projected =
        [("pooling_type", Value::Int(2)), width.clone(), ("embedding_length_out", Value::Int(128))];
    assert_eq!(of(&projected), (Pooling::Cls, Some(128), 512));
    let long = [("pooling_type", Value::Int(3)), width.clone(), ("context_length", Value::Int(1 << 20))];
    assert_eq!(of(&long), (Pooling::Last, Some(384), 8192));
    assert_eq!(of(&[("pooling_type", Value::Int(4)), width]), (Pooling::Rank, Some(1), 512));
    assert_eq!(header(&long).input_tokens(Some(300)), 300);
}

proptest! {
    #[test]
    fn damaged_vocabularies_never_panic(changes in prop::collection::vec((0_usize..330, any::<u8>()), 1..8)) {
        let mut bytes = vocabulary();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let _ = parse_vocabulary(&bytes);
    }

    #[test]
    fn damaged_bytes_never_panic(changes in prop::collection::vec((0_usize..200, any::<u8>()), 1..8)) {
        let mut bytes = sample();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = parse_bytes(&bytes);
    }
}
