//! The scores known for models on this machine.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::report::{OfKind, Report};

/// What a model was measured at, by kind: a run of some kinds leaves the others as they were.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scores {
    /// Its name when it was measured last.
    pub model: String,
    /// The suite of that run.
    pub suite: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The results, the newest of each kind.
    pub kinds: Vec<OfKind>,
    /// The probability under which marking a word finds the wrong ones best, where enough words
    /// were read to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure_below: Option<f32>,
}

impl Scores {
    /// Those of a report, over earlier ones.
    pub fn new(suite: &str, report: &Report, at_ms: i64, earlier: Option<Self>) -> Self {
        let found = report.calibration.as_ref().and_then(Calibration::threshold);
        let unsure_below = found.or(earlier.as_ref().and_then(|earlier| earlier.unsure_below));
        let mut kinds = report.kinds.clone();
        let again = |of: &OfKind| report.kinds.iter().any(|new| new.kind == of.kind);
        kinds.extend(earlier.into_iter().flat_map(|earlier| earlier.kinds).filter(|of| !again(of)));
        kinds.sort_by_key(|of| of.kind);
        Self { model: report.model.clone(), suite: suite.to_owned(), at_ms, kinds, unsure_below }
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
