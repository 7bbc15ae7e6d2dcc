//! One entry of the catalogue, as its file has it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::wire::{LoadOptions, Sampling};

/// A model: what it is, where it comes from, how to run it.
///
/// Only what its documentation says stands in the fields of percept's own entries;
/// [`Self::unconfirmed`] names what could not be looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Its name on the command line.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Task::is_chat")]
    pub task: Task,
    /// Its full name.
    #[serde(default)]
    pub title: String,
    /// What it is, in a line.
    #[serde(default)]
    pub about: String,
    /// What it does well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good_for: Vec<String>,
    /// What it does badly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weak_at: Vec<String>,
    /// The licence of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Parameters, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// Tokens of context that it was trained for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// Tokens that a picture becomes, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<String>,
    /// Memory that it takes with a context of 8,192 tokens (or its own, if less), in MiB:
    /// computed as the check before loading does it, from the sizes of the files in
    /// [`Self::source`], the KV cache at 16 bits, and 256 MiB for buffers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// Whether it follows a system prompt.
    #[serde(default = "yes")]
    pub system_prompt: bool,
    /// Whether it can be told of tools and call them.
    #[serde(default = "yes")]
    pub tools: bool,
    /// How much of a conversation it was trained to read.
    #[serde(default, skip_serializing_if = "Turns::is_all")]
    pub turns: Turns,
    /// Whether it has vectors of pictures alone, and those of words are only good for finding these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pictures_only: bool,
    /// What stands before a query, for a model that finds vectors; its control tokens count.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query_prefix: String,
    /// What stands before a passage or a picture that may be found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub passage_prefix: String,
    /// What stands behind either.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// The fields above that its documentation does not confirm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<String>,
    /// Where it can be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ModelSource>,
    /// Its files, where they are on this machine.
    #[serde(default, skip_serializing_if = "ModelFiles::is_empty")]
    pub files: ModelFiles,
    /// How to load it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub load: LoadOptions,
    /// How to sample from it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sampling: Sampling,
}

impl ModelSpec {
    /// A model of which nothing is known but its name and what it is for.
    pub fn named(name: &str, task: Task) -> Self {
        Self {
            name: name.to_owned(),
            task,
            title: name.to_owned(),
            about: String::new(),
            good_for: Vec::new(),
            weak_at: Vec::new(),
            licence: None,
            parameters: None,
            context: None,
            image_tokens: None,
            memory_mib: None,
            system_prompt: true,
            tools: true,
            turns: Turns::All,
            pictures_only: false,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            suffix: String::new(),
            unconfirmed: Vec::new(),
            source: None,
            files: ModelFiles::default(),
            load: LoadOptions::default(),
            sampling: Sampling::default(),
        }
    }
}

/// What a model is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// It answers.
    #[default]
    Chat,
    /// It hears: speech to text, in whisper.cpp's ggml form.
    Speech,
    /// It tells speech from other sound (Silero, in whisper.cpp's ggml form).
    Vad,
    /// It finds vectors of texts, and of pictures if it has a projector for them.
    Embed,
    /// It scores how well a passage answers a query.
    Rerank,
}

impl Task {
    fn is_chat(&self) -> bool {
        *self == Self::Chat
    }
}

/// How much of a conversation a model is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// All of it.
    #[default]
    All,
    /// The newest question, with the picture it is about (its own, else the last one
    /// before): for a model that was trained on one picture and one question.
    LastPicture,
}

impl Turns {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// Where a model can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSource {
    /// The repository on the Hugging Face hub.
    pub repository: String,
    /// The language model's file in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The projector's file in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mmproj: Option<String>,
}

/// The files of a model on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFiles {
    /// It is the starter: its files are in the program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starter: bool,
    /// The language model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// The projector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mmproj: Option<PathBuf>,
}

impl ModelFiles {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn yes() -> bool {
    true
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
