//! Recordings: heard where they are, and attached as what was said in them.

use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::audio::Transcript;

/// Turns the sound of a file into text.
pub trait Ears: Send + Sync {
    /// Hears a file from end to end. `tell` is told how far it is.
    ///
    /// # Errors
    ///
    /// Why it can't be heard, and what to do: a sentence or two for the screen.
    fn hear(
        &self,
        path: &Path,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(&dyn Display),
    ) -> Result<Transcript, String>;
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct Deaf;

impl Ears for Deaf {
    fn hear(&self, _: &Path, _: &AtomicBool, _: &mut dyn FnMut(&dyn Display)) -> Result<Transcript, String> {
        Err("Recordings can't be heard here; attach it with /attach.".to_owned())
    }
}
