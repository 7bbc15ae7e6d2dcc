//! Pictures of requests: looked at as attachments are, and kept in files for as long as the
//! request lasts.

use std::path::Path;

use tempfile::TempDir;

use super::api::ApiError;
use crate::attachment::Source;
use crate::intake;
use crate::session::{BlobStore, StoreError, make_private};
use crate::wire::Content;

/// The folder.
pub(super) struct Pictures(std::path::PathBuf);

/// The pictures of one request; their files are deleted with it.
pub(super) struct Batch {
    blobs: BlobStore,
    _folder: TempDir,
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
        Ok(Self(folder.to_owned()))
    }

    /// A place for one request's pictures.
    pub(super) fn batch(&self) -> Result<Batch, ApiError> {
        let folder = TempDir::new_in(&self.0).map_err(|error| full(&error))?;
        let blobs = BlobStore::open(folder.path()).map_err(|error| full(&error))?;
        Ok(Batch { blobs, _folder: folder })
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        // What is left of it is emptied at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
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
