//! A mock of an MCP server, for tests: no real server misbehaves on demand. What works is
//! tested with real servers (`tests/mcp.rs`).
//!
//! Plain JSON-RPC, one message a line. The first argument says how it behaves:
//!
//! - `hang`: answers nothing, and starts a process that does so too
//! - `die`: ends at once, with words on standard error
//! - `loud`: writes to standard output what is no JSON
//! - `many`: has 1,000 tools in pages, and pages without end
//! - `hostile`: has tools with odd names, control characters, a giant description, a wrong
//!   schema
//! - `refuse`: answers the handshake with an error
//! - `well`: behaves, with these tools: `echo` (its arguments, as JSON), `environment`,
//!   `folder`, `roots` (what percept says of them), `capabilities` (the handshake's),
//!   `ask` (asks for a model's answer and for input, and says what came), `picture`, `odd`,
//!   `wrong` (an error), `huge` (32 MiB of text), `long` (4 MiB of text), `endless` (a line
//!   without end), `slow` (60 s), `cancelled` (how many calls were), `die` (ends in the middle
//!   of the call), `change` (has another tool from then on)
//!
//! `MCP_FAKE_SAYS` is what it says of each of its tools.
//!
//! Further arguments stand for nothing: a test finds its processes by them.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a mock for tests")]

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// A PNG of one red pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

const TOOLS: [&str; 16] = [
    "echo",
    "environment",
    "folder",
    "roots",
    "capabilities",
    "ask",
    "picture",
    "odd",
    "wrong",
    "huge",
    "long",
    "endless",
    "slow",
    "cancelled",
    "die",
    "change",
];

#[derive(Default)]
struct Fake {
    behaviour: String,
    capabilities: Mutex<Value>,
    cancelled: AtomicUsize,
    has_changed: AtomicBool,
    /// Who waits for percept's answers to requests of this server.
    waiting: Mutex<BTreeMap<i64, Sender<Value>>>,
}

fn send(message: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{message}").and_then(|()| out.flush());
}

fn text(text: impl Into<String>) -> Value {
    json!({ "content": [{ "type": "text", "text": text.into() }] })
}

fn main() {
    let behaviour = std::env::args().nth(1).unwrap_or_default();
    match behaviour.as_str() {
        "hang" => {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["sleep"])
                .args(std::env::args().skip(2))
                .spawn()
                .unwrap();
            eprintln!("I will not answer");
            let _ = child.wait();
        }
        "sleep" => std::thread::sleep(Duration::from_secs(600)),
        "die" => {
            eprintln!("first words\nthe key \u{1b}[31mis missing");
            std::process::exit(3);
        }
        _ => Arc::new(Fake { behaviour, ..Fake::default() }).serve(),
    }
}

impl Fake {
    fn serve(self: Arc<Self>) {
        if self.behaviour == "loud" {
            println!("Welcome to my server!\n{{\"not\": \"a message\"}}\n[");
        }
        for line in std::io::stdin().lock().lines() {
            let Ok(message) = serde_json::from_str::<Value>(&line.unwrap()) else { continue };
            let own = Arc::clone(&self);
            std::thread::spawn(move || own.take(&message));
        }
    }

