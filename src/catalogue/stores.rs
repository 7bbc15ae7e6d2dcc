//! Models in the stores of other programs: used where they lie, never changed, never copied.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The most folders that are looked into below each other.
const MOST_DEPTH: usize = 6;

/// What Ollama calls the layers that are files of a model.
const OLLAMA_MODEL: &str = "application/vnd.ollama.image.model";
const OLLAMA_PROJECTOR: &str = "application/vnd.ollama.image.projector";

/// Where Ollama's models come from, unless their name says so.
const OLLAMA_HOME: &str = "registry.ollama.ai/library/";

/// Where the stores are.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The cache of the Hugging Face hub.
    pub hub: Option<PathBuf>,
    /// llama.cpp's own.
    pub llama: Option<PathBuf>,
    /// Ollama's.
    pub ollama: Option<PathBuf>,
    /// LM Studio's, the newer one first.
    pub lm_studio: Vec<PathBuf>,
}

/// A model in one of them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// What it is called here: `hf:OWNER/REPO:FILE`, `llama.cpp:FILE`, `ollama:NAME:TAG`,
    /// `lmstudio:PUBLISHER/REPO/FILE`.
    pub name: String,
    /// The model's file.
    pub model: PathBuf,
    /// Its projector, where it has one.
    pub mmproj: Option<PathBuf>,
    /// The length of the model's file.
    pub bytes: u64,
}

/// All models in the stores.
pub(super) fn found(places: &Places) -> Vec<Found> {
    let mut found = Vec::new();
    found.extend(places.hub.iter().flat_map(|folder| hub(folder)));
    found.extend(places.llama.iter().flat_map(|folder| llama(folder)));
    found.extend(places.ollama.iter().flat_map(|folder| ollama(folder)));
    found.extend(places.lm_studio.iter().flat_map(|folder| lm_studio(folder)));
    let mut by_name = BTreeMap::new();
    for one in found {
        by_name.entry(one.name.clone()).or_insert(one);
    }
    by_name.into_values().collect()
}

/// The model of that name; a repository of the hub is enough where it has one model.
pub(super) fn named(places: &Places, name: &str) -> Option<Found> {
    let (store, _) = name.split_once(':')?;
    let all = match store {
        "hf" => places.hub.iter().flat_map(|folder| hub(folder)).collect(),
        "llama.cpp" => places.llama.iter().flat_map(|folder| llama(folder)).collect(),
        "ollama" => places.ollama.iter().flat_map(|folder| ollama(folder)).collect(),
        "lmstudio" => places.lm_studio.iter().flat_map(|folder| lm_studio(folder)).collect(),
        _ => Vec::new(),
    };
    if let Some(exact) = all.iter().find(|found| found.name == name) {
        return Some(exact.clone());
    }
    let usual = format!("{name}:");
    let mut of_it = all.into_iter().filter(|found| found.name.starts_with(&usual));
    of_it.next().filter(|_| of_it.next().is_none())
}

/// A file below a folder: its path from there, with `/`.
struct Inside {
    inside: String,
    path: PathBuf,
    bytes: u64,
}

/// The files below a folder. Links to files are followed, links to folders aren't.
fn files(folder: &Path) -> Vec<Inside> {
    fn walk(folder: &Path, before: &str, depth: usize, found: &mut Vec<Inside>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let inside = format!("{before}{}", entry.file_name().to_string_lossy());
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    found.push(Inside { inside, path, bytes: metadata.len() })
                }
                Ok(metadata) if metadata.is_dir() && depth > 0 && !path.is_symlink() => {
                    walk(&path, &format!("{inside}/"), depth - 1, found);
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, "", MOST_DEPTH, &mut found);
    found.sort_by(|one, two| one.inside.cmp(&two.inside));
    found
}

fn is_projector(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".gguf") && name.contains("mmproj")
}

