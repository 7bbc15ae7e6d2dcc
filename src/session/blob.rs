//! The contents of attachments: one file a content, named by its blake3 hash, as
//! `blobs/ab/abcdef…`. A content is written once and never changed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use super::StoreError;
use crate::attachment::AttachmentId;

/// A folder of contents.
#[derive(Debug)]
pub struct BlobStore {
    root: PathBuf,
    /// Deleted with the store, where it is not to last.
    _temporary: Option<TempDir>,
}

impl BlobStore {
    /// Opens the folder, making it if it is not there.
    ///
    /// # Errors
    ///
    /// It can't be made or written to.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let made = std::fs::create_dir_all(root).and_then(|()| tempfile::tempfile_in(root).map(drop));
        made.map_err(|error| StoreError::file(root, error))?;
        Ok(Self { root: root.to_owned(), _temporary: None })
    }

    /// A folder that goes away with the store.
    pub fn temporary() -> Result<Self, StoreError> {
        let folder = TempDir::new().map_err(|error| StoreError::file(&std::env::temp_dir(), error))?;
        Ok(Self { root: folder.path().to_owned(), _temporary: Some(folder) })
    }

    /// Where a content lies, or would lie.
    pub fn path(&self, id: &AttachmentId) -> PathBuf {
        let hex = id.as_str();
        self.root.join(hex.get(..2).unwrap_or("xx")).join(hex)
    }

    /// Keeps a content; one that is there already is not written again.
    pub fn put(&self, content: &[u8]) -> Result<AttachmentId, StoreError> {
        let id = AttachmentId::of(content);
        let path = self.path(&id);
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == content.len() as u64) {
            // So that it isn't deleted as one that nobody refers to. Where that can't be noted,
            // nothing can be deleted either.
            let _ = std::fs::File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_modified(SystemTime::now()));
            return Ok(id);
        }
        write_whole(&path, content).map_err(|error| StoreError::file(&path, error))?;
        Ok(id)
    }

    /// Reads a content that is text; `None`: it is none, or can't be read.
    pub fn text(&self, id: &AttachmentId) -> Option<String> {
        String::from_utf8(self.read(id).ok()?).ok()
    }

    /// All that is kept, in no order.
    pub(super) fn all(&self) -> Result<Vec<Blob>, StoreError> {
        let mut all = Vec::new();
        for folder in entries(&self.root)? {
            if !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                let id = path.file_name().and_then(|name| AttachmentId::from_hex(name.to_str()?));
                let known = std::fs::metadata(&path).and_then(|known| Ok((known.len(), known.modified()?)));
                // Another percept may delete it just now.
                if let (Some(id), Ok((bytes, modified))) = (id, known) {
                    all.push(Blob { id, bytes, modified });
                }
            }
        }
        Ok(all)
    }

    /// Reads a content and checks that it is the one that was kept.
    pub fn read(&self, id: &AttachmentId) -> Result<Vec<u8>, StoreError> {
        let path = self.path(id);
        let content = std::fs::read(&path).map_err(|error| StoreError::file(&path, error))?;
        match AttachmentId::of(&content) == *id {
            true => Ok(content),
            false => Err(StoreError::Damaged(path)),
        }
    }
}

/// A content that is kept.
#[derive(Debug)]
pub(super) struct Blob {
    pub(super) id: AttachmentId,
    pub(super) bytes: u64,
    /// When it was last put.
    pub(super) modified: SystemTime,
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    read.map_err(|error| StoreError::file(folder, error))
}

/// Writes to a temporary name first, so that a crash never leaves half a content.
fn write_whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_comes_back_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(dir.path()).unwrap();
        let id = blobs.put(b"hello").unwrap();
        assert_eq!(blobs.put(b"hello").unwrap(), id);
        assert_eq!(blobs.read(&id).unwrap(), b"hello");
        std::fs::write(blobs.path(&id), b"hellO").unwrap();
        assert!(matches!(blobs.read(&id), Err(StoreError::Damaged(_))));
        assert!(blobs.read(&AttachmentId::of(b"never kept")).is_err());
    }
}
