//! Where percept keeps things: the XDG folders (or what the system has instead), each
//! moved by an environment variable.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// The three folders that percept writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml`, own models and prompts. `PERCEPT_CONFIG_DIR`.
    pub config: PathBuf,
    /// Sessions and their attachments, the history, the log. `PERCEPT_DATA_DIR`.
    pub data: PathBuf,
    /// What can be made again: the unpacked starter, saved prompts. `PERCEPT_CACHE_DIR`.
    pub cache: PathBuf,
}

/// There is no home folder to keep anything in.
#[derive(Debug, thiserror::Error)]
#[error("no home folder is known; set PERCEPT_CONFIG_DIR, PERCEPT_DATA_DIR and PERCEPT_CACHE_DIR")]
pub struct NoHome;

impl Paths {
    /// Looks at the environment.
    ///
    /// # Errors
    ///
    /// There is neither a home folder nor a variable for one of them.
    pub fn find() -> Result<Self, NoHome> {
        let dirs = ProjectDirs::from("", "", "percept");
        let pick = |variable: &str, usual: Option<&Path>| {
            let set = std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
            set.or_else(|| usual.map(Path::to_path_buf)).ok_or(NoHome)
        };
        Ok(Self {
            config: pick("PERCEPT_CONFIG_DIR", dirs.as_ref().map(ProjectDirs::config_dir))?,
            data: pick("PERCEPT_DATA_DIR", dirs.as_ref().map(ProjectDirs::data_dir))?,
            cache: pick("PERCEPT_CACHE_DIR", dirs.as_ref().map(ProjectDirs::cache_dir))?,
        })
    }

    /// The user's configuration.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The user's own models.
    pub fn models(&self) -> PathBuf {
        self.config.join("models")
    }

    /// The user's own prompts.
    pub fn prompts(&self) -> PathBuf {
        self.config.join("prompts")
    }

    /// What attachments hold.
    pub fn blobs(&self) -> PathBuf {
        self.data.join("blobs")
    }

    /// The index.
    pub fn index(&self) -> PathBuf {
        self.data.join("index")
    }

    /// What was typed in the chat.
    pub fn history(&self) -> PathBuf {
        self.data.join("history.jsonl")
    }

    /// The user's own tools.
    pub fn tools(&self) -> PathBuf {
        self.config.join("tools")
    }

    /// What the user allowed for good.
    pub fn permissions(&self) -> PathBuf {
        self.data.join("permissions.json")
    }

    /// Whole outputs of commands.
    pub fn outputs(&self) -> PathBuf {
        self.cache.join("outputs")
    }

    /// Where MCP servers are started that don't say where.
    pub fn servers(&self) -> PathBuf {
        self.data.join("mcp")
    }

    /// What `percept serve` is asked with.
    pub fn serve_token(&self) -> PathBuf {
        self.data.join("serve-token")
    }

    /// Pictures that `percept serve` is being asked about, a folder a port.
    pub fn served_pictures(&self, port: u16) -> PathBuf {
        self.cache.join("serve").join(port.to_string())
    }

    /// The log.
    pub fn log(&self) -> PathBuf {
        self.data.join("percept.log")
    }

    /// What models were measured at: suites that were drawn, outcomes, scores.
    pub fn evals(&self) -> PathBuf {
        self.data.join("evals")
    }

    /// Evaluated prompts, to go on at once.
    pub fn states(&self) -> PathBuf {
        self.cache.join("states")
    }
}
