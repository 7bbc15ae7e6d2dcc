//! Paths as they are kept: the bytes of their names.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The bytes of a path.
#[cfg(unix)]
pub(in crate::retrieval) fn bytes(path: &Path) -> Cow<'_, [u8]> {
    Cow::Borrowed(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

/// The bytes of a path; where names aren't bytes, those of its text.
#[cfg(not(unix))]
pub(in crate::retrieval) fn bytes(path: &Path) -> Cow<'_, [u8]> {
    Cow::Owned(path.to_string_lossy().into_owned().into_bytes())
}

/// The path of these bytes.
#[cfg(unix)]
pub(in crate::retrieval) fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

/// The path of these bytes.
#[cfg(not(unix))]
pub(in crate::retrieval) fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

/// The bytes that all paths below a folder lie between: the first is included, the second not.
pub(in crate::retrieval) fn below(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    const SEPARATOR: u8 = std::path::MAIN_SEPARATOR as u8;
    let mut from = bytes(folder).into_owned();
    if from.last() != Some(&SEPARATOR) {
        from.push(SEPARATOR);
    }
    let mut to = from.clone();
    if let Some(last) = to.last_mut() {
        *last += 1;
    }
    (from, to)
}
