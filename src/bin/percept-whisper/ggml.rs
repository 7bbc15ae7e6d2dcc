//! Reads what ggml model files have in common: numbers, names, and tensors one after the
//! other to the end of the file.
//!
//! The format is that of whisper.cpp's `convert-pt-to-ggml.py`: no index, no checksum. Every
//! length is checked against what is left of the file before anything is read or allocated,
//! and weights are stepped over, so that a file of gigabytes is checked in milliseconds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use percept::wire::{Failure, FailureKind};

/// `ggml`, as whisper.cpp writes it: a little-endian number.
const MAGIC: u32 = 0x6767_6d6c;

/// The longest name of a tensor that any model has, with room.
const LONGEST_NAME: u64 = 256;

/// ggml has at most four dimensions; the files have at most three.
const MOST_DIMENSIONS: u32 = 3;

/// Dimensions of a tensor, the fastest first; 1 where it has fewer.
pub(crate) type Shape = [u64; MOST_DIMENSIONS as usize];

/// What is wrong with a file, as the rest of a sentence that starts with its name.
pub(crate) type Wrong = String;

/// What all tensors of a file come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weights {
    pub(crate) tensors: usize,
    pub(crate) parameters: u64,
    pub(crate) bytes: u64,
}

/// A file, and how much of it is left.
pub(crate) struct Source<R> {
    stream: R,
    left: u64,
}

/// Opens a file and checks its head with `check`.
pub(crate) fn check<T>(
    path: &Path,
    check: impl FnOnce(&mut Source<BufReader<File>>) -> Result<T, Wrong>,
) -> Result<T, Failure> {
    let fail = |wrong: Wrong| {
        Failure::new(FailureKind::ModelFile, format!("{} {wrong}", path.display()))
            .hint("Download it again; `percept models show NAME` says from where.")
    };
    let file = File::open(path).map_err(|error| fail(format!("can't be opened: {error}.")))?;
    let about = file.metadata().map_err(|error| fail(format!("can't be read: {error}.")))?;
    if !about.is_file() {
        return Err(fail("is no file.".to_owned()));
    }
    check(&mut Source { stream: BufReader::new(file), left: about.len() }).map_err(fail)
}

impl<R: Read + Seek> Source<R> {
    /// Reads the magic number; what is no such file is told by what it is.
    pub(crate) fn magic(&mut self) -> Result<(), Wrong> {
        if self.left == 0 {
            return Err("is empty.".to_owned());
        }
        let bytes: [u8; 4] = self.array("its first bytes")?;
        match (u32::from_le_bytes(bytes), &bytes) {
            (MAGIC, _) => Ok(()),
            (_, b"GGUF") => {
                Err("is a GGUF file: a model for text or pictures, none of whisper.cpp's.".to_owned())
            }
            (_, b"PK\x03\x04") => Err("is a zip archive or a PyTorch checkpoint, no ggml model.".to_owned()),
            (_, [b'<', ..]) => Err("is a web page, no model: the download went wrong.".to_owned()),
            _ => Err("is no ggml model: it starts otherwise.".to_owned()),
        }
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Wrong> {
        let mut bytes = [0; N];
        self.take(N as u64, what)?;
        self.stream.read_exact(&mut bytes).map_err(|error| format!("can't be read: {error}."))?;
        Ok(bytes)
    }

    /// The next number, which no sane file has negative.
    pub(crate) fn number(&mut self, what: &str) -> Result<u32, Wrong> {
        let number = i32::from_le_bytes(self.array(what)?);
        u32::try_from(number).map_err(|_| format!("is damaged: {what} is {number}."))
    }

    /// The next number, which must be one of a range.
    pub(crate) fn within(&mut self, what: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, Wrong> {
        let number = self.number(what)?;
        match range.contains(&number) {
            true => Ok(number),
            false => Err(format!(
                "is no model that can be used: {what} is {number}, not {} to {}.",
                range.start(),
                range.end()
            )),
        }
    }

    /// Reads a string of a length that was read before.
    pub(crate) fn text(&mut self, bytes: u64, what: &str) -> Result<String, Wrong> {
        if bytes > LONGEST_NAME {
            return Err(format!("is damaged: {what} has {bytes} bytes."));
        }
        self.take(bytes, what)?;
        let mut text = vec![0; bytes as usize];
        self.stream.read_exact(&mut text).map_err(|error| format!("can't be read: {error}."))?;
        String::from_utf8(text).map_err(|_| format!("is damaged: {what} is no text."))
    }

    /// Steps over bytes.
    pub(crate) fn skip(&mut self, bytes: u64, what: &str) -> Result<(), Wrong> {
        self.take(bytes, what)?;
        let seek = i64::try_from(bytes).map_err(|_| format!("is damaged: {what} is too long."))?;
        self.stream
            .seek(SeekFrom::Current(seek))
            .map(drop)
            .map_err(|error| format!("can't be read: {error}."))
    }

    fn take(&mut self, bytes: u64, what: &str) -> Result<(), Wrong> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(format!("is cut off in {what}: {} bytes are missing.", bytes - self.left)),
        }
    }

