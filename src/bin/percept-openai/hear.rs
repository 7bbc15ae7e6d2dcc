//! Recordings to text: `POST /audio/transcriptions`, or `/audio/translations` into English.
//!
//! The recording is decoded here and sent as WAV, 16 kHz and mono, in pieces that servers take;
//! a long one is cut where it is quiet.

use std::path::Path;

use percept::audio::{Reader, quietest};
use percept::redact::{self, Redactor};
use percept::wire::{
    DoneReport, Event, Failure, FailureKind, SAMPLE_RATE, Segment, SpeechOptions, Stage, StopReason, Timings,
    Usage, Word,
};
use serde::Deserialize;

use crate::exchange::{Exchange, Stop};
use crate::failure;

/// Samples of one request: ten minutes, 19 MB of the 25 MB that OpenAI takes.
const PIECE: usize = 600 * SAMPLE_RATE as usize;

/// A piece is cut in the quietest tenth of a second of its last half minute.
const CUT_WITHIN: usize = 30 * SAMPLE_RATE as usize;

/// What stands between the fields of a request: nothing of sound or text holds it.
const BOUNDARY: &str = "percept-8f1c2a7be94d4c06-field";

/// Characters of vocabulary that are told: servers read little of it.
const MOST_VOCABULARY: usize = 800;

#[derive(Debug, Default, Deserialize)]
struct Heard {
    #[serde(default)]
    text: String,
    language: Option<String>,
    segments: Option<Vec<Said>>,
    words: Option<Vec<SaidWord>>,
}

/// Times in seconds.
#[derive(Debug, Deserialize)]
struct Said {
    start: f64,
    end: f64,
    text: String,
}

#[derive(Debug, Deserialize)]
struct SaidWord {
    start: f64,
    end: f64,
    word: String,
}

/// How much a server says of what it heard: less, where it refuses more.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Detail {
    Words,
    Segments,
    Text,
}

/// Transcribes a file.
pub(crate) fn transcribe(
    exchange: &Exchange<'_>,
    model: &str,
    path: &Path,
    speech: &SpeechOptions,
) -> Result<DoneReport, Stop> {
    let media =
        |error: percept::audio::AudioError| Stop::Failed(Failure::new(FailureKind::Media, error.to_string()));
    let mut reader = Reader::open(path).map_err(media)?;
    let total = reader.duration_ms().unwrap_or(0);
    let detail = if speech.words { Detail::Words } else { Detail::Segments };
    let mut hearing = Hearing { exchange, model, speech, detail, language: false };
    let (mut sound, mut given, mut ended) = (Vec::new(), 0, false);
    while !ended {
        match reader.read() {
            Some(block) => sound.extend(block),
            None => ended = true,
        }
        if exchange.output.cancelled() {
            return Err(Stop::Cancelled);
        }
        if !ended && sound.len() < PIECE {
            continue;
        }
        let end = if ended { sound.len() } else { quietest(&sound, CUT_WITHIN) };
        let piece: Vec<f32> = sound.drain(..end).collect();
        if !piece.is_empty() {
            hearing.piece(&piece, milliseconds(given))?;
        }
        given += end;
        let done = milliseconds(given);
        let done = if total > 0 { done.min(total) } else { done };
        exchange.output.event(Event::Progress { stage: Stage::Transcribing, done, total });
    }
    exchange.output.event(Event::Sound { duration_ms: reader.position_ms(), notes: reader.notes() });
    Ok(DoneReport { stop: StopReason::Finished, usage: Usage::default(), timings: Timings::default() })
}

struct Hearing<'a> {
    exchange: &'a Exchange<'a>,
    model: &'a str,
    speech: &'a SpeechOptions,
    detail: Detail,
    /// It was said which language it is.
    language: bool,
}

