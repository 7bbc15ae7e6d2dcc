//! Reads the header of a GGUF file.

use std::collections::BTreeMap;
use std::path::Path;

/// A metadata value. Arrays keep their length, and their elements where they are short.
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
    /// An array: how many elements it has.
    Array(u64),
}

/// What the header says.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The format's version.
    pub version: u32,
    /// Metadata by key.
    pub values: BTreeMap<String, Value>,
    /// Bytes of all tensors.
    pub tensor_bytes: u64,
    /// Number of elements of all tensors.
    pub parameters: u64,
}

/// Why a file is no usable GGUF.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It can't be opened or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// See the text.
    #[error("{0}")]
    Invalid(String),
}

/// Reads and checks the header of a file, and that all tensors lie within it.
pub fn read(path: &Path) -> Result<Header, GgufError> {
    let _ = path;
    Err(GgufError::Invalid("not yet".into()))
}