    /// Walks over all tensors to the end of the file; each must be one of `expected`.
    pub(crate) fn tensors(&mut self, expected: &BTreeMap<String, Shape>) -> Result<Weights, Wrong> {
        let mut seen = BTreeMap::new();
        let mut weights = Weights::default();
        while self.left > 0 {
            let (name, shape, bytes) = self.tensor()?;
            match expected.get(&name) {
                None => return Err(format!("is no such model: it has a tensor `{name}`.")),
                Some(right) if *right != shape => {
                    let said = format!("is damaged: the tensor `{name}` is {shape:?}, not {right:?}.");
                    return Err(said);
                }
                Some(_) => {}
            }
            if seen.insert(name.clone(), ()).is_some() {
                return Err(format!("is damaged: it has the tensor `{name}` twice."));
            }
            weights.tensors += 1;
            weights.parameters += shape.iter().product::<u64>();
            weights.bytes += bytes;
        }
        let missing = expected.keys().find(|name| !seen.contains_key(*name));
        match missing {
            // Models for tests have no weights at all.
            Some(name) if weights.tensors > 0 => {
                Err(format!("is cut off or damaged: its tensor `{name}` is missing."))
            }
            _ => Ok(weights),
        }
    }

    /// One tensor: its name, shape and bytes of weights.
    fn tensor(&mut self) -> Result<(String, Shape, u64), Wrong> {
        let head = "the head of a tensor";
        let dimensions = self.within("the number of dimensions of a tensor", 0..=MOST_DIMENSIONS)?;
        let length = self.number("the length of a tensor's name")?;
        let kind = self.number(head)?;
        let mut shape: Shape = [1; 3];
        for size in shape.iter_mut().take(dimensions as usize) {
            *size = u64::from(self.within("a dimension of a tensor", 1..=1 << 24)?);
        }
        let name = self.text(u64::from(length), "the name of a tensor")?;
        let Some((values, block)) = block(kind) else {
            return Err(format!("has weights of a type that isn't known ({kind}, in the tensor `{name}`)."));
        };
        if !shape[0].is_multiple_of(values) {
            return Err(format!("is damaged: the tensor `{name}` is no whole number of blocks."));
        }
        let bytes = shape
            .iter()
            .try_fold(1, |product: u64, size| product.checked_mul(*size))
            .and_then(|count| (count / values).checked_mul(block))
            .ok_or_else(|| format!("is damaged: the tensor `{name}` is too large."))?;
        self.skip(bytes, &format!("the tensor `{name}`"))?;
        Ok((name, shape, bytes))
    }
}

/// Values and bytes of a block of a ggml type that whisper.cpp's tools write.
fn block(kind: u32) -> Option<(u64, u64)> {
    match kind {
        0 => Some((1, 4)),      // f32
        1 | 30 => Some((1, 2)), // f16, bf16
        2 => Some((32, 18)),    // q4_0
        3 => Some((32, 20)),    // q4_1
        6 => Some((32, 22)),    // q5_0
        7 => Some((32, 24)),    // q5_1
        8 => Some((32, 34)),    // q8_0
        10 => Some((256, 84)),  // q2_K
        11 => Some((256, 110)), // q3_K
        12 => Some((256, 144)), // q4_K
        13 => Some((256, 176)), // q5_K
        14 => Some((256, 210)), // q6_K
        _ => None,
    }
}
