//! `percept transcribe` and attached recordings, through the door, with a fake speech worker:
//! what is recognised is the business of `tests/whisper.rs`.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;
use std::process::Stdio;

use common::{Home, Ran, fake_worker};

/// percept with a fake speech worker, and a file that begins as a speech model does.
fn run(home: &Home, fake: &str, arguments: &[&str]) -> Ran {
    Ran::from(command(home, fake, arguments).output().unwrap())
}

fn command(home: &Home, fake: &str, arguments: &[&str]) -> std::process::Command {
    let head = [b"lmgg".as_slice(), &51_865_u32.to_le_bytes()].concat();
    let model = home.write("ggml-fake.bin", head);
    let mut command = home.percept(fake, arguments);
    command.env("PERCEPT_WORKER_WHISPER", fake_worker()).env("PERCEPT_SPEECH_MODEL", model);
    command
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn each_format_is_what_its_readers_take() {
    let home = Home::new();
    let file = sample("speech.m4a");
    let out = |format: &[&str]| {
        let ran = run(&home, "", &[&["transcribe", &file], format].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
        ran.out
    };
    assert_eq!(out(&[]).trim(), "This is what was said. And this too.");
    assert_eq!(out(&["--text"]), out(&[]));
    assert_eq!(out(&["--lines"]), "[0:00] This is what was said.\n[0:01] And this too.\n");
    let first = "1\n00:00:00,000 --> 00:00:01,000\nThis is what was said.\n";
    assert!(out(&["--srt"]).starts_with(first), "{}", out(&["--srt"]));
    let vtt = out(&["--vtt"]);
    assert!(vtt.starts_with("WEBVTT\n") && vtt.contains("00:00:01.000 --> 00:00:02.000"), "{vtt}");
    let json: serde_json::Value = serde_json::from_str(&out(&["--json"])).unwrap();
    assert_eq!((&json["language"], &json["duration_ms"]), (&"en".into(), &2000.into()));
    assert_eq!(json["segments"][1]["text"], "And this too.");
    // One at a time.
    assert_eq!(run(&home, "", &["transcribe", &file, "--srt", "--json"]).code, Some(2));
}

#[test]
fn what_can_not_be_heard_has_its_exit_code_and_says_what_to_do() {
    let home = Home::new();
    let said = |fake: &str, file: &str| {
        let ran = run(&home, fake, &["transcribe", file]);
        assert_eq!(ran.out, "", "{ran:?}");
        (ran.code, ran.err)
    };
    let (code, err) = said("", "none.wav");
    assert!(code == Some(1) && err.contains("none.wav can't be read: No such file"), "{err}");
    home.write("empty.wav", "");
    let (code, err) = said("", "empty.wav");
    assert!(code == Some(1) && err.contains("empty.wav is empty"), "{err}");
    let (code, err) = said("", ".");
    assert!(code == Some(1) && err.contains("is a folder"), "{err}");
    let (code, err) = said("nospeech", &sample("speech.wav"));
    assert!(code == Some(3) && err.contains("The speech model is cut off. Copy it again."), "{err}");
    // No model at all: which one, from where, and what then.
    let ran = home.run("", &["transcribe", &sample("speech.wav")]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("percept models pull whisper-base"), "{ran:?}");
}

#[test]
fn a_recording_is_heard_from_standard_input_too() {
    let home = Home::new();
    let mut child = command(&home, "", &["transcribe", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let bytes = std::fs::read(sample("speech.flac")).unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bytes).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.out.trim()), (Some(0), "This is what was said. And this too."), "{ran:?}");
}

/// Ctrl+C ends the recorder that writes and not percept; here the writer outlives it even.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_what_is_recorded_into_a_pipe_and_it_is_transcribed() {
    let home = Home::new();
    let (folder, mut child) = in_folder(&home, "", "-");
    let bytes = std::fs::read(sample("speech.flac")).unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, &bytes).unwrap();
    until(|| walk(folder.path()).iter().any(|file| file.metadata().unwrap().len() == bytes.len() as u64));
    signal("INT", &child);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.out.trim()), (Some(0), "This is what was said. And this too."), "{ran:?}");
    assert!(walk(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn terminated_it_leaves_no_files() {
    let home = Home::new();
    let (folder, mut child) = in_folder(&home, "", "-");
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, b"fLaC").unwrap();
    until(|| !walk(folder.path()).is_empty());
    signal("TERM", &child);
    assert_eq!(Ran::from(child.wait_with_output().unwrap()).code, Some(130));
    assert!(walk(folder.path()).is_empty());
    // The same while it is heard: the sound of this one is extracted, where there is ffmpeg.
    let (folder, mut child) = in_folder(&home, "slowspeech", &sample("film.avi"));
    until(|| !walk(folder.path()).is_empty() || child.try_wait().unwrap().is_some());
    signal("TERM", &child);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(ran.code == Some(130) || ran.err.contains("ffmpeg isn't installed"), "{ran:?}");
    assert!(walk(folder.path()).is_empty());
}

/// It would wait for a writer before anything is said.
#[cfg(unix)]
#[test]
fn a_named_pipe_is_refused_with_the_way_that_works() {
    let home = Home::new();
    let pipe = home.path("call.wav");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = run(&home, "", &["transcribe", pipe.to_str().unwrap()]);
    assert!(ran.code == Some(1) && ran.err.contains("call.wav | percept transcribe -"), "{ran:?}");
}

/// `percept transcribe FILE` with a folder of its own for temporary files.
#[cfg(unix)]
fn in_folder(home: &Home, fake: &str, file: &str) -> (tempfile::TempDir, std::process::Child) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(home, fake, &["transcribe", file]);
    command.env("TMPDIR", folder.path()).stdin(Stdio::piped());
    (folder, command.spawn().unwrap())
}

