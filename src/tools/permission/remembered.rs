//! What a person allowed for good, on disk: `permissions.json` among percept's data, read
//! anew for each judgement so that what was revoked elsewhere is gone here too.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Scope;

/// The layout of the file.
const VERSION: u32 = 1;

/// What a command may do beyond reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Change what is in the working folder.
    pub write: bool,
    /// Reach the network.
    pub network: bool,
}

/// Something that was allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Allowed {
    /// A command, by its parsed scope.
    Command {
        /// The scope.
        scope: Scope,
    },
    /// A tool of an MCP server, with any arguments.
    Server {
        /// The server.
        server: String,
        /// The server's own name for the tool.
        tool: String,
        /// Where it may be called.
        folder: PathBuf,
    },
    /// A declared tool, with any arguments that it takes.
    Tool {
        /// Its name.
        name: String,
        /// Where it may be run.
        folder: PathBuf,
    },
}

impl Allowed {
    /// Whether this allows a tool that is wanted. Commands have scopes, which are matched where
    /// they are parsed.
    pub fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Tool { name, folder }, Self::Tool { name: other, folder: here }) => {
                name == other && here.starts_with(folder)
            }
            (
                Self::Server { server, tool, folder },
                Self::Server { server: other, tool: called, folder: here },
            ) => server == other && tool == called && here.starts_with(folder),
            _ => false,
        }
    }
}

impl Grant {
    /// What it doesn't grant, in words; `None`: nothing is missing.
    pub fn lacks(self) -> Option<&'static str> {
        match (self.write, self.network) {
            (false, false) => Some("it could only read, without network"),
            (true, false) => Some("it had no network"),
            (false, true) => Some("it could only read"),
            (true, true) => None,
        }
    }

    /// Whether this grants all that is wanted.
    pub fn covers(self, wanted: Self) -> bool {
        (self.write || !wanted.write) && (self.network || !wanted.network)
    }
}

/// A permission that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// What is allowed.
    pub allowed: Allowed,
    /// What it may do.
    pub grant: Grant,
    /// When it was given, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { scope } => scope.fmt(f),
            Self::Server { server, tool, folder } => {
                write!(f, "{tool} of the MCP server {server} (any arguments) under {}", folder.display())
            }
            Self::Tool { name, folder } => write!(f, "{name} (any arguments) under {}", folder.display()),
        }
    }
}

impl fmt::Display for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.allowed {
            // What a server does is not for percept to grant.
            Allowed::Server { .. } => self.allowed.fmt(f),
            allowed => write!(f, "{allowed} · {}", self.grant),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.write, self.network) {
            (false, false) => "only read, no network",
            (true, false) => "change what is in the working folder, no network",
            (false, true) => "only read, and reach the network",
            (true, true) => "change what is in the working folder, and reach the network",
        })
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layout {
    version: u32,
    allowed: Vec<Remembered>,
}

/// The permissions on disk.
#[derive(Debug, Clone)]
pub struct Permissions {
    file: PathBuf,
}

impl Permissions {
    /// The permissions that are kept in this file.
    pub fn at(file: PathBuf) -> Self {
        Self { file }
    }

    /// All of them, the oldest first; none where there is no file.
    ///
    /// # Errors
    ///
    /// The file can't be read or is damaged: then nothing is allowed.
    pub fn list(&self) -> Result<Vec<Remembered>, String> {
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("{} can't be read: {error}", self.file.display())),
        };
        let damaged = |why: String| {
            format!(
                "{} is damaged ({why}): nothing is allowed for good until it is deleted",
                self.file.display()
            )
        };
        let layout: Layout = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        match layout.version {
            VERSION => Ok(layout.allowed),
            other => Err(damaged(format!("its version is {other}, not {VERSION}"))),
        }
    }

    /// Adds one; one for the same thing is replaced.
    ///
    /// # Errors
    ///
    /// It can't be written, or what is there is damaged.
    pub fn add(&self, remembered: Remembered) -> Result<(), String> {
        self.change(|list| {
            list.retain(|known| known.allowed != remembered.allowed);
            list.push(remembered);
        })
    }

    /// Takes one away; whether it was there.
    ///
    /// # Errors
    ///
    /// It can't be written, or what is there is damaged.
    pub fn revoke(&self, allowed: &Allowed) -> Result<bool, String> {
        let mut found = false;
        self.change(|list| {
            let before = list.len();
            list.retain(|known| &known.allowed != allowed);
            found = list.len() != before;
        })?;
        Ok(found)
    }

    /// Changes the list while no other percept does.
    fn change(&self, change: impl FnOnce(&mut Vec<Remembered>)) -> Result<(), String> {
        let failed = |error: io::Error| format!("{} can't be written: {error}", self.file.display());
        let folder = self.file.parent().unwrap_or(Path::new("."));
        crate::session::make_private(folder).map_err(failed)?;
        let lock = File::create(self.file.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut list = self.list()?;
        change(&mut list);
        let layout = Layout { version: VERSION, allowed: list };
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(serde_json::to_string_pretty(&layout)?.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.file)?;
            Ok(())
        };
        write().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> Remembered {
        let allowed = Allowed::Tool { name: name.into(), folder: "/a".into() };
        Remembered { allowed, grant: Grant::default(), since_ms: 1 }
    }

    #[test]
    fn what_is_allowed_lasts_until_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let permissions = Permissions::at(folder.path().join("deep/permissions.json"));
        assert_eq!(permissions.list(), Ok(Vec::new()));
        permissions.add(tool("one")).unwrap();
        permissions.add(tool("two")).unwrap();
        let wider = Remembered { grant: Grant { write: true, network: false }, ..tool("one") };
        permissions.add(wider.clone()).unwrap();
        assert_eq!(permissions.list().unwrap(), [tool("two"), wider]);
        assert_eq!(permissions.revoke(&tool("two").allowed), Ok(true));
        assert_eq!(permissions.revoke(&tool("two").allowed), Ok(false));
        assert_eq!(permissions.list().unwrap().len(), 1);
    }

    #[test]
    fn a_damaged_file_allows_nothing_and_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("permissions.json");
        let permissions = Permissions::at(file.clone());
        for damaged in ["", "{", r#"{"version":2,"allowed":[]}"#, r#"{"version":1,"allowed":[{}]}"#] {
            std::fs::write(&file, damaged).unwrap();
            assert!(permissions.list().unwrap_err().contains("is damaged"), "{damaged}");
            assert!(permissions.add(tool("one")).is_err());
            assert_eq!(std::fs::read_to_string(&file).unwrap(), damaged);
        }
    }
}
