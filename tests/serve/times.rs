//! Slow clients and a worker that doesn't stop, with times of milliseconds: the library's own
//! server, in this process.
#![cfg(unix)]

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use percept::catalogue::Catalogue;
use percept::engines::WorkerOptions;
use percept::intake;
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
        let home = Home::new();
        // The variables are the worker's alone.
        let once = home.path("died");
        let script = format!(
            "#!/bin/sh\nPERCEPT_FAKE='{fake}' PERCEPT_FAKE_ONCE='{}' exec '{}'\n",
            once.display(),
            fake_worker().display()
        );
        let program = home.write("worker", script);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
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
            embedder: Err("There is none.".to_owned()),
            token: token.clone(),
            pictures: home.path("pictures"),
            intake: intake::Options::default(),
            waiting: 4,
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

const SOON: Duration = Duration::from_millis(100);

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
