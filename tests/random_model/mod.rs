//! Writes a language model with random weights: a hybrid of short convolutions and
//! attention (arch `lfm2`, as LFM2) with the starter's vocabulary, as wide as the starter's
//! projector makes its embeddings. What it says is noise; that it is the same noise shows
//! whether its memory was brought back right.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of several tests")]

use std::path::Path;

const WIDTH: u64 = 256;
const HEADS: u64 = 4;
const HIDDEN: u64 = 64;
const VOCABULARY: u64 = 320;
/// The starter's control tokens, the end of an answer among them: with embeddings of zeros
/// their logits are 0, and greedily they are never chosen.
const CONTROL: std::ops::Range<usize> = 256..264;
/// Values that a convolution sees: the token itself and those just before.
const CONVOLUTION: u64 = 3;
/// What Whisper's encoder hears of a moment.
const MEL_BINS: u64 = 80;
/// KV heads of each layer; 0 makes it a convolution.
const LAYERS: [u32; 4] = [0, HEADS as u32, 0, HEADS as u32];

const ALIGNMENT: usize = 32;
/// Types of metadata values, as GGUF numbers them.
const U32: u32 = 4;
const FLOAT: u32 = 6;
const BOOL: u32 = 7;
const TEXT: u32 = 8;
const ARRAY: u32 = 9;
/// The types of tensors: 32-bit and 16-bit floats.
const F32: u32 = 0;
const F16: u32 = 1;

/// Writes the model; its vocabulary and template are those of `like`.
pub(crate) fn write_hybrid(path: &Path, like: &Path, seed: u32) {
    let mut metadata = Metadata::default();
    metadata.text("general.architecture", "lfm2");
    metadata.text("general.name", "random hybrid");
    for (key, value) in [
        ("block_count", LAYERS.len() as u32),
        ("context_length", 32_768),
        ("embedding_length", WIDTH as u32),
        ("feed_forward_length", HIDDEN as u32),
        ("attention.head_count", HEADS as u32),
        ("shortconv.l_cache", CONVOLUTION as u32),
        ("vocab_size", VOCABULARY as u32),
    ] {
        metadata.entry(&format!("lfm2.{key}"), U32, &value.to_le_bytes());
    }
    let heads: Vec<u8> = LAYERS.iter().flat_map(|heads| heads.to_le_bytes()).collect();
    let array = [&U32.to_le_bytes()[..], &(LAYERS.len() as u64).to_le_bytes(), &heads].concat();
    metadata.entry("lfm2.attention.head_count_kv", ARRAY, &array);
    for (key, value) in [("attention.layer_norm_rms_epsilon", 1e-5_f32), ("rope.freq_base", 10_000.0)] {
        metadata.entry(&format!("lfm2.{key}"), FLOAT, &value.to_le_bytes());
    }
    metadata.tokenizer_of(&std::fs::read(like).unwrap());
    std::fs::write(path, file(&metadata, &tensors(), seed)).unwrap();
}

/// Writes a projector with random weights that hears, as Qwen2-Audio's (`qwen2a`: Whisper's
/// encoder, a mean of pairs, a linear layer), for models as wide as the starter.
pub(crate) fn write_ear(path: &Path, seed: u32) {
    let mut metadata = Metadata::default();
    metadata.text("general.architecture", "clip");
    metadata.text("general.name", "random ear");
    metadata.text("clip.projector_type", "qwen2a");
    metadata.entry("clip.has_audio_encoder", BOOL, &[1]);
    for (key, value) in [
        ("embedding_length", HIDDEN),
        ("feed_forward_length", HIDDEN),
        ("block_count", 1),
        ("projection_dim", WIDTH),
        ("attention.head_count", HEADS),
        ("num_mel_bins", MEL_BINS),
    ] {
        metadata.entry(&format!("clip.audio.{key}"), U32, &(value as u32).to_le_bytes());
    }
    metadata.entry("clip.audio.attention.layer_norm_epsilon", FLOAT, &1e-5_f32.to_le_bytes());
    let mut tensors = vec![
        ("a.position_embd.weight".to_owned(), vec![HIDDEN, 1500]),
        ("a.conv1d.1.weight".to_owned(), vec![3, MEL_BINS, HIDDEN]),
        ("a.conv1d.2.weight".to_owned(), vec![3, HIDDEN, HIDDEN]),
        ("a.conv1d.1.bias".to_owned(), vec![1, HIDDEN]),
        ("a.conv1d.2.bias".to_owned(), vec![1, HIDDEN]),
        ("mm.a.fc.weight".to_owned(), vec![HIDDEN, WIDTH]),
        ("mm.a.fc.bias".to_owned(), vec![WIDTH]),
        ("a.blk.0.attn_k.weight".to_owned(), vec![HIDDEN, HIDDEN]),
    ];
    for name in ["attn_q", "attn_v", "attn_out", "ffn_up", "ffn_down"] {
        tensors.push((format!("a.blk.0.{name}.weight"), vec![HIDDEN, HIDDEN]));
        tensors.push((format!("a.blk.0.{name}.bias"), vec![HIDDEN]));
    }
    for name in ["a.blk.0.ln1", "a.blk.0.ln2", "a.post_ln"] {
        tensors.push((format!("{name}.weight"), vec![HIDDEN]));
        tensors.push((format!("{name}.bias"), vec![HIDDEN]));
    }
    std::fs::write(path, file(&metadata, &tensors, seed)).unwrap();
}

