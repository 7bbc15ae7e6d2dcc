//! Pictures of requests: looked at as attachments are, and kept in files for as long as the
//! request lasts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::api::ApiError;
use crate::attachment::Source;
use crate::intake;
use crate::session::{BlobStore, StoreError, make_private};
use crate::wire::Content;

/// The folder.
pub(super) struct Pictures(Arc<Folder>);

/// The pictures of one request; their files are deleted with it.
pub(super) struct Batch {
    blobs: BlobStore,
    _own: TempDir,
    _folder: Arc<Folder>,
}

/// It is removed, if it is empty, when nothing of this percept is in it any more: the next one
/// on the port may have begun to use it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is emptied at the next start.
        let _ = std::fs::remove_dir(&self.0);
    }
}

impl Pictures {
    /// Makes the folder, private, and empties it: what a killed percept left. The port that it
    /// is named after is this percept's alone.
    pub(super) fn at(folder: &Path) -> std::io::Result<Self> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        make_private(folder)?;
        Ok(Self(Arc::new(Folder(folder.to_owned()))))
    }

    /// A place for one request's pictures.
    pub(super) fn batch(&self) -> Result<Batch, ApiError> {
        // The percept before this one on the port may have removed it as the last that it did.
        let own = make_private(&self.0.0).and_then(|()| TempDir::new_in(&self.0.0));
        let own = own.map_err(|error| full(&error))?;
        let blobs = BlobStore::open(own.path()).map_err(|error| full(&error))?;
        Ok(Batch { blobs, _own: own, _folder: Arc::clone(&self.0) })
    }
}

impl Batch {
    /// Looks at a picture of the field `at` and puts what the model gets of it into a file.
    pub(super) fn keep(
        &self,
        at: &str,
        bytes: Vec<u8>,
        bounds: &intake::Options,
    ) -> Result<Content, ApiError> {
        let taken = intake::take_picture("the picture", bytes, Source::Paste, bounds).map_err(|error| {
            let message = format!("`{at}`: {error}");
            let wrong = ApiError::new(400, super::api::INVALID, message).code("invalid_image");
            ApiError { param: Some(at.to_owned()), ..wrong }
        })?;
        let shown = taken.view.as_ref().unwrap_or(&taken.original);
        let hash = self.blobs.put(shown).map_err(|error: StoreError| full(&error))?;
        let path = self.blobs.path(&hash);
        Ok(Content::Image { hash, path })
    }
}

/// A disk that can't be written to is nobody's fault who asks.
fn full(error: &dyn std::error::Error) -> ApiError {
    ApiError::unavailable(format!("The picture can't be kept while it is looked at: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_one_takes_nothing_from_the_next_one_on_the_port() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("8573");
        let before = Pictures::at(&folder).unwrap();
        let after = Pictures::at(&folder).unwrap();
        let batch = after.batch().unwrap();
        let hash = batch.blobs.put(b"a picture").unwrap();
        drop(before);
        assert!(batch.blobs.path(&hash).exists());
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(after.batch().is_ok(), "the folder is made again");
        drop((after, batch));
        assert!(!folder.exists(), "nothing is left");
    }
}
