//! The models that percept knows.

use std::path::PathBuf;

use crate::wire::{LoadOptions, Sampling};

/// A model that can be loaded now: its files are on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyModel {
    /// Its name in the catalogue.
    pub name: String,
    /// The language model's file.
    pub model: PathBuf,
    /// The projector's file, where it has one.
    pub mmproj: Option<PathBuf>,
    /// How to load it: context, picture budget, template.
    pub load: LoadOptions,
    /// How to sample from it.
    pub sampling: Sampling,
    /// Whether it follows a system prompt (the starter was not trained with one).
    pub system_prompt: bool,
    /// Whether it is the starter, of which the chat says plainly what it is.
    pub starter: bool,
}
