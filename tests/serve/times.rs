//! Slow clients and a worker that doesn't stop, with times of milliseconds: the library's own
//! server, in this process.
#![cfg(unix)]

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use percept::catalogue::Catalogue;
use percept::engines::WorkerOptions;
use percept::intake;
use percept::retrieval::{EmbedRole, Embedder, Input, Space};
use percept::serve::{self, Models, Options, Times, Token};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::oneshot::{Sender, channel};

use crate::common::{Home, fake_worker};
use crate::kit::{PATIENCE, answer, question, queued, wait_until, with};

/// A server of this process; it ends with the test.
struct Own {
    home: Home,
    port: u16,
    token: Token,
    said: Arc<Mutex<Vec<String>>>,
    end: Option<Sender<()>>,
    served: Option<tokio::task::JoinHandle<Result<(), serve::ServeError>>>,
    runtime: Runtime,
}

impl Own {
    fn start(fake: &str, times: Times) -> Self {
        Self::with(fake, times, Err("There is none.".to_owned()), 4)
    }

    /// The same with what finds vectors, and so many that may wait.
    fn with(fake: &str, times: Times, embedder: Result<Arc<dyn Embedder>, String>, waiting: usize) -> Self {
        let home = Home::new();
        // The variables are the worker's alone.
        let once = home.path("died");
        let script = format!(
            "#!/bin/sh\nPERCEPT_FAKE='{fake}' PERCEPT_FAKE_ONCE='{}' exec '{}'\n",
            once.display(),
            fake_worker().display()
        );
        let program = home.program("worker", &script);
        let first = Catalogue::load(&home.path("none")).0.ready("starter", &home.path("cache")).unwrap();
        let token = Token::at(&home.path("token")).unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&said);
        let options = Options {
            worker: WorkerOptions { first_retry: Duration::from_millis(1), ..WorkerOptions::new(program) },
            models: Models {
                names: vec![first.name.clone()],
                first: Arc::new(first),
                find: Arc::new(|name| Err(name.to_owned())),
            },
            embedder,
            token: token.clone(),
            pictures: home.path("pictures"),
            intake: intake::Options::default(),
            waiting,
            times,
            log: Arc::new(move |line| log.lock().unwrap().push(line.to_owned())),
        };
        let runtime = Runtime::new().unwrap();
        let (end, ended) = channel::<()>();
        let (ready, is_ready) = channel();
        let bound = runtime.block_on(serve::bind(0)).unwrap();
        let port = bound.port;
        let served = runtime.spawn(serve::run(bound, options, || ready.send(()).unwrap(), async {
            let _ = ended.await;
        }));
        runtime.block_on(is_ready).unwrap();
        Self { home, port, token, said, end: Some(end), served: Some(served), runtime }
    }

    fn connect(&self) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn head(&self, length: usize) -> String {
        let token = self.token.reveal();
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    }

    fn begin(&self, body: &serde_json::Value) -> std::net::TcpStream {
        let body = body.to_string();
        let mut stream = self.connect();
        stream.write_all((self.head(body.len()) + &body).as_bytes()).unwrap();
        stream
    }

    /// Ends it, and waits for that.
    fn end(&mut self) {
        drop(self.end.take());
        self.runtime.block_on(self.served.take().unwrap()).unwrap().unwrap();
    }
}

const SOON: Duration = Duration::from_secs(1);

