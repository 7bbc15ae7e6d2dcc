//! `list_dir`: what a folder holds, folders first, with sizes and where links lead.

use std::fs::{self, DirEntry, FileType};
use std::path::Path;

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use super::open;
use crate::text::{size, thousands};
use crate::tools::plain::{Page, line};

/// The most entries that the model gets: more say little.
const MOST_ENTRIES: usize = 500;

/// The most entries that are read: they are kept in memory to be sorted.
const MOST_READ: usize = 100_000;

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let given = arguments.text("path").unwrap_or(".");
    let shown = line(given);
    let path = scene.resolve(given);
    let metadata = fs::metadata(&path).map_err(|error| open::sentence(&shown, &error))?;
    if !metadata.is_dir() {
        return Err(format!("{shown} is not a folder. Use read_file to read a file."));
    }
    let listing = fs::read_dir(&path).map_err(|error| open::sentence(&shown, &error))?;
    let mut entries = Vec::new();
    let mut unread = 0;
    for entry in listing {
        if scene.stopped() {
            return Err(open::STOPPED.to_owned());
        }
        match entry {
            Ok(_) if entries.len() == MOST_READ => unread += 1,
            Ok(entry) => entries.push(Entry::of(&entry)),
            Err(error) => return Err(open::sentence(&shown, &error)),
        }
    }
    if entries.is_empty() {
        return Ok(Found::text(format!("{shown} is an empty folder.")));
    }
    entries.sort();
    Ok(Found::text(told(&shown, &path, &entries, unread, scene.most_output)))
}

/// Sorted as it is listed: folders first, then by name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    is_file: bool,
    name: std::ffi::OsString,
    is_link: bool,
}

impl Entry {
    fn of(entry: &DirEntry) -> Self {
        let is = |what: fn(&FileType) -> bool| entry.file_type().is_ok_and(|kind| what(&kind));
        Self { is_file: !is(FileType::is_dir), name: entry.file_name(), is_link: is(FileType::is_symlink) }
    }

    fn line(&self, folder: &Path) -> String {
        let (path, name) = (folder.join(&self.name), line(&self.name.to_string_lossy()));
        if !self.is_file {
            return format!("{name}/");
        }
        if self.is_link {
            let target = fs::read_link(&path).map_or_else(|_| "?".into(), |target| target.into_os_string());
            let target = line(&target.to_string_lossy());
            return match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => format!("{name} -> {target}/"),
                Ok(metadata) => format!("{name} -> {target}  {}", size(metadata.len())),
                Err(_) => format!("{name} -> {target}  (leads nowhere)"),
            };
        }
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => format!("{name}  {}", size(metadata.len())),
            Ok(metadata) => format!("{name}  ({})", open::kind(&metadata)),
            Err(_) => name,
        }
    }
}

fn told(shown: &str, path: &Path, entries: &[Entry], unread: u64, most: usize) -> String {
    let total = entries.len() as u64 + unread;
    let mut page = Page::new(most);
    let listed = entries.iter().take(MOST_ENTRIES).take_while(|entry| page.line(&entry.line(path))).count();
    let folders = entries.iter().filter(|entry| !entry.is_file).count() as u64;
    let heading = format!("{shown}: {} entries, {} of them folders:", thousands(total), thousands(folders));
    let left_out = total - listed as u64;
    let notes = match left_out {
        0 => Vec::new(),
        _ => vec![format!("{} more entries are left out; list a folder in it", thousands(left_out))],
    };
    page.under(&heading, &notes)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;

    #[test]
    fn folders_come_first_and_hidden_files_too() {
        let stage = Stage::new();
        stage.write("b.txt", "12345");
        stage.write(".hidden", "");
        stage.write("z/in", "");
        stage.write("a/in", "");
        stage.write("bell\u{7}\nend", "x");
        let expected = ".: 5 entries, 2 of them folders:\na/\nz/\n.hidden  0 B\nb.txt  5 B\nbell␇␊end  1 B";
        assert_eq!(stage.text("list_dir", "{}"), expected);
        assert!(stage.error("list_dir", r#"{"path": "b.txt"}"#).contains("not a folder"));
        assert!(stage.error("list_dir", r#"{"path": "none"}"#).starts_with("none is not there."));
        std::fs::create_dir(stage.path("empty")).unwrap();
        assert_eq!(stage.text("list_dir", r#"{"path": "empty"}"#), "empty is an empty folder.");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn links_show_where_they_lead_and_odd_names_are_no_matter() {
        use std::os::unix::ffi::OsStrExt;
        let stage = Stage::new();
        stage.write("f", "123");
        stage.write("d/x", "");
        for (target, name) in [("f", "to-f"), ("d", "to-d"), ("gone", "to-none"), ("loop", "loop")] {
            std::os::unix::fs::symlink(target, stage.path(name)).unwrap();
        }
        std::fs::write(stage.path("").join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "").unwrap();
        let text = stage.text("list_dir", "{}");
        assert_eq!(
            text.lines().skip(1).collect::<Vec<_>>(),
            [
                "d/",
                "caf\u{fffd}  0 B",
                "f  3 B",
                "loop -> loop  (leads nowhere)",
                "to-d -> d/",
                "to-f -> f  3 B",
                "to-none -> gone  (leads nowhere)"
            ]
        );
    }

    #[test]
    fn a_full_folder_is_cut_and_it_is_said() {
        let mut stage = Stage::new();
        for at in 0..600 {
            stage.write(&format!("many/file-{at:03}"), "");
        }
        let text = stage.text("list_dir", r#"{"path": "many"}"#);
        assert!(text.starts_with("many: 600 entries, 0 of them folders:\nfile-000  0 B\n"), "{text}");
        assert!(
            text.ends_with("file-499  0 B\n[percept: 100 more entries are left out; list a folder in it]")
        );
        stage.most_output = 700;
        let text = stage.text("list_dir", r#"{"path": "many"}"#);
        assert!(text.len() <= 700 && text.contains("more entries are left out"), "{text}");
        stage.stop();
        assert!(stage.call("list_dir", r#"{"path": "many"}"#).is_err());
    }
}
