//! llama.cpp's own HTTP server in a process of its own, from the package `xllamacpp` of PyPI. It is
//! installed once, below `target`; where that can't be done, its tests say so and do nothing.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// With the version, so that the same one is tested everywhere.
const PACKAGE: &str = "xllamacpp==2026.10.11549";

/// The Python that has it; `None`, said: there is none.
pub(crate) fn python() -> Option<PathBuf> {
    let deps = std::env::current_exe().unwrap();
    let target = deps.parent().unwrap().parent().unwrap().parent().unwrap().join("openai-servers");
    std::fs::create_dir_all(&target).unwrap();
    let lock = std::fs::File::create(target.join("pypi.lock")).unwrap();
    lock.lock().unwrap();
    let (folder, marker) = (target.join("pypi"), target.join("pypi.installed"));
    let python = folder.join("bin/python");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == PACKAGE) {
        return Some(python);
    }
    let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--retries=1", "--no-deps", PACKAGE];
    let made = ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        && ran(Command::new(&python).args(pip));
    if !made {
        assert!(
            std::env::var_os("PERCEPT_REQUIRE_PROGRAMS").is_none(),
            "{PACKAGE} must be installed: it takes python3 with venv, and a way to PyPI"
        );
        eprintln!("SKIPPED: there is no python3 with venv here, or no way to PyPI for {PACKAGE}");
        return None;
    }
    std::fs::write(&marker, PACKAGE).unwrap();
    Some(python)
}

fn ran(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

/// A port that was free just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that runs. It dies with this.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts one and waits until it listens. `with`: a projector, or `embed`.
    pub(crate) fn start(python: &Path, port: u16, context: u32, model: &Path, with: Option<&Path>) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openai_real/serve.py");
        let mut process = Command::new(python)
            .arg(script)
            .args([port.to_string(), context.to_string()])
            .arg(model)
            .args(with)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let listens = lines.by_ref().map_while(Result::ok).any(|line| line.contains("http://127.0.0.1"));
        assert!(listens, "the server ended before it listened");
        Self { process, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(mut self) -> u16 {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
