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

proptest! {
    #[test]
    fn damaged_bytes_never_panic(changes in prop::collection::vec((0_usize..200, any::<u8>()), 1..8)) {
        let mut bytes = sample();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = parse_bytes(&bytes);
    }
}