/// Writes a reranker with random weights (arch `bert`, with a classifier's head): one layer, and
/// the starter's vocabulary.
pub(crate) fn write_reranker(path: &Path, like: &Path, seed: u32) {
    const POSITIONS: u32 = 128;
    const RANK: u32 = 4;
    let mut metadata = Metadata::default();
    metadata.text("general.architecture", "bert");
    metadata.text("general.name", "random reranker");
    for (key, value) in [
        ("block_count", 1),
        ("context_length", POSITIONS),
        ("embedding_length", WIDTH as u32),
        ("feed_forward_length", HIDDEN as u32),
        ("attention.head_count", HEADS as u32),
        ("pooling_type", RANK),
    ] {
        metadata.entry(&format!("bert.{key}"), U32, &value.to_le_bytes());
    }
    metadata.entry("bert.attention.layer_norm_epsilon", FLOAT, &1e-5_f32.to_le_bytes());
    metadata.entry("bert.attention.causal", BOOL, &[0]);
    metadata.entry("tokenizer.ggml.token_type_count", U32, &1_u32.to_le_bytes());
    metadata.tokenizer_of(&std::fs::read(like).unwrap());
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), vec![WIDTH, VOCABULARY]),
        ("position_embd.weight".to_owned(), vec![WIDTH, u64::from(POSITIONS)]),
        ("cls.weight".to_owned(), vec![WIDTH, WIDTH]),
        ("cls.output.weight".to_owned(), vec![WIDTH, 1]),
        ("blk.0.ffn_up.weight".to_owned(), vec![WIDTH, HIDDEN]),
        ("blk.0.ffn_down.weight".to_owned(), vec![HIDDEN, WIDTH]),
    ];
    for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
        tensors.push((format!("blk.0.{name}.weight"), vec![WIDTH, WIDTH]));
    }
    for name in ["token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"] {
        tensors.push((format!("{name}.weight"), vec![WIDTH]));
        tensors.push((format!("{name}.bias"), vec![WIDTH]));
    }
    std::fs::write(path, file(&metadata, &tensors, seed)).unwrap();
}

fn tensors() -> Vec<(String, Vec<u64>)> {
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), vec![WIDTH, VOCABULARY]),
        ("token_embd_norm.weight".to_owned(), vec![WIDTH]),
    ];
    for (layer, kv_heads) in LAYERS.into_iter().enumerate() {
        let kv_width = WIDTH / HEADS * u64::from(kv_heads);
        let own: &[(&str, &[u64])] = match kv_heads {
            0 => &[
                ("shortconv.conv", &[CONVOLUTION, WIDTH]),
                ("shortconv.in_proj", &[WIDTH, 3 * WIDTH]),
                ("shortconv.out_proj", &[WIDTH, WIDTH]),
            ],
            _ => &[
                ("attn_q", &[WIDTH, WIDTH]),
                ("attn_k", &[WIDTH, kv_width]),
                ("attn_v", &[WIDTH, kv_width]),
                ("attn_output", &[WIDTH, WIDTH]),
                ("attn_q_norm", &[WIDTH / HEADS]),
                ("attn_k_norm", &[WIDTH / HEADS]),
            ],
        };
        let shared: &[(&str, &[u64])] = &[
            ("attn_norm", &[WIDTH]),
            ("ffn_norm", &[WIDTH]),
            ("ffn_gate", &[WIDTH, HIDDEN]),
            ("ffn_up", &[WIDTH, HIDDEN]),
            ("ffn_down", &[HIDDEN, WIDTH]),
        ];
        let all = own.iter().chain(shared);
        tensors.extend(all.map(|(name, shape)| (format!("blk.{layer}.{name}.weight"), shape.to_vec())));
    }
    tensors
}

