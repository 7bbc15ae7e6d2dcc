//! The MCP client: with a mock that misbehaves (`examples/mcp_fake.rs`), with addresses where no
//! MCP is, and with real servers from npm and PyPI.
//!
//! The real servers are installed once, at pinned versions, into the target folder. Where
//! there is no node or no python3, their tests say so and do nothing.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use percept::tools::mcp::{MOST_TEXT, McpResult, ServerConfig, ServerState, ServerStatus, Servers};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The real servers.
const NPM: [&str; 2] = [
    "@modelcontextprotocol/server-everything@2026.8.31",
    "@modelcontextprotocol/server-filesystem@2026.8.31",
];
const PYPI: [&str; 2] = ["mcp==2.3.0", "mcp-server-time==2026.10.19"];

/// Servers with the runtime that they need; the servers end first.
struct Fleet {
    servers: Servers,
    changes: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
    stands: tempfile::TempDir,
    _runtime: Runtime,
}

impl Fleet {
    fn of(configs: Vec<ServerConfig>) -> Self {
        let runtime = Runtime::new().unwrap();
        let (folder, stands) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let changes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&changes);
        let inside = runtime.enter();
        let root = folder.path().canonicalize().unwrap();
        let own = stands.path().canonicalize().unwrap();
        let servers = Servers::start(configs, root, own, move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        drop(inside);
        Self { servers, changes, folder, stands, _runtime: runtime }
    }

    /// One server, ready.
    fn ready(config: ServerConfig) -> Self {
        let fleet = Self::of(vec![config]);
        fleet.servers.settled(PATIENCE);
        let status = fleet.status();
        assert_eq!(status.state, ServerState::Ready, "{status:?}");
        fleet
    }

    fn status(&self) -> ServerStatus {
        self.servers.status().remove(0)
    }

    fn call(&self, tool: &str, arguments: Value) -> Result<McpResult, String> {
        let server = self.status().name;
        self.servers.call(&server, tool, arguments, PATIENCE, &AtomicBool::new(false))
    }

    fn text(&self, tool: &str, arguments: Value) -> String {
        self.call(tool, arguments).unwrap().text
    }

    fn tools(&self) -> Vec<String> {
        self.servers.tools().into_iter().map(|tool| tool.tool).collect()
    }

    fn until(&self, what: &str, is_so: impl Fn(&ServerStatus) -> bool) -> ServerStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            match is_so(&status) {
                true => return status,
                false => assert!(Instant::now() < deadline, "{what}: {status:?}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Why it failed for good.
    fn failed(&self) -> String {
        let is_failed =
            |status: &ServerStatus| matches!(status.state, ServerState::Failed { retry_in: None, .. });
        match self.until("it fails for good", is_failed).state {
            ServerState::Failed { why, .. } => why,
            _ => String::new(),
        }
    }
}

fn config(name: &str) -> ServerConfig {
    toml::from_str(&format!("name = '{name}'")).unwrap()
}

fn command(name: &str, words: &[&str]) -> ServerConfig {
    ServerConfig { command: words.iter().map(|word| (*word).to_owned()).collect(), ..config(name) }
}

fn address(name: &str, url: &str) -> ServerConfig {
    ServerConfig { url: Some(url.to_owned()), ..config(name) }
}

/// The mock, which `cargo test` builds beside the tests.
fn fake(words: &[&str]) -> ServerConfig {
    let deps = std::env::current_exe().unwrap();
    let path = deps.parent().unwrap().parent().unwrap().join("examples");
    let path = path.join(format!("mcp-fake{}", std::env::consts::EXE_SUFFIX));
    let mut config = command("fake", &[path.to_str().unwrap()]);
    config.command.extend(words.iter().map(|word| (*word).to_owned()));
    config
}

/// Processes with this word among their arguments; those that ended and are not yet taken
/// away have no arguments any more.
#[cfg(target_os = "linux")]
fn processes(word: &str) -> usize {
    let has = |entry: std::io::Result<std::fs::DirEntry>| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()).then_some(())
    };
    std::fs::read_dir("/proc").unwrap().filter_map(has).count()
}

