//! Lines of JSON with a maximum length.

use std::io::{self, BufRead, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest line in either direction. Media travel as paths, so that only text counts:
/// 8 MiB is a hundred times the largest prompt that a small model can hold.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes of a broken line are quoted in its error.
const QUOTE_BYTES: usize = 80;

/// Why a line is no message.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The stream itself failed.
    #[error("the stream can't be read: {0}")]
    Io(#[from] io::Error),
    /// The line is longer than [`MAX_LINE_BYTES`]; it was read past and left out.
    #[error("a line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// The stream ended in the middle of a line: the other side died while writing.
    #[error("the stream ended in the middle of a line: `{quote}`")]
    Truncated {
        /// How the line starts.
        quote: String,
    },
    /// The line is no message of the protocol.
    #[error("{error} in the line `{quote}`")]
    Json {
        /// What is wrong, naming an unknown variant.
        error: serde_json::Error,
        /// How the line starts.
        quote: String,
        /// The line's id, where it has one.
        id: Option<u64>,
    },
}

impl LineError {
    /// Whether the next line may be read after this error.
    pub fn recoverable(&self) -> bool {
        matches!(self, Self::TooLong | Self::Json { .. })
    }
}

/// Reads messages from a stream, one a line.
#[derive(Debug)]
pub struct LineReader<R> {
    stream: R,
    buffer: Vec<u8>,
}

impl<R: BufRead> LineReader<R> {
    /// Starts reading.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next message; `None` at the end of the stream. Empty lines are passed over.
    pub fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LineError> {
        while self.fill()? {
            let line = self.buffer.trim_ascii();
            if !line.is_empty() {
                return parse(line).map(Some);
            }
        }
        Ok(None)
    }

    /// Reads one line into the buffer; false at the end of the stream.
    fn fill(&mut self) -> Result<bool, LineError> {
        self.buffer.clear();
        let mut too_long = false;
        loop {
            let available = match self.stream.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if available.is_empty() {
                return match (too_long, self.buffer.is_empty()) {
                    (true, _) => Err(LineError::TooLong),
                    (false, true) => Ok(false),
                    (false, false) => Err(LineError::Truncated { quote: quote(&self.buffer) }),
                };
            }
            let (taken, ended) = match available.iter().position(|&byte| byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (available.len(), false),
            };
            too_long |= self.buffer.len() + taken > MAX_LINE_BYTES;
            if !too_long {
                self.buffer.extend_from_slice(&available[..taken]);
            }
            self.stream.consume(taken);
            match (ended, too_long) {
                (true, true) => return Err(LineError::TooLong),
                (true, false) => return Ok(true),
                (false, _) => {}
            }
        }
    }
}

/// Writes one message as one line and flushes it.
///
/// # Errors
///
/// The stream's own, and `InvalidData` where the line would be longer than
/// [`MAX_LINE_BYTES`]: nothing is written then.
pub fn write_line<T: Serialize>(mut stream: impl Write, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    if line.len() >= MAX_LINE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, LineError::TooLong));
    }
    line.push(b'\n');
    stream.write_all(&line)?;
    stream.flush()
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, LineError> {
    #[derive(serde::Deserialize)]
    struct OnlyId {
        id: u64,
    }
    serde_json::from_slice(line).map_err(|error| LineError::Json {
        error,
        quote: quote(line),
        id: serde_json::from_slice::<OnlyId>(line).ok().map(|only| only.id),
    })
}

fn quote(line: &[u8]) -> String {
    let mut quote = crate::text::printable(&String::from_utf8_lossy(&line[..line.len().min(QUOTE_BYTES)]));
    if line.len() > QUOTE_BYTES {
        quote.push_str(crate::text::ELLIPSIS);
    }
    quote
}
