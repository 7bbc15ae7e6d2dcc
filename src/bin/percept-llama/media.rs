//! Pictures and sound: read from the blob store, cut into what the projector takes.

use std::io::Read;
use std::path::Path;

use llama_cpp_2::mtmd::{MtmdBitmap, MtmdContext, MtmdInputChunks, MtmdInputText, mtmd_default_marker};
use percept::wire::{Failure, FailureKind, SAMPLE_RATE};
use percept::{audio, roi};

/// The longest sound that is given to a model: more fits in no context.
const MOST_SAMPLES: usize = 30 * 60 * SAMPLE_RATE as usize;

/// What is known of a picture or a sound once it was cut.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// Tokens in the KV cache, the projector's own marks around it included.
    pub(crate) tokens: usize,
    /// Positions that it takes: fewer than its tokens for models with M-RoPE.
    pub(crate) positions: i32,
    /// What encoding and evaluating it took the last time.
    pub(crate) encode_ms: Option<f64>,
}

/// The encoder of pictures or sound that belongs to a model.
pub(crate) struct Projector {
    /// What llama.cpp has of it.
    pub(crate) context: MtmdContext,
    /// The width and height of the largest pictures that it reads; see [`roi`].
    pub(crate) window: Option<(u32, u32)>,
}

impl Projector {
    /// Reads a picture or a sound and cuts it into chunks: marks, slices, rows, whatever the
    /// projector of this model has.
    pub(crate) fn chunks(&self, path: &Path) -> Result<MtmdInputChunks, Failure> {
        let mut head = Vec::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(audio::HEAD_BYTES as u64).read_to_end(&mut head));
        read.map_err(|error| broken(path, error))?;
        let bitmap = match audio::is_recording(&head) {
            true => sound(&self.context, path)?,
            false => picture(self, path)?,
        };
        let text =
            MtmdInputText { text: mtmd_default_marker().to_owned(), add_special: false, parse_special: true };
        self.context.tokenize(text, &[&bitmap]).map_err(|error| broken(path, error))
    }
}

fn picture(projector: &Projector, path: &Path) -> Result<MtmdBitmap, Failure> {
    if !projector.context.support_vision() {
        return Err(no_eyes());
    }
    let reader = image::ImageReader::open(path).and_then(image::ImageReader::with_guessed_format);
    let picture =
        reader.map_err(|error| broken(path, error))?.decode().map_err(|error| broken(path, error))?;
    let whole = picture.to_rgb8();
    let part = projector.window.and_then(|window| roi::cut(&whole, window));
    let rgb = part.unwrap_or(whole);
    MtmdBitmap::from_image_data(rgb.width(), rgb.height(), rgb.as_raw()).map_err(|error| broken(path, error))
}

fn sound(projector: &MtmdContext, path: &Path) -> Result<MtmdBitmap, Failure> {
    match projector.get_audio_sample_rate() {
        None => return Err(no_ears()),
        Some(SAMPLE_RATE) => {}
        Some(other) => {
            let said = format!("This model takes {other} samples a second, and percept gives {SAMPLE_RATE}.");
            return Err(Failure::new(FailureKind::Unsupported, said)
                .hint("Set [speech] send_sound to false: the transcript is given all the same."));
        }
    }
    let mut reader = audio::Reader::open(path).map_err(|error| broken(path, error))?;
    let mut samples = Vec::new();
    while let Some(block) = reader.read() {
        samples.extend(block);
        if samples.len() > MOST_SAMPLES {
            return Err(broken(path, "it is longer than half an hour"));
        }
    }
    MtmdBitmap::from_audio_data(&samples).map_err(|error| broken(path, error))
}

/// Counts what the chunks take.
pub(crate) fn measure(chunks: &MtmdInputChunks) -> Measured {
    Measured { tokens: chunks.total_tokens(), positions: chunks.total_positions(), encode_ms: None }
}

fn broken(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Media, format!("{} can't be read: {why}.", path.display()))
        .hint("Take it out of the conversation, or attach it again.")
}

/// There is no projector, or one that sees nothing.
pub(crate) fn no_eyes() -> Failure {
    Failure::new(FailureKind::Media, "This model sees no pictures: it has no projector (mmproj).")
        .hint(
            "Take the picture out, or use a model with eyes; a projector is added with: percept models add NAME MODEL --mmproj FILE.",
        )
}

fn no_ears() -> Failure {
    Failure::new(FailureKind::Media, "This model hears nothing.")
        .hint("Set [speech] send_sound to false: the transcript is given all the same.")
}