fn file(metadata: &Metadata, tensors: &[(String, Vec<u64>)], seed: u32) -> Vec<u8> {
    let mut head = b"GGUF\x03\0\0\0".to_vec();
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend(metadata.entries.to_le_bytes());
    head.extend(&metadata.bytes);
    let mut random = Random(seed);
    let mut data = Vec::new();
    for (name, shape) in tensors {
        put_text(&mut head, name);
        head.extend((shape.len() as u32).to_le_bytes());
        head.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
        // ggml's convolutions take kernels of 16 bits alone.
        let kind = if shape.len() == 3 { F16 } else { F32 };
        head.extend(kind.to_le_bytes());
        head.extend((data.len() as u64).to_le_bytes());
        let count: u64 = shape.iter().product();
        // Norms multiply by one; the rest keeps about the variance of what it is given.
        let scale = if shape.len() == 1 { None } else { Some((3.0 / shape[0] as f32).sqrt()) };
        let start = data.len();
        for _ in 0..count {
            let value = scale.map_or(1.0, |scale| scale * random.next());
            match kind {
                F16 => data.extend(half(value).to_le_bytes()),
                _ => data.extend(value.to_le_bytes()),
            }
        }
        if name == "token_embd.weight" {
            let row = WIDTH as usize * size_of::<f32>();
            data[start..][CONTROL.start * row..CONTROL.end * row].fill(0);
        }
        data.resize(data.len().next_multiple_of(ALIGNMENT), 0);
    }
    head.resize(head.len().next_multiple_of(ALIGNMENT), 0);
    head.extend(data);
    head
}

/// A value between -2 and 2 as a 16-bit float (IEEE 754), cut; what is too small is 0.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    match ((bits >> 23) & 0xff) as i32 - 127 + 15 {
        ..=0 => sign,
        exponent => sign | (exponent as u16) << 10 | (bits >> 13) as u16 & 0x3ff,
    }
}

/// Numbers from -1 to 1 (xorshift32, Marsaglia 2003).
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        for (left, by) in [(true, 13), (false, 17), (true, 5)] {
            self.0 ^= if left { self.0 << by } else { self.0 >> by };
        }
        self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0
    }
}

#[derive(Default)]
struct Metadata {
    entries: u64,
    bytes: Vec<u8>,
}

impl Metadata {
    fn entry(&mut self, key: &str, kind: u32, value: &[u8]) {
        put_text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(value);
        self.entries += 1;
    }

    fn text(&mut self, key: &str, value: &str) {
        let mut bytes = Vec::new();
        put_text(&mut bytes, value);
        self.entry(key, TEXT, &bytes);
    }

    /// Copies the entries of another file whose keys begin with `tokenizer.`.
    fn tokenizer_of(&mut self, gguf: &[u8]) {
        let mut rest = &gguf[16..];
        for _ in 0..u64::from_le_bytes(take(&mut rest)) {
            let key = take_text(&mut rest);
            let kind = u32::from_le_bytes(take(&mut rest));
            let value = rest;
            skip(&mut rest, kind);
            if key.starts_with("tokenizer.") {
                self.entry(&key, kind, &value[..value.len() - rest.len()]);
            }
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, left) = rest.split_first_chunk().unwrap();
    *rest = left;
    *taken
}

fn take_text(rest: &mut &[u8]) -> String {
    let length = u64::from_le_bytes(take(rest)) as usize;
    let (text, left) = rest.split_at(length);
    *rest = left;
    String::from_utf8(text.to_vec()).unwrap()
}

fn skip(rest: &mut &[u8], kind: u32) {
    let width = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        TEXT => return drop(take_text(rest)),
        ARRAY => {
            let kind = u32::from_le_bytes(take(rest));
            let length = u64::from_le_bytes(take(rest));
            return (0..length).for_each(|_| skip(rest, kind));
        }
        _ => 8,
    };
    *rest = &rest[width..];
}
