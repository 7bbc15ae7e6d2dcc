//! Where a path leads: inside the working folder, outside of it, or to something secret.
//!
//! A path is judged twice, as it reads (`..` taken away) and as the disk has it (links
//! followed, as far as it exists). After a `cd` that may or may not work, a relative path
//! must be harmless from every folder that the shell may stand in.

use std::path::{Component, Path, PathBuf};

use super::secret::is_secret;
use super::word::Word;

/// The most entries looked at to tell that none of them is secret; a fuller folder asks.
const MAX_ENTRIES: usize = 2_000;

/// File systems that are a window into the kernel or a device.
const MACHINE: &[&str] = &["/proc", "/sys", "/dev", "/run"];

/// The most folders that a shell may stand in: each `cd` can double them.
const MAX_STANDING: usize = 8;

/// What a program that goes through folders reads of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Everything, as `grep -r`.
    All,
    /// What is neither hidden nor ignored, as `rg`.
    Shown,
}

/// Where the shell stands, and what must stay unread.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    home: Option<PathBuf>,
    private: Vec<PathBuf>,
    /// Every folder that the shell may stand in; the working folder first.
    standing: Vec<PathBuf>,
}

impl Place {
    /// The shell stands in the working folder.
    pub fn new(folder: &Path, home: Option<&Path>, private: &[PathBuf]) -> Self {
        let folder = normal(folder);
        Self {
            standing: vec![folder.clone()],
            folder,
            home: home.map(normal),
            private: private.iter().map(|path| normal(path)).collect(),
        }
    }

    /// Every folder that the shell may stand in.
    pub fn standing(&self) -> &[PathBuf] {
        &self.standing
    }

    /// Whether a program may read what a word names.
    ///
    /// # Errors
    ///
    /// It may not without being asked; the reason.
    pub fn path(&self, word: &Word) -> Result<(), String> {
        self.each(word, |path| self.inside(path))?;
        match word.glob {
            Some(at) => self.pattern(word, at),
            None => Ok(()),
        }
    }

    /// Whether a program that tells only sizes and mounts may get what a word names, which
    /// may be anywhere.
    ///
    /// # Errors
    ///
    /// It may not without being asked; the reason.
    pub fn mount(&self, word: &Word) -> Result<(), String> {
        if word.glob.is_some() {
            return self.path(word);
        }
        self.each(word, |path| self.open(&normal(path)).and_then(|()| self.open(&real(path))))
    }

    /// Whether a program may read all that lies in what a word names.
    ///
    /// # Errors
    ///
    /// It may not without being asked; the reason.
    pub fn tree(&self, word: &Word, reads: Reads) -> Result<(), String> {
        self.path(word)?;
        let look = |path: &Path| match reads {
            Reads::All => self.look_through(path, &mut MAX_ENTRIES.clone()),
            Reads::Shown => self.look_through_shown(path),
        };
        let Some(at) = word.glob else { return self.each(word, look) };
        let start = word.text[..at].rsplit('/').next().unwrap_or_default();
        self.each(&folder_of(word, at), |folder| {
            let found = entries(folder, &mut MAX_ENTRIES.clone())?;
            let matches = |path: &&PathBuf| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
            };
            found.iter().filter(matches).try_for_each(|path| look(path))
        })
    }

    /// Notes that the shell goes to a folder, or fails to and stays.
    ///
    /// # Errors
    ///
    /// The folder lies outside.
    pub fn go(&mut self, word: &Word) -> Result<(), String> {
        if word.glob.is_some() {
            return Err("`cd` with a pattern can lead anywhere".to_owned());
        }
        self.path(word)?;
        let there: Vec<PathBuf> = self.standing.iter().map(|from| self.join(from, word)).collect();
        for folder in there {
            if !self.standing.contains(&folder) {
                self.standing.push(folder);
            }
        }
        if self.standing.len() > MAX_STANDING {
            return Err("it goes through too many folders to tell where it ends".to_owned());
        }
        Ok(())
    }

    fn join(&self, from: &Path, word: &Word) -> PathBuf {
        match (&self.home, word.text.strip_prefix('~')) {
            (Some(home), Some(rest)) if word.home => home.join(rest.trim_start_matches('/')),
            _ => from.join(&word.text),
        }
    }

    fn each(&self, word: &Word, judge: impl Fn(&Path) -> Result<(), String>) -> Result<(), String> {
        if word.home && self.home.is_none() {
            return Err("no home folder is known for `~`".to_owned());
        }
        self.standing.iter().try_for_each(|from| judge(&self.join(from, word)))
    }

    fn inside(&self, path: &Path) -> Result<(), String> {
        let read = normal(path);
        self.open(&read)?;
        // From `/` everything is inside, which would say nothing.
        if self.folder.parent().is_none() || !read.starts_with(&self.folder) {
            return Err(format!("{} lies outside the working folder", path.display()));
        }
        if let Some(machine) = MACHINE.iter().find(|machine| read.starts_with(machine)) {
            return Err(format!("{machine} holds the machine's own state"));
        }
        let real = real(path);
        if real != read && !real.starts_with(self::real(&self.folder)) {
            return Err(format!("{} leads out of the working folder by a link", path.display()));
        }
        self.open(&real)
    }

    /// Whether a path, however it was found, is nothing secret.
    fn open(&self, path: &Path) -> Result<(), String> {
        match is_secret(path) || self.private.iter().any(|private| path.starts_with(private)) {
            true => Err(format!("{} looks like something secret", path.display())),
            false => Ok(()),
        }
    }

    /// Whether a pattern can only match what may be read. It becomes words before the
    /// program sees it: a file called `-exec` would become a flag.
    fn pattern(&self, word: &Word, at: usize) -> Result<(), String> {
        let (before, after) = word.text.split_at(at);
        if !before.chars().any(|c| c == '/' || c.is_alphabetic()) {
            return Err(format!("the pattern `{}` can match a name that is a flag", word.raw));
        }
        let start = before.rsplit('/').next().unwrap_or_default();
        if after.contains('/') {
            return Err(format!("the pattern `{}` goes through folders that aren't named", word.raw));
        }
        if start.starts_with('.') {
            return Err(format!("the pattern `{}` matches hidden files", word.raw));
        }
        self.each(&folder_of(word, at), |path| {
            let mut left = MAX_ENTRIES;
            entries(path, &mut left)?
                .iter()
                .filter(|entry| {
                    entry.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
                })
                .try_for_each(|entry| self.inside(entry))
        })
    }

    fn look_through_shown(&self, path: &Path) -> Result<(), String> {
        // What `rg` reads in beside what others do.
        let walk = ignore::WalkBuilder::new(path).add_custom_ignore_filename(".rgignore").build();
        for (seen, entry) in walk.flatten().enumerate() {
            if seen > MAX_ENTRIES {
                return Err(too_much(path));
            }
            self.open(entry.path())?;
        }
        Ok(())
    }

    fn look_through(&self, path: &Path, left: &mut usize) -> Result<(), String> {
        for entry in entries(path, left)? {
            // `diff -r` follows the links that it meets.
            match entry.is_symlink() {
                true => self.inside(&entry)?,
                false => self.open(&entry)?,
            }
            if entry.is_dir() {
                self.look_through(&entry, left)?;
            }
        }
        Ok(())
    }
}

