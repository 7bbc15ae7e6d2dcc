//! Whether a microphone hears anything, for `percept doctor`.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::level::{dbfs, words};
use super::{Microphone, MicrophoneError, Options, Sound};

/// What a microphone heard.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Check {
    /// The device's name.
    pub device: String,
    /// The peak in dBFS: 0 at full scale. In JSON `null` for silence.
    pub dbfs: f32,
    /// The level in words.
    pub sounds: &'static str,
}

/// Listens for so long and tells how loud it was. What was heard is dropped.
///
/// # Errors
///
/// When the microphone can't be armed, or gives too little within 2 s more than the time.
pub fn check(options: &Options, span: Duration) -> Result<Check, MicrophoneError> {
    let options = Options { before: Duration::ZERO, after: Duration::ZERO, ..options.clone() };
    let microphone = Microphone::arm(&options)?;
    let (sender, sounds) = mpsc::channel();
    microphone.start(move |sound| drop(sender.send(sound)));
    let device = microphone.device();
    let silent = || MicrophoneError::Silent(format!("the microphone {device:?}"));
    let wanted = super::stream::samples_in(span, crate::wire::SAMPLE_RATE, 1);
    let until = Instant::now() + span + Duration::from_secs(2);
    let mut heard = Vec::new();
    while heard.len() < wanted {
        let left = until.saturating_duration_since(Instant::now());
        match sounds.recv_timeout(left).map_err(|_| silent())? {
            Sound::Samples(mut samples) => heard.append(&mut samples),
            Sound::Lost(why) => return Err(MicrophoneError::Failed { device, why }),
            Sound::Ended => break,
        }
    }
    let dbfs = dbfs(&heard);
    Ok(Check { device, dbfs, sounds: words(dbfs) })
}
