//! A suite: a folder with `suite.toml` and the files that its items name.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use super::item::{Answer, Item};

/// The file that makes a folder a suite.
pub(super) const FILE: &str = "suite.toml";

/// A longer one is not read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Items, and the folder of their files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// The items, in the order in which they are asked.
    #[serde(rename = "item", default)]
    pub items: Vec<Item>,
    /// Where the files lie.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Why a suite can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The file can't be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is no suite.
    #[error("{}: {error}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: Box<toml::de::Error>,
    },
    /// An item can't be asked.
    #[error("{}: item {id:?}: {why}", path.display())]
    Item {
        /// The file.
        path: PathBuf,
        /// The item.
        id: String,
        /// Why.
        why: String,
    },
    /// There is nothing to ask.
    #[error("{} has no items; docs/perception.md has an example", .0.display())]
    Empty(PathBuf),
    /// It can't be put into words.
    #[error("a suite can't be written: {0}")]
    Write(#[from] toml::ser::Error),
}

impl Suite {
    /// Reads a suite's folder, or the file in it.
    ///
    /// # Errors
    ///
    /// [`SuiteError`]: each item must have its own name, an answer, and files that are there and lie
    /// in the folder.
    pub fn read(place: &Path) -> Result<Self, SuiteError> {
        let path = if place.is_dir() { place.join(FILE) } else { place.to_owned() };
        let failed = |error: io::Error| SuiteError::File { path: path.clone(), error };
        let text = text_of(&path).map_err(failed)?;
        let mut suite: Self = toml::from_str(&text)
            .map_err(|error| SuiteError::Format { path: path.clone(), error: Box::new(error) })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        suite.folder = folder.unwrap_or(Path::new(".")).to_owned();
        if suite.items.is_empty() {
            return Err(SuiteError::Empty(path));
        }
        let inside = suite.folder.canonicalize().map_err(failed)?;
        let mut ids = HashSet::new();
        for item in &suite.items {
            let wrong = |why: String| SuiteError::Item { path: path.clone(), id: item.id.clone(), why };
            if !ids.insert(item.id.as_str()) {
                return Err(wrong("there is another one of this name".to_owned()));
            }
            suite.fits(item, &inside).map_err(wrong)?;
        }
        Ok(suite)
    }

    fn fits(&self, item: &Item, inside: &Path) -> Result<(), String> {
        for file in &item.attach {
            if !file.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(format!("{} must lie in the suite's folder", file.display()));
            }
            let place = self.folder.join(file);
            if !place.exists() {
                return Err(format!("{} isn't there", file.display()));
            }
            // A link may lead anywhere.
            let real = place.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
            if !real.starts_with(inside) {
                return Err(format!("{} leads out of the suite's folder", file.display()));
            }
        }
        if item.guess.is_some_and(|guess| !(0.0..=1.0).contains(&guess)) {
            return Err("`guess` is a share, from 0 to 1".to_owned());
        }
        match &item.answer {
            Answer::Speech { .. } if item.attach.len() != 1 => Err("speech needs one recording".to_owned()),
            Answer::Documents(_) if item.attach.len() != 1 => Err("a search needs one folder".to_owned()),
            Answer::Documents(right) if right.is_empty() => Err("no document is right".to_owned()),
            Answer::Choice { is, among } if !among.contains(is) => {
                Err(format!("{is:?} is not among what can be chosen"))
            }
            Answer::Text { is, .. } if is.trim().is_empty() => Err("the right text is empty".to_owned()),
            Answer::Speech { .. } => Ok(()),
            _ if item.question.trim().is_empty() => Err("nothing is asked".to_owned()),
            _ => Ok(()),
        }
    }

    /// A digest of the items and of all that they attach (BLAKE3, 16 hex digits).
    ///
    /// # Errors
    ///
    /// A file can't be read.
    pub fn digest(&self) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&serde_json::to_vec(&self.items)?);
        let attached: BTreeSet<&PathBuf> = self.items.iter().flat_map(|item| &item.attach).collect();
        for file in attached {
            add_files(&self.folder.join(file), &mut hasher)?;
        }
        Ok(hasher.finalize().to_hex()[..16].to_owned())
    }

    /// Writes `suite.toml` into its folder.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub fn write(&self) -> Result<(), SuiteError> {
        let path = self.folder.join(FILE);
        let text = toml::to_string(self)?;
        std::fs::write(&path, text).map_err(|error| SuiteError::File { path, error })
    }
}