/// Waits until something is so.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_gets_its_calls_its_folder_and_few_variables() {
    let mut config = fake(&["well"]);
    config.env = BTreeMap::from([("TOKEN".to_owned(), "sesame".to_owned())]);
    let fleet = Fleet::ready(config);
    assert!(fleet.changes.load(Ordering::SeqCst) >= 1);
    let status = fleet.status();
    assert_eq!((status.tools, status.left_out, status.resources), (16, 0, 0));
    let tool = fleet.servers.tools().into_iter().find(|tool| tool.tool == "echo").unwrap();
    assert_eq!(tool.name, "mcp_fake_echo");
    assert_eq!(tool.schema, json!({ "type": "object", "properties": {} }));

    assert_eq!(fleet.text("echo", json!({ "a": ["b"] })), r#"{"a":["b"]}"#);
    let folder = fleet.folder.path().canonicalize().unwrap();
    // Not in the working folder, which may hold programs and settings of somebody else's.
    let stands = fleet.stands.path().canonicalize().unwrap();
    assert_eq!(fleet.text("folder", json!({})), stands.to_str().unwrap());
    let uri = format!("file://{}", folder.display());
    assert_eq!(fleet.text("roots", json!({})), json!({ "roots": [{ "uri": uri }] }).to_string());
    let environment = fleet.text("environment", json!({}));
    assert!(environment.contains("TOKEN=sesame") && environment.contains("PATH="), "{environment}");
    assert!(!environment.contains("CARGO"), "{environment}");
}

#[test]
fn what_it_asks_of_a_model_or_person_is_declined() {
    let fleet = Fleet::ready(fake(&["well"]));
    assert_eq!(fleet.text("capabilities", json!({})), json!({ "roots": {} }).to_string());
    let said: Value = serde_json::from_str(&fleet.text("ask", json!({}))).unwrap();
    assert!(said[0]["error"].is_i64(), "{said}");
    assert_eq!(said[1]["action"], "decline", "{said}");
}

#[test]
fn results_are_bounded_and_harmless() {
    let fleet = Fleet::ready(fake(&["well"]));
    let picture = fleet.call("picture", json!({})).unwrap();
    assert_eq!((picture.text.as_str(), picture.pictures.len()), ("a pixel", 1));
    assert_eq!(image::load_from_memory(&picture.pictures[0]).unwrap().width(), 1);

    let odd = fleet.call("odd", json!({})).unwrap();
    assert!(odd.failed && odd.text.starts_with("␛[31mred\n[content of the kind `hologram`"), "{odd:?}");

    let long = fleet.text("long", json!({}));
    assert!(long.len() < MOST_TEXT + 100 && long.starts_with("head") && long.ends_with("tail"));
    assert!(long.contains("in the middle left out]"));

    let why = fleet.call("wrong", json!({})).unwrap_err();
    assert_eq!(why, "the MCP server `fake`: it refused: the ␛disk is full (code -32000)");
    let why = fleet.call("huge", json!({})).unwrap_err();
    assert_eq!(why, "the MCP server `fake`: it answered with more than 16.0 MiB, which is not taken");
    assert_eq!(fleet.text("echo", json!({})), "{}", "it goes on behind that");
    let why = fleet.call("echo", json!([1])).unwrap_err();
    assert_eq!(why, "the arguments of a call must be a JSON object");
}

#[test]
fn an_answer_without_end_is_given_up() {
    let fleet = Fleet::ready(fake(&["well"]));
    let why = fleet.call("endless", json!({})).unwrap_err();
    assert!(why.contains("more than 16.0 MiB"), "{why}");
    drop(fleet);
}

