//! Reads the header of a GGUF file: its metadata, and whether all of its tensors are there.
//!
//! The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Weights are
//! never read, so that a file of many gigabytes is checked in milliseconds. Every length
//! in the file is checked against the file's size before anything is allocated.

mod embedding;
mod kind;
mod needs;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

pub use embedding::Pooling;
pub use needs::Needs;
pub use vocabulary::{TokenKind, Vocabulary, read_vocabulary};

/// `GGUF`, the first four bytes.
const MAGIC: [u8; 4] = *b"GGUF";

/// The versions that this reader knows; 1 had 32-bit counts and is out of use.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;

/// Where `general.alignment` is not given.
const DEFAULT_ALIGNMENT: u64 = 32;

/// The longest string of interest. Chat templates are the longest ones that exist.
const MAX_STRING: u64 = 4 * 1024 * 1024;

/// More metadata or tensors than any model has: a broken count, not a big model.
const MAX_ENTRIES: u64 = 1 << 20;

/// Integers of an array that are kept; more than any model has layers. Longer ones are
/// parts of a vocabulary, of which nothing is wanted here.
const MAX_KEPT_INTS: u64 = 1024;

/// ggml has at most four dimensions.
const MAX_DIMENSIONS: u32 = 4;

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any unsigned or signed integer.
    Int(i64),
    /// A float of either width.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A string.
    Text(String),
    /// A short array of integers: one for each layer, mostly.
    Ints(Vec<i64>),
    /// Any other array: how many elements it has.
    Array(u64),
}

/// What the header says.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The format's version.
    pub version: u32,
    /// Metadata by key.
    pub values: BTreeMap<String, Value>,
    /// Bytes of all tensors, padding included.
    pub tensor_bytes: u64,
    /// Number of elements of all tensors.
    pub parameters: u64,
}

/// Why a file is no usable GGUF.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It can't be opened or read.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is not a GGUF file (it starts with {0})")]
    Magic(String),
    /// A version that is not known.
    #[error("it is GGUF version {0}; versions 2 and 3 are known")]
    Version(u32),
    /// It ends too early.
    #[error("it is cut off: {have} bytes are there, {need} are needed. Download or copy it again")]
    Truncated {
        /// Bytes of the file.
        have: u64,
        /// Bytes that its header asks for, at least.
        need: u64,
    },
    /// Its header contradicts itself.
    #[error("its header is damaged: {0}")]
    Damaged(String),
    /// It is a projector where a language model is wanted.
    #[error("it is a projector (mmproj), not a language model; it goes with one, as --mmproj")]
    IsProjector,
    /// It is a language model where a projector is wanted.
    #[error(
        "it is a language model, not a projector (mmproj); a projector's file name usually has `mmproj` in it"
    )]
    IsModel,
}

impl Header {
    /// A string value.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer value that is not negative.
    pub fn int(&self, key: &str) -> Option<u64> {
        match self.values.get(key)? {
            Value::Int(int) => u64::try_from(*int).ok(),
            _ => None,
        }
    }

