//! Files from a server that cuts, stalls, lies and changes its mind: never a wrong one, always a
//! clear word.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod pull;
mod server;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use percept::fetch::{FetchError, Fetched, Options, Place, Progress, Source, Token, fetch};
use server::{Mischief, Page, Server};
use sha2::{Digest, Sha256};

/// Bytes of the file: enough for several pieces.
const BYTES: usize = 700_000;

/// Bytes of a piece.
const PIECE: u64 = 100_000;

fn bytes(seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(BYTES).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A download into a folder of its own.
struct Download {
    folder: tempfile::TempDir,
    source: Source,
    options: Options,
    stop: AtomicBool,
    said: Vec<Progress>,
}

impl Download {
    /// Of `/file`, with nothing known of it.
    fn of(server: &Server) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            source: Source { url: format!("{}/file", server.url), token: None, bytes: None, sha256: None },
            options: Options {
                piece_bytes: PIECE,
                connect_time: Duration::from_secs(2),
                stall_time: Duration::from_secs(10),
                tries: 4,
                pause: Duration::from_millis(10),
                journal_every: Duration::from_millis(1),
                ..Options::default()
            },
            stop: AtomicBool::new(false),
            said: Vec::new(),
        }
    }

    /// With a checksum known.
    fn known(server: &Server, bytes: &[u8]) -> Self {
        let mut download = Self::of(server);
        download.source.sha256 = Some(sha256(bytes));
        download.source.bytes = Some(bytes.len() as u64);
        download
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("model.gguf")
    }

    fn run(&mut self) -> Result<Fetched, FetchError> {
        let place = Place::beside(&self.target());
        fetch(&self.source, &place, &self.options, &self.stop, &mut |progress| self.said.push(progress))
    }

    /// Fails, leaves no file under its name, and says this.
    fn fails(&mut self) -> String {
        let error = self.run().unwrap_err();
        assert!(!self.target().exists(), "no file has the name: {error}");
        error.to_string()
    }

    /// It is right.
    fn succeeds(&mut self, wanted: &[u8]) -> Fetched {
        let fetched = self.run().unwrap();
        assert!(std::fs::read(self.target()).unwrap() == wanted, "the file is right");
        assert_eq!(fetched.sha256, sha256(wanted));
        let mut left: Vec<_> =
            self.folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["model.gguf", "model.gguf.lock"], "nothing else is left");
        fetched
    }

    fn waits(&self) -> Vec<&str> {
        fn why(progress: &Progress) -> Option<&str> {
            match progress {
                Progress::Waiting { why, .. } => Some(why),
                _ => None,
            }
        }
        self.said.iter().filter_map(why).collect()
    }
}

#[test]
fn a_file_comes_in_pieces_and_all_of_it_once() {
    let server = Server::with(&bytes(0));
    let mut download = Download::known(&server, &bytes(0));
    let fetched = download.succeeds(&bytes(0));
    assert_eq!((fetched.bytes, fetched.resumed), (BYTES as u64, 0));
    assert_eq!(server.asked(), BYTES as u64);
    assert_eq!(server.requests().len(), 1 + 7, "one that asks, and seven pieces");
    assert!(matches!(download.said.last(), Some(Progress::Checking { .. })));
}

