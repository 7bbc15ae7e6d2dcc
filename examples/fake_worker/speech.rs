//! What the fake hears.

use std::time::Duration;

use percept::wire::{
    DoneReport, Event, Failure, Output, SAMPLE_RATE, Segment, SpeechOptions, Stage, StopReason,
};

use super::Fake;

/// What is heard, an utterance each, over and over.
const SCRIPT: [&str; 4] = ["Look at the log", "and tell me what", "it says of db_pool.", "Why is that?"];

/// Sound that is a word.
const WORD_SAMPLES: usize = SAMPLE_RATE as usize / 10;

/// Milliseconds of [`WORD_SAMPLES`].
const WORD_MS: u64 = 100;

impl Fake {
    pub(crate) fn listen(&self, speech: &SpeechOptions, output: &Output<'_>) -> Result<DoneReport, Failure> {
        output.event(Event::Language { code: "en".to_owned(), detected: Some(990) });
        let spelt = [speech.vocabulary.join(" ")];
        let spelt: Vec<&str> = spelt.iter().map(String::as_str).filter(|words| !words.is_empty()).collect();
        let script = if self.does("spell") && !spelt.is_empty() { &spelt[..] } else { &SCRIPT[..] };
        let mut utterances = script.iter().cycle();
        let mut words: Vec<&str> = Vec::new();
        let (mut samples, mut heard, mut said) = (0, 0, 0);
        loop {
            let sound = output.sound(Duration::from_millis(500))?;
            if output.cancelled() {
                return Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() });
            }
            samples += sound.samples.len();
            while samples >= WORD_SAMPLES {
                samples -= WORD_SAMPLES;
                if words.is_empty() {
                    words = utterances.next().map(|words| words.split(' ').collect()).unwrap_or_default();
                    said = 0;
                }
                (heard, said) = (heard + 1, said + 1);
                self.die_or_hang(self.does("diespeech") && heard == 6, false);
                let text = words[..said].join(" ");
                if said == words.len() {
                    words.clear();
                    output.event(segment(text, heard));
                } else {
                    output.event(Event::Partial { text });
                }
            }
            if sound.finished {
                break;
            }
        }
        if !words.is_empty() {
            output.event(segment(words[..said].join(" "), heard));
        }
        Ok(DoneReport::default())
    }

    pub(crate) fn transcribe(&self, output: &Output<'_>) -> DoneReport {
        output.event(Event::Language { code: "en".to_owned(), detected: Some(990) });
        for (text, start_ms) in [("This is what was said.", 0), ("And this too.", 1000)] {
            let (text, end_ms) = (text.to_owned(), start_ms + 1000);
            output.event(Event::Segment(Segment { start_ms, end_ms, text, words: Vec::new() }));
            self.die_or_hang(false, self.does("hangspeech"));
            output.event(Event::Progress { stage: Stage::Transcribing, done: end_ms, total: 2000 });
        }
        output.event(Event::Sound { duration_ms: 2000, notes: Vec::new() });
        DoneReport::default()
    }
}

/// A segment that ends with that word.
fn segment(text: String, word: u64) -> Event {
    let words = text.split(' ').count() as u64;
    let (start_ms, end_ms) = ((word - words.min(word)) * WORD_MS, word * WORD_MS);
    Event::Segment(Segment { start_ms, end_ms, text, words: Vec::new() })
}
