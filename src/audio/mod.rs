//! Sound: what is in a file of it, and the text that was heard in it.
//!
//! It hears nothing itself: speech becomes text in the worker, which reads files with this.

mod transcript;

pub use transcript::Transcript;