    fn take(&self, message: &Value) {
        let params = &message["params"];
        match (message["method"].as_str(), &message["id"]) {
            (Some("notifications/cancelled"), _) => {
                self.cancelled.fetch_add(1, Ordering::SeqCst);
            }
            (Some(_), Value::Null) => {}
            (Some(method), id) => {
                let answer = match self.answer(method, params) {
                    Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                    Err(why) => {
                        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32000, "message": why } })
                    }
                };
                send(&answer);
            }
            (None, id) => {
                if let Some(waiting) = self.waiting.lock().unwrap().remove(&id.as_i64().unwrap_or(-1)) {
                    let _ = waiting.send(message.clone());
                }
            }
        }
    }

    /// Asks percept.
    fn ask(&self, id: i64, method: &str, params: &Value) -> Value {
        let (sender, answer) = channel();
        self.waiting.lock().unwrap().insert(id, sender);
        send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer = answer.recv_timeout(Duration::from_secs(20)).unwrap_or_default();
        match answer.get("result") {
            Some(result) => result.clone(),
            None => json!({ "error": answer["error"]["code"] }),
        }
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, String> {
        match method {
            "initialize" if self.behaviour == "refuse" => Err("not with you\u{7}".to_owned()),
            "initialize" => {
                *self.capabilities.lock().unwrap() = params["capabilities"].clone();
                Ok(json!({
                    "protocolVersion": "2025-06-18",
                    "capabilities": { "tools": { "listChanged": true } },
                    "serverInfo": { "name": "fake", "version": "1" },
                }))
            }
            "tools/list" => Ok(self.list(params["cursor"].as_str())),
            "tools/call" => self.call(params["name"].as_str().unwrap_or_default(), &params["arguments"]),
            _ => Err(format!("no method {method}")),
        }
    }

    fn list(&self, cursor: Option<&str>) -> Value {
        let says = std::env::var("MCP_FAKE_SAYS").unwrap_or_default();
        let tool =
            |name: &str| json!({ "name": name, "description": says, "inputSchema": { "type": "object" } });
        match self.behaviour.as_str() {
            "many" => {
                let page: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
                let numbers = page * 50..((page + 1) * 50).min(1_000);
                let tools: Vec<Value> = numbers.map(|number| tool(&format!("tool{number:04}"))).collect();
                json!({ "tools": tools, "nextCursor": (page + 1).to_string() })
            }
            "hostile" => json!({ "tools": [
                tool("good"),
                tool("\u{1b}[2Jclear"),
                tool("two words"),
                tool("two.words"),
                tool(&"long".repeat(40)),
                tool(&"longer".repeat(400)),
                tool(""),
                { "name": "giant", "description": "\u{202e}x".repeat(1_000_000), "inputSchema": {} },
                { "name": "list", "description": "a\u{1b}]0;b\u{7}", "inputSchema": [] },
                { "name": "text", "inputSchema": "object" },
                { "name": "array", "inputSchema": { "type": "array" } },
                { "name": 7 },
                null,
            ] }),
            _ => {
                let mut tools: Vec<Value> = TOOLS.iter().map(|name| tool(name)).collect();
                if self.has_changed.load(Ordering::SeqCst) {
                    tools.push(tool("another"));
                }
                json!({ "tools": tools })
            }
        }
    }

    fn call(&self, tool: &str, arguments: &Value) -> Result<Value, String> {
        Ok(match tool {
            "echo" => text(arguments.to_string()),
            "environment" => {
                text(std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect::<String>())
            }
            "folder" => text(std::env::current_dir().unwrap().to_string_lossy()),
            "roots" => text(self.ask(1, "roots/list", &json!({})).to_string()),
            "capabilities" => text(self.capabilities.lock().unwrap().to_string()),
            "ask" => {
                let message = json!({ "role": "user", "content": { "type": "text", "text": "hi" } });
                let sampling = json!({ "messages": [message], "maxTokens": 9 });
                let schema = json!({ "type": "object", "properties": {} });
                let elicitation = json!({ "message": "your password?", "requestedSchema": schema });
                text(
                    json!([
                        self.ask(2, "sampling/createMessage", &sampling),
                        self.ask(3, "elicitation/create", &elicitation),
                    ])
                    .to_string(),
                )
            }
            "picture" => json!({ "content": [
                { "type": "text", "text": "a pixel" },
                { "type": "image", "mimeType": "image/png", "data": PIXEL },
            ] }),
            "odd" => json!({ "content": [
                { "type": "text", "text": "\u{1b}[31mred" },
                { "type": "hologram", "data": "x" },
            ], "isError": true }),
            "wrong" => return Err("the \u{1b}disk is full".to_owned()),
            "huge" => text("x".repeat(32 * 1024 * 1024)),
            "long" => text(format!("head{}tail", "x".repeat(4 * 1024 * 1024))),
            "endless" => {
                let mut out = std::io::stdout().lock();
                while out.write_all(&[b'x'; 4_096]).is_ok() {}
                return Err("it ended".to_owned());
            }
            "slow" => {
                std::thread::sleep(Duration::from_secs(60));
                text("at last")
            }
            "cancelled" => text(self.cancelled.load(Ordering::SeqCst).to_string()),
            "die" => {
                eprintln!("out of memory");
                std::process::exit(9);
            }
            "change" => {
                self.has_changed.store(true, Ordering::SeqCst);
                send(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
                text("done")
            }
            other => return Err(format!("no tool {other}")),
        })
    }
}
