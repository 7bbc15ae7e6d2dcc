//! Models from the Hugging Face hub, or from any address: what to download is planned first, so
//! that it can be shown, and then brought into the cache that other programs use too.
//!
//! Metadata comes from the hub's own interface (`/api/models/OWNER/REPO/revision/main?blobs=true`),
//! files from `/OWNER/REPO/resolve/COMMIT/FILE`: a commit never changes.

mod cache;
mod listing;
mod pull;

use std::path::PathBuf;

pub use cache::checksum_in_name;
pub use pull::{Plan, Planned, Pulled};

use super::{Catalogue, CatalogueError, ModelSource};
use crate::fetch::{self, FetchError, Token};

/// Where the hub is, unless configured.
pub const ENDPOINT: &str = "https://huggingface.co";

/// Where models come from and go to.
#[derive(Debug, Clone)]
pub struct Hub {
    /// The hub or a mirror, without a slash at its end.
    pub endpoint: String,
    /// Nothing is asked of anybody; what is in the cache is used.
    pub offline: bool,
    /// Who asks; sent to the endpoint's host alone.
    pub token: Option<Token>,
    /// The hub's cache on this machine.
    pub cache: PathBuf,
    /// Percept's own folder: files from plain addresses, and the list of what percept downloaded.
    pub own: PathBuf,
    /// How patient it is.
    pub options: fetch::Options,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A model of the catalogue, with its source.
    Known {
        /// Its name.
        name: String,
        /// Where it can be had.
        source: ModelSource,
    },
    /// `hf:OWNER/REPO[:FILE]`; the file may be a quantisation, as `Q4_K_M`.
    Repository {
        /// `OWNER/REPO`.
        repository: String,
        /// The file, or a quantisation.
        file: Option<String>,
    },
    /// A plain address.
    Url(String),
}

/// Why a model can't be had.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The download failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Its entry can't be made.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// It is neither a name, a repository nor an address.
    #[error(
        "`{0}` is no model to download: a name of `percept models list`, hf:OWNER/REPO, hf:OWNER/REPO:FILE, or an address"
    )]
    Name(String),
    /// The catalogue doesn't say where it is.
    #[error("the entry of {0} doesn't say where it can be had")]
    NoSource(String),
    /// What the hub says can't be used.
    #[error("what {url} says can't be used: {why}")]
    Listing {
        /// The address.
        url: String,
        /// Why.
        why: String,
    },
    /// One has to be chosen.
    #[error("{repository} {why}{}", files.iter().map(|file| format!("\n  percept models pull hf:{repository}:{file}")).collect::<String>())]
    Choose {
        /// The repository.
        repository: String,
        /// Why none was chosen.
        why: String,
        /// Those that there are.
        files: Vec<String>,
    },
    /// Nothing may be downloaded.
    #[error("{0} is not in the cache, and downloads are off ([models] offline, or HF_HUB_OFFLINE)")]
    Offline(String),
    /// Another model has the name.
    #[error("there is another model `{0}` already; give this one a name of its own with --name")]
    Taken(String),
    /// A file of the cache can't be written.
    #[error("{path}: {error}")]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

impl Wanted {
    /// What was typed, as it is meant.
    ///
    /// # Errors
    ///
    /// It is nothing that can be downloaded.
    pub fn parse(text: &str, endpoint: &str, catalogue: &Catalogue) -> Result<Self, HubError> {
        let wrong = || HubError::Name(text.to_owned());
        if let Some(rest) = text.strip_prefix("hf:") {
            let (repository, file) =
                rest.split_once(':').map_or((rest, None), |(repository, file)| (repository, Some(file)));
            let named = is_repository(repository) && file.is_none_or(listing::is_path);
            return match named {
                true => {
                    Ok(Self::Repository { repository: repository.to_owned(), file: file.map(str::to_owned) })
                }
                false => Err(wrong()),
            };
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(on_the_hub(text, endpoint).unwrap_or_else(|| Self::Url(text.to_owned())));
        }
        match catalogue.find(text) {
            Some(spec) => match &spec.source {
                Some(source) => Ok(Self::Known { name: text.to_owned(), source: source.clone() }),
                None => Err(HubError::NoSource(text.to_owned())),
            },
            None if text.contains('/') => Err(wrong()),
            None => Err(catalogue.unknown(text).into()),
        }
    }
}

/// An address of the hub's own pages: a repository, or a file in it.
fn on_the_hub(url: &str, endpoint: &str) -> Option<Wanted> {
    let rest = [endpoint, ENDPOINT].iter().find_map(|start| url.strip_prefix(start)?.strip_prefix('/'))?;
    let rest = rest.split(['?', '#']).next()?.trim_end_matches('/');
    let mut parts = rest.splitn(5, '/');
    let repository = format!("{}/{}", parts.next()?, parts.next()?);
    let file = match (parts.next(), parts.next(), parts.next()) {
        (None, _, _) | (Some("tree"), Some("main"), None) => None,
        (Some("blob" | "resolve"), Some("main"), Some(file)) => Some(file.to_owned()),
        _ => return None,
    };
    let named = is_repository(&repository) && file.as_deref().is_none_or(listing::is_path);
    named.then_some(Wanted::Repository { repository, file })
}

/// `OWNER/REPO`, as the hub allows them.
fn is_repository(text: &str) -> bool {
    let plain = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !part.is_empty() && part.len() <= 96 && !part.starts_with('.') && part.chars().all(allowed)
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}