fn is_model(name: &str) -> bool {
    let name = name.to_lowercase();
    // A later part of a split model is no model.
    let later = name.contains("-of-") && !name.contains("-00001-of-");
    name.ends_with(".gguf") && !is_projector(&name) && !later
}

/// The models among files, with the only projector beside them.
fn models(files: &[Inside], name: impl Fn(&str) -> String) -> Vec<Found> {
    let folder = |inside: &str| inside.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let projector = |model: &Inside| {
        let beside =
            |file: &&Inside| is_projector(&file.inside) && folder(&file.inside) == folder(&model.inside);
        let mut all = files.iter().filter(beside);
        all.next().filter(|_| all.next().is_none()).map(|file| file.path.clone())
    };
    let found = |model: &Inside| Found {
        name: name(&model.inside),
        mmproj: projector(model),
        model: model.path.clone(),
        bytes: model.bytes,
    };
    files.iter().filter(|file| is_model(&file.inside)).map(found).collect()
}

fn hub(cache: &Path) -> Vec<Found> {
    let repositories = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let in_one = |entry: std::fs::DirEntry| {
        let folder = entry.file_name().to_string_lossy().into_owned();
        let repository = folder.strip_prefix("models--")?.replacen("--", "/", 1);
        let snapshots = entry.path().join("snapshots");
        let newest = std::fs::read_to_string(entry.path().join("refs").join("main"));
        let commit = newest.ok().map(|commit| commit.trim().to_owned()).or_else(|| {
            let first = std::fs::read_dir(&snapshots).ok()?.flatten().next()?;
            Some(first.file_name().to_string_lossy().into_owned())
        })?;
        Some(models(&files(&snapshots.join(commit)), |file| format!("hf:{repository}:{file}")))
    };
    repositories.filter_map(in_one).flatten().collect()
}

/// llama.cpp's `-hf` writes `OWNER_REPO_FILE.gguf`, and a projector as `OWNER_REPO_mmproj-….gguf`.
fn llama(cache: &Path) -> Vec<Found> {
    let files = files(cache);
    let mut found = models(&files, |file| format!("llama.cpp:{}", file.trim_end_matches(".gguf")));
    for one in &mut found {
        let name = one.model.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let belongs = |file: &&Inside| {
            is_projector(&file.inside)
                && file.inside.find("mmproj").is_some_and(|at| at > 0 && name.starts_with(&file.inside[..at]))
        };
        let mut fitting = files.iter().filter(belongs);
        one.mmproj = fitting.next().filter(|_| fitting.next().is_none()).map(|file| file.path.clone());
    }
    found
}

fn lm_studio(folder: &Path) -> Vec<Found> {
    models(&files(folder), |file| format!("lmstudio:{file}"))
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    kind: String,
    digest: String,
}

fn ollama(folder: &Path) -> Vec<Found> {
    let blob = |manifest: &Manifest, kind: &str| {
        let layer = manifest.layers.iter().find(|layer| layer.kind == kind)?;
        let hex = layer.digest.strip_prefix("sha256:")?;
        let is_hex = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = folder.join("blobs").join(format!("sha256-{hex}"));
        Some(path).filter(|path| is_hex && path.is_file())
    };
    let one = |file: Inside| {
        let manifest: Manifest = serde_json::from_slice(&std::fs::read(&file.path).ok()?).ok()?;
        let model = blob(&manifest, OLLAMA_MODEL)?;
        let (name, tag) = file.inside.rsplit_once('/')?;
        let name = name
            .strip_prefix(OLLAMA_HOME)
            .or_else(|| name.strip_prefix("registry.ollama.ai/"))
            .unwrap_or(name);
        Some(Found {
            name: format!("ollama:{name}:{tag}"),
            mmproj: blob(&manifest, OLLAMA_PROJECTOR),
            bytes: std::fs::metadata(&model).map_or(0, |metadata| metadata.len()),
            model,
        })
    };
    files(&folder.join("manifests")).into_iter().filter_map(one).collect()
}
