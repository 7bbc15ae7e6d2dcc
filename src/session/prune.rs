//! Keeps a folder of files that can be made again within its bounds.

use std::path::Path;
use std::time::Duration;

/// A file that was begun so long ago and has not got its name was left by a crash.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Deletes the oldest files of a folder until the rest fit.
pub fn prune(folder: &Path, most_bytes: u64) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|file| file.1).sum();
    for (modified, bytes, path) in files {
        let unfinished = path.extension().is_some_and(|extension| extension == "new");
        let remove = match unfinished {
            true => modified.elapsed().is_ok_and(|age| age > ABANDONED),
            false => total > most_bytes,
        };
        if remove && std::fs::remove_file(&path).is_ok() {
            total -= bytes;
        }
    }
}
