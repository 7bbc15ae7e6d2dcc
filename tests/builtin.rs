//! Tools of percept's own that run a program, for real: text is read out of a picture, and
//! shipped commands work in the sandbox.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests")]

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use percept::attachment::{Attachment, Source};
use percept::intake::{self, Given};
use percept::session::BlobStore;
use percept::tools::arguments::Arguments;
use percept::tools::builtin::BuiltIn;
use percept::tools::manifest::{Action, Manifest, shipped};
use percept::tools::ocr::tesseract;
use percept::tools::sandbox::{self, Ended, Policy, Run, Support};
use percept::tools::scene::{Found, Scene};

fn percept() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_percept"))
}

fn manifest(name: &str) -> Option<Manifest> {
    shipped().into_iter().flat_map(Result::unwrap).find(|manifest| manifest.name == name)
}

fn arguments(manifest: &Manifest, given: &str) -> Arguments {
    Arguments::check(manifest, &serde_json::from_str(given).unwrap()).unwrap()
}

/// Why nothing can be read here.
fn cannot_read() -> Option<String> {
    match (tesseract(), sandbox::support()) {
        (None, _) => Some("tesseract is not installed".to_owned()),
        (_, Support::None(why)) => Some(why),
        _ => None,
    }
}

fn read_text(picture: &[u8], stop: bool) -> Result<Found, String> {
    let dir = tempfile::tempdir().unwrap();
    let blobs = BlobStore::temporary().unwrap();
    let intake = intake::Options::default();
    let given =
        Given::Bytes { name: "error.png".to_owned(), bytes: picture.to_vec(), source: Source::Clipboard };
    let taken = intake::take(&given, &intake).unwrap();
    blobs.put(&taken.original).unwrap();
    let attachments: [Attachment; 1] = [taken.attachment];
    let scene = Scene {
        folder: dir.path(),
        home: None,
        private: &[],
        attachments: &attachments,
        blobs: &blobs,
        intake: &intake,
        commands: &sandbox::Options {
            percept: percept(),
            by: sandbox::support(),
            spool: dir.path().join("spool"),
            most_spool: 1 << 30,
            most_output: 1,
        },
        most_output: 4096,
        library: None,
        stop: &AtomicBool::new(stop),
    };
    BuiltIn::ReadText.run(&arguments(&manifest("read_text").unwrap(), "{}"), &scene)
}

#[test]
fn the_words_of_a_dialog_are_read_with_their_places() {
    if let Some(why) = cannot_read() {
        eprintln!("skipped: {why}");
        return;
    }
    let found = read_text(include_bytes!("../samples/error.png"), false).unwrap();
    assert!(found.text.contains("read by OCR (Tesseract); it may be wrong"), "{}", found.text);
    let line = found.text.lines().find(|line| line.ends_with("% Permission denied: /etc/hosts"));
    let line = line.unwrap_or_else(|| panic!("{}", found.text));
    let place = line.strip_prefix('[').unwrap().split_once(']').unwrap().0;
    let place: Vec<f64> = place.split(',').map(|edge| edge.parse().unwrap()).collect();
    // 17 to 238 of 320 pixels, 40 to 52 of 140.
    for (edge, expected) in place.into_iter().zip([53.0, 285.0, 743.0, 371.0]) {
        assert!((edge - expected).abs() < 20.0, "{line}");
    }
    assert!(found.taken.is_empty() && found.whole.is_none());
}

#[test]
fn reading_text_can_be_stopped() {
    if let Some(why) = cannot_read() {
        eprintln!("skipped: {why}");
        return;
    }
    let start = Instant::now();
    let stopped = read_text(include_bytes!("../samples/error.png"), true);
    assert_eq!(stopped.unwrap_err(), "The person stopped it.");
    assert!(start.elapsed() < Duration::from_secs(10));
}

fn in_the_sandbox(name: &str, given: &str, folder: &Path) -> (Ended, String) {
    let manifest = manifest(name).unwrap();
    let Action::Command(template) = &manifest.action else { panic!("{name} is built in") };
    let words = arguments(&manifest, given).command(template, &manifest.parameters);
    let command: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    let policy = Policy::read_only(folder, None, &[]);
    let options = sandbox::Options {
        percept: percept(),
        by: sandbox::support(),
        spool: folder.join("spool"),
        most_spool: 1 << 30,
        most_output: 64 * 1024,
    };
    let stop = Arc::default();
    let run = Run {
        command: &command,
        policy: &policy,
        proven: true,
        time: Duration::from_secs(30),
        stop,
        says: Arc::default(),
    };
    let output = sandbox::run(&run, &options).unwrap();
    (output.ended, String::from_utf8_lossy(&output.bytes).into_owned())
}

fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

#[test]
fn shipped_commands_work_in_the_sandbox() {
    if let Support::None(why) = sandbox::support() {
        eprintln!("skipped: {why}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let git = |words: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.current_dir(dir.path()).env("HOME", dir.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        let output =
            git.args(["-c", "user.name=Ada", "-c", "user.email=a@b.c"]).args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    std::fs::write(dir.path().join("a"), "one\n").unwrap();
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "a"]);
    git(&["commit", "-q", "-m", "The first"]);
    std::fs::write(dir.path().join("a"), "two\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("127.0.0.1:{} ", listener.local_addr().unwrap().port());
    let process = format!("{} ", std::process::id());
    for (program, tool, given, holds) in [
        ("git", "git_log", r#"{"path": "a", "stat": true}"#, "Ada: The first"),
        ("git", "git_diff", "{}", "+two"),
        ("git", "git_diff", r#"{"stat": true, "path": "a"}"#, "1 file changed"),
        ("git", "git_status", "{}", "## main\n M a"),
        ("df", "disk_free", r#"{"path": "."}"#, "Filesystem"),
        ("du", "disk_usage", "{}", "\t./.git"),
        ("ps", "processes", "{}", process.as_str()),
        ("free", "memory", "{}", "Mem:"),
        ("uname", "system", "{}", "Linux"),
        ("ss", "ports", "{}", port.as_str()),
    ] {
        if !is_installed(program) {
            eprintln!("skipped: {program} is not installed");
            continue;
        }
        let (ended, text) = in_the_sandbox(tool, given, dir.path());
        assert!(ended == Ended::Code(0) && text.contains(holds), "{tool}: {ended:?} {text}");
    }
}
