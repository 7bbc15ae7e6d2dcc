//! `search_files`: the lines of files that match a regular expression, by ripgrep's own
//! crates. What git ignores, what is hidden, and what looks secret stays unread.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use globset::{GlobBuilder, GlobMatcher};
use grep::regex::{RegexMatcher, RegexMatcherBuilder};
use grep::searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder, Sink, SinkFinish, SinkMatch};
use ignore::{DirEntry, WalkBuilder};

use super::super::arguments::Arguments;
use super::super::permission::is_secret;
use super::super::scene::{Found, Scene};
use super::open::{self, Watched};
use crate::text::{boundary_before, thousands};
use crate::tools::plain::{Page, line};

/// The most matches that the model gets: from more it learns that the pattern is too wide.
const MOST_MATCHES: usize = 200;

/// The most bytes of a matching line.
const MOST_LINE: usize = 300;

/// How long a search may go on: a home folder on a slow disk has no end.
const MOST_TIME: Duration = Duration::from_secs(30);

/// Memory for one line of a file; a file with a longer one is skipped.
const LINE_MEMORY: usize = 16 * 1024 * 1024;

/// Memory for a pattern: `(a{1000}){1000}` is short to write.
const PATTERN_MEMORY: usize = 10 * 1024 * 1024;

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let pattern = arguments.text("pattern").unwrap_or_default();
    let given = arguments.text("path").unwrap_or(".");
    let shown = line(given);
    let matcher = matcher(pattern, arguments.is_set("ignore_case"))?;
    let files = arguments.text("glob").filter(|glob| !glob.is_empty()).map(Files::of).transpose()?;
    let root = scene.resolve(given);
    let metadata = std::fs::metadata(&root).map_err(|error| open::sentence(&shown, &error))?;
    let mut search = Search::new(scene, matcher);
    match metadata.is_dir() {
        // Whether this file may be read was decided by its path.
        false => {
            let file = open::regular(&root, &shown)?;
            search.file(&shown, file);
        }
        true => search.folder(&root, given, files.as_ref())?,
    }
    if scene.stopped() {
        return Err(open::STOPPED.to_owned());
    }
    Ok(Found::text(search.told(pattern, &shown)))
}

fn matcher(pattern: &str, ignore_case: bool) -> Result<RegexMatcher, String> {
    let built = RegexMatcherBuilder::new()
        .case_insensitive(ignore_case)
        .line_terminator(Some(b'\n'))
        .size_limit(PATTERN_MEMORY)
        .dfa_size_limit(PATTERN_MEMORY)
        .build(pattern);
    built.map_err(|error| {
        // The error shows the pattern over several lines; what is wrong comes last.
        let error = error.to_string();
        let why = error.lines().last().unwrap_or_default();
        let why = why.strip_prefix("error: ").unwrap_or(why);
        format!("The pattern is not a regular expression: {}. To find a special character, write a backslash before it.", line(why))
    })
}

/// The files that a glob means: by their name, or by their path where it has a `/`.
struct Files {
    matcher: GlobMatcher,
    by_path: bool,
}

impl Files {
    fn of(glob: &str) -> Result<Self, String> {
        let built = GlobBuilder::new(glob).literal_separator(true).build();
        let built =
            built.map_err(|error| format!("The glob {} can't be read: {}.", line(glob), error.kind()))?;
        Ok(Self { matcher: built.compile_matcher(), by_path: glob.contains('/') })
    }

    fn has(&self, relative: &Path) -> bool {
        match self.by_path {
            true => self.matcher.is_match(relative),
            false => relative.file_name().is_some_and(|name| self.matcher.is_match(Path::new(name))),
        }
    }
}

/// A search under way.
struct Search<'a> {
    scene: &'a Scene<'a>,
    matcher: RegexMatcher,
    searcher: Searcher,
    until: Instant,
    page: Page,
    files: u64,
    files_with: u64,
    matches: usize,
    unreadable: u64,
    secret: Arc<AtomicU64>,
    /// No more fits.
    full: bool,
    late: bool,
}