#[test]
fn a_head_and_a_body_that_do_not_come_are_not_waited_for() {
    let own = Own::start("", Times { head: SOON, body: SOON, ..Times::default() });
    let mut silent = own.connect();
    let mut half = own.connect();
    half.write_all(b"GET /health HTTP/1.1\r\nHost: local").unwrap();
    let mut slow = own.connect();
    slow.write_all((own.head(100) + "{\"messages\":").as_bytes()).unwrap();
    let late = answer(slow);
    assert_eq!(late.error(), (408, "request_timeout".into(), String::new()));
    for stream in [&mut silent, &mut half] {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(answer(own.begin(&question("Hi"))).status, 200);
}

#[test]
fn a_worker_that_does_not_stop_is_ended_and_another_one_answers() {
    let own = Own::start("hang", Times { stop: SOON, ..Times::default() });
    let mut stream = own.begin(&with(question("Hi"), json!({ "stream": true })));
    let mut start = [0; 512];
    let read = stream.read(&mut start).unwrap();
    assert!(read > 0);
    wait_until("it hangs", || own.home.path("died").exists());
    drop(stream);
    let next = answer(own.begin(&question("Hi")));
    assert_eq!(next.status, 200, "{next:?} {:?}", own.said.lock().unwrap());
}

#[test]
fn what_is_not_answered_in_time_is_broken_off_at_the_end() {
    let mut own = Own::start("slow long", Times { end: SOON, ..Times::default() });
    let stream = own.begin(&with(question("Hi"), json!({ "stream": true })));
    let mut start = [0; 64];
    (&stream).read_exact(&mut start).unwrap();
    let body = question("Hi").to_string();
    let whole = queued(own.connect(), &(own.head(body.len()) + &body), &body);
    own.end();
    let cut = answer(whole);
    assert_eq!(cut.status, 503, "{cut:?}");
    let mut rest = String::new();
    let _ = (&stream).read_to_string(&mut rest);
    assert!(!rest.contains("[DONE]"), "{rest}");
    wait_until("no picture is left", || !own.home.path("pictures").exists());
}

#[test]
fn the_port_is_kept_until_all_is_over() {
    let mut own = Own::start("slow long", Times { end: PATIENCE, ..Times::default() });
    let stream = own.begin(&with(question("Hi"), json!({ "stream": true })));
    let mut start = [0; 64];
    (&stream).read_exact(&mut start).unwrap();
    let body = question("Hi").to_string();
    let waits = queued(own.connect(), &(own.head(body.len()) + &body), &body);
    drop(own.end.take());
    assert_eq!(answer(waits).status, 503, "it is ending");
    let next = || own.runtime.block_on(serve::bind(own.port));
    assert!(next().is_err(), "one is still being answered");
    drop(stream);
    wait_until("the port is free", || next().is_ok());
    own.end();
}

/// Finds nothing until it may end, whoever is gone.
struct Busy {
    space: Space,
    asked: AtomicBool,
    may_end: AtomicBool,
}

impl Embedder for Busy {
    fn space(&self) -> &Space {
        &self.space
    }

    fn embed(&self, _: EmbedRole, _: &[Input<'_>], _: &AtomicBool) -> Result<Vec<Vec<f32>>, String> {
        self.asked.store(true, Ordering::Release);
        wait_until("it may end", || self.may_end.load(Ordering::Acquire));
        Err("Nothing was found.".to_owned())
    }
}

#[test]
fn who_leaves_frees_a_place_when_nothing_is_done_for_it_any_more() {
    let space = Space {
        id: "s".into(),
        name: "s".into(),
        dimensions: 1,
        most_tokens: 9,
        pictures: false,
        texts: true,
    };
    let (asked, may_end) = (AtomicBool::new(false), AtomicBool::new(false));
    let busy = Arc::new(Busy { space, asked, may_end });
    let own = Own::with("", Times::default(), Ok(Arc::clone(&busy) as _), 0);
    let body = "{\"input\":\"a\"}";
    let mut leaves = own.connect();
    let head = own.head(body.len()).replace("/v1/chat/completions", "/v1/embeddings");
    leaves.write_all((head + body).as_bytes()).unwrap();
    wait_until("it is asked", || busy.asked.load(Ordering::Acquire));
    drop(leaves);
    wait_until("it is left", || own.said.lock().unwrap().iter().any(|line| line.contains(" 499, ")));
    assert_eq!(answer(own.begin(&question("Hi"))).status, 429);
    busy.may_end.store(true, Ordering::Release);
    wait_until("the place is free", || answer(own.begin(&question("Hi"))).status == 200);
}
