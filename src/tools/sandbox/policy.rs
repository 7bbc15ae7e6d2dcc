//! What a sandboxed command may do.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Folders and files of a home that are nobody's business: keys, tokens, passwords, and
/// what browsers keep.
const SECRETS: [&str; 27] = [
    ".ssh",
    ".gnupg",
    ".pki",
    ".netrc",
    ".git-credentials",
    ".pgpass",
    ".my.cnf",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".npmrc",
    ".pypirc",
    ".vault-token",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    ".cargo/credentials.toml",
    ".config/gcloud",
    ".config/gh",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/op",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".bash_history",
];

/// The same outside any home.
const SYSTEM_SECRETS: [&str; 5] =
    ["/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssl/private"];

/// The bounds on what a command may use up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Processes and threads at a time.
    pub processes: u64,
    /// The same with all others of the machine that there were when it was started: what the
    /// kernel keeps for anybody but root. 0: not counted yet.
    pub with_others: u64,
    /// Bytes of address space of each process.
    pub memory: u64,
    /// Bytes of each file that is written.
    pub file: u64,
    /// Seconds of CPU time of each process.
    pub cpu_seconds: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self { processes: 256, with_others: 0, memory: 8 * GIB, file: GIB, cpu_seconds: 600 }
    }
}

/// What a command may do. What is not in here it may not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Where it runs.
    pub folder: PathBuf,
    /// Whether it may change what is in that folder.
    pub write: bool,
    /// Whether it may reach the network.
    pub network: bool,
    /// What it may not even read, as real paths without links.
    pub hidden: Vec<PathBuf>,
    /// What it may use up.
    pub bounds: Bounds,
}

impl Policy {
    /// Reads everything but secrets, changes nothing, reaches nobody. `own` are the folders
    /// that percept keeps things in.
    pub fn read_only(folder: &Path, home: Option<&Path>, own: &[PathBuf]) -> Self {
        let homes = home.into_iter().flat_map(|home| SECRETS.iter().map(|secret| home.join(secret)));
        let system = SYSTEM_SECRETS.iter().map(PathBuf::from);
        let hidden = homes.chain(system).chain(own.iter().cloned());
        // A link to a secret is followed by the kernel; the rules are about where it leads.
        let hidden = hidden.filter_map(|path| path.canonicalize().ok()).collect();
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self { folder, write: false, network: false, hidden, bounds: Bounds::default() }
    }

    /// The same, but it may change what is in its folder.
    #[must_use]
    pub fn writing(self) -> Self {
        Self { write: true, ..self }
    }

    /// The same, but it may reach the network.
    #[must_use]
    pub fn reaching_out(self) -> Self {
        Self { network: true, ..self }
    }
}
