//! What came of an item, and the file in which outcomes are kept: a run that ends early goes on
//! where it was.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::item::{Item, Kind, Verdict};

/// A longer line is no outcome.
const MOST_LINE: u64 = 4 * 1024 * 1024;

/// What came of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The item.
    pub id: String,
    /// What it tests.
    pub kind: Kind,
    /// The part of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What was asked and answered, to be read again.
    #[serde(default)]
    pub answer: String,
    /// How it compares.
    pub verdict: Verdict,
    /// From the question to the end of the answer.
    pub seconds: f64,
    /// Words that were read, each with its probability and whether it is right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<(f32, bool)>,
    /// The probability of getting it right by chance.
    #[serde(default)]
    pub chance: f64,
    /// Why there is no answer; then the verdict is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Outcome {
    /// Whether there is an answer, and it is right.
    pub fn right(&self) -> bool {
        self.verdict.right && self.error.is_none()
    }
}

/// What a file of outcomes is of: with another suite or model it would say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// The suite's name.
    pub suite: String,
    /// A digest of its items (BLAKE3, hex).
    pub items: String,
    /// The model's name.
    pub model: String,
    /// A digest of its files ([`fingerprint`]).
    pub fingerprint: String,
}

impl Of {
    /// The digest of items.
    pub fn digest(items: &[Item]) -> String {
        let text = serde_json::to_vec(items).unwrap_or_default();
        blake3::hash(&text).to_hex()[..16].to_owned()
    }
}

/// Tells model files apart without reading gigabytes: the length, the first and the last
/// mebibyte of each (BLAKE3, 16 hex digits).
///
/// # Errors
///
/// A file can't be read.
pub fn fingerprint<'a>(files: impl IntoIterator<Item = &'a Path>) -> io::Result<String> {
    const PART: u64 = 1024 * 1024;
    let mut hasher = blake3::Hasher::new();
    for path in files {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        hasher.update(&length.to_le_bytes());
        io::copy(&mut (&mut file).take(PART), &mut hasher)?;
        file.seek(io::SeekFrom::Start(length.saturating_sub(PART)))?;
        io::copy(&mut file.take(PART), &mut hasher)?;
    }
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}

/// Tells models at servers apart, by their names and addresses (BLAKE3, 16 hex digits).
pub fn named_print(name: &str, address: &str) -> String {
    let text = format!("{name}\n{address}");
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

/// Outcomes in a file: a line that says what they are of, and a line for each.
pub struct Outcomes {
    path: PathBuf,
    file: File,
    /// Those that are there.
    pub all: Vec<Outcome>,
}

impl Outcomes {
    /// Opens the file, or makes it; one of something else, or `afresh`, is begun anew. A last line
    /// that was not written to its end is dropped.
    ///
    /// # Errors
    ///
    /// It can't be read or written.
    pub fn open(path: &Path, of: &Of, afresh: bool) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let kept = if afresh { None } else { Self::read(path, of) };
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let all = match kept {
            Some((all, bytes)) => {
                file.set_len(bytes)?;
                file.seek(io::SeekFrom::End(0))?;
                all
            }
            None => {
                file.set_len(0)?;
                line(&mut file, of)?;
                Vec::new()
            }
        };
        Ok(Self { path: path.to_owned(), file, all })
    }

    /// The outcomes of a file, and how many bytes of it are whole lines.
    fn read(path: &Path, of: &Of) -> Option<(Vec<Outcome>, u64)> {
        let mut reader = BufReader::new(File::open(path).ok()?);
        let mut next = || -> Option<String> {
            let mut line = String::new();
            reader.by_ref().take(MOST_LINE).read_line(&mut line).ok()?;
            line.ends_with('\n').then_some(line)
        };
        let first = next()?;
        if serde_json::from_str::<Of>(&first).ok()? != *of {
            return None;
        }
        let (mut all, mut bytes) = (Vec::new(), first.len() as u64);
        while let Some((line, outcome)) =
            next().and_then(|line| serde_json::from_str(&line).ok().map(|outcome| (line, outcome)))
        {
            bytes += line.len() as u64;
            all.push(outcome);
        }
        Some((all, bytes))
    }

    /// Adds one; it is on disk when this returns.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn add(&mut self, outcome: Outcome) -> io::Result<()> {
        line(&mut self.file, &outcome)?;
        self.all.push(outcome);
        Ok(())
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn line(file: &mut File, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    file.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: &str) -> Of {
        Of { suite: "s".into(), items: "i".into(), model: model.into(), fingerprint: "f".into() }
    }

    fn outcome(id: &str) -> Outcome {
        Outcome {
            id: id.into(),
            kind: Kind::Dialog,
            group: None,
            answer: "it says\nthis".into(),
            verdict: Verdict { right: true, of: Some((1, 7)), ..Verdict::default() },
            seconds: 0.5,
            words: vec![(0.25, true)],
            chance: 0.0,
            error: None,
        }
    }

    #[test]
    fn outcomes_are_found_again_and_half_a_line_is_not_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/a.jsonl");
        let mut outcomes = Outcomes::open(&path, &of("a"), false).unwrap();
        outcomes.add(outcome("1")).unwrap();
        outcomes.add(outcome("2")).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for end in whole.len() - 20..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let mut again = Outcomes::open(&path, &of("a"), false).unwrap();
            assert_eq!(again.all, [outcome("1")]);
            again.add(outcome("2")).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        assert_eq!(Outcomes::open(&path, &of("a"), false).unwrap().all.len(), 2);
    }

    #[test]
    fn another_model_another_suite_or_afresh_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        for (of, afresh, left) in [(of("b"), false, 0), (of("a"), true, 0), (of("a"), false, 1)] {
            let mut first = Outcomes::open(&path, &super::tests::of("a"), true).unwrap();
            first.add(outcome("1")).unwrap();
            assert_eq!(Outcomes::open(&path, &of, afresh).unwrap().all.len(), left);
        }
        std::fs::write(&path, [0, 159, 10, 200]).unwrap();
        assert_eq!(Outcomes::open(&path, &of("a"), false).unwrap().all.len(), 0);
    }

    #[test]
    fn files_of_other_contents_or_lengths_have_other_fingerprints() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.gguf");
        let mut seen = std::collections::HashSet::new();
        for (length, at) in [(3_000_000, 0), (3_000_000, 2_999_999), (3_000_001, 0), (10, 5)] {
            let mut bytes = vec![0_u8; length];
            bytes[at] = 1;
            std::fs::write(&path, &bytes).unwrap();
            assert!(seen.insert(fingerprint([path.as_path()]).unwrap()));
        }
        assert!(fingerprint([folder.path().join("none").as_path()]).is_err());
    }
}
