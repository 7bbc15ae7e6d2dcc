//! percept in an environment of its own, with the fake worker.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of several tests; none uses all")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// In place of the fake worker's behaviour: the real worker, beside percept.
pub(crate) const REAL: &str = "real";

/// A home of its own for one test.
pub(crate) struct Home {
    /// The working folder, and the person's home.
    pub(crate) dir: tempfile::TempDir,
    /// Where percept keeps its own folders: they rarely lie in a working folder.
    own: tempfile::TempDir,
}

/// Percept's own folders.
const OWN: [&str; 3] = ["config", "data", "cache"];

/// The fake worker, which `cargo test` builds beside the tests.
pub(crate) fn fake_worker() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let target = deps.parent().unwrap().parent().unwrap();
    target.join("examples").join(format!("fake-worker{}", std::env::consts::EXE_SUFFIX))
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), own: tempfile::tempdir().unwrap() }
    }

    /// A path in the working folder, or below one of percept's own folders.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let own = OWN.contains(&name.split('/').next().unwrap_or_default());
        if own { self.own.path().join(name) } else { self.dir.path().join(name) }
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Writes a program. Another process does the last of it: a child of another test that is just
    /// being started would hold our file open, and what is open for writing can't be run.
    #[cfg(unix)]
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let (text, program) = (self.write(&format!("{name}.sh"), script), self.path(name));
        std::fs::set_permissions(&text, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new("cp").args([&text, &program]).status().unwrap().success());
        program
    }

    /// The environment of every percept here.
    pub(crate) fn variables(&self, fake: &str) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        [
            ("PERCEPT_CONFIG_DIR", text(self.path("config"))),
            ("PERCEPT_DATA_DIR", text(self.path("data"))),
            ("PERCEPT_CACHE_DIR", text(self.path("cache"))),
            ("PERCEPT_WORKER_LLAMA", if fake == REAL { String::new() } else { text(fake_worker()) }),
            ("PERCEPT_FAKE", fake.to_owned()),
            ("PERCEPT_FAKE_ONCE", text(self.path("died"))),
            ("HOME", text(self.dir.path().to_owned())),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("TERM", "xterm-256color".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// percept with nothing of the tester's environment; `fake` is the worker's behaviour.
    pub(crate) fn percept(&self, fake: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_percept"));
        command.args(arguments).env_clear().envs(self.variables(fake)).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, fake: &str, arguments: &[&str]) -> Ran {
        Ran::from(self.percept(fake, arguments).output().unwrap())
    }
}

/// How it ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

pub(crate) fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).to_str().unwrap().to_owned()
}

/// A model that tools are offered to: the starter's file by its path is like any other.
pub(crate) fn model() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/starter/starter-f16.gguf");
    file.to_str().unwrap().to_owned()
}

/// Writes what the fake worker takes for a model that finds vectors: a header without weights.
/// `pooling` as GGUF has it: 1 is the mean, 3 the last token (which pictures need, with a
/// projector), 4 makes it a reranker.
pub(crate) fn embedding_model(path: &Path, dimensions: u32, pooling: u32) -> PathBuf {
    let number = |value: u32| [&4_u32.to_le_bytes()[..], &value.to_le_bytes()].concat();
    header(
        path,
        &[
            ("general.architecture", text_value("bert")),
            ("bert.embedding_length", number(dimensions)),
            ("bert.context_length", number(512)),
            ("bert.pooling_type", number(pooling)),
        ],
    )
}

/// Writes what the fake worker takes for a projector that goes with any such model.
pub(crate) fn embedding_projector(path: &Path) -> PathBuf {
    header(path, &[("general.architecture", text_value("clip"))])
}

fn text_value(value: &str) -> Vec<u8> {
    [&8_u32.to_le_bytes()[..], &(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

/// A GGUF file without tensors.
fn header(path: &Path, entries: &[(&str, Vec<u8>)]) -> PathBuf {
    let mut bytes = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend((entries.len() as u64).to_le_bytes());
    for (key, value) in entries {
        bytes.extend((key.len() as u64).to_le_bytes());
        bytes.extend(key.bytes());
        bytes.extend(value);
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    std::fs::write(path, bytes).unwrap();
    path.to_owned()
}

/// The process of that name whose parent is `parent`.
#[cfg(target_os = "linux")]
pub(crate) fn child_of(parent: u32, name: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?;
    processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((own, rest)) = stat.split_once(") ") else { return false };
        own.contains(name) && rest.split(' ').nth(1) == Some(&parent.to_string())
    })
}

/// Waits until a process is gone, or only waits to be reaped.
#[cfg(target_os = "linux")]
pub(crate) fn is_gone(pid: u32) -> bool {
    (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    })
}
