//! Loads a model that was checked, and the voice activity model beside it.

use std::path::Path;

use percept::hardware::{self, physical_cores};
use percept::text::size;
use percept::wire::{Failure, FailureKind, LoadOptions, ModelInfo};
use whisper_rs::{WhisperContext, WhisperContextParameters, WhisperVadContext, WhisperVadContextParams};

use crate::gate::Gate;
use crate::vad::Voice;
use crate::{ggml, model, silero};

/// Caches and compute buffers of whisper.cpp, beside the weights. Measured with tiny and base;
/// an estimate for others.
const BUFFER_BYTES: u64 = 300 * 1024 * 1024;

/// More threads wait for each other longer than they save.
const MOST_THREADS: u32 = 8;

/// Everything that is loaded.
pub(crate) struct Loaded {
    pub(crate) context: WhisperContext,
    pub(crate) vad: Option<WhisperVadContext>,
    pub(crate) info: ModelInfo,
    pub(crate) multilingual: bool,
}

impl Loaded {
    pub(crate) fn threads(&self) -> i32 {
        i32::try_from(self.info.threads).unwrap_or(1)
    }

    /// The model, and what tells speech from silence.
    pub(crate) fn parts(&mut self) -> (Ears<'_>, Voice<'_>) {
        let threads = self.threads();
        let ears = Ears { context: &self.context, threads, multilingual: self.multilingual };
        match &mut self.vad {
            Some(vad) => (ears, Voice::Silero(vad)),
            None => (ears, Voice::Energy(Gate::default())),
        }
    }
}

/// A model to decode with.
#[derive(Clone, Copy)]
pub(crate) struct Ears<'m> {
    pub(crate) context: &'m WhisperContext,
    pub(crate) threads: i32,
    pub(crate) multilingual: bool,
}

impl Ears<'_> {
    /// The tokens of a text.
    pub(crate) fn tokenize(&self, text: &str) -> Vec<i32> {
        // whisper-rs takes a failure for a length where there is too little room; a token is
        // at least a byte.
        self.context.tokenize(text, text.len() + 1).unwrap_or_default()
    }
}

/// Checks and loads.
pub(crate) fn load(path: &Path, options: &LoadOptions) -> Result<Loaded, Failure> {
    let header = ggml::check(path, model::read)?;
    let vad = options.vad.as_deref().map(|path| ggml::check(path, silero::read).map(|_| path)).transpose()?;
    if !options.ignore_memory {
        check_memory(header.weights.bytes)?;
    }
    let refused = |path: &Path, error| {
        let said = format!("whisper.cpp can't load {} ({error}).", path.display());
        Failure::new(FailureKind::ModelFile, said).hint("Its log on standard error says more.")
    };
    let context = WhisperContext::new_with_params(path, WhisperContextParameters::default())
        .map_err(|error| refused(path, error))?;
    let vad = vad.map(|path| open_vad(path).map_err(|error| refused(path, error))).transpose()?;
    let threads =
        options.threads.filter(|&threads| threads > 0).unwrap_or_else(|| own_threads(physical_cores()));
    let tokens = u32::try_from(context.n_text_ctx()).unwrap_or(0);
    let info = ModelInfo {
        name: header.name(),
        architecture: "whisper".to_owned(),
        parameters: header.weights.parameters,
        bytes: header.weights.bytes,
        context: tokens,
        context_trained: tokens,
        threads,
        ..ModelInfo::default()
    };
    Ok(Loaded { context, vad, info, multilingual: header.multilingual() })
}

pub(crate) fn open_vad(path: &Path) -> Result<WhisperVadContext, whisper_rs::WhisperError> {
    let Some(name) = path.to_str().filter(|name| !name.contains('\0')) else {
        return Err(whisper_rs::WhisperError::InvalidText);
    };
    let mut params = WhisperVadContextParams::default();
    // A frame is too little work to share.
    params.set_n_threads(1);
    WhisperVadContext::new(name, params)
}

fn check_memory(weights: u64) -> Result<(), Failure> {
    let free = hardware::memory().free;
    // Where the system says nothing of its memory, nothing can be checked.
    if free == 0 || weights.saturating_add(BUFFER_BYTES) <= free {
        return Ok(());
    }
    let said = format!(
        "There is not enough memory for speech: weights {}, buffers about {}; {} are free.",
        size(weights),
        size(BUFFER_BYTES),
        size(free)
    );
    Err(Failure::new(FailureKind::Memory, said).hint("Close something, or take a smaller model."))
}

/// Threads for so many cores. ggml's threads spin while they wait for each other: where one is
/// kept from its core, all are many times as slow. So one core is left for everything else.
fn own_threads(cores: u32) -> u32 {
    cores.saturating_sub(1).clamp(1, MOST_THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_left_for_everything_else() {
        assert_eq!([0, 1, 2, 4, 64].map(own_threads), [1, 1, 1, 3, MOST_THREADS]);
    }
}
