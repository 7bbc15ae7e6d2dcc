//! Deletes contents that no conversation refers to any more.

use std::collections::HashSet;
use std::time::Duration;

use super::{BlobStore, SessionStore, StoreError};
use crate::attachment::AttachmentId;

/// What is younger may belong to a message that isn't sent yet.
const YOUNG: Duration = Duration::from_secs(24 * 60 * 60);

/// What was deleted, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Collected {
    /// Contents.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Deletes the contents that no message refers to, those in the bin included, and that are older
/// than a day; `dry`: only counts them. Another percept may attach and write meanwhile: what it
/// attaches becomes young ([`BlobStore::put`]).
///
/// # Errors
///
/// The store can't be read. What can't be deleted stays, and isn't counted.
pub fn collect(store: &SessionStore, blobs: &BlobStore, dry: bool) -> Result<Collected, StoreError> {
    let mut referred = HashSet::new();
    store.each_parts(|parts| referred.extend(ids(parts)))?;
    let mut collected = Collected::default();
    for blob in blobs.all()? {
        let old = blob.modified.elapsed().is_ok_and(|age| age > YOUNG);
        if !old || referred.contains(&blob.id) {
            continue;
        }
        if dry || std::fs::remove_file(blobs.path(&blob.id)).is_ok() {
            collected.contents += 1;
            collected.bytes += blob.bytes;
        }
    }
    Ok(collected)
}

/// All hashes in a text, whatever they stand for in it: rather one too many than one too few.
fn ids(text: &str) -> impl Iterator<Item = AttachmentId> + '_ {
    text.split(|c: char| !c.is_ascii_hexdigit()).filter_map(AttachmentId::from_hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    use crate::message::{Message, MessageId, Part, Role, Status};

    #[test]
    fn only_what_is_old_and_nobody_refers_to_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SessionStore::open(folder.path()).unwrap();
        let blobs = BlobStore::open(&folder.path().join("blobs")).unwrap();
        let [kept, gone, young] =
            [&b"kept"[..], b"gone", b"young"].map(|content| blobs.put(content).unwrap());
        let old = SystemTime::now() - 2 * YOUNG;
        for id in [&kept, &gone] {
            let file = std::fs::File::options().write(true).open(blobs.path(id)).unwrap();
            file.set_modified(old).unwrap();
        }
        let message = Message {
            id: MessageId(1),
            parent: None,
            role: Role::User,
            parts: vec![Part::text(format!("see {}", kept.as_str()))],
            status: Status::Complete,
            created_ms: 0,
            stats: None,
        };
        let session = store.write(None, "t", &[message], None).unwrap();
        store.remove(session, 1).unwrap();
        let one = Collected { contents: 1, bytes: 4 };
        assert_eq!(collect(&store, &blobs, true).unwrap(), one);
        assert_eq!(collect(&store, &blobs, false).unwrap(), one);
        assert!(blobs.read(&kept).is_ok() && blobs.read(&young).is_ok() && blobs.read(&gone).is_err());
        // What is attached anew is young again, though its file was there.
        blobs.put(b"kept").unwrap();
        store.empty_bin(2).unwrap();
        assert_eq!(collect(&store, &blobs, false).unwrap(), Collected::default());
    }
}
