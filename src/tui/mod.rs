//! The chat (stub).
use std::path::PathBuf;

use crate::agent::driver::Driver;

/// Options.
pub struct Options {
    /// Colours.
    pub colors: bool,
    /// Pictures.
    pub pictures: bool,
    /// Mouse.
    pub mouse: bool,
    /// Paste.
    pub paste_lines: usize,
    /// Paste.
    pub paste_bytes: usize,
    /// History.
    pub history: Option<PathBuf>,
    /// Config file.
    pub configuration: PathBuf,
}

/// How it ended.
pub struct Ended {
    /// Signal.
    pub signal: Option<u8>,
}

/// Runs.
pub async fn run(_driver: &mut Driver, _options: Options) -> std::io::Result<Ended> {
    Ok(Ended { signal: None })
}

/// Restores.
pub fn restore() {}
