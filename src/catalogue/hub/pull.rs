//! What will be downloaded, and the download itself.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::cache::Repository;
use super::listing::{self, Choice, Listing, Remote};
use super::{Hub, HubError, Wanted};
use crate::catalogue::{Catalogue, ModelSource};
use crate::fetch::{self, Place, Progress, Source};

/// The most bytes of a listing: repositories have thousands of files at most.
const MOST_LISTING: usize = 16 * 1024 * 1024;

/// What will be downloaded, to be shown first.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The name that the model gets.
    pub name: String,
    /// Where it comes from.
    pub from: String,
    /// Its licence, as its repository says.
    pub licence: Option<String>,
    /// Where it goes.
    pub folder: PathBuf,
    /// Its files: the model first, the projector last.
    pub files: Vec<Planned>,
    /// What the person should know.
    pub notes: Vec<String>,
    /// For its entry.
    source: Option<ModelSource>,
    /// Whether the last file is a projector.
    has_mmproj: bool,
    kept: Option<(Repository, String)>,
}

/// A file of a plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its name.
    pub file: String,
    /// Its length, where the hub says it.
    pub bytes: Option<u64>,
    /// Whether a checksum is known that it must have.
    pub checksum: bool,
    /// Whether it is here already.
    pub here: bool,
    remote: Option<Remote>,
    source: Source,
    place: Place,
}

/// A model that is here now.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The model.
    pub model: PathBuf,
    /// Its projector.
    pub mmproj: Option<PathBuf>,
    /// Where it came from.
    pub source: Option<ModelSource>,
    /// Its licence.
    pub licence: Option<String>,
}

