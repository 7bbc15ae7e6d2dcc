//! The devices there are, and the one that is meant.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};

use super::MicrophoneError;
use crate::text;

/// A device that records.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Device {
    /// Its name, as the system shows it.
    pub name: String,
    /// Whether it is the one that the system records from unless told otherwise.
    pub default: bool,
}

/// An audio server that hangs is not waited for longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// A device of a host that is open.
pub(super) struct Found {
    pub(super) name: String,
    /// The name in the system's own configuration, unique where names need not be.
    id: String,
    default: bool,
    pub(super) device: cpal::Device,
}

/// Lists the devices that record, the default first.
///
/// # Errors
///
/// When the audio server doesn't answer within 3 s or the system gives no list. That there is
/// no device is no error.
pub fn devices() -> Result<Vec<Device>, MicrophoneError> {
    let listed = within(PATIENCE, || {
        quietly(|| {
            list().map(|found| {
                found.into_iter().map(|Found { name, default, .. }| Device { name, default }).collect()
            })
        })
    });
    listed.unwrap_or_else(|| Err(MicrophoneError::Silent("the audio server".to_owned())))
}

/// Runs what may hang on a thread of its own; `None` if it took longer than `patience` or
/// panicked. A thread that hangs is left behind.
pub(super) fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, result) = mpsc::channel();
    std::thread::spawn(move || {
        // The other side may have given up.
        let _ = sender.send(work());
    });
    result.recv_timeout(patience).ok()
}

/// Runs it with what ALSA's library says kept off the terminal, where it writes its errors.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_os = "linux")]
    let said = alsa::Output::local_error_handler();
    let result = work();
    #[cfg(target_os = "linux")]
    if let Ok(said) = said {
        let said = said.borrow().buffer_string(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
        if !said.is_empty() {
            tracing::debug!("ALSA: {said}");
        }
    }
    result
}

/// The device that `wanted` names; the default one if it is empty.
///
/// # Errors
///
/// When there is none, or several match.
pub(super) fn find(wanted: &str) -> Result<Found, MicrophoneError> {
    let mut found = list()?;
    if found.is_empty() {
        return Err(none());
    }
    let chosen = match wanted {
        "" => found.iter().position(|device| device.default).unwrap_or(0),
        wanted => {
            let names: Vec<_> = found.iter().map(|device| (&*device.name, &*device.id)).collect();
            choose(&names, wanted)?
        }
    };
    Ok(found.swap_remove(chosen))
}

/// PulseAudio where its server answers (`PipeWire` has one), else ALSA; elsewhere the system's own.
fn list() -> Result<Vec<Found>, MicrophoneError> {
    let host = cpal::default_host();
    let failed = |error: cpal::Error| MicrophoneError::of("(the list of devices)", &error);
    let is_alsa = host.id().name() == "ALSA";
    let default = host.default_input_device().and_then(|device| device.id().ok());
    let mut found = Vec::new();
    for device in host.input_devices().map_err(failed)? {
        let (Ok(id), Ok(description)) = (device.id(), device.description()) else { continue };
        // ALSA lists its plugins, too, which record from nothing.
        if is_alsa && id.id() != "default" && !id.id().contains("CARD=") {
            continue;
        }
        let default = default.as_ref() == Some(&id);
        found.push(Found { name: description.name().to_owned(), id: id.id().to_owned(), default, device });
    }
    distinguish(&mut found);
    // What plays is recorded by few: those come last.
    found.sort_by_key(|device| (!device.default, device.id.ends_with(".monitor")));
    Ok(found)
}

/// Adds the id to names that several have.
fn distinguish(found: &mut [Found]) {
    let names: Vec<_> = found.iter().map(|device| device.name.clone()).collect();
    for device in found {
        if names.iter().filter(|name| **name == device.name).count() > 1 {
            device.name = format!("{} ({})", device.name, device.id);
        }
    }
}