#[test]
fn a_slow_call_ends_when_it_is_stopped_or_out_of_time_and_the_server_knows() {
    let fleet = Fleet::ready(fake(&["well"]));
    let call =
        |time, stop: &AtomicBool| fleet.servers.call("fake", "slow", json!({}), time, stop).unwrap_err();
    assert_eq!(
        call(Duration::from_secs(1), &AtomicBool::new(false)),
        "the MCP server `fake`: it didn't answer within 1 s"
    );
    let stop = Arc::new(AtomicBool::new(false));
    let setter = Arc::clone(&stop);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        setter.store(true, Ordering::Relaxed);
    });
    assert_eq!(call(PATIENCE, &stop), "the MCP server `fake`: the call was stopped");
    wait_until("the server is told", || fleet.text("cancelled", json!({})) == "2");
}

#[test]
fn a_server_that_dies_in_a_call_is_started_again() {
    let fleet = Fleet::ready(fake(&["well"]));
    let why = fleet.call("die", json!({})).unwrap_err();
    assert_eq!(why, "the MCP server `fake`: it broke off before it answered");
    fleet.until("it is ready again", |status| status.state == ServerState::Ready && status.said.is_empty());
    assert_eq!(fleet.text("echo", json!({})), "{}");
}

#[test]
fn a_server_that_dies_at_once_is_tried_four_times() {
    let fleet = Fleet::of(vec![fake(&["die"])]);
    fleet.servers.settled(PATIENCE);
    assert!(matches!(fleet.status().state, ServerState::Failed { .. }));
    let sentence = "the MCP server `fake`: it ended with exit code 3; it said last: the key ␛[31mis missing";
    assert_eq!(fleet.failed(), sentence);
    // Starting and failed, four times.
    wait_until("each change is told", || fleet.changes.load(Ordering::SeqCst) == 8);
    assert_eq!(fleet.status().said, "first words\nthe key ␛[31mis missing");
    let why = fleet.call("echo", json!({})).unwrap_err();
    assert_eq!(why, sentence);
    fleet.servers.restart("fake");
    fleet.until("it is tried again", |status| {
        matches!(status.state, ServerState::Failed { retry_in: Some(_), .. })
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_never_answers_is_ended_with_its_children() {
    let word = format!("hang-{}", std::process::id());
    let mut config = fake(&["hang", &word]);
    config.start_timeout_s = Some(2);
    let fleet = Fleet::of(vec![config]);
    wait_until("it starts its child", || processes(&word) == 2);
    let status = fleet.until("its time is up", |status| matches!(status.state, ServerState::Failed { .. }));
    assert!(
        matches!(&status.state, ServerState::Failed { why, .. }
            if why.starts_with("the MCP server `fake`: it didn't answer as an MCP server within 2 s; \
                it said last: I will not answer")),
        "{status:?}"
    );
    fleet.until("it is started again", |_| processes(&word) == 2);
    drop(fleet);
    wait_until("none is left behind", || processes(&word) == 0);
}

#[cfg(target_os = "linux")]
#[test]
fn servers_end_when_their_owner_is_dropped_and_the_runtime_does_not() {
    let word = format!("well-{}", std::process::id());
    let Fleet { servers, _runtime: runtime, .. } = Fleet::ready(fake(&["well", &word]));
    assert_eq!(processes(&word), 1);
    drop(servers);
    wait_until("it is gone", || processes(&word) == 0);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(processes(&word), 0, "none is started again");
    drop(runtime);
}

#[test]
fn hostile_lists_are_made_fit() {
    let fleet = Fleet::ready(fake(&["hostile"]));
    let tools = fleet.servers.tools();
    assert_eq!(tools.len(), 9, "{tools:?}");
    for tool in &tools {
        assert!(percept::tools::manifest::is_name(&tool.name), "{tool:?}");
        assert!(tool.name.starts_with("mcp_fake_") && tool.description.len() <= 2_048);
        assert!(tool.description.chars().all(|c| !c.is_control() && c != '\u{202e}'));
        assert_eq!(tool.schema["type"], "object");
    }
    assert!(tools.iter().any(|tool| tool.name == "mcp_fake_good"));
    let why = fleet.call("two words", json!({})).unwrap_err();
    assert!(why.contains("no tool two words"), "it is called by its own name: {why}");
}

#[test]
fn thousands_of_tools_are_cut_and_that_is_said() {
    let fleet = Fleet::ready(fake(&["many"]));
    let status = fleet.status();
    assert_eq!((status.tools, status.left_out), (256, 744));
    assert_eq!(fleet.tools().len(), 256);
}

#[test]
fn a_change_of_the_list_is_followed() {
    let fleet = Fleet::ready(fake(&["well"]));
    assert_eq!(fleet.text("change", json!({})), "done");
    fleet.until("there is another tool", |status| status.tools == 17);
    assert!(fleet.tools().contains(&"another".to_owned()));
}

#[test]
fn words_on_standard_output_do_no_harm() {
    let fleet = Fleet::ready(fake(&["loud"]));
    assert_eq!(fleet.text("echo", json!({})), "{}");
}

#[test]
fn what_cannot_be_started_is_said_at_once() {
    let mut off = fake(&["well"]);
    off.name = "off".to_owned();
    off.enabled = false;
    let fleet = Fleet::of(vec![
        command("missing", &["no-such-program-anywhere"]),
        command("file", &["/no/such/file"]),
        command("text", &[concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]),
        command("wrong name", &["x"]),
        command("missing", &["x"]),
        ServerConfig { name: "refuse".to_owned(), ..fake(&["refuse"]) },
        off,
    ]);
    fleet.servers.settled(PATIENCE);
    let said: Vec<String> = fleet
        .servers
        .status()
        .into_iter()
        .map(|status| match status.state {
            ServerState::Failed { why, retry_in: None } => why,
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        said,
        [
            "the MCP server `missing`: `no-such-program-anywhere` is not installed or not in PATH",
            "the MCP server `file`: `/no/such/file` is not there: check `command`",
            concat!(
                "the MCP server `text`: `",
                env!("CARGO_MANIFEST_DIR"),
                "/Cargo.toml` may not be run: it is no program, or not yours"
            ),
            "the MCP server `wrong name`: its name must be 1 to 24 letters, digits, `-` and `_`",
            "the MCP server `missing`: there are two of this name",
            "the MCP server `refuse`: it refuses to start: not with you␇",
            "Off",
        ]
    );
    let why = fleet.servers.call("off", "echo", json!({}), PATIENCE, &AtomicBool::new(false)).unwrap_err();
    assert_eq!(why, "the MCP server `off`: it is switched off");
    let why = fleet.servers.call("none", "echo", json!({}), PATIENCE, &AtomicBool::new(false)).unwrap_err();
    assert_eq!(why, "there is no MCP server `none`");
    fleet.servers.restart("off");
    wait_until("one that is off can be started by hand", || {
        fleet.servers.status().last().unwrap().state == ServerState::Ready
    });
}

/// An address that answers every request with this, and keeps the requests.
fn answering(answer: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut bytes = [0; 65_536];
            let read = stream.read(&mut bytes).unwrap_or(0);
            kept.lock().unwrap().push(String::from_utf8_lossy(&bytes[..read]).into_owned());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, requests)
}

fn response(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[test]
fn addresses_without_mcp_are_told_apart() {
    for (answer, said) in [
        (response("404 Not Found", "text/html", "<html>"), "there is no MCP at its address (HTTP 404)"),
        (response("401 Unauthorized", "text/plain", ""), "it wants to know who you are (HTTP 401)"),
        (
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "it wants to know who you are (HTTP 401)",
        ),
        (response("403 Forbidden", "text/plain", "no"), "it doesn't let you in (HTTP 403)"),
        (response("200 OK", "text/html", "<html>"), "its address answers with text/html, which is not MCP"),
        (response("200 OK", "application/json", "{\"a\": 1}"), "its address doesn't answer as MCP does"),
        (String::new(), "it broke off: "),
        ("HTTP/1.1 200 OK\r\nContent-Le".to_owned(), "it broke off: "),
    ] {
        let (url, _) = answering(answer);
        let why = Fleet::of(vec![address("far", &url)]).failed();
        assert!(why.starts_with(&format!("the MCP server `far`: {said}")), "{why}");
    }
}

#[test]
fn a_redirect_to_another_server_is_not_followed() {
    let (elsewhere, others) = answering(response("200 OK", "text/html", ""));
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (url, own) = answering(redirect);
    let mut config = address("far", &url);
    config.headers = BTreeMap::from([("Authorization".to_owned(), "Bearer sesame".to_owned())]);
    let why = Fleet::of(vec![config]).failed();
    assert!(why.contains("leads elsewhere (HTTP 307)"), "{why}");
    assert!(own.lock().unwrap()[0].contains("authorization: Bearer sesame"));
    assert_eq!(*others.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn an_address_where_nobody_answers_is_said() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/mcp", listener.local_addr().unwrap())
    };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = address("silent", &format!("http://{}/mcp", silent.local_addr().unwrap()));
    config.start_timeout_s = Some(1);
    let fleet = Fleet::of(vec![address("refused", &refused), config]);
    let why = fleet.failed();
    assert!(why.starts_with("the MCP server `refused`: it can't be reached: "), "{why}");
    assert!(why.to_lowercase().contains("refused (os error"), "{why}");
    fleet.servers.settled(PATIENCE);
    let state = fleet.servers.status().remove(1).state;
    assert!(
        matches!(&state, ServerState::Failed { why, .. } if why.contains("didn't answer as an MCP server within 1 s")),
        "{state:?}"
    );
}

/// Runs a command to its end; `None` where its program is not there.
fn ran(command: &mut Command) -> Option<()> {
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if !output.status.success()
        && let Some(why) = OUT_OF_REACH.iter().find(|words| text.contains(**words))
    {
        eprintln!("{command:?}: {why}");
        return None;
    }
    assert!(output.status.success(), "{command:?}: {text}");
    Some(())
}

/// What npm, pip and venv say where the registries can't be reached, or Python comes without a
/// part of itself (as Debian's does): no fault of percept's. All else is.
const OUT_OF_REACH: [&str; 12] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "E401",
    "E403",
    "Failed to establish a new connection",
    "NewConnectionError",
    "ProxyError",
    "ensurepip is not",
];

/// A folder with servers in it, installed by the first test that needs them. `None`: what
/// installs them is not on this machine.
fn installed(name: &str, packages: &[&str], install: impl Fn(&Path) -> Option<()>) -> Option<PathBuf> {
    let deps = std::env::current_exe().unwrap();
    let target = deps.parent().unwrap().parent().unwrap().parent().unwrap().join("mcp-servers");
    std::fs::create_dir_all(&target).unwrap();
    let lock = std::fs::File::create(target.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let (folder, marker) = (target.join(name), target.join(format!("{name}.installed")));
    let versions = packages.join("\n");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == versions) {
        return Some(folder);
    }
    // Tried once: a registry out of reach is waited for long enough.
    static OUT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if OUT.lock().unwrap().contains(name) {
        return None;
    }
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    if install(&folder).is_none() {
        OUT.lock().unwrap().insert(name.to_owned());
        return None;
    }
    std::fs::write(&marker, versions).unwrap();
    Some(folder)
}

/// Where a server from npm is; `None`: there is no node.
fn npm(package: &str) -> Option<String> {
    let folder = installed("npm", &NPM, |folder| {
        ran(Command::new("node").arg("--version"))?;
        ran(Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--fetch-retries=1", "--prefix"])
            .arg(folder)
            .args(NPM))
    });
    if folder.is_none() {
        eprintln!(
            "SKIPPED: there is no node and npm here, or no way to npm's registry: its servers can't be tested"
        );
    }
    let path = folder?.join("node_modules/@modelcontextprotocol").join(package).join("dist/index.js");
    Some(path.to_str().unwrap().to_owned())
}

/// The Python that has the servers from PyPI; `None`: there is no python3.
fn python() -> Option<String> {
    let folder = installed("pypi", &PYPI, |folder| {
        ran(Command::new("python3").arg("--version"))?;
        ran(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--retries=1"];
        ran(Command::new(folder.join("bin/python")).args(pip).args(PYPI))
    });
    if folder.is_none() {
        eprintln!(
            "SKIPPED: there is no python3 with venv here, or no way to PyPI: its servers can't be tested"
        );
    }
    Some(folder?.join("bin/python").to_str().unwrap().to_owned())
}

/// What server-everything does, however it is reached.
fn everything(fleet: &Fleet) {
    let tools = fleet.servers.tools();
    let echo = tools.iter().find(|tool| tool.tool == "echo").unwrap();
    assert!(echo.name.ends_with("_echo") && echo.schema["properties"]["message"].is_object(), "{echo:?}");
    assert!(fleet.text("echo", json!({ "message": "Grüße" })).contains("Grüße"));
    assert!(fleet.text("get-sum", json!({ "a": 2, "b": 40 })).contains("42"));

    let picture = fleet.call("get-tiny-image", json!({})).unwrap();
    assert_eq!(picture.pictures.len(), 1, "{}", picture.text);
    let decoded = image::load_from_memory(&picture.pictures[0]).unwrap();
    assert!(decoded.width() > 1 && !picture.text.is_empty());

    let wrong = fleet.call("get-sum", json!({ "a": "two" }));
    assert!(wrong.as_ref().map_or(true, |result| result.failed), "{wrong:?}");

    let resources = fleet.servers.resources();
    assert_eq!(resources.len(), fleet.status().resources);
    let read = |uri: &str| {
        let server = fleet.status().name;
        fleet.servers.read_resource(&server, uri, PATIENCE, &AtomicBool::new(false))
    };
    let text = resources.iter().find_map(|resource| read(&resource.uri).ok()).unwrap();
    assert!(!text.text.is_empty(), "{resources:?}");
    assert!(read("nothing://at/all").unwrap_err().contains("it refused"));

    let slow = json!({ "duration": 60, "steps": 60 });
    let server = fleet.status().name;
    let time = Duration::from_secs(2);
    let operation = "trigger-long-running-operation";
    let why = fleet.servers.call(&server, operation, slow, time, &AtomicBool::new(false)).unwrap_err();
    assert!(why.ends_with("it didn't answer within 2 s"), "{why}");
    assert!(fleet.text("echo", json!({ "message": "still there" })).contains("still there"));
}

#[test]
fn server_everything_over_stdio() {
    let Some(path) = npm("server-everything") else { return };
    let mut config = command("everything", &["node", &path, "stdio"]);
    config.start_timeout_s = Some(90);
    everything(&Fleet::ready(config));
}

/// A process that ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serving(command: &mut Command, port: u16) -> Ended {
    let child = Ended(
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap(),
    );
    wait_until("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    child
}

#[test]
fn server_everything_over_http_and_after_its_death() {
    let Some(path) = npm("server-everything") else { return };
    let port = free_port();
    let server =
        || serving(Command::new("node").args([&path, "streamableHttp"]).env("PORT", port.to_string()), port);
    let first = server();
    let mut config = address("web", &format!("http://127.0.0.1:{port}/mcp"));
    config.headers = BTreeMap::from([("X-Token".to_owned(), "sesame".to_owned())]);
    config.start_timeout_s = Some(90);
    let fleet = Fleet::ready(config);
    everything(&fleet);
    drop(first);
    let why = fleet.call("echo", json!({ "message": "gone" })).unwrap_err();
    assert!(why.starts_with("the MCP server `web`: it "), "{why}");
    let _second = server();
    fleet.servers.restart("web");
    fleet.until("it is reached again", |status| status.state == ServerState::Ready);
    wait_until("it answers again", || fleet.call("echo", json!({ "message": "back" })).is_ok());
}

#[test]
fn server_filesystem_stays_in_its_folder() {
    let Some(path) = npm("server-filesystem") else { return };
    let home = tempfile::tempdir().unwrap();
    let home = home.path().canonicalize().unwrap();
    std::fs::write(home.join("note.txt"), "hello from a file").unwrap();
    let mut config = command("files", &["node", &path, home.to_str().unwrap()]);
    config.start_timeout_s = Some(90);
    let fleet = Fleet::ready(config);
    assert!(fleet.status().tools > 5);
    // It takes the root that percept tells it of in place of the folder of its command.
    let root = fleet.folder.path().canonicalize().unwrap();
    std::fs::write(root.join("own.txt"), "from the root").unwrap();
    wait_until("it asks for the roots", || {
        fleet.text("list_allowed_directories", json!({})).contains(root.to_str().unwrap())
    });
    let read = |path: PathBuf| fleet.call("read_text_file", json!({ "path": path })).unwrap();
    let own = read(root.join("own.txt"));
    assert_eq!((own.text.as_str(), own.failed), ("from the root", false));
    assert!(read(PathBuf::from("/etc/passwd")).failed);
}

#[test]
fn server_time_over_stdio() {
    let Some(python) = python() else { return };
    let mut config =
        command("time", &[&python, "-m", "mcp_server_time", "--local-timezone", "Europe/Berlin"]);
    config.start_timeout_s = Some(90);
    let fleet = Fleet::ready(config);
    let text = fleet.text("get_current_time", json!({ "timezone": "Asia/Tokyo" }));
    assert!(text.contains("Asia/Tokyo"), "{text}");
    let wrong = fleet.call("get_current_time", json!({ "timezone": "Nowhere/Land" }));
    assert!(wrong.as_ref().map_or(true, |result| result.failed), "{wrong:?}");
}

/// A server written with the Python SDK.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mcp_server.py");

/// What the script does, however it is reached.
fn script(fleet: &Fleet) {
    assert_eq!(fleet.tools(), ["fails", "pixel", "word_count"]);
    let tool = fleet.servers.tools().remove(2);
    assert_eq!(tool.description, "Counts the words of a text.");
    assert_eq!(tool.schema["required"], json!(["text"]));
    let counted = fleet.text("word_count", json!({ "text": "one two" }));
    assert_eq!(serde_json::from_str::<Value>(&counted).unwrap(), json!({ "words": 2 }));
    let picture = fleet.call("pixel", json!({})).unwrap();
    assert_eq!(image::load_from_memory(&picture.pictures[0]).unwrap().width(), 1);
    let failed = fleet.call("fails", json!({})).unwrap();
    assert!(failed.failed && failed.text.contains("fails"), "{failed:?}");
    let resource = fleet.servers.resources().remove(0);
    assert_eq!((resource.uri.as_str(), resource.description.as_str()), ("note://today", "What is on today."));
    let server = fleet.status().name;
    let read = fleet.servers.read_resource(&server, &resource.uri, PATIENCE, &AtomicBool::new(false));
    assert_eq!(read.unwrap().text, "nothing");
}

#[test]
fn a_server_in_python_over_stdio() {
    let Some(python) = python() else { return };
    let mut config = command("python", &[&python, SCRIPT]);
    config.start_timeout_s = Some(90);
    script(&Fleet::ready(config));
}

#[test]
fn a_server_in_python_over_http() {
    let Some(python) = python() else { return };
    let port = free_port();
    let _server = serving(Command::new(python).args([SCRIPT, &port.to_string()]), port);
    let mut config = address("python", &format!("http://localhost:{port}/mcp/"));
    config.start_timeout_s = Some(90);
    // Its own address has no slash at the end: it redirects there.
    script(&Fleet::ready(config));
}