impl<'a> Search<'a> {
    fn new(scene: &'a Scene<'a>, matcher: RegexMatcher) -> Self {
        let searcher = SearcherBuilder::new()
            .line_number(true)
            .binary_detection(BinaryDetection::quit(0))
            .memory_map(MmapChoice::never())
            .heap_limit(Some(LINE_MEMORY))
            .build();
        Self {
            scene,
            matcher,
            searcher,
            until: Instant::now() + MOST_TIME,
            page: Page::new(scene.most_output),
            files: 0,
            files_with: 0,
            matches: 0,
            unreadable: 0,
            secret: Arc::default(),
            full: false,
            late: false,
        }
    }

    fn folder(&mut self, root: &Path, given: &str, files: Option<&Files>) -> Result<(), String> {
        let real = root.canonicalize().map_err(|error| open::sentence(&line(given), &error))?;
        let closed = Closed::below(&real, self.scene.private);
        let secret = Arc::clone(&self.secret);
        let open = move |entry: &DirEntry| {
            let closed = entry.depth() > 0 && closed.has(entry.path());
            secret.fetch_add(u64::from(closed), Ordering::Relaxed);
            !closed
        };
        let mut walk = WalkBuilder::new(&real);
        walk.follow_links(false).sort_by_file_name(Ord::cmp).filter_entry(open);
        for entry in walk.build() {
            self.late = Instant::now() >= self.until;
            if self.full || self.late || self.scene.stopped() {
                break;
            }
            let Ok(entry) = entry else {
                self.unreadable += 1;
                continue;
            };
            let relative = entry.path().strip_prefix(&real).unwrap_or(entry.path());
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            if !is_file || files.is_some_and(|files| !files.has(relative)) {
                continue;
            }
            let shown = shown(given, relative);
            match open::regular_itself(entry.path(), &shown) {
                Ok(file) => self.file(&shown, file),
                Err(_) => self.unreadable += 1,
            }
        }
        Ok(())
    }

    fn file(&mut self, shown: &str, file: File) {
        let left = MOST_MATCHES + 1 - self.matches;
        let mut lines = Lines { found: Vec::new(), left, is_binary: false };
        let watched = Watched { inner: file, scene: self.scene, until: Some(self.until) };
        self.files += 1;
        let searched = self.searcher.search_reader(&self.matcher, watched, &mut lines);
        self.late = Instant::now() >= self.until;
        self.unreadable += u64::from(searched.is_err() && !self.late);
        if lines.is_binary || lines.found.is_empty() {
            return;
        }
        self.files_with += 1;
        for (number, text) in lines.found {
            let fits = self.matches < MOST_MATCHES && self.page.line(&format!("{shown}:{number}: {text}"));
            if !fits {
                self.full = true;
                return;
            }
            self.matches += 1;
        }
    }

    fn told(self, pattern: &str, shown: &str) -> String {
        let count = |count: u64, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{} {many}", thousands(count)),
        };
        let searched = count(self.files, "file was searched", "files were searched");
        let heading = match self.matches {
            0 if !self.full => format!("No line matches {} in {shown}; {searched}.", line(pattern)),
            matches => {
                let matches = count(matches as u64, "matching line", "matching lines");
                format!("{matches} in {}; {searched}:", count(self.files_with, "file", "files"))
            }
        };
        let mut notes = Vec::new();
        if self.full {
            notes.push("there are more matches; use a narrower pattern, path or glob".to_owned());
        }
        if self.late {
            notes
                .push(format!("it was ended after {} seconds; search a smaller folder", MOST_TIME.as_secs()));
        }
        let secret = self.secret.load(Ordering::Relaxed);
        if secret > 0 {
            let secret = count(secret, "file or folder", "files or folders");
            notes.push(format!("{secret} that may hold secrets: not searched"));
        }
        if self.unreadable > 0 {
            let unreadable = count(self.unreadable, "file", "files");
            notes.push(format!("{unreadable} could not be read to the end"));
        }
        self.page.under(&heading, &notes)
    }
}

