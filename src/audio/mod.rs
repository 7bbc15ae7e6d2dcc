//! Sound: what is in a file of it, and the text that was heard in it.
//!
//! ```text
//! file ─▶ source (bounded) ─▶ demuxer ─▶ decoder ─▶ resampler ─▶ blocks: mono, 16 kHz ─▶ look
//!                               └─ damage: skipped, noted ─┘                        └──▶ the worker
//! ```
//!
//! It hears nothing itself: speech becomes text in the worker, which reads files with this.
//! Nothing here keeps a recording in memory, or believes what a file says of itself.

mod aac;
mod container;
mod damage;
mod error;
mod look;
mod mend;
mod open;
mod quiet;
mod reader;
mod resample;
mod source;
mod subtitles;
mod transcript;

pub use container::{Container, HEAD_BYTES, is_recording};
pub use error::AudioError;
pub use look::{Look, look};
pub use open::has_video;
pub use quiet::quietest;
pub use reader::Reader;
pub use resample::Resampler;
pub use transcript::Transcript;
