//! What belongs to a recording, decided by counting samples. It knows no device, no thread and
//! no time: a position is the number of samples since the microphone was armed.
//!
//! Each sample is given out once at most. A recording that starts while another runs or has
//! its tail still to come ends that one there; what was heard before a start is what no
//! recording has had.

use std::collections::VecDeque;

/// Samples are given out in blocks of so many: 100 ms.
pub(super) const BLOCK: usize = 1600;

/// What is given to the one who listens.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// The next samples: [`BLOCK`] of them but for the first, with what was heard before the
    /// start, and the last.
    Samples(Vec<f32>),
    /// The recording is whole.
    Ended,
}

/// The samples of a microphone, and which of them are recorded.
#[derive(Debug)]
pub(super) struct Recording {
    before: u64,
    after: u64,
    /// The last samples that no recording has had.
    memory: VecDeque<f32>,
    /// How many samples the memory keeps.
    kept: usize,
    /// How many samples were heard.
    position: u64,
    running: Option<Running>,
}

/// A recording that has begun.
#[derive(Debug)]
struct Running {
    /// Samples before it are not in the recording.
    from: u64,
    /// The recording ends before this one; not known until the stop.
    until: Option<u64>,
    /// What is not yet a block.
    block: Vec<f32>,
}

impl Recording {
    /// A recording has `before` samples of before its start and `after` of after its stop.
    /// The memory keeps `slack` samples more, for a start that is heard of late.
    pub(super) fn new(before: usize, after: usize, slack: usize) -> Self {
        Self {
            before: before as u64,
            after: after as u64,
            memory: VecDeque::with_capacity(before + slack),
            kept: before + slack,
            position: 0,
            running: None,
        }
    }

    /// How many samples were heard.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Starts a recording at a position: gives what was heard before it. One that runs is to
    /// be [finished](Self::finish) first, or it is given up.
    pub(super) fn start(&mut self, at: u64) -> Vec<Step> {
        let first = self.position - self.memory.len() as u64;
        let from = at.saturating_sub(self.before).max(first);
        let skipped = usize::try_from(from - first).unwrap_or(usize::MAX).min(self.memory.len());
        let heard: Vec<f32> = self.memory.drain(..).skip(skipped).collect();
        self.running = Some(Running { from, until: None, block: Vec::with_capacity(BLOCK) });
        match heard.is_empty() {
            true => Vec::new(),
            false => vec![Step::Samples(heard)],
        }
    }

    /// Stops the recording at a position: it goes on for what belongs to it after that.
    /// Without one, or after another stop, it does nothing.
    pub(super) fn stop(&mut self, at: u64) -> Vec<Step> {
        if let Some(running) = &mut self.running
            && running.until.is_none()
        {
            running.until = Some(at.saturating_add(self.after));
        }
        self.end()
    }

    /// Takes the next samples and gives what is to be given out.
    pub(super) fn push(&mut self, samples: &[f32]) -> Vec<Step> {
        let (taken, left) = samples.split_at(self.share(samples.len()));
        let mut steps = Vec::new();
        if let Some(running) = &mut self.running {
            let early = usize::try_from(running.from.saturating_sub(self.position)).unwrap_or(usize::MAX);
            for &sample in taken.get(early..).unwrap_or_default() {
                running.block.push(sample);
                if running.block.len() == BLOCK {
                    let block = std::mem::replace(&mut running.block, Vec::with_capacity(BLOCK));
                    steps.push(Step::Samples(block));
                }
            }
        }
        self.position += taken.len() as u64;
        steps.append(&mut self.end());
        self.remember(left);
        steps
    }

    /// Ends the recording here, without what may yet belong to it.
    pub(super) fn finish(&mut self) -> Vec<Step> {
        let mut steps = self.rest();
        if self.running.take().is_some() {
            steps.push(Step::Ended);
        }
        steps
    }

    /// What the recording has and has not given out.
    pub(super) fn rest(&mut self) -> Vec<Step> {
        match &mut self.running {
            Some(running) if !running.block.is_empty() => {
                vec![Step::Samples(std::mem::take(&mut running.block))]
            }
            _ => Vec::new(),
        }
    }

    /// Gives a recording up that runs: what was heard until here is in no other either.
    pub(super) fn cancel(&mut self) {
        self.running = None;
    }

    /// How many of the next samples the recording passes or takes.
    fn share(&self, samples: usize) -> usize {
        match &self.running {
            None => 0,
            Some(running) => running.until.map_or(samples, |until| {
                usize::try_from(until.saturating_sub(self.position)).unwrap_or(usize::MAX).min(samples)
            }),
        }
    }

    /// Ends the recording if all of it was heard.
    fn end(&mut self) -> Vec<Step> {
        let until = self.running.as_ref().and_then(|running| running.until);
        match until {
            Some(until) if self.position >= until => self.finish(),
            _ => Vec::new(),
        }
    }

    fn remember(&mut self, samples: &[f32]) {
        self.position += samples.len() as u64;
        self.memory.extend(samples);
        let over = self.memory.len().saturating_sub(self.kept);
        self.memory.drain(..over);
    }
}