/// What stays closed below a folder.
struct Closed {
    root: PathBuf,
    /// The folder's own name looks secret, and it may be searched all the same.
    root_is_secret: bool,
    private: Vec<PathBuf>,
}

impl Closed {
    fn below(root: &Path, private: &[PathBuf]) -> Self {
        let real = private.iter().filter_map(|path| path.canonicalize().ok());
        Self {
            root: root.to_owned(),
            root_is_secret: is_secret(root),
            private: private.iter().cloned().chain(real).collect(),
        }
    }

    fn has(&self, path: &Path) -> bool {
        let judged = match self.root_is_secret {
            true => path.strip_prefix(&self.root).unwrap_or(path),
            false => path,
        };
        is_secret(judged) || self.private.iter().any(|private| path.starts_with(private))
    }
}

/// A path as the model can use it again: from the same place as the path that it gave.
fn shown(given: &str, relative: &Path) -> String {
    let path = match given {
        "." | "./" => relative.to_owned(),
        _ => Path::new(given).join(relative),
    };
    line(&path.to_string_lossy())
}

/// Takes the matching lines of a file.
struct Lines {
    found: Vec<(u64, String)>,
    left: usize,
    is_binary: bool,
}

impl Sink for Lines {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, matched: &SinkMatch<'_>) -> io::Result<bool> {
        let bytes = matched.bytes();
        // A character more than is kept is enough to decode.
        let cut = bytes.len() > MOST_LINE + 4;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_LINE + 4)]);
        let mut text = line(text.trim_end_matches(['\n', '\r']));
        if cut || text.len() > MOST_LINE {
            text.truncate(boundary_before(&text, MOST_LINE));
            text.push('…');
        }
        self.found.push((matched.line_number().unwrap_or_default(), text));
        Ok(self.found.len() < self.left)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.is_binary = true;
        Ok(false)
    }

    fn finish(&mut self, _: &Searcher, finish: &SinkFinish) -> io::Result<()> {
        self.is_binary |= finish.binary_byte_offset().is_some();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;
    use super::*;

    #[test]
    fn matches_come_with_path_and_line() {
        let stage = Stage::new();
        stage.write("src/a.rs", "fn one() {}\nfn two() {}\n");
        stage.write("src/deep/b.rs", "// Fn three\r\nx\n");
        stage.write("notes.md", "fn in notes\n");
        assert_eq!(
            stage.text("search_files", r#"{"pattern": "^fn "}"#),
            "3 matching lines in 2 files; 3 files were searched:\nnotes.md:1: fn in notes\nsrc/a.rs:1: fn one() {}\nsrc/a.rs:2: fn two() {}"
        );
        let text = stage.text("search_files", r#"{"pattern": "FN T", "path": "src", "ignore_case": true}"#);
        assert!(text.ends_with("src/a.rs:2: fn two() {}\nsrc/deep/b.rs:1: // Fn three"), "{text}");
        let text = stage.text("search_files", r#"{"pattern": "fn|Fn", "glob": "*.rs"}"#);
        assert!(text.starts_with("3 matching lines in 2 files; 2 files"), "{text}");
        let text = stage.text("search_files", r#"{"pattern": "fn|Fn", "glob": "src/*.rs"}"#);
        assert!(text.starts_with("2 matching lines in 1 file; 1 file was"), "{text}");
        let text = stage.text("search_files", r#"{"pattern": "one", "path": "src/a.rs"}"#);
        assert!(text.ends_with("src/a.rs:1: fn one() {}"), "{text}");
        assert_eq!(
            stage.text("search_files", r#"{"pattern": "nowhere", "path": "src"}"#),
            "No line matches nowhere in src; 2 files were searched."
        );
    }

    #[test]
    fn ignored_hidden_binary_and_secret_files_stay_unread() {
        let mut stage = Stage::new();
        std::fs::create_dir(stage.path(".git")).unwrap();
        stage.write(".gitignore", "target/\n");
        for name in ["target/a", ".hidden", ".env", "server.pem", "secrets/a", "own/a", "open"] {
            stage.write(name, "needle\n");
        }
        stage.write("data", b"needle\n\0needle\n");
        stage.private = vec![stage.path("own")];
        for glob in ["", "*"] {
            let text = stage.text("search_files", &format!(r#"{{"pattern": "needle", "glob": "{glob}"}}"#));
            assert!(
                text.starts_with("1 matching line in 1 file;") && text.contains("\nopen:1: needle\n"),
                "{text}"
            );
            assert!(
                text.contains("[percept: 3 files or folders that may hold secrets: not searched]"),
                "{text}"
            );
        }
        // A person allowed this very folder.
        let text = stage.text("search_files", r#"{"pattern": "needle", "path": "secrets"}"#);
        assert!(text.contains("secrets/a:1: needle"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_pipes_not_waited_for() {
        let stage = Stage::new();
        let outside = Stage::new();
        outside.write("out", "needle\n");
        stage.write("in", "needle\n");
        std::os::unix::fs::symlink(outside.path(""), stage.path("folder")).unwrap();
        std::os::unix::fs::symlink(outside.path("out"), stage.path("link")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(stage.path("pipe")).status();
        assert!(made.unwrap().success());
        let text = stage.text("search_files", r#"{"pattern": "needle"}"#);
        assert_eq!(text, "1 matching line in 1 file; 1 file was searched:\nin:1: needle");
        assert!(stage.error("search_files", r#"{"pattern": "x", "path": "pipe"}"#).contains("a pipe"));
    }

    #[test]
    fn a_wrong_pattern_is_one_sentence() {
        let stage = Stage::new();
        let error = stage.error("search_files", r#"{"pattern": "a(b"}"#);
        assert_eq!(
            error,
            "The pattern is not a regular expression: unclosed group. To find a special character, write a backslash before it."
        );
        for pattern in ["a\\nb", "(a{1000}){1000}", "[", "*"] {
            let call = serde_json::json!({ "pattern": pattern }).to_string();
            let error = stage.error("search_files", &call);
            assert!(error.starts_with("The pattern is not") && !error.contains('\n'), "{error}");
        }
        assert!(stage.error("search_files", r#"{"pattern": "a", "glob": "[a"}"#).starts_with("The glob [a"));
        assert!(stage.error("search_files", r#"{"pattern": "a", "path": "none"}"#).contains("not there"));
    }

    #[test]
    fn it_is_bounded_and_can_be_stopped() {
        let mut stage = Stage::new();
        stage.write("a", "needle\n".repeat(500));
        stage.write("long", format!("x{}\n", "é".repeat(10_000)));
        let text = stage.text("search_files", r#"{"pattern": "needle"}"#);
        assert!(text.starts_with("200 matching lines in 1 file;"), "{text}");
        assert!(text.ends_with("[percept: there are more matches; use a narrower pattern, path or glob]"));
        let text = stage.text("search_files", r#"{"pattern": "xé"}"#);
        assert!(text.ends_with("é…") && text.len() < 500, "{text}");
        stage.most_output = 700;
        let text = stage.text("search_files", r#"{"pattern": "needle"}"#);
        assert!(text.len() <= 700 && text.contains("there are more matches"), "{text}");
        let huge = File::create(stage.path("huge")).unwrap();
        huge.set_len(8 << 30).unwrap();
        let start = Instant::now();
        stage.text("search_files", r#"{"pattern": "needle"}"#);
        assert!(start.elapsed() < Duration::from_secs(5));
        stage.stop();
        assert_eq!(stage.error("search_files", r#"{"pattern": "needle"}"#), open::STOPPED);
    }
}
