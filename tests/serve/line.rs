//! One is answered and the others wait: who leaves, who is one too many, a worker that dies.

use std::io::{BufRead, BufReader, Read};
use std::net::{Shutdown, TcpStream};

use serde_json::json;

use crate::kit::{Server, answer, question, wait_until, with};

/// Reads a stream until its first word.
fn first_word(stream: &TcpStream) {
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.any(|line| line.unwrap().contains("word0 ")), "no word came");
}

/// How often the worker was stopped.
fn stopped(server: &Server) -> usize {
    server.worker().matches("generate Cancelled").count()
}

fn streamed() -> serde_json::Value {
    with(question("go on"), json!({ "stream": true }))
}

#[test]
fn who_goes_away_is_answered_no_further() {
    let server = Server::start("slow long", &[], &[]);
    let stream = server.begin(&streamed());
    first_word(&stream);
    drop(stream);
    wait_until("the stream's request is stopped", || stopped(&server) == 1);
    wait_until("it is said", || server.said().contains("POST /v1/chat/completions 499, "));
    // One that waits for the whole answer: it is being answered when another one waits.
    let whole = server.queued(&question("go on"));
    std::thread::sleep(std::time::Duration::from_millis(200));
    let waits = server.queued(&streamed());
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(stopped(&server), 1, "both are there");
    // The one that waits leaves: nothing is ever asked for it.
    drop(waits);
    wait_until("its line is left", || server.said().matches(" 499, ").count() == 2);
    drop(whole);
    wait_until("the whole answer's request is stopped", || stopped(&server) == 2);
    let stream = server.begin(&streamed());
    first_word(&stream);
    assert_eq!(server.worker().matches("generate").count(), 2, "{}", server.worker());
    stream.shutdown(Shutdown::Both).unwrap();
    wait_until("the third is stopped", || stopped(&server) == 3);
}

#[test]
fn one_too_many_is_told_to_come_again() {
    let server = Server::start("slow long", &[], &[("PERCEPT_SERVE_WAITING", "1")]);
    let first = server.begin(&streamed());
    first_word(&first);
    let second = server.queued(&streamed());
    let third = server.post(&question("Hi"));
    assert_eq!(third.error(), (429, "queue_full".into(), String::new()));
    assert!(third.head.to_lowercase().contains("retry-after: 5"), "{third:?}");
    // Others are answered meanwhile.
    assert_eq!(server.get("/v1/models").status, 200);
    drop(first);
    first_word(&second);
    assert_eq!(stopped(&server), 1);
}

#[test]
fn a_dead_worker_is_said_and_the_next_request_is_answered() {
    for stream in [false, true] {
        let server = Server::start("die", &[], &[]);
        let died = server.post(&with(question("Hi"), json!({ "stream": stream })));
        let reason =
            "The model's worker died: it ended with exit code 7; its last words: fake: dying as told.";
        assert!(died.body.contains(reason), "{died:?}");
        match stream {
            false => assert_eq!(died.error(), (503, "unavailable".into(), String::new())),
            true => {
                assert!(died.body.contains("data: {\"error\":") && !died.body.contains("[DONE]"), "{died:?}");
                wait_until("it is said", || server.said().contains("POST /v1/chat/completions 503, "));
            }
        }
        assert_eq!(server.post(&question("Hi")).status, 200, "{}", server.said());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_is_killed_is_started_again() {
    use rustix::process::{Pid, Signal, kill_process};
    let server = Server::start("slow long", &[], &[]);
    let stream = server.begin(&streamed());
    first_word(&stream);
    let worker = crate::common::child_of(server.child.id(), "fake-worker").unwrap();
    kill_process(Pid::from_raw(worker as i32).unwrap(), Signal::KILL).unwrap();
    let mut rest = String::new();
    (&stream).read_to_string(&mut rest).unwrap();
    assert!(rest.contains("signal 9"), "{rest}");
    let stream = server.begin(&streamed());
    first_word(&stream);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_when_what_runs_is_answered() {
    use rustix::process::{Pid, Signal, kill_process};
    let mut server = Server::start("slow", &[], &[]);
    let folder = server.home.path("cache/serve").join(server.port.to_string());
    // It is quoted, word by word: long enough for what follows.
    let long = question(&"word ".repeat(60));
    let mut running = server.begin(&with(long, json!({ "stream": true })));
    let mut rest = String::new();
    let mut start = [0; 64];
    running.read_exact(&mut start).unwrap();
    let waits = server.queued(&question("Hi"));
    let pid = Pid::from_raw(server.child.id() as i32).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(answer(waits).status, 503);
    running.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("data: [DONE]"), "{rest}");
    let ended = server.child.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{}", server.said());
    assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err());
    assert!(!folder.exists(), "no picture is left");
}
