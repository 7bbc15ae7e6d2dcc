//! What goes wrong with microphones, said so that a person knows what to do.

use cpal::ErrorKind;

/// Why no microphone is armed. Each is a sentence or two for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MicrophoneError {
    /// There is no device that records.
    #[error("there is no microphone here{0}. Plug one in, or attach a recording instead")]
    None(String),
    /// No device has the name that was asked for.
    #[error("there is no microphone named {wanted:?}. {}", offer(.near.as_deref(), .names))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// The name that is most like it.
        near: Option<String>,
        /// The names there are.
        names: Vec<String>,
    },
    /// Several devices have what was asked for in their names.
    #[error("{wanted:?} is in the names of several microphones: {}. Give more of the name", .names.join("; "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// The names that have it.
        names: Vec<String>,
    },
    /// The system doesn't let this program record.
    #[error("this system doesn't let percept record: {}", permission())]
    Denied,
    /// Another program holds the device.
    #[error("the microphone {0:?} is in use by another program. Close that one, or choose another device")]
    Busy(String),
    /// Nothing answered in time.
    #[error(
        "{0} doesn't answer. Is it hanging? Restarting the audio server often helps (systemctl --user restart pipewire-pulse, or pulseaudio -k)"
    )]
    Silent(String),
    /// The sound file that is played in place of a device can't be.
    #[error("the sound file of the microphone can't be played: {0}")]
    File(String),
    /// Whatever else: the device, and what the system says.
    #[error("the microphone {device:?} can't be opened: {why}")]
    Failed {
        /// Its name.
        device: String,
        /// In the system's words.
        why: String,
    },
}

impl MicrophoneError {
    /// An error of the system when a device is opened.
    pub(super) fn of(device: &str, error: &cpal::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::DeviceBusy => Self::Busy(device.to_owned()),
            _ => Self::Failed { device: device.to_owned(), why: error.to_string() },
        }
    }
}

/// Why a device that recorded does no more, for [`super::Sound::Lost`].
pub(super) fn loss(device: &str, error: &cpal::Error) -> String {
    match error.kind() {
        ErrorKind::DeviceNotAvailable => format!("the microphone {device:?} is gone: was it unplugged?"),
        ErrorKind::HostUnavailable | ErrorKind::StreamInvalidated => {
            format!("the connection to the microphone {device:?} broke: {error}")
        }
        ErrorKind::PermissionDenied => {
            format!("the system took the microphone {device:?} away: {}", permission())
        }
        _ => format!("the microphone {device:?} failed: {error}"),
    }
}

/// Whether the sound goes on after the error.
pub(super) fn is_passing(error: &cpal::Error) -> bool {
    matches!(error.kind(), ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied)
}

/// How one is allowed to record.
fn permission() -> &'static str {
    match std::env::consts::OS {
        "macos" => {
            "allow your terminal under System Settings, Privacy & Security, Microphone, and start it again"
        }
        "windows" => {
            "switch on Settings, Privacy & security, Microphone, \"Let desktop apps access your microphone\""
        }
        _ => "add yourself to the group audio (sudo usermod -aG audio $USER) and log in again",
    }
}

fn offer(near: Option<&str>, names: &[String]) -> String {
    let there = format!("There are: {}", names.join("; "));
    near.map_or_else(|| there.clone(), |near| format!("Did you mean {near:?}? {there}"))
}