impl Hearing<'_> {
    fn piece(&mut self, sound: &[f32], offset_ms: u64) -> Result<(), Stop> {
        let heard = self.ask(sound)?;
        if !self.language
            && let Some(code) = self.code(heard.language.as_deref())
        {
            self.language = true;
            self.exchange.output.event(Event::Language { code, detected: None });
        }
        for segment in segments(heard, milliseconds(sound.len())) {
            let moved = |ms: u64| ms.saturating_add(offset_ms);
            let words = segment.words.into_iter().map(|word| Word {
                start_ms: moved(word.start_ms),
                end_ms: moved(word.end_ms),
                ..word
            });
            let (start_ms, end_ms, words) = (moved(segment.start_ms), moved(segment.end_ms), words.collect());
            self.exchange.output.event(Event::Segment(Segment { start_ms, end_ms, words, ..segment }));
        }
        Ok(())
    }

    /// The language as a code: some servers say its name.
    fn code(&self, said: Option<&str>) -> Option<String> {
        let is_code =
            |word: &&str| (2..=3).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase());
        self.speech.language.clone().or_else(|| said.filter(is_code).map(str::to_owned))
    }

    fn ask(&mut self, sound: &[f32]) -> Result<Heard, Stop> {
        let server = self.exchange.server;
        let path = if self.speech.translate { "/audio/translations" } else { "/audio/transcriptions" };
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        loop {
            let body = self.body(sound);
            let less = match self.detail {
                Detail::Words => Some(Detail::Segments),
                Detail::Segments => Some(Detail::Text),
                Detail::Text => None,
            };
            match (self.exchange.post(path, &kind, &body), less) {
                (Err(Stop::Refused(400 | 422, said)), Some(less))
                    if is_of_detail(&failure::said(server, &said)) =>
                {
                    self.detail = less;
                }
                (answered, _) => {
                    let body = answered.map_err(|stop| stop.of(server))?;
                    return serde_json::from_slice(&body).map_err(|error| {
                        let what = format!("answered no transcript at {path} ({error})");
                        Stop::Failed(failure::strange(server, &what))
                    });
                }
            }
        }
    }

    /// The fields of the request, then the sound (RFC 7578).
    fn body(&self, sound: &[f32]) -> Vec<u8> {
        let format = if self.detail == Detail::Text { "json" } else { "verbose_json" };
        let mut fields = vec![("model", self.model.to_owned()), ("response_format", format.to_owned())];
        fields.push(("temperature", "0".to_owned()));
        if self.detail == Detail::Words {
            fields.push(("timestamp_granularities[]", "word".to_owned()));
            fields.push(("timestamp_granularities[]", "segment".to_owned()));
        }
        if let Some(language) = self.speech.language.clone().filter(|_| !self.speech.translate) {
            fields.push(("language", language));
        }
        let known = self.vocabulary();
        if !known.is_empty() {
            fields.push(("prompt", known));
        }
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(value.as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sound.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend(wav(sound));
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    /// Likely words, as many as are read.
    fn vocabulary(&self) -> String {
        let mut known = String::new();
        for word in &self.speech.vocabulary {
            if known.len() + word.len() > MOST_VOCABULARY {
                break;
            }
            known.push_str(if known.is_empty() { "" } else { ", " });
            known.push_str(word);
        }
        match self.exchange.server.redacts() {
            true => Redactor::new(redact::Options::default()).redact(&known).into_owned(),
            false => known,
        }
    }
}

/// Whether a server refuses how much it is to say.
fn is_of_detail(said: &str) -> bool {
    ["response_format", "verbose_json", "timestamp_granularities"].iter().any(|word| said.contains(word))
}

/// What was said, with times within a piece of so many milliseconds.
fn segments(heard: Heard, length_ms: u64) -> Vec<Segment> {
    let ms = |seconds: f64| match seconds.is_finite() {
        true => ((seconds.max(0.0) * 1000.0).round() as u64).min(length_ms),
        false => 0,
    };
    let mut segments: Vec<Segment> = match heard.segments {
        Some(said) if !said.is_empty() => said
            .into_iter()
            .map(|said| Segment {
                start_ms: ms(said.start),
                end_ms: ms(said.end).max(ms(said.start)),
                text: said.text.trim().to_owned(),
                words: Vec::new(),
            })
            .collect(),
        _ => {
            let text = heard.text.trim().to_owned();
            vec![Segment { start_ms: 0, end_ms: length_ms, text, words: Vec::new() }]
        }
    };
    segments.retain(|segment| !segment.text.is_empty());
    for said in heard.words.into_iter().flatten() {
        let (start_ms, end_ms) = (ms(said.start), ms(said.end));
        // A word belongs to the last segment that has begun. How sure it is isn't said.
        let place = segments.partition_point(|segment| segment.start_ms <= start_ms).saturating_sub(1);
        if let Some(segment) = segments.get_mut(place) {
            let text = said.word.trim().to_owned();
            segment.words.push(Word { start_ms, end_ms, text, probability: 1.0 });
        }
    }
    segments
}

/// Sound as a WAV file: 16-bit PCM, mono.
fn wav(sound: &[f32]) -> Vec<u8> {
    const BYTES: u32 = 2;
    let length = u32::try_from(sound.len()).unwrap_or(u32::MAX).saturating_mul(BYTES);
    let mut file = Vec::with_capacity(44 + sound.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend((length.saturating_add(36)).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    file.extend([1, 0, 1, 0]);
    file.extend(SAMPLE_RATE.to_le_bytes());
    file.extend((SAMPLE_RATE * BYTES).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend_from_slice(b"data");
    file.extend(length.to_le_bytes());
    file.extend(sound.iter().flat_map(|sample| {
        let sample = sample.clamp(-1.0, 1.0) * f32::from(i16::MAX);
        (sample.round() as i16).to_le_bytes()
    }));
    file
}

fn milliseconds(samples: usize) -> u64 {
    samples as u64 * 1000 / u64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wav_file_is_one_that_our_own_reader_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let sound: Vec<f32> = (0..SAMPLE_RATE).map(|n| (n as f32 / 20.0).sin() / 2.0).collect();
        std::fs::write(&path, wav(&sound)).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        let read: Vec<f32> = std::iter::from_fn(|| reader.read()).flatten().collect();
        assert_eq!(read.len(), sound.len());
        assert!(read.iter().zip(&sound).all(|(left, right)| (left - right).abs() < 1e-3));
    }

    #[test]
    fn words_go_to_the_segment_that_they_are_in_and_times_are_kept_within_the_sound() {
        let heard = r#"{"text":"a b","segments":[{"start":0,"end":1,"text":" a "},{"start":1.5,"end":99,"text":"b"},
            {"start":1e300,"end":-4,"text":""}],"words":[{"start":0.2,"end":0.4,"word":"a"},{"start":1.6,"end":1.9,"word":" b"}]}"#;
        let segments = segments(serde_json::from_str(heard).unwrap(), 2000);
        let times: Vec<_> =
            segments.iter().map(|s| (s.start_ms, s.end_ms, s.text.as_str(), s.words.len())).collect();
        assert_eq!(times, [(0, 1000, "a", 1), (1500, 2000, "b", 1)]);
        let plain = super::segments(serde_json::from_str(r#"{"text":" all of it "}"#).unwrap(), 2000);
        assert_eq!((plain[0].text.as_str(), plain[0].end_ms), ("all of it", 2000));
        assert!(super::segments(Heard::default(), 2000).is_empty());
    }
}
