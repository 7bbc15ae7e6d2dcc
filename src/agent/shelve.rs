//! What is done with the conversations that are kept.

use super::Shelving;
use crate::session::{BlobStore, SessionStore, SessionSummary, StoreError};

/// How many sessions a list shows.
const LIST_LIMIT: usize = 200;

/// Does it, and lists the sessions in which these words stand, or all.
pub(super) fn shelve(
    store: &mut SessionStore,
    work: &Shelving,
    words: &str,
    blobs: &BlobStore,
) -> Result<Vec<SessionSummary>, StoreError> {
    match work {
        Shelving::List => {}
        Shelving::Remove(id) => store.remove(*id, jiff::Timestamp::now().as_millisecond())?,
        Shelving::Restore(id) => store.restore(*id)?,
        Shelving::Rename(id, title) => store.rename(*id, title)?,
        Shelving::Tag { session, add, remove } => drop(store.tag(*session, add, remove)?),
    }
    if words.trim().is_empty() {
        return store.list(LIST_LIMIT);
    }
    let found = store.search(words, LIST_LIMIT, &|id| blobs.text(id))?;
    Ok(found.into_iter().map(|found| found.session).collect())
}