/// Adds a file, or all that are in a folder, to a digest; what isn't there adds nothing.
///
/// # Errors
///
/// A file can't be read; its name is in the error.
pub fn add_files(place: &Path, hasher: &mut blake3::Hasher) -> io::Result<()> {
    if !place.exists() {
        return Ok(());
    }
    let walk = WalkBuilder::new(place).standard_filters(false).sort_by_file_path(Path::cmp).build();
    for entry in walk {
        let path = entry.map_err(io::Error::other)?.into_path();
        if path.is_file() {
            // Names and lengths keep the files apart.
            let name = path.strip_prefix(place).unwrap_or(&path);
            let named =
                |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            hasher.update(format!("{name:?} {}", path.metadata().map_err(named)?.len()).as_bytes());
            File::open(&path).and_then(|mut file| io::copy(&mut file, hasher)).map_err(named)?;
        }
    }
    Ok(())
}

/// The text of a suite's file.
fn text_of(path: &Path) -> io::Result<String> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("this is no file"));
    }
    let mut text = String::new();
    let bytes = File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    match bytes as u64 > MOST_BYTES {
        true => Err(io::Error::other(format!("longer than {} MiB", MOST_BYTES >> 20))),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::item::Kind;

    const EXAMPLE: &str = r#"
name = "mine"

[[item]]
id = "login"
kind = "dialog"
attach = ["login.png"]
question = "What does the error say?"
answer.text = { is = "Wrong password", not = ["Cancel"] }

[[item]]
id = "users"
kind = "count"
attach = ["login.png"]
question = "How many users are there?"
answer.number = 3

[[item]]
id = "disk"
kind = "tool-call"
question = "run df -h"
answer.call = { tool = "shell", arguments = { command = "df -h" } }

[[item]]
id = "chart"
kind = "absent"
attach = ["login.png"]
question = "What is the title of the chart?"
answer = "absent"
"#;

    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        std::fs::write(folder.path().join("login.png"), "a picture").unwrap();
        folder
    }

    #[test]
    fn a_suite_is_read_and_written_as_it_was() {
        let folder = folder(EXAMPLE);
        let suite = Suite::read(folder.path()).unwrap();
        assert_eq!(suite.items.len(), 4);
        assert_eq!(suite.items[0].kind, Kind::Dialog);
        assert_eq!(suite.items[1].answer, Answer::Number(3));
        assert_eq!(suite.items[3].answer, Answer::Absent);
        suite.write().unwrap();
        assert_eq!(Suite::read(&folder.path().join(FILE)).unwrap(), suite);
    }

    #[test]
    fn what_is_wrong_with_a_suite_is_said_with_its_place() {
        let wrong = |from: &str, to: &str| {
            let folder = folder(&EXAMPLE.replacen(from, to, 1));
            Suite::read(folder.path()).unwrap_err().to_string()
        };
        assert!(wrong("\"users\"", "\"login\"").contains("another one of this name"));
        assert!(wrong("[\"login.png\"]", "[\"../login.png\"]").contains("must lie in the suite's folder"));
        assert!(wrong("[\"login.png\"]", "[\"gone.png\"]").contains("gone.png isn't there"));
        assert!(wrong("\"What does the error say?\"", "\"\"").contains("nothing is asked"));
        assert!(wrong("kind = \"dialog\"", "kind = \"dialogue\"").contains("dialogue"));
        assert!(wrong("answer.number = 3", "answers.number = 3").contains("answers"));
        assert!(wrong("answer.number = 3", "guess = 12\nanswer.number = 3").contains("from 0 to 1"));
        assert!(Suite::read(folder("name = \"x\"").path()).unwrap_err().to_string().contains("no items"));
        assert!(Suite::read(Path::new("/nonexistent")).unwrap_err().to_string().contains("/nonexistent"));
    }

    #[test]
    fn the_digest_is_of_what_is_attached_too() {
        let folder = folder(EXAMPLE);
        let digest = || Suite::read(folder.path()).unwrap().digest().unwrap();
        let first = digest();
        assert_eq!(digest(), first);
        std::fs::write(folder.path().join("login.png"), "a pictur_").unwrap();
        assert_ne!(digest(), first);
        std::fs::remove_file(folder.path().join("login.png")).unwrap();
        std::fs::create_dir(folder.path().join("login.png")).unwrap();
        let empty = digest();
        std::fs::write(folder.path().join("login.png/.hidden"), "a note").unwrap();
        assert_ne!(digest(), empty);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_outside_of_the_folder_is_attached_or_read_without_end() {
        let folder = folder(EXAMPLE);
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::remove_file(folder.path().join("login.png")).unwrap();
        std::os::unix::fs::symlink(secret.path(), folder.path().join("login.png")).unwrap();
        let error = Suite::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("login.png leads out of the suite's folder"), "{error}");
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join(FILE)).unwrap();
        assert!(Suite::read(folder.path()).unwrap_err().to_string().contains("this is no file"));
    }
}
