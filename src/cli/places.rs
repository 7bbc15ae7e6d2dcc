//! Where other programs keep models, and how the hub is reached: what the environment says.

use std::env::{var, var_os};
use std::path::{Path, PathBuf};

use super::open::{Setup, set};
use crate::catalogue::Places;
use crate::catalogue::hub::{ENDPOINT, Hub};
use crate::fetch::{Options, Token};

/// A variable that names a folder.
fn folder(variable: &str) -> Option<PathBuf> {
    var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn home() -> Option<PathBuf> {
    folder("HOME").or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf()))
}

/// `$HF_HOME`, else `~/.cache/huggingface`.
fn hub_home() -> Option<PathBuf> {
    let cache = || folder("XDG_CACHE_HOME").or_else(|| Some(home()?.join(".cache")));
    folder("HF_HOME").or_else(|| Some(cache()?.join("huggingface")))
}

/// The hub's cache, as its own libraries find it.
fn hub_cache() -> Option<PathBuf> {
    let set = folder("HF_HUB_CACHE").or_else(|| folder("HUGGINGFACE_HUB_CACHE"));
    set.or_else(|| Some(hub_home()?.join("hub")))
}

/// The stores of other programs.
pub(super) fn stores() -> Places {
    let in_home = |path: &str| home().map(|home| home.join(path));
    let llama = if cfg!(target_os = "macos") { "Library/Caches/llama.cpp" } else { ".cache/llama.cpp" };
    Places {
        hub: hub_cache(),
        llama: folder("LLAMA_CACHE").or_else(|| in_home(llama)),
        ollama: folder("OLLAMA_MODELS").or_else(|| in_home(".ollama/models")),
        lm_studio: [".lmstudio/models", ".cache/lm-studio/models"].into_iter().filter_map(in_home).collect(),
    }
}

/// The token: `HF_TOKEN`, else the file that `hf auth login` writes.
fn token() -> Option<Token> {
    if let Some(token) = var("HF_TOKEN").ok().and_then(|text| Token::new(&text)) {
        return Some(token);
    }
    let file = folder("HF_TOKEN_PATH").or_else(|| Some(hub_home()?.join("token")))?;
    Token::new(&std::fs::read_to_string(file).ok()?)
}

/// The hub as it is configured.
pub(super) fn hub(setup: &Setup) -> Hub {
    let models = &setup.config.models;
    let from_environment = var("HF_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty());
    let endpoint = set(&models.endpoint).map(str::to_owned).or(from_environment);
    let yes = |text: String| matches!(text.to_lowercase().as_str(), "1" | "true" | "yes" | "on");
    let own: &Path = &setup.paths.data;
    Hub {
        endpoint: endpoint.unwrap_or_else(|| ENDPOINT.to_owned()).trim_end_matches('/').to_owned(),
        offline: models.offline || var("HF_HUB_OFFLINE").is_ok_and(yes),
        token: token(),
        cache: hub_cache().unwrap_or_else(|| setup.paths.cache.join("hub")),
        own: own.join("models"),
        options: Options::default(),
    }
}