#[test]
fn a_server_without_ranges_is_taken_as_it_is() {
    let server = Server::with(&bytes(0));
    server.state.lock().unwrap().ranges = false;
    Download::of(&server).succeeds(&bytes(0));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_server_that_stops_serving_ranges_is_asked_for_the_whole() {
    let server = Server::with(&bytes(0));
    server.will(Mischief::NoRanges);
    Download::of(&server).succeeds(&bytes(0));
}

#[test]
fn after_a_cut_only_the_rest_is_asked_for() {
    let server = Server::with(&bytes(0));
    server.will(Mischief::Cut(60_000)).will(Mischief::Cut(0));
    let mut download = Download::known(&server, &bytes(0));
    download.options.streams = 1;
    download.succeeds(&bytes(0));
    let ranges: Vec<_> = server.requests().iter().filter_map(|request| request.range).take(4).collect();
    assert_eq!(ranges, [(0, 0), (0, 99_999), (60_000, 99_999), (60_000, 99_999)]);
    assert_eq!(download.waits().len(), 2, "{:?}", download.waits());
}

#[test]
fn a_cut_without_ranges_begins_anew_and_gives_up_in_the_end() {
    let server = Server::with(&bytes(0));
    server.state.lock().unwrap().ranges = false;
    server.will(Mischief::Cut(60_000));
    Download::of(&server).succeeds(&bytes(0));
    for _ in 0..4 {
        server.will(Mischief::Cut(60_000));
    }
    let said = Download::of(&server).fails();
    assert!(said.contains("4 tries") && !said.contains("are kept"), "{said}");
}

#[test]
fn a_stall_is_noticed_and_gone_on_from() {
    let server = Server::with(&bytes(0));
    server.will(Mischief::Stall(30_000));
    let mut download = Download::known(&server, &bytes(0));
    download.options.streams = 1;
    download.options.stall_time = Duration::from_millis(300);
    download.succeeds(&bytes(0));
    assert_eq!(download.waits(), ["nothing came for 300 ms"]);
    assert_eq!(server.requests()[2].range, Some((30_000, 99_999)));
}

#[test]
fn a_lie_about_the_length_is_never_believed() {
    let server = Server::with(&bytes(0));
    server.will(Mischief::AtFirst(Box::new(Mischief::Longer(5))));
    let said = Download::known(&server, &bytes(0)).fails();
    assert!(said.contains("has 700005 bytes and should have 700000"), "{said}");

    // Nobody else said how long it is: the pieces that are asked for then aren't there.
    server.will(Mischief::Longer(5)).will(Mischief::Longer(5));
    let fetched = Download::of(&server).succeeds(&bytes(0));
    assert_eq!(fetched.bytes, BYTES as u64);
}

#[test]
fn without_any_length_a_cut_could_not_be_told_from_the_end() {
    let server = Server::with(&bytes(0));
    {
        let mut state = server.state.lock().unwrap();
        (state.ranges, state.says_length) = (false, false);
    }
    let said = Download::of(&server).fails();
    assert!(said.contains("doesn't say how long"), "{said}");
    // Who knows the length and the checksum needs no server for it.
    Download::known(&server, &bytes(0)).succeeds(&bytes(0));
}

#[test]
fn a_file_that_changes_in_between_is_never_mixed() {
    let (old, new) = (bytes(0), bytes(1)[..BYTES - 7].to_vec());
    let server = Server::with(&old);
    server.will(Mischief::Cut(60_000)).will(Mischief::Change(new.clone()));
    let mut download = Download::of(&server);
    download.options.streams = 1;
    download.succeeds(&new);

    let server = Server::with(&old);
    for seed in 1..=3 {
        server.will(Mischief::Change(bytes(seed)[..BYTES - usize::from(seed)].to_vec()));
    }
    let mut download = Download::of(&server);
    download.options.streams = 1;
    let said = download.fails();
    assert!(said.contains("changes while it is downloaded"), "{said}");
}

#[test]
fn wrong_bytes_are_deleted_and_named() {
    let server = Server::with(&bytes(0));
    server.will(Mischief::WrongBytes);
    let mut download = Download::known(&server, &bytes(0));
    let said = download.fails();
    assert!(said.contains("not the right file") && said.contains(&sha256(&bytes(0))), "{said}");
    assert!(!download.folder.path().join("model.gguf.part").exists(), "nothing to go on with");
    download.succeeds(&bytes(0));

    server.will(Mischief::OtherRange);
    let said = Download::known(&server, &bytes(0)).fails();
    assert!(said.contains("sends other bytes"), "{said}");
}

#[test]
fn redirects_are_followed_and_the_token_stays_at_home() {
    let storage = Server::with(&bytes(0));
    let hub = Server::start();
    hub.put("/file", Page::Redirect("/moved".to_owned()));
    hub.put("/moved", Page::Redirect(format!("{}/file?signature=secret", storage.url)));
    let mut download = Download::known(&hub, &bytes(0));
    download.source.token = Token::new("hf_secret");
    download.succeeds(&bytes(0));
    assert!(hub.requests().iter().all(|request| request.token() == Some("Bearer hf_secret")));
    assert!(storage.requests().iter().all(|request| request.token().is_none()));
    assert!(!storage.requests().is_empty());

    hub.put("/file", Page::Redirect("/file".to_owned()));
    let said = Download::of(&hub).fails();
    assert!(said.contains("sent on more than 8 times"), "{said}");
    hub.put("/file", Page::Redirect("ftp://elsewhere/file".to_owned()));
    assert!(Download::of(&hub).fails().contains("begin with https://"));
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    let server = Server::with(&bytes(0));
    let wait = |text: String| Mischief::Status(429, vec![("Retry-After", text)]);
    server.will(Mischief::AtFirst(Box::new(Mischief::Status(503, Vec::new())))).will(wait("1".to_owned()));
    let mut download = Download::known(&server, &bytes(0));
    let begun = Instant::now();
    download.succeeds(&bytes(0));
    assert!(begun.elapsed() >= Duration::from_millis(900), "it waited as it was told");
    assert_eq!(download.waits(), ["the server answered 503", "the server answered 429"]);

    server.will(wait("7200".to_owned()));
    let said = Download::known(&server, &bytes(0)).fails();
    assert!(said.contains("429 and asks to wait 7200 s"), "{said}");
}

#[test]
fn what_is_refused_and_what_is_not_there_is_said_at_once() {
    let server = Server::with(&bytes(0));
    let mut download = Download::of(&server);
    download.source.url.push_str("?key=secret");
    for (status, wanted) in
        [(401, "set HF_TOKEN"), (403, "set HF_TOKEN"), (404, "check the name"), (418, "418")]
    {
        server.will(Mischief::AtFirst(Box::new(Mischief::Status(status, Vec::new()))));
        let said = download.fails();
        assert!(said.contains(wanted) && !said.contains("secret"), "{said}");
    }
    assert_eq!(server.requests().len(), 4, "none is asked for twice");
    for _ in 0..4 {
        server.will(Mischief::AtFirst(Box::new(Mischief::Status(502, Vec::new()))));
    }
    assert!(download.fails().contains("the server answered 502 (4 tries)"));
}

#[test]
fn nobody_at_home_is_said_with_the_host() {
    let server = Server::with(&bytes(0));
    let mut download = Download::of(&server);
    download.source.url = "http://127.0.0.1:1/file".to_owned();
    let said = download.fails();
    assert!(said.contains("127.0.0.1 can't be reached") && said.contains("4 tries"), "{said}");
}

#[test]
fn a_stopped_download_goes_on_with_the_rest() {
    let server = Server::with(&bytes(0));
    server.state.lock().unwrap().slow = Some((10_000, Duration::from_millis(5)));
    let mut download = Download::known(&server, &bytes(0));
    let place = Place::beside(&download.target());
    let stop = AtomicBool::new(false);
    let stopped = fetch(&download.source, &place, &download.options, &stop, &mut |progress| {
        if matches!(progress, Progress::Bringing { done, .. } if done > 100_000) {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let Err(FetchError::Stopped { kept }) = stopped else { panic!("{stopped:?}") };
    assert!(kept > 100_000 && kept < BYTES as u64);
    let before = server.asked();
    server.state.lock().unwrap().slow = None;
    let fetched = download.succeeds(&bytes(0));
    assert_eq!(fetched.resumed, kept);
    assert_eq!(server.asked() - before, BYTES as u64 - kept, "only the rest");
}

#[test]
fn a_journal_that_lies_or_is_of_another_file_is_not_trusted() {
    let journals = [
        "{",
        r#"{"identity":{"bytes":700000,"validator":"\"one\"","sha256":null},"piece_bytes":100000,"done":[100000,0,0,0,0,0,0]}"#,
        r#"{"identity":{"bytes":700000,"validator":"\"two\"","sha256":null},"piece_bytes":100000,"done":[9,0,0,0,0,0,0]}"#,
        r#"{"identity":{"bytes":700000,"validator":"\"one\"","sha256":null},"piece_bytes":100000,"done":[9]}"#,
        r#"{"identity":{"bytes":700000,"validator":"\"one\"","sha256":null},"piece_bytes":0,"done":[]}"#,
    ];
    for journal in journals {
        let server = Server::with(&bytes(0));
        let mut download = Download::of(&server);
        // Only ten bytes are there, whatever the journal says.
        std::fs::write(download.folder.path().join("model.gguf.part"), [7; 10]).unwrap();
        std::fs::write(download.folder.path().join("model.gguf.part.json"), journal).unwrap();
        assert_eq!(download.succeeds(&bytes(0)).resumed, 0, "{journal}");
    }
}

#[test]
fn two_at_once_is_one_and_a_word() {
    let server = Server::with(&bytes(0));
    let mut download = Download::known(&server, &bytes(0));
    let place = Place::beside(&download.target());
    let held = std::fs::File::create(&place.lock).unwrap();
    held.lock().unwrap();
    let said = download.fails();
    assert!(said.contains("being downloaded by another program"), "{said}");
    assert!(server.requests().is_empty());
    drop(held);
    download.succeeds(&bytes(0));
}

#[test]
fn a_disk_that_is_too_small_is_said_before_anything_comes() {
    let server = Server::with(&bytes(0));
    // A whole exabyte is on no disk.
    server.will(Mischief::AtFirst(Box::new(Mischief::Longer(1 << 60))));
    let said = Download::of(&server).fails();
    assert!(said.contains("are needed; free some space"), "{said}");
    assert_eq!(server.asked(), 0);
}
