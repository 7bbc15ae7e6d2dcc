//! Pictures: read from the blob store, cut into what the projector takes.

use std::path::Path;

use llama_cpp_2::mtmd::{MtmdBitmap, MtmdContext, MtmdInputChunks, MtmdInputText, mtmd_default_marker};
use percept::wire::{Failure, FailureKind};

/// What is known of a picture once it was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// Tokens in the KV cache, the projector's own marks around the picture included.
    pub(crate) tokens: usize,
    /// Positions that it takes: fewer than its tokens for models with M-RoPE.
    pub(crate) positions: i32,
    /// What encoding and evaluating it took the last time.
    pub(crate) encode_ms: Option<f64>,
}

/// Reads a picture and cuts it into chunks: marks, slices, rows, whatever the projector
/// of this model has.
pub(crate) fn chunks(projector: &MtmdContext, path: &Path) -> Result<MtmdInputChunks, Failure> {
    let broken = |why: String| {
        Failure::new(FailureKind::Media, format!("The picture {} can't be read: {why}.", path.display()))
            .hint("Take it out of the conversation, or attach it again.")
    };
    let reader = image::ImageReader::open(path).and_then(image::ImageReader::with_guessed_format);
    let picture = reader
        .map_err(|error| broken(error.to_string()))?
        .decode()
        .map_err(|error| broken(error.to_string()))?;
    let rgb = picture.to_rgb8();
    let bitmap = MtmdBitmap::from_image_data(rgb.width(), rgb.height(), rgb.as_raw())
        .map_err(|error| broken(error.to_string()))?;
    let text =
        MtmdInputText { text: mtmd_default_marker().to_owned(), add_special: false, parse_special: true };
    projector.tokenize(text, &[&bitmap]).map_err(|error| broken(error.to_string()))
}

/// Counts what the chunks take.
pub(crate) fn measure(chunks: &MtmdInputChunks) -> Measured {
    Measured { tokens: chunks.total_tokens(), positions: chunks.total_positions(), encode_ms: None }
}
