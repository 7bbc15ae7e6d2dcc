//! The scores known for models on this machine.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::report::Report;

/// What a model was measured at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scores {
    /// Its name when it was measured.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The results by kind.
    pub report: Report,
    /// The probability under which marking a word finds the wrong ones best, where enough words
    /// were read to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure_below: Option<f32>,
}

impl Scores {
    /// Those of a report.
    pub fn new(suite: &str, report: &Report, at_ms: i64) -> Self {
        let unsure_below = report.calibration.as_ref().and_then(Calibration::threshold);
        let (model, suite, report) = (report.model.clone(), suite.to_owned(), report.clone());
        Self { model, suite, at_ms, report, unsure_below }
    }

    /// Where the scores of a model with this fingerprint are.
    pub fn path(evals: &Path, fingerprint: &str) -> PathBuf {
        evals.join("scores").join(format!("{fingerprint}.json"))
    }

    /// Those of a model, if it was measured here and they can be read.
    pub fn of(evals: &Path, fingerprint: &str) -> Option<Self> {
        let text = std::fs::read(Self::path(evals, fingerprint)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps them in place of earlier ones.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub fn keep(&self, evals: &Path, fingerprint: &str) -> io::Result<()> {
        let path = Self::path(evals, fingerprint);
        let folder = path.parent().unwrap_or(evals);
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, self)?;
        file.persist(&path)?;
        Ok(())
    }
}
