//! A server of the tests: it speaks the documented API over a real connection, as its script
//! says, and keeps what it was sent.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// The paths that its script is for.
const SCRIPTED: [&str; 4] =
    ["/chat/completions", "/embeddings", "/audio/transcriptions", "/audio/translations"];

/// How it answers a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A stream of events, to its end.
    Events(Vec<String>),
    /// The same, and then nothing: the connection stays.
    Stall(Vec<String>),
    /// A status, lines of its head, a body.
    Plain(u16, &'static str, String),
    /// These bytes as they are, and the end of the connection.
    Raw(Vec<u8>),
    /// A head that has no end.
    EndlessHead,
    /// Nothing, for as long as it is waited.
    Silence,
}

/// What it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

struct State {
    models: Reply,
    replies: Mutex<VecDeque<Reply>>,
    sent: Mutex<Vec<Sent>>,
    /// Stalled connections that the other side closed.
    closed: AtomicUsize,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<State>,
}

/// The list of one model, as vLLM has it.
pub(crate) fn one_model() -> Reply {
    let list =
        json!({ "object": "list", "data": [{ "id": "qwen", "object": "model", "max_model_len": 4096 }] });
    Reply::Plain(200, "Content-Type: application/json\r\n", list.to_string())
}

/// An event with a piece of an answer.
pub(crate) fn piece(delta: Value) -> String {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] }).to_string()
}

/// The events of a whole answer.
pub(crate) fn says(text: &str) -> Reply {
    let mut events = vec![piece(json!({ "role": "assistant", "content": "" }))];
    events.extend(text.split_inclusive(' ').map(|word| piece(json!({ "content": word }))));
    events.extend(end("stop"));
    Reply::Events(events)
}

/// The events of a call.
pub(crate) fn calls(name: &str, arguments: Value) -> Reply {
    let arguments = arguments.to_string();
    let (first, rest) = arguments.split_at(arguments.len() / 2);
    let call = |piece: Value| self::piece(json!({ "tool_calls": [piece] }));
    let mut events = vec![
        call(
            json!({ "index": 0, "id": "x1", "type": "function", "function": { "name": name, "arguments": "" } }),
        ),
        call(json!({ "index": 0, "function": { "arguments": first } })),
        call(json!({ "index": 0, "function": { "arguments": rest } })),
    ];
    events.extend(end("tool_calls"));
    Reply::Events(events)
}

/// How an answer ends: why, what it used, and the mark.
pub(crate) fn end(reason: &str) -> [String; 3] {
    let usage = json!({ "choices": [], "usage": {
        "prompt_tokens": 90, "completion_tokens": 5, "prompt_tokens_details": { "cached_tokens": 64 },
    }});
    let last = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] });
    [last.to_string(), usage.to_string(), "[DONE]".to_owned()]
}

impl Server {
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::with_models(one_model(), replies)
    }

    pub(crate) fn with_models(models: Reply, replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            models,
            replies: Mutex::new(replies.into_iter().collect()),
            sent: Mutex::default(),
            closed: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { port, state }
    }

    /// Answers so from now on.
    pub(crate) fn say(&self, replies: impl IntoIterator<Item = Reply>) {
        *self.state.replies.lock().unwrap() = replies.into_iter().collect();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// All that it was asked to answer.
    pub(crate) fn questions(&self) -> Vec<Sent> {
        self.asked("/chat/completions")
    }

    /// All that it was asked at a path of the API.
    pub(crate) fn asked(&self, path: &str) -> Vec<Sent> {
        let sent = self.state.sent.lock().unwrap();
        sent.iter().filter(|sent| sent.path.ends_with(path)).cloned().collect()
    }

    /// All that it was sent, as one text.
    pub(crate) fn all(&self) -> String {
        format!("{:?}", self.state.sent.lock().unwrap())
    }

    /// Whether the other side closes a stalled connection soon.
    pub(crate) fn was_left(&self) -> bool {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            self.state.closed.load(Ordering::SeqCst) > 0
        })
    }
}

fn serve(mut stream: TcpStream, state: &State) {
    let Some(sent) = read(&stream) else { return };
    let asked = SCRIPTED.iter().any(|path| sent.path.ends_with(path));
    let listed = sent.path.ends_with("/models");
    state.sent.lock().unwrap().push(sent);
    let reply = match (asked, listed) {
        (true, _) => {
            state.replies.lock().unwrap().pop_front().unwrap_or(Reply::Plain(500, "", "no script".into()))
        }
        (_, true) => state.models.clone(),
        _ => Reply::Plain(404, "", "no such page".into()),
    };
    // The other side may be gone.
    let _ = answer(&mut stream, reply, state);
}

fn read(stream: &TcpStream) -> Option<Sent> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Sent { path, head, body: String::from_utf8_lossy(&body).into_owned() })
}

fn answer(stream: &mut TcpStream, reply: Reply, state: &State) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    match reply {
        Reply::Events(events) => {
            stream.write_all(head.as_bytes())?;
            events.iter().try_for_each(|event| write!(stream, "data: {event}\n\n"))
        }
        Reply::Stall(events) => {
            stream.write_all(head.as_bytes())?;
            events.iter().try_for_each(|event| write!(stream, "data: {event}\n\n"))?;
            hold(stream, state)
        }
        Reply::Plain(status, lines, body) => write!(
            stream,
            "HTTP/1.1 {status} X\r\n{lines}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
        Reply::Raw(bytes) => stream.write_all(&bytes),
        Reply::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            loop {
                stream.write_all(
                    b"X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
                )?;
            }
        }
        Reply::Silence => hold(stream, state),
    }
}

/// Waits until the other side closes the connection.
fn hold(stream: &mut TcpStream, state: &State) -> std::io::Result<()> {
    let _ = stream.read(&mut [0]);
    state.closed.fetch_add(1, Ordering::SeqCst);
    Ok(())
}