impl Hub {
    /// Finds out what has to be downloaded for what is wanted, under which name.
    ///
    /// # Errors
    ///
    /// The hub can't be asked, has no such model, or one has to be chosen.
    pub fn plan(
        &self,
        wanted: &Wanted,
        name: Option<&str>,
        catalogue: &Catalogue,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Plan, HubError> {
        let mut plan = match wanted {
            Wanted::Known { source, .. } => {
                let named = (source.model.as_deref(), source.mmproj.as_deref());
                self.plan_repository(&source.repository, named, stop, tell)?
            }
            Wanted::Repository { repository, file } => {
                self.plan_repository(repository, (file.as_deref(), None), stop, tell)?
            }
            Wanted::Url(url) => self.plan_url(url)?,
        };
        let known = |plan: &Plan| {
            let same = |source: &&ModelSource| {
                plan.source.as_ref().is_some_and(|own| {
                    own.repository == source.repository && own.model.is_some() && own.model == source.model
                })
            };
            catalogue.list().iter().find(|spec| spec.source.as_ref().filter(same).is_some())
        };
        plan.name = match (name, wanted) {
            (Some(name), _) => name.to_owned(),
            (None, Wanted::Known { name, .. }) => name.clone(),
            (None, _) => match known(&plan) {
                Some(spec) => spec.name.clone(),
                None => free_name(plan.name.clone(), &plan, catalogue)?,
            },
        };
        Ok(plan)
    }

    fn plan_repository(
        &self,
        repository: &str,
        (file, mmproj): (Option<&str>, Option<&str>),
        stop: &AtomicBool,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Plan, HubError> {
        let kept = Repository::new(&self.cache, repository);
        let (commit, files, licence, mut notes) = if self.offline {
            let (commit, files) =
                kept.newest().ok_or_else(|| HubError::Offline(format!("hf:{repository}")))?;
            (commit, files, None, vec!["downloads are off: what is in the cache is used".to_owned()])
        } else {
            self.ask(repository, stop, tell)?
        };
        let Choice { model, mmproj, note } = listing::choose(&files, file, mmproj)
            .map_err(|(why, files)| HubError::Choose { repository: repository.to_owned(), why, files })?;
        notes.extend(note);
        let source = ModelSource {
            repository: repository.to_owned(),
            model: model.first().map(|file| file.path.clone()),
            mmproj: mmproj.as_ref().map(|file| file.path.clone()),
        };
        let has_mmproj = mmproj.is_some();
        let planned = |file: Remote| Planned {
            here: self.offline || kept.has(&commit, &file),
            file: file.path.clone(),
            bytes: file.bytes,
            checksum: file.sha256.is_some(),
            source: Source {
                url: format!("{}/{repository}/resolve/{commit}/{}", self.endpoint, escaped(&file.path)),
                token: self.token.clone(),
                bytes: file.bytes,
                sha256: file.sha256.clone(),
            },
            place: kept.place(&file),
            remote: Some(file),
        };
        Ok(Plan {
            name: model.first().map(|file| listing::name_of(&file.path)).unwrap_or_default(),
            from: format!("{}/{repository}", self.endpoint),
            licence,
            folder: kept.root(),
            files: model.into_iter().chain(mmproj).map(planned).collect(),
            notes,
            source: Some(source),
            has_mmproj,
            kept: Some((kept, commit)),
        })
    }

    /// Asks the hub what is in a repository.
    #[allow(clippy::type_complexity, reason = "taken apart by its only caller")]
    fn ask(
        &self,
        repository: &str,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(String, Vec<Remote>, Option<String>, Vec<String>), HubError> {
        let url = format!("{}/api/models/{repository}/revision/main?blobs=true", self.endpoint);
        let source = Source { url: url.clone(), token: self.token.clone(), bytes: None, sha256: None };
        let text = fetch::read(&source, MOST_LISTING, &self.options, stop, tell)?;
        let wrong = |why: String| HubError::Listing { url: url.clone(), why };
        let listing: Listing = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let commit = listing.commit().ok_or_else(|| wrong("it names no commit".to_owned()))?.to_owned();
        let mut notes = Vec::new();
        if listing.is_gated() {
            notes.push(format!("its terms must be accepted first, on {}/{repository}", self.endpoint));
        }
        Ok((commit, listing.files(), listing.licence(), notes))
    }

    fn plan_url(&self, url: &str) -> Result<Plan, HubError> {
        let wrong = || HubError::Name(url.to_owned());
        let parsed = url::Url::parse(url).map_err(|_| wrong())?;
        let file = parsed.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        if !listing::is_path(file) || !(file.ends_with(".gguf") || file.ends_with(".bin")) {
            return Err(wrong());
        }
        let target = self.own.join(file);
        let here = target.exists();
        if self.offline && !here {
            return Err(HubError::Offline(file.to_owned()));
        }
        let planned = Planned {
            file: file.to_owned(),
            bytes: None,
            checksum: false,
            here,
            remote: None,
            source: Source { url: url.to_owned(), token: None, bytes: None, sha256: None },
            place: Place::beside(&target),
        };
        Ok(Plan {
            name: listing::name_of(file),
            from: parsed.host_str().unwrap_or_default().to_owned(),
            licence: None,
            folder: self.own.clone(),
            files: vec![planned],
            notes: vec!["no checksum is known of it: its length and its form are checked".to_owned()],
            source: None,
            has_mmproj: false,
            kept: None,
        })
    }

    /// Downloads what of a plan isn't here.
    ///
    /// # Errors
    ///
    /// A download fails; what came of it is kept. The files before it are whole.
    pub fn pull(
        &self,
        plan: &Plan,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(&Planned, Progress),
    ) -> Result<Pulled, HubError> {
        let mut paths = Vec::new();
        for planned in &plan.files {
            if !planned.here {
                fetch::fetch(&planned.source, &planned.place, &self.options, stop, &mut |progress| {
                    tell(planned, progress);
                })?;
            }
            let path = match (&plan.kept, &planned.remote) {
                (Some((kept, commit)), Some(remote)) => kept.link(commit, remote)?,
                _ => planned.place.target.clone(),
            };
            // As its entry will name it.
            let path = std::path::absolute(&path).unwrap_or(path);
            if !planned.here {
                self.remember(&path)?;
            }
            paths.push(path);
        }
        if let Some((kept, commit)) = plan.kept.as_ref().filter(|_| !self.offline) {
            kept.note(commit)?;
        }
        let mmproj = if plan.has_mmproj { paths.pop() } else { None };
        let model = paths.into_iter().next().unwrap_or_default();
        Ok(Pulled { model, mmproj, source: plan.source.clone(), licence: plan.licence.clone() })
    }
}

/// The name, if no other model has it.
fn free_name(name: String, plan: &Plan, catalogue: &Catalogue) -> Result<String, HubError> {
    let same = |path: &Path| {
        path.file_name().is_some_and(|file| {
            plan.files.first().is_some_and(|planned| planned.file.rsplit('/').next() == file.to_str())
        })
    };
    match catalogue.find(&name) {
        Some(spec) if !spec.files.model.as_deref().is_some_and(same) => Err(HubError::Taken(name)),
        _ => Ok(name),
    }
}

/// A path as it stands in an address.
fn escaped(path: &str) -> String {
    let mut escaped = String::new();
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}
