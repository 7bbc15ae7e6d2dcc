//! Writes a bundle: a tar, compressed, that appears under its name when it is whole.

use std::io::{self, Write};
use std::path::Path;

use super::{Bundle, BundleError};

/// How hard zstd tries: its own default.
const ZSTD_LEVEL: i32 = 3;

/// The kinds of archive, by the end of their names.
#[derive(Clone, Copy)]
enum Kind {
    Gzip,
    Zstd,
}

fn kind(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    match name {
        name if name.ends_with(".tar.gz") || name.ends_with(".tgz") => Some(Kind::Gzip),
        name if name.ends_with(".tar.zst") || name.ends_with(".tzst") => Some(Kind::Zstd),
        _ => None,
    }
}

/// Whether a bundle can have this name, and no other file does.
///
/// # Errors
///
/// The ending is of no archive, or the file is there and may not be replaced.
pub(super) fn check(path: &Path, force: bool) -> Result<(), BundleError> {
    if kind(path).is_none() {
        return Err(BundleError::Ending(path.to_owned()));
    }
    match path.symlink_metadata() {
        Ok(_) if !force => Err(BundleError::Exists(path.to_owned())),
        _ => Ok(()),
    }
}

impl Bundle {
    /// Checks a name before anything is put together for it.
    ///
    /// # Errors
    ///
    /// The ending is of no archive, or the file is there and may not be replaced.
    pub fn check(path: &Path, force: bool) -> Result<(), BundleError> {
        check(path, force)
    }

    /// Writes the archive, readable by the person alone, and returns its size. It is written
    /// under another name in the same folder first: what goes wrong leaves nothing behind.
    ///
    /// # Errors
    ///
    /// The file is there already, or can't be written.
    pub fn write(&self, path: &Path, force: bool) -> Result<u64, BundleError> {
        check(path, force)?;
        let failed = |error| BundleError::Write { path: path.to_owned(), error };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Mode 0600 on Unix.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let written = match kind(path) {
            Some(Kind::Zstd) => {
                zstd::Encoder::new(&mut file, ZSTD_LEVEL).and_then(|out| self.tar(out)?.finish().map(drop))
            }
            // Without a time in its header, so that the same bundle is the same bytes.
            _ => self
                .tar(flate2::write::GzEncoder::new(&mut file, flate2::Compression::default()))
                .and_then(|out| out.finish().map(drop)),
        };
        written.and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        let bytes = file.as_file().metadata().map_err(failed)?.len();
        let persisted = if force { file.persist(path) } else { file.persist_noclobber(path) };
        match persisted {
            Ok(_) => Ok(bytes),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(BundleError::Exists(path.to_owned()))
            }
            Err(error) => Err(failed(error.error)),
        }
    }

    fn tar<W: Write>(&self, out: W) -> io::Result<W> {
        let mut tar = tar::Builder::new(out);
        let folder = format!("percept-session-{}", self.manifest.session);
        let manifest = serde_json::to_vec_pretty(&self.manifest)?;
        let members = self.manifest.members.iter().map(|member| (member.path.as_str(), &member.content[..]));
        for (path, content) in members.chain([("manifest.json", &manifest[..])]) {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(self.modified_s);
            header.set_entry_type(tar::EntryType::Regular);
            tar.append_data(&mut header, format!("{folder}/{path}"), content)?;
        }
        tar.into_inner()
    }
}
