//! Which files exactly a model is: their hashes.

use std::path::Path;

use super::Catalogue;

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its name, without the folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its blake3 hash, as hex digits.
    pub blake3: String,
}

impl Catalogue {
    /// Hashes a model's files, the language model first; empty where they are not on this
    /// machine, or not under this name. Reads them whole: seconds for gigabytes.
    pub fn fingerprints(&self, name: &str, cache: &Path) -> Vec<Fingerprint> {
        // A name of the catalogue only: what was stored is never taken for a path.
        let Some(ready) = self.find(name).and_then(|spec| self.ready(&spec.name, cache).ok()) else {
            return Vec::new();
        };
        [Some(ready.model), ready.mmproj]
            .into_iter()
            .flatten()
            .filter_map(|path| fingerprint(&path))
            .collect()
    }
}

fn fingerprint(path: &Path) -> Option<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).ok()?).ok()?;
    Some(Fingerprint {
        file: path.file_name()?.to_string_lossy().into_owned(),
        bytes: hasher.count(),
        blake3: hasher.finalize().to_hex().to_string(),
    })
}
