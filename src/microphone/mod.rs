//! The microphone: a device that is kept open while dictation is armed, and its sound at the
//! rate that the worker takes ([`crate::wire::SAMPLE_RATE`], mono).

use std::time::Duration;

/// How a microphone is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The device, by its name or the beginning of it; empty: the system's default. `file:PATH`
    /// plays a sound file at the speed of time in place of a device.
    pub device: String,
    /// How much of what was heard before the start belongs to the recording.
    pub before: Duration,
    /// How much is heard on after the stop.
    pub after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { device: String::new(), before: Duration::from_millis(500), after: Duration::from_millis(300) }
    }
}

/// What comes of a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// The next samples.
    Samples(Vec<f32>),
    /// It was stopped, and all of it has come.
    Ended,
    /// The device is gone or failed: no more comes. In words for the screen.
    Lost(String),
}
