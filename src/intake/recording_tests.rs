//! Recordings, heard by something that says the same of each.

use std::path::PathBuf;

use super::super::{Given, take_watched};
use super::*;
use crate::wire::Segment;

/// Hears two sentences in everything; the stop flag and a broken ear can be tried.
struct TwoSentences {
    broken: bool,
}

impl Ears for TwoSentences {
    fn check(&self) -> Result<(), String> {
        match self.broken {
            true => Err("No speech model is on this machine.".to_owned()),
            false => Ok(()),
        }
    }

    fn hear(
        &self,
        _: &Path,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(&dyn Display),
    ) -> Result<Transcript, String> {
        if watch_stopped(stop) {
            return Err("It was stopped.".to_owned());
        }
        tell(&"heard 0:01");
        let segment = |start_ms, text: &str| Segment {
            start_ms,
            end_ms: start_ms + 900,
            text: text.to_owned(),
            words: Vec::new(),
        };
        Ok(Transcript {
            duration_ms: 2000,
            language: Some("en".to_owned()),
            segments: vec![segment(0, "This was said."), segment(1200, "And this.")],
            notes: Vec::new(),
        })
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio").join(name)
}

fn taken(given: &Given, options: &Options, broken: bool) -> Result<(Taken, Vec<String>), IntakeError> {
    let mut said = Vec::new();
    let taken = take_watched(
        given,
        options,
        &mut Watch {
            stop: &AtomicBool::new(false),
            tell: &mut |what| said.push(what.to_string()),
            ears: &TwoSentences { broken },
        },
    )?;
    Ok((taken, said))
}

fn text_of(taken: &Taken) -> String {
    String::from_utf8(taken.original.clone()).unwrap()
}

#[test]
fn a_recording_becomes_what_was_said_with_times_its_length_and_its_shape() {
    let (taken, said) = taken(&Given::Path(sample("speech.flac")), &Options::default(), false).unwrap();
    let Medium::Recording { duration_ms, waveform, language, note, sound, frames, view } =
        &taken.attachment.medium
    else {
        panic!("{:?}", taken.attachment)
    };
    assert!(
        *duration_ms >= 1500
            && !waveform.is_empty()
            && waveform.contains(&255) | waveform.iter().any(|peak| *peak > 40)
    );
    assert_eq!((language.as_deref(), note, frames.len(), view), (Some("en"), &None, 0, &None));
    let text = text_of(&taken);
    assert!(text.starts_with("speech.flac, 0:0"), "{text}");
    assert!(text.ends_with("[0:00] This was said.\n[0:01] And this.\n"), "{text}");
    assert_eq!(taken.attachment.id, AttachmentId::of(&taken.original));
    // It is small: its sound is kept beside the words.
    let whole = std::fs::read(sample("speech.flac")).unwrap();
    assert_eq!(sound.as_ref(), Some(&AttachmentId::of(&whole)));
    assert_eq!(taken.kept, [whole]);
    assert!(said.iter().any(|line| line == "heard 0:01"), "{said:?}");
    assert!(matches!(&taken.attachment.source, Source::File { path } if path.is_absolute()));
}

#[test]
fn bytes_that_come_by_a_pipe_are_heard_too_and_a_long_transcript_loses_its_middle_in_sight() {
    let bytes = std::fs::read(sample("speech.opus")).unwrap();
    let given = Given::Bytes { name: "standard input".to_owned(), bytes, source: Source::Stdin };
    let options = Options { max_text_bytes: 40, ..Options::default() };
    let (taken, _) = taken(&given, &options, false).unwrap();
    assert_eq!(taken.attachment.source, Source::Stdin);
    let Medium::Recording { note, view, .. } = &taken.attachment.medium else { panic!() };
    assert_eq!(view.as_ref(), taken.view.as_deref().map(AttachmentId::of).as_ref());
    assert!(taken.view.as_ref().unwrap().len() < taken.original.len() + 200);
    assert!(note.as_ref().unwrap().contains("left out"), "{note:?}");
    assert!(text_of(&taken).contains("This was said."), "the whole of it is kept");
}

#[test]
fn what_can_not_be_heard_is_said_with_its_name() {
    let error = taken(&Given::Path(sample("speech.mp3")), &Options::default(), true).unwrap_err();
    assert_eq!(error.to_string(), "speech.mp3: No speech model is on this machine.");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.wav");
    std::fs::write(&broken, b"RIFF\x10\0\0\0WAVEfmt ").unwrap();
    let error = taken(&Given::Path(broken), &Options::default(), false).unwrap_err().to_string();
    assert!(error.starts_with("broken.wav: "), "{error}");
}

#[test]
fn a_stopped_one_says_so() {
    let watch =
        &mut Watch { stop: &AtomicBool::new(true), tell: &mut |_| {}, ears: &TwoSentences { broken: false } };
    let given = Given::Path(sample("speech.wav"));
    let error = take_watched(&given, &Options::default(), watch).unwrap_err();
    assert_eq!(error.to_string(), "It was stopped.");
}

#[test]
fn a_films_pictures_stand_in_the_transcript_at_their_times() {
    let options = Options { film_pictures: 4, ..Options::default() };
    let (taken, _) = taken(&Given::Path(sample("film.mp4")), &options, false).unwrap();
    let Medium::Recording { frames, note, .. } = &taken.attachment.medium else { panic!() };
    let text = text_of(&taken);
    if frames.is_empty() {
        let said = note.as_deref().unwrap_or_default();
        assert!(said.contains("ffmpeg"), "{said}");
        assert!(std::env::var_os("PERCEPT_REQUIRE_PROGRAMS").is_none(), "ffmpeg is missing");
        return;
    }
    assert!(frames.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms), "{frames:?}");
    for (index, frame) in frames.iter().enumerate() {
        let line = format!("[{}] (picture {})\n", clock(frame.at_ms), index + 1);
        assert!(text.contains(&line), "{text}");
        let picture = taken.kept.iter().find(|bytes| AttachmentId::of(bytes) == frame.picture).unwrap();
        let size = ::image::load_from_memory(picture).unwrap();
        assert_eq!((size.width(), size.height()), (frame.width, frame.height));
    }
    let times: Vec<usize> = ["(picture 1)", "This was said."].map(|what| text.find(what).unwrap()).into();
    assert!(times[0] != times[1]);
}

