//! Writes a Whisper model with random weights. What it says is noise; that two programs say
//! the same noise shows that they compute the same, and what it costs is what a real model of
//! its shape costs.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of several tests")]

use std::io::Write;
use std::path::Path;

/// The shape of a model: encoder and decoder have the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) width: u32,
    pub(crate) heads: u32,
    pub(crate) layers: u32,
}

/// As small as whisper.cpp takes it for a tiny one.
pub(crate) const SMALL: Shape = Shape { width: 64, heads: 2, layers: 4 };
/// OpenAI's.
pub(crate) const TINY: Shape = Shape { width: 384, heads: 6, layers: 4 };
/// OpenAI's.
pub(crate) const BASE: Shape = Shape { width: 512, heads: 8, layers: 6 };

/// Bytes up to the mel filters: the magic and 11 numbers.
const NUMBERS: usize = 48;
const VOCABULARY: u32 = 51_865;
const AUDIO_CONTEXT: u32 = 1500;
const TEXT_CONTEXT: u32 = 448;
const MELS: u32 = 80;
/// The token that ends a text. It is made so likely that a text has some ten tokens.
const END: usize = 50_257;
/// How much likelier, for a root of the width: the most likely of all others gets 6.5.
const END_BIAS: f32 = 5.0;

/// Exponents of 16-bit floats: values of 1/32 to 1/16 and of 1 to 2, of either sign.
const SMALL_VALUES: u16 = 10;
const LARGE_VALUES: u16 = 15;

/// Writes the model; filters and vocabulary are those of `like`, a model for many languages.
pub(crate) fn write(path: &Path, like: &Path, shape: Shape, seed: u32) {
    let head = std::fs::read(like).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let Shape { width, heads, layers } = shape;
    let side = [width, heads, layers];
    let numbers = [&[VOCABULARY, AUDIO_CONTEXT], &side[..], &[TEXT_CONTEXT], &side, &[MELS, 1]].concat();
    file.write_all(&head[..4]).unwrap();
    for number in numbers {
        file.write_all(&number.to_le_bytes()).unwrap();
    }
    file.write_all(&head[NUMBERS..head_bytes(&head)]).unwrap();
    let mut random = Random(seed | 1);
    for (name, dimensions) in tensors(shape) {
        tensor(&mut file, &name, &dimensions, &mut random);
    }
    file.flush().unwrap();
}

/// Where the vocabulary ends.
fn head_bytes(head: &[u8]) -> usize {
    let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap()) as usize;
    let filters = number(NUMBERS) * number(NUMBERS + 4) * 4;
    let mut at = NUMBERS + 8 + filters;
    let tokens = number(at);
    at += 4;
    for _ in 0..tokens {
        at += 4 + number(at);
    }
    at
}

/// Names and dimensions, the fastest first.
fn tensors(Shape { width, layers, .. }: Shape) -> Vec<(String, Vec<u32>)> {
    let mut tensors = vec![
        ("encoder.positional_embedding".to_owned(), vec![width, AUDIO_CONTEXT]),
        ("encoder.conv1.weight".to_owned(), vec![3, MELS, width]),
        ("encoder.conv1.bias".to_owned(), vec![1, width]),
        ("encoder.conv2.weight".to_owned(), vec![3, width, width]),
        ("encoder.conv2.bias".to_owned(), vec![1, width]),
        ("decoder.positional_embedding".to_owned(), vec![width, TEXT_CONTEXT]),
        ("decoder.token_embedding.weight".to_owned(), vec![width, VOCABULARY]),
    ];
    let mut linear = |name: String, from: u32, to: u32, bias: bool| {
        tensors.push((format!("{name}.weight"), if from == 0 { vec![to] } else { vec![from, to] }));
        if bias {
            tensors.push((format!("{name}.bias"), vec![to]));
        }
    };
    linear("encoder.ln_post".to_owned(), 0, width, true);
    linear("decoder.ln".to_owned(), 0, width, true);
    for (side, attentions) in [("encoder", &["attn"][..]), ("decoder", &["attn", "cross_attn"])] {
        for layer in 0..layers {
            let block = format!("{side}.blocks.{layer}");
            for attention in attentions {
                for part in ["query", "key", "value", "out"] {
                    linear(format!("{block}.{attention}.{part}"), width, width, part != "key");
                }
                linear(format!("{block}.{attention}_ln"), 0, width, true);
            }
            linear(format!("{block}.mlp.0"), width, 4 * width, true);
            linear(format!("{block}.mlp.2"), 4 * width, width, true);
            linear(format!("{block}.mlp_ln"), 0, width, true);
        }
    }
    tensors
}

fn tensor(file: &mut impl Write, name: &str, dimensions: &[u32], random: &mut Random) {
    let count: usize = dimensions.iter().map(|size| *size as usize).product();
    let wide = dimensions.len() == 1 || name.ends_with("bias") || name.ends_with("embedding");
    let kind = u32::from(!wide);
    for number in [dimensions.len() as u32, name.len() as u32, kind].iter().chain(dimensions) {
        file.write_all(&number.to_le_bytes()).unwrap();
    }
    file.write_all(name.as_bytes()).unwrap();
    let bytes: Vec<u8> = match name {
        "decoder.token_embedding.weight" => embeddings(count, dimensions[0] as usize, random),
        _ if name.ends_with("positional_embedding") => {
            (0..count).flat_map(|_| (random.unit() * 0.2).to_le_bytes()).collect()
        }
        // All that the end's embedding has in common with the decoder's last values.
        "decoder.ln.bias" => (0..count).flat_map(|at| f32::from(at == 0).to_le_bytes()).collect(),
        _ if name.ends_with("bias") => vec![0; count * 4],
        _ if wide => (0..count).flat_map(|_| 1.0_f32.to_le_bytes()).collect(),
        _ => (0..count).flat_map(|_| random.half(SMALL_VALUES).to_le_bytes()).collect(),
    };
    file.write_all(&bytes).unwrap();
}

fn embeddings(count: usize, width: usize, random: &mut Random) -> Vec<u8> {
    let mut values: Vec<u16> = (0..count).map(|_| random.half(LARGE_VALUES)).collect();
    values[END * width] = half((width as f32).sqrt() * END_BIAS);
    values.into_iter().flat_map(u16::to_le_bytes).collect()
}

/// A 16-bit float: a normal one, cut off.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let exponent = (bits >> 23) as u16 + LARGE_VALUES - 127;
    exponent << 10 | (bits >> 13) as u16 & 0x3ff
}

/// Numbers that are the same each time (xorshift).
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// -1 to 1.
    fn unit(&mut self) -> f32 {
        self.next() as f32 / u32::MAX as f32 * 2.0 - 1.0
    }

    /// A 16-bit float of either sign and one exponent.
    fn half(&mut self, exponent: u16) -> u16 {
        let bits = self.next();
        ((bits >> 16) as u16 & 0x83ff) | exponent << 10
    }
}
