//! Who follows what is being read.

use std::fmt::Display;
use std::sync::atomic::AtomicBool;

use super::Ears;

/// Who follows the reading, and may end it; and who listens to what is heard in it.
pub struct Watch<'a> {
    /// Set to end it.
    pub stop: &'a AtomicBool,
    /// Told how far it is, on the same thread.
    pub tell: &'a mut dyn FnMut(&dyn Display),
    /// Turns sound into text.
    pub ears: &'a dyn Ears,
}
