//! The vectors that the fake finds.

use std::time::Duration;

use percept::wire::{DoneReport, EmbedInput, Event, Failure, FailureKind, Output, Stage, StopReason, floats};

use super::Fake;

/// Numbers of a vector, where the model's file is no GGUF.
pub(crate) const DIMENSIONS: usize = 64;

impl Fake {
    pub(crate) fn embed(&self, inputs: &[EmbedInput], output: &Output<'_>) -> Result<DoneReport, Failure> {
        if !self.options.embed {
            let said = "The model was loaded to answer: it can't find vectors.";
            return Err(Failure::new(FailureKind::NotLoaded, said));
        }
        let total = inputs.len() as u64;
        for (done, input) in (0_u64..).zip(inputs) {
            if output.cancelled() {
                return Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() });
            }
            self.die_or_hang(self.does("dieembed") && done == 1, self.does("hangembed") && done == 1);
            if self.does("slowembed") {
                std::thread::sleep(Duration::from_millis(20));
            }
            let vector = vector_of(input, self.dimensions)?;
            output.event(Event::Vectors { dimensions: vector.len(), data: floats::encode(&vector) });
            output.event(Event::Progress { stage: Stage::Embedding, done: done + 1, total });
        }
        Ok(DoneReport::default())
    }
}

fn vector_of(input: &EmbedInput, dimensions: usize) -> Result<Vec<f32>, Failure> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let mut vector = vec![0.0; dimensions];
    let mut add = |bytes: &[u8]| vector[blake3::hash(bytes).as_bytes()[0] as usize % dimensions] += 1.0;
    match input {
        EmbedInput::Text { text, .. } => words(text).iter().for_each(|word| add(word.as_bytes())),
        EmbedInput::Image { path, .. } => {
            let unreadable =
                |error| Failure::new(FailureKind::Media, format!("{}: {error}.", path.display()));
            blake3::hash(&std::fs::read(path).map_err(unreadable)?)
                .as_bytes()
                .iter()
                .for_each(|b| add(&[*b]));
        }
        EmbedInput::Pair { query, passage } => {
            let passage = words(passage);
            let both = words(query).iter().filter(|word| passage.contains(word)).count();
            return Ok(vec![both as f32]);
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    match length > 0.0 {
        true => vector.iter_mut().for_each(|value| *value /= length),
        false => vector[0] = 1.0,
    }
    Ok(vector)
}
