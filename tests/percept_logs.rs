//! `percept logs`, and logs attached to a question, through the door.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::Write;
use std::process::Stdio;

use common::{Home, Ran, model};

/// A log of so many requests; each fiftieth failed.
fn log(lines: usize) -> String {
    let line = |n: usize| {
        let (level, what) = if n % 50 == 49 { ("ERROR", "failed") } else { ("INFO", "done") };
        format!(
            "2024-01-02 {:02}:{:02}:{:02} {level} api: request {n} {what}\n",
            n / 3600,
            n / 60 % 60,
            n % 60
        )
    };
    (0..lines).map(line).collect()
}

fn piped(home: &Home, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = home.percept("", arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn a_digest_quotes_lines_by_their_places_and_the_lines_can_be_looked_up() {
    let home = Home::new();
    home.write("app.log", log(400));
    let digest = home.run("", &["logs", "app.log"]);
    assert_eq!((digest.code, digest.err.as_str()), (Some(0), ""));
    assert!(digest.out.starts_with("# Log digest: 400 lines -> 2 templates\n"), "{}", digest.out);
    assert!(digest.out.contains("app.log:50: 2024-01-02 00:00:49 ERROR api: request 49 failed"));
    let around = home.run("", &["logs", "app.log", "--around", "50"]).out;
    assert!(
        around.contains("app.log:40: ")
            && around.contains("app.log:60: ")
            && !around.contains("app.log:61: ")
    );
    let last = home.run("", &["logs", "app.log", "--level", "error", "--last", "-n", "1"]).out;
    assert!(last.starts_with("app.log:400: ") && last.contains("8 entries; the last 1"), "{last}");
    let counted = home.run("", &["logs", "app.log", "--grep", "failed", "--count", "5m"]).out;
    assert_eq!(counted, "2024-01-02 00:00:00 6\n2024-01-02 00:05:00 2\n8 entries.\n");
    let window = home.run("", &["logs", "app.log", "--since", "00:06:38"]).out;
    assert!(window.ends_with("2 entries.\n"), "{window}");
    let assigned = home.run("", &["logs", "app.log", "--assignments"]).out;
    assert_eq!(assigned.lines().nth(49), Some("50\t2"));
    assert_eq!(assigned.lines().count(), 400);
    let json: serde_json::Value =
        serde_json::from_str(&home.run("", &["logs", "app.log", "--json"]).out).unwrap();
    assert_eq!((&json["lines"], &json["templates"][1]["count"]), (&400.into(), &8.into()));
}

#[test]
fn the_journal_is_piped_in_and_a_rotated_set_is_read_in_its_order() {
    let home = Home::new();
    let entry = |n: u64, priority: u8, message: &str| {
        format!(
            "{{\"__REALTIME_TIMESTAMP\":\"{}\",\"PRIORITY\":\"{priority}\",\"SYSLOG_IDENTIFIER\":\"nginx\",\"MESSAGE\":\"{message}\"}}\n",
            1_700_000_000_000_000 + n * 1_000_000
        )
    };
    let journal: String = (0..30).map(|n| entry(n, 6, "worker process started")).collect();
    let journal = journal + &entry(31, 3, "bind() to 0.0.0.0:80 failed (98: Address already in use)");
    let ran = piped(&home, &["logs"], journal.as_bytes());
    assert!(ran.out.contains("levels: 1 error, 30 info") && ran.out.contains("stdin:31: {"), "{ran:?}");
    let found = piped(&home, &["logs", "-", "--level", "error"], journal.as_bytes());
    assert!(found.out.contains("Address already in use") && found.out.ends_with("1 entry.\n"), "{found:?}");

    let all = log(300);
    let lines: Vec<&str> = all.split_inclusive('\n').collect();
    let gz = {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(lines[..100].concat().as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    std::fs::create_dir(home.path("logs")).unwrap();
    home.write("logs/app.log.2.gz", gz);
    home.write("logs/app.log.1", lines[100..200].concat());
    home.write("logs/app.log", lines[200..].concat());
    home.write("logs/picture.png", b"\x89PNG\r\n\x1a\n");
    let set = home.run("", &["logs", "logs"]);
    let order: Vec<usize> =
        ["- app.log.2.gz: ", "- app.log.1: ", "- app.log: "].map(|name| set.out.find(name).unwrap()).to_vec();
    assert!(order.is_sorted() && set.out.contains("app.log.2.gz:50: "), "{}", set.out);
    assert!(set.err.contains("picture.png is passed over"), "{}", set.err);
}

#[test]
fn secrets_become_placeholders() {
    let home = Home::new();
    let line = "2024-01-02 00:00:00 ERROR api: login of joe@example.org failed, password=hunter2secret\n";
    home.write("app.log", line.repeat(3));
    for arguments in [&["logs", "app.log", "--redact"][..], &["logs", "app.log", "--redact", "--json"]] {
        let ran = home.run("", arguments);
        assert!(!ran.out.contains("hunter2secret") && !ran.out.contains("joe@example.org"), "{}", ran.out);
        assert!(ran.out.contains("<secret:1>") && ran.out.contains("<email:1>"), "{}", ran.out);
        assert!(ran.err.contains("replaced: "), "{}", ran.err);
    }
}

#[test]
fn what_is_wrong_is_said_with_the_way_on() {
    let home = Home::new();
    home.write("app.log", log(60));
    home.write("empty.log", "");
    home.write("data.bin", b"\0\x01\x02\0\0\0");
    for (arguments, says) in [
        (&["logs", "none.log"][..], "none.log is not there"),
        (&["logs", "empty.log"], "is empty"),
        (&["logs", "data.bin"], "There is no log to read"),
        (&["logs"], "no line came"),
        (&["logs", "app.log", "--since", "yesterday"], "no time that is known"),
        (&["logs", "app.log", "--grep", "("], "no regular expression"),
        (&["logs", "app.log", "--template", "99"], "they go from 1 to 2"),
        (&["logs", "app.log", "--around", "61"], "has 60 lines"),
        (&["logs", "app.log", "--around", "ap.log:3"], "Did you mean app.log?"),
        (&["logs", "app.log", "--count", "often"], "no length of time"),
    ] {
        let ran = home.run("", arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{arguments:?} {ran:?}");
        assert!(ran.err.contains(says), "{arguments:?} {}", ran.err);
    }
    assert_eq!(home.run("", &["logs", "app.log", "--level", "loud"]).code, Some(2));
}

#[cfg(unix)]
#[test]
fn a_stream_that_goes_on_is_ended_by_ctrl_c_and_shown_as_far_as_it_came() {
    let home = Home::new();
    let mut child = home.percept("", &["logs"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(log(120).as_bytes()).unwrap();
    input.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    drop(input);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("120 lines -> 2 templates, read until it was stopped"), "{}", ran.out);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_is_named_is_looked_up_as_a_file_is_and_left_by_ctrl_c() {
    let home = Home::new();
    home.write("app.log", log(120));
    let pipe = home.path("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, log(120)).unwrap()
    });
    let found = home.run("", &["logs", "pipe", "--grep", "request 49"]).out;
    writer.join().unwrap();
    assert!(found.starts_with("pipe:50: 2024-01-02 00:00:49 ERROR"), "{found}");

    let child = home.percept("", &["logs", "pipe"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(ran.code != Some(0) && ran.out.is_empty(), "{ran:?}");
}

#[test]
fn a_log_attached_to_a_question_is_its_digest_and_the_model_looks_up_lines() {
    let home = Home::new();
    home.write("app.log", log(400));
    let question = "call query_log {\"around\": \"app.log:50\"}";
    let ran = home.run("", &["ask", "-m", &model(), "-a", "app.log", question]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let shown = home.run("", &["sessions", "show"]).out;
    assert!(shown.contains("app.log:50: 2024-01-02 00:00:49 ERROR api: request 49 failed"), "{shown}");
    // The file is gone: what was kept of it answers.
    std::fs::remove_file(home.path("app.log")).unwrap();
    let json = home.run("", &["sessions", "show", "--json"]).out;
    assert!(json.contains("\"medium\": \"log\"") && json.contains("\"lines\": 400"), "{json}");
    // Chosen for a bundle, the log itself is in it, without its secrets.
    let packed = home.run("", &["sessions", "bundle", "--all-attachments", "--yes", "-o", "out.tar.gz"]);
    assert_eq!(packed.code, Some(0), "{packed:?}");
    let file = std::fs::File::open(home.path("out.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let sizes: Vec<(String, usize)> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            (name, std::io::read_to_string(entry).unwrap().lines().count())
        })
        .collect();
    assert!(
        sizes.iter().any(|(name, lines)| name.ends_with("attachments/01-app.log") && *lines == 400),
        "{sizes:?}"
    );
}
