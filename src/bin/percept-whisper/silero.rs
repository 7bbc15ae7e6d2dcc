//! Checks a voice activity model (Silero VAD in ggml form) before whisper.cpp sees it.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use crate::ggml::{Shape, Source, Weights, Wrong};

/// Samples of a frame that all of its versions look at, at 16 kHz.
pub(crate) const FRAME: usize = 512;

/// whisper.cpp has room for these encoder layers, no more and no fewer.
const LAYERS: u32 = 4;

/// Values of the network's Fourier transform: 129 cosines and 129 sines of 256 samples.
const BASIS: Shape = [256, 1, 258];

/// No layer is as wide.
const WIDEST: u32 = 4096;

/// Reads a file to its end.
pub(crate) fn read<R: Read + Seek>(source: &mut Source<R>) -> Result<Weights, Wrong> {
    source.magic()?;
    let length = source.number("the length of its name")?;
    // The same magic starts Whisper models, whose first number is a vocabulary.
    let name = match length {
        0..=64 => source.text(u64::from(length), "its name")?,
        _ => return Err("is no voice activity model.".to_owned()),
    };
    if !name.starts_with("silero") {
        return Err(format!("is no Silero model but `{name}`."));
    }
    for part in ["major", "minor", "patch"] {
        source.number(&format!("its {part} version"))?;
    }
    source.within("its window", FRAME as u32..=FRAME as u32)?;
    source.within("its context", 0..=FRAME as u32)?;
    source.within("its number of layers", LAYERS..=LAYERS)?;
    let mut tensors = BTreeMap::from([("_model.stft.forward_basis_buffer".to_owned(), BASIS)]);
    for layer in 0..LAYERS {
        let inputs = source.within("a layer's inputs", 1..=WIDEST)?;
        let outputs = source.within("a layer's outputs", 1..=WIDEST)?;
        let kernel = source.within("a layer's kernel", 1..=WIDEST)?;
        let prefix = format!("_model.encoder.{layer}.reparam_conv");
        tensors.insert(format!("{prefix}.weight"), [kernel, inputs, outputs].map(u64::from));
        tensors.insert(format!("{prefix}.bias"), [u64::from(outputs), 1, 1]);
    }
    source.within("its LSTM's inputs", 1..=WIDEST)?;
    let hidden = u64::from(source.within("its LSTM's width", 1..=WIDEST)?);
    let last = u64::from(source.within("its last layer's inputs", 1..=WIDEST)?);
    source.within("its last layer's outputs", 1..=1)?;
    for side in ["ih", "hh"] {
        tensors.insert(format!("_model.decoder.rnn.weight_{side}"), [hidden, 4 * hidden, 1]);
        tensors.insert(format!("_model.decoder.rnn.bias_{side}"), [4 * hidden, 1, 1]);
    }
    tensors.insert("_model.decoder.decoder.2.weight".to_owned(), [last, 1, 1]);
    tensors.insert("_model.decoder.decoder.2.bias".to_owned(), [1, 1, 1]);
    match source.tensors(&tensors)? {
        Weights { tensors: 0, .. } => Err("has no weights.".to_owned()),
        weights => Ok(weights),
    }
}