/// Which device of `(name, id)` is meant: the one of that name or id, or else the only one
/// whose name or id begins with it, or else the only one that has it; in any case of letters.
fn choose(devices: &[(&str, &str)], wanted: &str) -> Result<usize, MicrophoneError> {
    let wanted_small = wanted.to_lowercase();
    let small: Vec<_> = devices.iter().map(|(name, id)| [name.to_lowercase(), id.to_lowercase()]).collect();
    let equal = |text: &String| *text == wanted_small;
    let begins = |text: &String| text.starts_with(&wanted_small);
    let has = |text: &String| text.contains(&wanted_small);
    let tests: [&dyn Fn(&String) -> bool; 3] = [&equal, &begins, &has];
    for test in tests {
        let fit: Vec<usize> = (0..small.len()).filter(|&at| small[at].iter().any(test)).collect();
        match fit.as_slice() {
            [] => {}
            [one] => return Ok(*one),
            several => {
                let names = several.iter().map(|&at| devices[at].0.to_owned()).collect();
                return Err(MicrophoneError::Ambiguous { wanted: wanted.to_owned(), names });
            }
        }
    }
    Err(MicrophoneError::Unknown {
        wanted: wanted.to_owned(),
        near: text::nearest(wanted, devices.iter().map(|(name, _)| *name)).map(str::to_owned),
        names: devices.iter().map(|(name, _)| (*name).to_owned()).collect(),
    })
}

/// Whether ALSA has no device of sound at all.
pub(super) fn is_missing() -> bool {
    cfg!(target_os = "linux") && !Path::new("/dev/snd").exists()
}

/// Why there is no device.
pub(super) fn none() -> MicrophoneError {
    match cfg!(target_os = "linux") {
        true if is_denied() => MicrophoneError::Denied,
        true => MicrophoneError::None(
            " (no PulseAudio or PipeWire server answers, and ALSA has no device)".to_owned(),
        ),
        false => MicrophoneError::None(String::new()),
    }
}

/// Whether ALSA's devices are there and may not be opened: it lists none then.
fn is_denied() -> bool {
    let Ok(folder) = std::fs::read_dir("/dev/snd") else { return false };
    let controls =
        folder.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("control"));
    controls
        .map(|entry| std::fs::File::open(entry.path()))
        .any(|opened| opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: [(&str, &str); 4] = [
        ("Built-in Audio Analog Stereo", "alsa_input.pci-0000_00_1f.3.analog-stereo"),
        ("Yeti Stereo Microphone", "alsa_input.usb-Blue_Yeti.analog-stereo"),
        ("Yeti", "alsa_input.usb-Other"),
        ("Monitor of Built-in Audio Analog Stereo", "alsa_output.pci.monitor"),
    ];

    #[test]
    fn a_device_is_meant_by_its_name_its_id_or_a_part_that_only_it_has() {
        let chosen = |wanted| choose(&DEVICES, wanted).unwrap();
        assert_eq!(chosen("Yeti Stereo Microphone"), 1);
        assert_eq!(chosen("yeti"), 2, "the whole name wins over a beginning");
        assert_eq!(chosen("built"), 0, "a beginning wins over a part");
        assert_eq!(chosen("YETI S"), 1);
        assert_eq!(chosen("microphone"), 1);
        assert_eq!(chosen("alsa_output.pci.monitor"), 3);
    }

    #[test]
    fn a_part_that_several_have_names_them() {
        let error = choose(&DEVICES, "alsa_input").unwrap_err();
        let names = DEVICES[..3].iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(error, MicrophoneError::Ambiguous { wanted: "alsa_input".to_owned(), names });
    }

    #[test]
    fn an_unknown_name_offers_the_nearest_and_lists_all() {
        let error = choose(&DEVICES, "Jeti").unwrap_err().to_string();
        assert!(error.contains("Did you mean \"Yeti\"?"), "{error}");
        assert!(DEVICES.iter().all(|(name, _)| error.contains(name)), "{error}");
    }

    #[test]
    fn what_hangs_or_panics_is_left_behind() {
        assert_eq!(within(Duration::from_millis(1), || std::thread::sleep(Duration::from_secs(1))), None);
        assert_eq!(within(PATIENCE, || 7), Some(7));
    }
}
