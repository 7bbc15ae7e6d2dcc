//! Where programs are looked for: the folders of `PATH`, without those that a stranger may have
//! put a program into.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// `PATH` for a command: without relative entries, which would lie in its working folder, and
/// without those inside of `not_in`.
pub(super) fn path_for(not_in: Option<&Path>) -> OsString {
    safe(&std::env::var_os("PATH").unwrap_or_default(), not_in)
}

/// A program by its name, in the folders of `PATH` that are absolute.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    program_in(&std::env::var_os("PATH")?, name)
}

fn safe(path: &OsStr, folder: Option<&Path>) -> OsString {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let inside = |entry: &Path| folder.is_some_and(|folder| real(entry).starts_with(real(folder)));
    let entries = std::env::split_paths(path).filter(|entry| entry.is_absolute() && !inside(entry));
    std::env::join_paths(entries).unwrap_or_default()
}

pub(super) fn program_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|program| is_program(program))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_program_of_the_working_folder_is_in_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let path = OsString::from(format!("/usr/bin::.:bin:{}:/bin", bin.display()));
        assert_eq!(safe(&path, Some(dir.path())), OsString::from("/usr/bin:/bin"));
        assert_eq!(safe(OsStr::new(""), Some(dir.path())), OsString::new());
    }
}