    /// A truth value.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.values.get(key)? {
            Value::Bool(yes) => Some(*yes),
            _ => None,
        }
    }

    /// `general.architecture`.
    pub fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or("unknown")
    }

    /// An integer value of the architecture: `{architecture}.{key}`.
    pub fn own(&self, key: &str) -> Option<u64> {
        self.int(&format!("{}.{key}", self.architecture()))
    }

    fn own_value(&self, key: &str) -> Option<&Value> {
        self.values.get(&format!("{}.{key}", self.architecture()))
    }

    /// Whether it is a projector for pictures or sound (mmproj), not a language model.
    pub fn is_projector(&self) -> bool {
        self.architecture() == "clip"
    }

    /// Whether this projector makes embeddings for another model: the widths of what it
    /// makes and of what the model takes. Some projectors (deepstack) make several
    /// embeddings of the width in one.
    pub fn mismatch(&self, model: &Self) -> Option<(u64, u64)> {
        let made =
            self.int("clip.vision.projection_dim").or_else(|| self.int("clip.audio.projection_dim"))?;
        let wanted = model.own("embedding_length").filter(|&wanted| wanted > 0)?;
        (made % wanted != 0).then_some((made, wanted))
    }

    /// Bytes of the KV cache at 16 bits for so many tokens: KV heads of all layers × (key
    /// length + value length) × 2 bytes a token. An upper bound where layers share their
    /// keys or see a window only.
    pub fn kv_bytes(&self, tokens: u64) -> u64 {
        let heads = self.largest("attention.head_count").unwrap_or(0);
        let head = self.own("embedding_length").unwrap_or(0).checked_div(heads).unwrap_or(0);
        let key = self.own("attention.key_length").unwrap_or(head);
        let value = self.own("attention.value_length").unwrap_or(head);
        [self.kv_heads(), key.saturating_add(value), 2, tokens].into_iter().fold(1, u64::saturating_mul)
    }

    /// KV heads of all layers together. Hybrid models say which layers have any with an
    /// array (0 for a recurrent layer), or with an interval: each so-many-th attends.
    fn kv_heads(&self) -> u64 {
        let layers = self.own("block_count").unwrap_or(0);
        let attending = match self.own("full_attention_interval") {
            Some(interval) if interval > 1 => layers / interval,
            _ => layers,
        };
        match self.own_value("attention.head_count_kv").or_else(|| self.own_value("attention.head_count")) {
            Some(Value::Ints(heads)) => {
                heads.iter().filter_map(|&heads| u64::try_from(heads).ok()).fold(0, u64::saturating_add)
            }
            Some(Value::Int(heads)) => u64::try_from(*heads).unwrap_or(0).saturating_mul(attending),
            _ => self.largest("attention.head_count").unwrap_or(0).saturating_mul(attending),
        }
    }

    /// An integer of the architecture, or the largest of an array of them.
    fn largest(&self, key: &str) -> Option<u64> {
        match self.own_value(key)? {
            Value::Int(int) => u64::try_from(*int).ok(),
            Value::Ints(ints) => ints.iter().max().and_then(|&int| u64::try_from(int).ok()),
            _ => None,
        }
    }
}

/// Reads and checks the header of a file, and that all tensors lie within it.
///
/// # Errors
///
/// [`GgufError`], in words that go behind the file's name.
pub fn read(path: &Path) -> Result<Header, GgufError> {
    let (stream, length) = open(path)?;
    parse(stream, length)
}

/// A file and its length.
fn open(path: &Path) -> Result<(BufReader<File>, u64), GgufError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    Ok((BufReader::new(file), metadata.len()))
}

/// [`read`], for what must be a language model.
///
/// # Errors
///
/// [`GgufError::IsProjector`], and those of [`read`].
pub fn read_model(path: &Path) -> Result<Header, GgufError> {
    read(path).and_then(|header| if header.is_projector() { Err(GgufError::IsProjector) } else { Ok(header) })
}

/// [`read`], for what must be a projector.
///
/// # Errors
///
/// [`GgufError::IsModel`], and those of [`read`].
pub fn read_projector(path: &Path) -> Result<Header, GgufError> {
    read(path).and_then(|header| if header.is_projector() { Ok(header) } else { Err(GgufError::IsModel) })
}

/// The same for a stream of known length.
fn parse(stream: impl Read, length: u64) -> Result<Header, GgufError> {
    let (mut reader, Start { version, tensors, entries }) = Reader::start(stream, length)?;
    let mut values = BTreeMap::new();
    for _ in 0..entries {
        let key = reader.string()?;
        let kind = reader.u32()?;
        let value = reader.value(kind)?;
        values.insert(key, value);
    }
    let mut parameters = 0_u64;
    let mut tensor_bytes = 0_u64;
    for _ in 0..tensors {
        let (elements, end) = reader.tensor()?;
        parameters = parameters.saturating_add(elements);
        tensor_bytes = tensor_bytes.max(end);
    }
    let header = Header { version, values, tensor_bytes, parameters };
    let alignment = header.int("general.alignment").filter(|&a| a > 0).unwrap_or(DEFAULT_ALIGNMENT);
    let need = reader.at.next_multiple_of(alignment).saturating_add(tensor_bytes);
    if need > length {
        return Err(GgufError::Truncated { have: length, need });
    }
    Ok(header)
}

struct Reader<R> {
    stream: R,
    at: u64,
    length: u64,
}

/// What a file begins with.
struct Start {
    version: u32,
    tensors: u64,
    entries: u64,
}

