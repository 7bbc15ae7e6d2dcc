//! How far indexing is, and how long it will take.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use crate::text::{counted, duration, thousands};

/// What is being done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Work {
    /// Nothing: all is up to date, or nothing was added.
    #[default]
    Idle,
    /// The folders are looked through.
    Walking,
    /// What changed is read.
    Reading,
    /// Vectors are found.
    Embedding,
    /// Pictures are looked at, recordings heard.
    Looking,
    /// It is paused.
    Paused,
    /// Another percept does it.
    Elsewhere,
}

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub work: Work,
    /// Files or passages done.
    pub done: u64,
    /// Of so many; 0 if that isn't known.
    pub total: u64,
    /// Seconds that this step will take, by its speed so far.
    pub left_s: Option<u64>,
    /// What it is at.
    pub at: Option<PathBuf>,
    /// Files that were left out.
    pub skipped: u64,
    /// What went wrong last: a sentence.
    pub trouble: Option<String>,
}

impl Progress {
    /// Per cent of the step, where its length is known.
    pub fn percent(&self) -> Option<u64> {
        (self.total > 0).then(|| self.done.min(self.total).saturating_mul(100) / self.total)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, many, verb) = match self.work {
            Work::Idle => return f.write_str("up to date"),
            Work::Paused => return f.write_str("paused"),
            Work::Elsewhere => return f.write_str("another percept is at it"),
            Work::Walking => return write!(f, "looking through folders · {}", files(self.done)),
            Work::Reading => ("file", "files", "reading"),
            Work::Embedding => ("passage", "passages", "finding vectors"),
            Work::Looking => ("file", "files", "looking and listening"),
        };
        let of = counted(self.total, one, many);
        write!(f, "{verb} · {} of {of}", thousands(self.done))?;
        if let Some(percent) = self.percent() {
            write!(f, " · {percent}%")?;
        }
        match self.left_s {
            Some(left) => write!(f, " · {} left", duration(i64::try_from(left).unwrap_or(0) * 1000)),
            None => Ok(()),
        }
    }
}

fn files(count: u64) -> String {
    counted(count, "file", "files")
}

/// Seconds of a step before an estimate means anything.
const LEAST_S: f64 = 1.0;

/// The pace of a step, in a unit that takes about the same time each: bytes, passages.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    total: u64,
}

impl Pace {
    pub(super) fn of(total: u64) -> Self {
        Self { begun: Instant::now(), total }
    }

    /// Seconds that are left when so much is done.
    pub(super) fn left_s(&self, done: u64) -> Option<u64> {
        left_s(self.begun.elapsed().as_secs_f64(), done, self.total)
    }
}

fn left_s(seconds: f64, done: u64, total: u64) -> Option<u64> {
    let known = done > 0 && seconds >= LEAST_S;
    known.then(|| (seconds / done as f64 * total.saturating_sub(done) as f64).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_the_pace() {
        assert_eq!(left_s(10.0, 25, 100), Some(30));
        assert_eq!(left_s(0.2, 25, 100), None, "too soon to tell");
        assert_eq!(left_s(5.0, 0, 100), None);
        assert_eq!(left_s(5.0, 200, 100), Some(0));
    }

    #[test]
    fn progress_is_a_line() {
        let reading = Progress {
            work: Work::Reading,
            done: 1200,
            total: 4800,
            left_s: Some(90),
            ..Progress::default()
        };
        assert_eq!(reading.to_string(), "reading · 1,200 of 4,800 files · 25% · 1 min 30 s left");
        let embedding = Progress { work: Work::Embedding, done: 1, total: 1, ..Progress::default() };
        assert_eq!(embedding.to_string(), "finding vectors · 1 of 1 passage · 100%");
        assert_eq!(Progress::default().to_string(), "up to date");
    }
}
