//! What a support bundle needs from several stores: the conversation, its attachments, and
//! which models answered.

use std::collections::BTreeSet;
use std::path::Path;

use super::Event;
use crate::catalogue::Catalogue;
use crate::session::{BlobStore, Bundle, BundleOptions, FileVersion, ModelVersion, Session, Versions};

/// What made a conversation. Reads the files of its models whole.
pub fn versions(session: &Session, catalogue: &Catalogue, cache: &Path) -> Versions {
    let stats = session.tree.iter().filter_map(|message| message.stats.as_ref());
    let names: BTreeSet<&str> = stats.map(|stats| stats.model.as_str()).collect();
    let model = |name: &str| ModelVersion {
        name: name.to_owned(),
        files: catalogue
            .fingerprints(name, cache)
            .into_iter()
            .map(|print| FileVersion { file: print.file, bytes: print.bytes, blake3: print.blake3 })
            .collect(),
    };
    Versions {
        percept: env!("CARGO_PKG_VERSION").to_owned(),
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        models: names.into_iter().map(model).collect(),
    }
}

/// Shows what a bundle would hold, or writes it.
pub(super) fn bundle(
    session: &Session,
    versions: &Versions,
    blobs: &BlobStore,
    path: &Path,
    write: bool,
) -> Event {
    let read = |id: &_| blobs.read(id).map_err(|error| error.to_string());
    let planned = Bundle::check(path, false)
        .and_then(|()| Bundle::plan(session, versions, &BundleOptions::default(), read));
    let bundle = match planned {
        Ok(bundle) => bundle,
        Err(error) => return Event::Failed(error.to_string()),
    };
    if !write {
        let (what, path) = (bundle.summary(), path.display());
        return Event::Done(format!("A bundle would hold {what} /bundle yes writes it to {path}."));
    }
    match bundle.write(path, false) {
        Ok(bytes) => Event::Done(format!(
            "Written to {} ({}). Look through it before you send it.",
            path.display(),
            crate::text::size(bytes)
        )),
        Err(error) => Event::Failed(format!("{error}.")),
    }
}