#[cfg(unix)]
fn signal(name: &str, child: &std::process::Child) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[cfg(unix)]
fn until(mut is_so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !is_so() {
        assert!(std::time::Instant::now() < end, "it doesn't come");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_is_killed_in_the_middle_is_an_error_that_says_so() {
    use rustix::process::{Pid, Signal, kill_process};
    let home = Home::new();
    let mut child = command(&home, "hangspeech", &["transcribe", &sample("speech.wav")]).spawn().unwrap();
    // It hangs behind the first of two sentences.
    while !home.path("died").exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let worker = common::child_of(child.id(), "fake-worker").unwrap();
    kill_process(Pid::from_raw(worker as i32).unwrap(), Signal::KILL).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("The speech worker died (signal 9, SIGKILL"), "{ran:?}");
    assert!(ran.err.contains("Try it again; if it dies again, try a smaller model."), "{ran:?}");
}

#[test]
fn an_attached_recording_is_asked_about_by_what_was_said_in_it() {
    let home = Home::new();
    let ran = run(&home, "", &["ask", "--json", "-a", &sample("speech.opus"), "what?"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let attached = &report["attachments"][0];
    assert_eq!((&attached["medium"], &attached["language"]), (&"recording".into(), &"en".into()));
    assert!(attached["duration_ms"].as_u64().unwrap() >= 2000, "{attached}");
    assert!(attached["waveform"].as_array().is_some_and(|peaks| !peaks.is_empty()), "{attached}");
    let shown = home.run("", &["sessions", "show"]).out;
    assert!(shown.contains("speech.opus"), "{shown}");
    // What was said is kept with the conversation, also when the file is gone.
    let id = attached["id"].as_str().unwrap();
    let blobs = home.path("data/blobs");
    let kept = walk(&blobs).into_iter().find(|path| path.ends_with(id)).unwrap();
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains("[0:00] This is what was said.\n[0:01] And this too.\n"), "{kept}");
    // Without a model that hears, it is said, and nothing is asked.
    let ran = home.run("", &["ask", "-a", &sample("speech.opus"), "what?"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("speech.opus: No speech model is on this machine."), "{ran:?}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
