//! The starter's weights, in the program itself: an installed percept needs no other file.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::CatalogueError;

/// The language model and its projector.
pub(super) const FILES: [(&str, &[u8]); 2] = [
    ("starter-f16.gguf", include_bytes!("../../models/starter/starter-f16.gguf")),
    ("mmproj-starter-f16.gguf", include_bytes!("../../models/starter/mmproj-starter-f16.gguf")),
];

/// Writes the starter's files into the cache, unless they are there already, and returns
/// their paths. The folder is named after their content, so that another version of
/// percept never finds the wrong ones.
///
/// # Errors
///
/// They can't be written.
pub(super) fn unpack(cache: &Path) -> Result<[PathBuf; 2], CatalogueError> {
    written(cache).map_err(|error| CatalogueError::Write { path: cache.to_owned(), error })
}

fn written(cache: &Path) -> std::io::Result<[PathBuf; 2]> {
    let mut hasher = blake3::Hasher::new();
    for (_, bytes) in FILES {
        hasher.update(bytes);
    }
    let digest = hasher.finalize().to_hex();
    let folder = cache.join("models").join(format!("starter-{}", &digest[..16]));
    std::fs::create_dir_all(&folder)?;
    let mut paths = FILES.map(|(name, _)| folder.join(name));
    for (path, (_, bytes)) in paths.iter_mut().zip(FILES) {
        // A file gets its name when it is whole; one of the right length is whole.
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == bytes.len() as u64) {
            continue;
        }
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
    }
    Ok(paths)
}
