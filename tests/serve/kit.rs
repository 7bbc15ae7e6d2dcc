//! `percept serve` as a process, and a client of bytes.
#![allow(dead_code, reason = "helpers of two test programs; none uses all")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Home, REAL};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The client of OpenAI.
const PYPI: [&str; 1] = ["openai==3.57.0"];

pub(crate) struct Server {
    pub(crate) home: Home,
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `code` and `param` of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let error = &self.json()["error"];
        assert!(!error["message"].as_str().unwrap().is_empty() && error["type"].is_string(), "{self:?}");
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        (self.status, text("code"), text("param"))
    }
}

pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Server {
    /// With a worker that behaves so (or the real one), and these variables.
    pub(crate) fn start(fake: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::in_home(Home::new(), fake, arguments, variables)
    }

    pub(crate) fn in_home(home: Home, fake: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = home.path("worker.log");
        let mut command = home.percept(fake, &[&["serve", "--port", "0"], arguments].concat());
        command.envs(variables.iter().copied());
        if fake != REAL {
            command.env("PERCEPT_FAKE_LOG", log);
        }
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        let port = || {
            let said = said.lock().unwrap();
            let line = said.iter().find(|line| line.contains(" answers at http://127.0.0.1:"))?;
            line.split("127.0.0.1:").nth(1)?.split('/').next()?.parse().ok()
        };
        wait_until("it starts", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?} {:?}", said.lock().unwrap());
            port().is_some()
        });
        let port = port().unwrap();
        let token = std::fs::read_to_string(home.path("data/serve-token")).unwrap().trim().to_owned();
        Self { home, port, token, child, said }
    }

    /// What it said on standard error.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// What the worker did, a line each.
    pub(crate) fn worker(&self) -> String {
        std::fs::read_to_string(self.home.path("worker.log")).unwrap_or_default()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The bytes of a request with the token.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> String {
        let (port, token, length) = (self.port, &self.token, body.len());
        format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }

    /// Sends bytes and reads the answer to its end.
    pub(crate) fn exchange(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.exchange(&self.request("GET", path, ""))
    }

    pub(crate) fn post(&self, body: &Value) -> Answer {
        self.exchange(&self.request("POST", "/v1/chat/completions", &body.to_string()))
    }

    /// Sends a question that has a place in the line when this returns.
    pub(crate) fn queued(&self, body: &Value) -> TcpStream {
        let body = body.to_string();
        queued(self.connect(), &self.request("POST", "/v1/chat/completions", &body), &body)
    }

    /// Sends a question without waiting for the answer.
    pub(crate) fn begin(&self, body: &Value) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(self.request("POST", "/v1/chat/completions", &body.to_string()).as_bytes()).unwrap();
        stream
    }
}

/// A question.
pub(crate) fn question(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": text }] })
}

/// The same with these fields.
pub(crate) fn with(mut body: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        body[name.as_str()] = value.clone();
    }
    body
}

/// Sends a request, its body only when the server wants it: who has no place is not read.
pub(crate) fn queued(mut stream: TcpStream, request: &str, body: &str) -> TcpStream {
    let head = request.strip_suffix(body).unwrap();
    let asking = head.replace("Connection:", "Expect: 100-continue\r\nConnection:");
    stream.write_all(asking.as_bytes()).unwrap();
    let mut interim = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut interim).unwrap();
    assert!(interim.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&interim));
    stream.write_all(body.as_bytes()).unwrap();
    stream
}

/// Reads an answer to the end of its connection.
pub(crate) fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let all = String::from_utf8(bytes).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {all:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { dechunked(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

/// A chunked body (RFC 9112, 7.1); one that broke off has no last chunk.
fn dechunked(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let Some((length, after)) = rest.split_once("\r\n") else { return body + "<broken off>" };
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return body;
        }
        body.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
}

/// The program python with the client of OpenAI; `None`: it can't be had here. Where programs
/// are required, that is a failure.
pub(crate) fn python() -> Option<PathBuf> {
    let deps = std::env::current_exe().unwrap();
    let target = deps.parent().unwrap().parent().unwrap().parent().unwrap().join("openai-client");
    std::fs::create_dir_all(&target).unwrap();
    let lock = std::fs::File::create(target.join("lock")).unwrap();
    lock.lock().unwrap();
    let (folder, marker) = (target.join("venv"), target.join("installed"));
    let wanted = PYPI.join("\n");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Some(folder.join("bin/python"));
    }
    let made = ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).and_then(|()| {
        let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--retries=1"];
        ran(Command::new(folder.join("bin/python")).args(pip).args(PYPI))
    });
    if let Err(why) = made {
        assert!(
            std::env::var_os("PERCEPT_REQUIRE_PROGRAMS").is_none(),
            "OpenAI's client can't be had: {why}"
        );
        eprintln!("SKIPPED: OpenAI's client can't be had: {why}");
        return None;
    }
    std::fs::write(&marker, wanted).unwrap();
    Some(folder.join("bin/python"))
}

fn ran(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {said}")) }
}

/// Runs a script with OpenAI's client against the server.
pub(crate) fn run_script(server: &Server, python: &Path, script: &str, more: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve").join(script);
    let mut command = Command::new(python);
    command.arg(script).args(more).env_clear();
    command.env("BASE_URL", format!("http://127.0.0.1:{}/v1", server.port)).env("KEY", &server.token);
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\nserver: {}", server.said());
    assert!(output.stdout.ends_with(b"all is well\n"), "{output:?}");
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
