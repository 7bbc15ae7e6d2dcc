//! What came of an item, and the file in which outcomes are kept: a run that ends early goes on
//! where it was.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::item::{Kind, Verdict};

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
    /// Why there is no answer; then the verdict is wrong, and it is asked again by the next run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Outcome {
    /// Whether there is an answer, and it is right.
    pub fn right(&self) -> bool {
        self.verdict.right && self.error.is_none()
    }
}

/// What a file of outcomes is of: with another suite, model or setting it would say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// The suite's name.
    pub suite: String,
    /// A digest of its items and their files ([`super::Suite::digest`]).
    pub items: String,
    /// The model's name.
    pub model: String,
    /// A digest of its files ([`fingerprint`]).
    pub fingerprint: String,
    /// A digest of what else an answer depends on: percept's version, settings, prompts.
    pub setup: String,
}

impl Of {
    /// The file's name, one for each of what outcomes can be of.
    fn file(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        format!("{}-{}.jsonl", self.fingerprint, &blake3::hash(&text).to_hex()[..16])
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

/// Outcomes in a file: a line that says what they are of, and a line for each. One process has it
/// at a time.
pub struct Outcomes {
    path: PathBuf,
    file: File,
    /// Those that are there, one for each item.
    pub all: Vec<Outcome>,
    /// Where each item's is among them.
    places: HashMap<String, usize>,
}

impl Outcomes {
    /// Opens the file of this in a folder, or makes it; `afresh` begins it anew. A last line that
    /// was not written to its end is dropped, and one that is damaged is passed over.
    ///
    /// # Errors
    ///
    /// It can't be read or written, or another process has it ([`io::ErrorKind::ResourceBusy`]).
    pub fn open(folder: &Path, of: &Of, afresh: bool) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(of.file());
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let why = "another percept measures this just now";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
            }
            // Not all file systems can lock.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut outcomes = Self { path, file, all: Vec::new(), places: HashMap::new() };
        let whole = if afresh { 0 } else { outcomes.read(of)? };
        outcomes.file.set_len(whole)?;
        outcomes.file.seek(io::SeekFrom::End(0))?;
        if whole == 0 {
            line(&mut outcomes.file, of)?;
        }
        Ok(outcomes)
    }

    /// Reads the outcomes; gives how many bytes are whole lines, 0 where the file is of something
    /// else.
    fn read(&mut self, of: &Of) -> io::Result<u64> {
        let mut reader = BufReader::new(self.file.try_clone()?);
        let (mut line, mut whole) = (Vec::new(), 0);
        loop {
            line.clear();
            let bytes = reader.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)? as u64;
            if bytes == 0 || !line.ends_with(b"\n") && bytes < MOST_LINE {
                return Ok(whole);
            }
            if whole == 0 && serde_json::from_slice::<Of>(&line).ok().as_ref() != Some(of) {
                return Ok(0);
            }
            whole += bytes;
            if let Ok(outcome) = serde_json::from_slice(&line) {
                self.put(outcome);
            }
        }
    }

    /// Keeps the newest one of each item.
    fn put(&mut self, outcome: Outcome) {
        match self.places.get(&outcome.id) {
            Some(place) => self.all[*place] = outcome,
            None => {
                self.places.insert(outcome.id.clone(), self.all.len());
                self.all.push(outcome);
            }
        }
    }

    /// Those that have an answer; the others are asked again.
    pub fn answered(&self) -> impl Iterator<Item = &Outcome> {
        self.all.iter().filter(|outcome| outcome.error.is_none())
    }

    /// Adds one; it is on disk when this returns.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn add(&mut self, outcome: Outcome) -> io::Result<()> {
        line(&mut self.file, &outcome)?;
        self.put(outcome);
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
        let [suite, items, fingerprint, setup] = ["s", "i", "f", "u"].map(str::to_owned);
        Of { suite, items, model: model.into(), fingerprint, setup }
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
        let open = || Outcomes::open(folder.path(), &of("a"), false).unwrap();
        let mut outcomes = open();
        outcomes.add(outcome("1")).unwrap();
        outcomes.add(outcome("2")).unwrap();
        let path = outcomes.path().to_owned();
        drop(outcomes);
        let whole = std::fs::read(&path).unwrap();
        for end in whole.len() - 20..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let mut again = open();
            assert_eq!(again.all, [outcome("1")]);
            again.add(outcome("2")).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        assert_eq!(open().all.len(), 2);
    }

    #[test]
    fn a_damaged_line_takes_no_other_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut outcomes = Outcomes::open(folder.path(), &of("a"), false).unwrap();
        for id in ["1", "2", "3"] {
            outcomes.add(outcome(id)).unwrap();
        }
        let path = outcomes.path().to_owned();
        drop(outcomes);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(8).position(|part| part == b"\"id\":\"2\"").unwrap();
        bytes[at] = 0xFF;
        std::fs::write(&path, &bytes).unwrap();
        let again = Outcomes::open(folder.path(), &of("a"), false).unwrap();
        assert_eq!(again.all, [outcome("1"), outcome("3")]);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn what_failed_is_answered_by_what_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let failed = Outcome { error: Some("no server".into()), ..outcome("1") };
        let mut outcomes = Outcomes::open(folder.path(), &of("a"), false).unwrap();
        outcomes.add(failed.clone()).unwrap();
        outcomes.add(outcome("2")).unwrap();
        drop(outcomes);
        let mut again = Outcomes::open(folder.path(), &of("a"), false).unwrap();
        assert_eq!(again.all, [failed, outcome("2")]);
        assert_eq!(again.answered().count(), 1);
        again.add(outcome("1")).unwrap();
        drop(again);
        assert_eq!(Outcomes::open(folder.path(), &of("a"), false).unwrap().all, [outcome("1"), outcome("2")]);
    }

    #[test]
    fn another_model_suite_or_setting_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let others =
            [of("b"), Of { items: "j".into(), ..of("a") }, Of { setup: "v".into(), ..of("a") }, of("a")];
        for of in &others {
            let mut outcomes = Outcomes::open(folder.path(), of, false).unwrap();
            assert!(outcomes.all.is_empty());
            outcomes.add(outcome("1")).unwrap();
        }
        for of in &others {
            assert_eq!(Outcomes::open(folder.path(), of, false).unwrap().all.len(), 1);
        }
        let afresh = Outcomes::open(folder.path(), &of("a"), true).unwrap();
        assert!(afresh.all.is_empty());
        let path = afresh.path().to_owned();
        drop(afresh);
        std::fs::write(path, [0, 159, 10, 200]).unwrap();
        assert!(Outcomes::open(folder.path(), &of("a"), false).unwrap().all.is_empty());
    }

    #[test]
    fn one_process_has_a_file_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Outcomes::open(folder.path(), &of("a"), false).unwrap();
        let second = Outcomes::open(folder.path(), &of("a"), true).err().unwrap();
        assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        assert!(Outcomes::open(folder.path(), &of("a"), false).is_ok());
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
