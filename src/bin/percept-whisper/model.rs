//! Checks a Whisper model file before whisper.cpp sees it.
//!
//! whisper.cpp trusts the file: a wrong length ends in an abort or in memory that is not its
//! own. Here a file that isn't whole is an error that says where.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use crate::ggml::{Shape, Source, Weights, Wrong};

/// Values of a row of the mel filters: half of a Fourier transform of 400 samples, and one.
const FILTER_WIDTH: u32 = 201;

/// Vocabularies: English only; many languages; many languages and Cantonese.
const VOCABULARIES: std::ops::RangeInclusive<u32> = 51_864..=51_866;

/// The encoder of all models looks at 30 s, 20 ms a position.
pub(crate) const AUDIO_CONTEXT: u32 = 1500;

/// What the decoder of all models was trained for, in tokens.
const TEXT_CONTEXT: u32 = 448;

/// Longer words are no tokens.
const LONGEST_TOKEN: u32 = 1024;

/// The widest model has 1,280.
const WIDTHS: std::ops::RangeInclusive<u32> = 8..=8192;

const MOST_LAYERS: u32 = 128;

/// ggml marks its quantization's version by thousands.
const VERSION_FACTOR: u32 = 1000;

/// What a model file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) vocabulary: u32,
    width: u32,
    audio_layers: u32,
    text_layers: u32,
    mels: u32,
    pub(crate) weights: Weights,
}

impl Header {
    /// Whether it knows more than English.
    pub(crate) fn multilingual(&self) -> bool {
        self.vocabulary > *VOCABULARIES.start()
    }

    /// Its name as OpenAI gives them: `base`, `tiny.en`.
    pub(crate) fn name(&self) -> String {
        let size = match (self.audio_layers, self.text_layers) {
            (4, _) => "tiny",
            (6, _) => "base",
            (12, _) => "small",
            (24, _) => "medium",
            (32, 4) => "large-v3-turbo",
            (32, _) if self.mels == 128 => "large-v3",
            (32, _) => "large",
            _ => "whisper",
        };
        let distilled = if self.text_layers == 2 { "distil-" } else { "" };
        let english = if self.multilingual() { "" } else { ".en" };
        let empty = if self.weights.tensors == 0 { " without weights, for tests" } else { "" };
        format!("{distilled}{size}{english}{empty}")
    }
}

/// Reads a file to its end.
pub(crate) fn read<R: Read + Seek>(source: &mut Source<R>) -> Result<Header, Wrong> {
    source.magic()?;
    let vocabulary = source.within("its vocabulary", VOCABULARIES)?;
    source.within("its audio context", AUDIO_CONTEXT..=AUDIO_CONTEXT)?;
    let width = source.within("its width", WIDTHS)?;
    heads(source, width)?;
    let audio_layers = source.within("its number of encoder layers", 1..=MOST_LAYERS)?;
    source.within("its text context", TEXT_CONTEXT..=TEXT_CONTEXT)?;
    source.within("the decoder's width", width..=width)?;
    heads(source, width)?;
    let text_layers = source.within("its number of decoder layers", 1..=MOST_LAYERS)?;
    let mels = source.number("its number of mel bands")?;
    if !matches!(mels, 80 | 128) {
        return Err(format!("is no model that can be used: it has {mels} mel bands, not 80 or 128."));
    }
    let quantization = source.number("its type of weights")? % VERSION_FACTOR;
    // The numbers of `ggml_ftype` that whisper.cpp turns into a type.
    if !matches!(quantization, 0..=3 | 7..=14 | 24) {
        return Err(format!("has weights of a type that isn't known ({quantization})."));
    }
    filters(source, mels)?;
    tokens(source, vocabulary)?;
    let header = Header { vocabulary, width, audio_layers, text_layers, mels, weights: Weights::default() };
    let weights = source.tensors(&expected(&header))?;
    Ok(Header { weights, ..header })
}

fn heads<R: Read + Seek>(source: &mut Source<R>, width: u32) -> Result<(), Wrong> {
    let heads = source.within("its number of attention heads", 1..=width)?;
    match width.is_multiple_of(heads) {
        true => Ok(()),
        false => Err(format!("is damaged: {heads} attention heads don't share a width of {width}.")),
    }
}

fn filters<R: Read + Seek>(source: &mut Source<R>, mels: u32) -> Result<(), Wrong> {
    source.within("the number of its mel filters", mels..=mels)?;
    source.within("the width of its mel filters", FILTER_WIDTH..=FILTER_WIDTH)?;
    source.skip(u64::from(mels * FILTER_WIDTH) * size_of::<f32>() as u64, "its mel filters")
}

fn tokens<R: Read + Seek>(source: &mut Source<R>, vocabulary: u32) -> Result<(), Wrong> {
    let count = source.within("the number of its tokens", 1..=vocabulary)?;
    for _ in 0..count {
        let length = source.within("the length of a token", 0..=LONGEST_TOKEN)?;
        source.skip(u64::from(length), "its vocabulary")?;
    }
    Ok(())
}

/// The tensors of a model, by name.
fn expected(header: &Header) -> BTreeMap<String, Shape> {
    let width = u64::from(header.width);
    let mut tensors = BTreeMap::new();
    let mut add = |name: String, shape: Shape| {
        tensors.insert(name, shape);
    };
    for (side, context) in [("encoder", AUDIO_CONTEXT), ("decoder", TEXT_CONTEXT)] {
        add(format!("{side}.positional_embedding"), [width, u64::from(context), 1]);
    }
    for (number, inputs) in [(1, u64::from(header.mels)), (2, width)] {
        add(format!("encoder.conv{number}.weight"), [3, inputs, width]);
        add(format!("encoder.conv{number}.bias"), [1, width, 1]);
    }
    add("decoder.token_embedding.weight".to_owned(), [width, u64::from(header.vocabulary), 1]);
    for norm in ["encoder.ln_post", "decoder.ln"] {
        add(format!("{norm}.weight"), [width, 1, 1]);
        add(format!("{norm}.bias"), [width, 1, 1]);
    }
    let encoder = (0..header.audio_layers).map(|layer| (format!("encoder.blocks.{layer}"), &["attn"][..]));
    let decoder =
        (0..header.text_layers).map(|layer| (format!("decoder.blocks.{layer}"), &["attn", "cross_attn"][..]));
    for (block, attentions) in encoder.chain(decoder) {
        for attention in attentions {
            for part in ["query", "key", "value", "out"] {
                add(format!("{block}.{attention}.{part}.weight"), [width, width, 1]);
            }
            for part in ["query", "value", "out"] {
                add(format!("{block}.{attention}.{part}.bias"), [width, 1, 1]);
            }
            add(format!("{block}.{attention}_ln.weight"), [width, 1, 1]);
            add(format!("{block}.{attention}_ln.bias"), [width, 1, 1]);
        }
        for (part, shape, bias) in
            [("mlp.0", [width, 4 * width, 1], 4 * width), ("mlp.2", [4 * width, width, 1], width)]
        {
            add(format!("{block}.{part}.weight"), shape);
            add(format!("{block}.{part}.bias"), [bias, 1, 1]);
        }
        add(format!("{block}.mlp_ln.weight"), [width, 1, 1]);
        add(format!("{block}.mlp_ln.bias"), [width, 1, 1]);
    }
    tensors
}