#[test]
fn sound_is_kept_for_a_model_only_where_its_worker_can_read_it() {
    assert!(is_kept(KEPT_BYTES, KEPT_MS - 1));
    assert!(!is_kept(KEPT_BYTES + 1, 1000) && !is_kept(1000, KEPT_MS));
    assert!(!is_kept(1000, 0), "there is no sound");
    // Only ffmpeg reads this one.
    let options = Options { film_pictures: 0, ..Options::default() };
    match taken(&Given::Path(sample("film.avi")), &options, false) {
        Ok((taken, _)) => {
            let Medium::Recording { sound, .. } = &taken.attachment.medium else { panic!() };
            assert_eq!((sound, taken.kept.len()), (&None, 0));
        }
        Err(error) => assert!(error.to_string().contains("ffmpeg isn't installed. Get it"), "{error}"),
    }
}

#[test]
fn what_was_piped_in_is_never_called_by_its_temporary_file() {
    let head = b"RIFF\x10\0\0\0WAVEfmt ".to_vec();
    let film = std::fs::read(sample("silent.mp4")).unwrap();
    for bytes in [head, film] {
        let given = Given::Bytes { name: "standard input".to_owned(), bytes, source: Source::Stdin };
        let options = Options { film_pictures: 0, ..Options::default() };
        let error = taken(&given, &options, false).unwrap_err().to_string();
        let temporary = std::env::temp_dir().join("");
        assert!(!error.contains(temporary.to_str().unwrap()), "{error}");
        assert!(!error.contains("ffmpeg -i"), "ffmpeg was tried, or there is none: {error}");
    }
}

#[test]
fn where_nothing_can_be_heard_nothing_is_decoded() {
    let mut said = 0;
    let mut tell = |_: &dyn Display| said += 1;
    let watch = &mut Watch { stop: &AtomicBool::new(false), tell: &mut tell, ears: &Deaf };
    let error = take_watched(&Given::Path(sample("speech.flac")), &Options::default(), watch).unwrap_err();
    assert_eq!(error.to_string(), "speech.flac: Recordings can't be heard here; attach it with /attach.");
    assert_eq!(said, 0);
}