impl<R: Read> Reader<R> {
    /// Reads up to the first entry.
    fn start(stream: R, length: u64) -> Result<(Self, Start), GgufError> {
        let mut reader = Self { stream, at: 0, length };
        if length == 0 {
            return Err(GgufError::Magic("nothing: it is empty".to_owned()));
        }
        let mut magic = [0; 4];
        reader.fill(&mut magic[..length.min(4) as usize])?;
        if magic != MAGIC {
            return Err(GgufError::Magic(format!("`{}`", magic.escape_ascii())));
        }
        let version = reader.u32()?;
        if !VERSIONS.contains(&version) {
            return Err(GgufError::Version(version));
        }
        let (tensors, entries) = (reader.count()?, reader.count()?);
        Ok((reader, Start { version, tensors, entries }))
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), GgufError> {
        self.need(buffer.len() as u64)?;
        self.stream.read_exact(buffer)?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    /// An error if so many more bytes can't be there.
    fn need(&self, bytes: u64) -> Result<(), GgufError> {
        let need = self.at.saturating_add(bytes);
        match need > self.length {
            true => Err(GgufError::Truncated { have: self.length, need }),
            false => Ok(()),
        }
    }

    fn skip(&mut self, bytes: u64) -> Result<(), GgufError> {
        self.need(bytes)?;
        io::copy(&mut self.stream.by_ref().take(bytes), &mut io::sink())?;
        self.at += bytes;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn count(&mut self) -> Result<u64, GgufError> {
        match self.u64()? {
            count if count <= MAX_ENTRIES => Ok(count),
            count => Err(GgufError::Damaged(format!("it names {count} entries"))),
        }
    }

    fn string(&mut self) -> Result<String, GgufError> {
        let length = self.u64()?;
        self.need(length)?;
        if length > MAX_STRING {
            return Err(GgufError::Damaged(format!("a string of {length} bytes")));
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn value(&mut self, kind: u32) -> Result<Value, GgufError> {
        Ok(match kind {
            0..=5 | 10 | 11 => Value::Int(self.integer(kind)?),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.bytes()?))),
            7 => Value::Bool(self.bytes::<1>()?[0] != 0),
            8 => Value::Text(self.string()?),
            9 => self.array()?,
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            kind => return Err(GgufError::Damaged(format!("a value of unknown type {kind}"))),
        })
    }

    fn integer(&mut self, kind: u32) -> Result<i64, GgufError> {
        Ok(match kind {
            0 => u8::from_le_bytes(self.bytes()?).into(),
            1 => i8::from_le_bytes(self.bytes()?).into(),
            2 => u16::from_le_bytes(self.bytes()?).into(),
            3 => i16::from_le_bytes(self.bytes()?).into(),
            4 => self.u32()?.into(),
            5 => i32::from_le_bytes(self.bytes()?).into(),
            10 => i64::try_from(self.u64()?).unwrap_or(i64::MAX),
            11 => i64::from_le_bytes(self.bytes()?),
            kind => return Err(GgufError::Damaged(format!("an integer of unknown type {kind}"))),
        })
    }

    fn array(&mut self) -> Result<Value, GgufError> {
        let kind = self.u32()?;
        let length = self.u64()?;
        if matches!(kind, 0..=5 | 10 | 11) && length <= MAX_KEPT_INTS {
            return (0..length).map(|_| self.integer(kind)).collect::<Result<_, _>>().map(Value::Ints);
        }
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                for _ in 0..length {
                    let bytes = self.u64()?;
                    self.skip(bytes)?;
                }
                return Ok(Value::Array(length));
            }
            kind => return Err(GgufError::Damaged(format!("an array of unknown type {kind}"))),
        };
        self.skip(length.saturating_mul(width))?;
        Ok(Value::Array(length))
    }

    /// One tensor's elements, and where its data ends relative to the start of all data.
    fn tensor(&mut self) -> Result<(u64, u64), GgufError> {
        let name = self.string()?;
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(GgufError::Damaged(format!("the tensor `{name}` has {dimensions} dimensions")));
        }
        let mut elements = 1_u64;
        for _ in 0..dimensions {
            elements = elements.checked_mul(self.u64()?).ok_or_else(|| {
                GgufError::Damaged(format!("the tensor `{name}` is larger than memory can be"))
            })?;
        }
        let kind = self.u32()?;
        let offset = self.u64()?;
        // A quantisation that is newer than this table is checked by its offset alone.
        let (block, bytes) = block_of(kind).unwrap_or((u64::MAX, 0));
        let size = elements.div_ceil(block).saturating_mul(bytes);
        Ok((elements, offset.saturating_add(size)))
    }
}

/// Elements and bytes of a block of a ggml type (`ggml_type` in ggml.h, its traits in ggml.c).
fn block_of(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 | 35 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        29 => (256, 56),
        34 => (256, 54),
        39 => (32, 17),
        _ => return None,
    })
}
