//! A `PulseAudio` server of a test's own: in a folder of its own, on a socket of its own, with
//! no device but those that the test makes. It dies with its handle.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of several tests; none uses all"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the server of a test is, told to its child.
const SOCKET: &str = "PULSE_SERVER";

/// What must be there, or the test doesn't run.
const PROGRAMS: [&str; 3] = ["pulseaudio", "pactl", "pacat"];

/// How long a server may take to answer.
const START: Duration = Duration::from_secs(20);

/// A server that runs.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    process: Child,
}

impl Server {
    /// Starts one; `None`, said, where `PulseAudio` is not installed.
    pub(crate) fn start() -> Option<Self> {
        let missing: Vec<_> = PROGRAMS.iter().filter(|program| !is_installed(program)).collect();
        if !missing.is_empty() {
            assert!(
                std::env::var_os("PERCEPT_REQUIRE_PROGRAMS").is_none(),
                "{missing:?} must be installed: sh scripts/setup.sh tests"
            );
            eprintln!("skipped: {missing:?} not installed (sh scripts/setup.sh tests)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("native");
        let process = Command::new("pulseaudio")
            .args(["-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--realtime=no"])
            .args(["--high-priority=no", "--disable-shm=yes", "--log-target=stderr", "--log-level=error"])
            .args([
                "-L",
                &format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display()),
            ])
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, process };
        let until = Instant::now() + START;
        while !server.pactl(&["info"]).0 {
            assert!(Instant::now() < until, "pulseaudio doesn't start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// What connects to it.
    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.folder.path().join("native").display())
    }

    /// A folder for what the test needs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn pactl(&self, arguments: &[&str]) -> (bool, String) {
        pactl(&self.address(), arguments)
    }

    /// The id of the server's process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn pactl(address: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("pactl")
        .args(arguments)
        .env(SOCKET, address)
        .env("LC_ALL", "C")
        .stderr(Stdio::null())
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs the body of a test in a process of its own, with a server whose address is in its
/// environment: `set_var` would reach the other tests, too.
pub(crate) fn with_server(test: &str, body: impl FnOnce(&Client)) {
    if let Some(folder) = std::env::var_os("PERCEPT_TEST_FOLDER") {
        return body(&Client { folder: PathBuf::from(folder) });
    }
    let Some(server) = Server::start() else { return };
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(SOCKET, server.address())
        .env("PERCEPT_TEST_FOLDER", server.folder())
        .env("PERCEPT_TEST_SERVER_ID", server.id().to_string())
        .env("HOME", server.folder())
        .status()
        .unwrap();
    assert!(status.success(), "the test in its own process failed");
}

/// The server, seen from a test's process.
pub(crate) struct Client {
    folder: PathBuf,
}

impl Client {
    /// Runs `pactl` and gives what it printed.
    pub(crate) fn pactl(&self, arguments: &[&str]) -> String {
        let (fine, said) = pactl(&std::env::var(SOCKET).unwrap(), arguments);
        assert!(fine, "pactl {arguments:?}");
        said
    }

    /// Makes a sink whose monitor is the microphone, the default one, and gives the module's number.
    pub(crate) fn device(&self, name: &str, rate: u32, channels: u8) -> String {
        let module = self.pactl(&[
            "load-module",
            "module-null-sink",
            &format!("sink_name={name}"),
            &format!("rate={rate}"),
            &format!("channels={channels}"),
            &format!("sink_properties=device.description={name}"),
        ]);
        self.pactl(&["set-default-source", &format!("{name}.monitor")]);
        module
    }

    /// Plays samples of 16 kHz into a sink, after half a second of silence: the monitor of a null
    /// sink has passed some of the time already when a stream begins.
    pub(crate) fn play(&self, sink: &str, samples: &[f32]) -> Child {
        let file = self.folder.join(format!("{sink}.s16"));
        let silence = [0.0; 8000];
        let bytes: Vec<u8> = silence
            .iter()
            .chain(samples)
            .flat_map(|sample| ((sample * 32767.0) as i16).to_le_bytes())
            .collect();
        std::fs::write(&file, bytes).unwrap();
        Command::new("pacat")
            .args([
                "--playback",
                "--raw",
                "--format=s16le",
                "--rate=16000",
                "--channels=1",
                // Much ahead: a busy machine must not make a hole in what is played.
                "--latency-msec=2000",
            ])
            .arg(format!("--device={sink}"))
            .arg(file)
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Sends a signal to the server.
    pub(crate) fn signal(&self, name: &str) {
        let id = std::env::var("PERCEPT_TEST_SERVER_ID").unwrap();
        // The shell's own: not every system has the program.
        let kill = format!("kill -{name} {id}");
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}