/// The folder whose files a pattern is matched with, which begins at a place in a word.
fn folder_of(word: &Word, at: usize) -> Word {
    let folder = word.text[..at].rsplit_once('/').map_or(".", |(folder, _)| folder);
    Word { home: word.home, ..Word::plain(if folder.is_empty() { "/" } else { folder }) }
}

/// What a folder holds; nothing where it is none.
fn entries(folder: &Path, left: &mut usize) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        *left = left.checked_sub(1).ok_or_else(|| too_much(folder))?;
        found.push(entry.path());
    }
    Ok(found)
}

fn too_much(folder: &Path) -> String {
    format!("{} holds too much to tell that nothing in it is secret", folder.display())
}

/// Takes `.` and `..` out of a path, as it reads.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Where a path leads with its links followed, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut known = path;
    loop {
        if let Ok(real) = known.canonicalize() {
            missing.reverse();
            return normal(&missing.iter().fold(real, |path, name| path.join(name)));
        }
        let Some(parent) = known.parent() else { return normal(path) };
        match known.components().next_back() {
            Some(last) => missing.push(last.as_os_str().to_owned()),
            None => return normal(path),
        }
        known = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_placed_as_they_read() {
        let mut place = Place::new(Path::new("/nowhere/work"), Some(Path::new("/nowhere")), &[]);
        let ok = |place: &Place, raw: &str| place.path(&Word::read(raw)).is_ok();
        assert!(ok(&place, "a/../b") && ok(&place, "/nowhere/work/x") && ok(&place, "~/work/x"));
        assert!(
            !ok(&place, "..")
                && !ok(&place, "/nowhere/workshop")
                && !ok(&place, "~")
                && !ok(&place, "a/../../b")
        );
        assert!(ok(&place, "src/*.rs") && ok(&place, "./*") && ok(&place, "a*"));
        assert!(!ok(&place, "*") && !ok(&place, "*/x") && !ok(&place, "src/.*") && !ok(&place, "-*"));
        place.go(&Word::read("src")).unwrap();
        assert!(ok(&place, "x") && !ok(&place, "../x"), "the `cd` may have failed");
        assert!(place.go(&Word::read("../..")).is_err());
        assert!(!ok(&Place::new(Path::new("/"), None, &[]), "x"), "from the root nothing is inside");
        assert!(!ok(&Place::new(Path::new("/proc/self"), None, &[]), "status"));
    }

    #[cfg(unix)]
    #[test]
    fn links_out_and_secrets_in_a_folder_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("work");
        std::fs::create_dir_all(folder.join("src")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.join("out")).unwrap();
        std::os::unix::fs::symlink("src", folder.join("in")).unwrap();
        let place = Place::new(&folder, None, &[folder.join("own")]);
        let path = |raw: &str| place.path(&Word::read(raw));
        assert!(path("out/passwd").unwrap_err().contains("by a link"));
        assert!(path("out/no/such").is_err() && path("./o*").is_err() && path("own/x").is_err());
        assert_eq!(path("in/x"), Ok(()));
        assert_eq!(place.tree(&Word::read("src"), Reads::All), Ok(()));
        std::os::unix::fs::symlink("/etc", folder.join("src/out")).unwrap();
        assert!(place.tree(&Word::read("src"), Reads::All).unwrap_err().contains("by a link"));
        std::fs::remove_file(folder.join("src/out")).unwrap();
        std::os::unix::fs::symlink(".", folder.join("src/loop")).unwrap();
        assert!(place.tree(&Word::read("src"), Reads::All).is_ok(), "a loop ends");
        std::fs::write(folder.join("src/.env"), "").unwrap();
        assert!(place.tree(&Word::read("."), Reads::All).unwrap_err().contains("secret"));
        assert_eq!(path("src/*"), Ok(()), "a pattern doesn't match hidden files");
        assert_eq!(place.tree(&Word::read("."), Reads::Shown), Ok(()));
        std::fs::write(folder.join("src/id_rsa"), "").unwrap();
        assert!(place.tree(&Word::read("."), Reads::Shown).is_err());
        assert!(path("src/*").is_err());
    }
}
