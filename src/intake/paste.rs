//! Paths in a paste: terminals paste the path of a file that is dropped on them, each in
//! its own way.

use std::path::PathBuf;

/// A paste of more lines than this is a text, not a list of files.
const MOST_LINES: usize = 32;

/// The files that a paste consists of: plain, quoted, escaped or as `file://`, one or
/// several. Empty if any of it is something else, or is not there.
pub fn paths_in_paste(paste: &str) -> Vec<PathBuf> {
    let lines: Vec<&str> = paste.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.len() > MOST_LINES {
        return Vec::new();
    }
    let found: Option<Vec<Vec<PathBuf>>> = lines.into_iter().map(paths_in_line).collect();
    found.unwrap_or_default().concat()
}

fn paths_in_line(line: &str) -> Option<Vec<PathBuf>> {
    if let Some(path) = path_of(line) {
        return Some(vec![path]);
    }
    shlex::split(line)?.iter().map(|word| path_of(word)).collect()
}

/// The file that a word names. A word without a separator is a word.
fn path_of(word: &str) -> Option<PathBuf> {
    let path = if word.starts_with("file://") {
        url::Url::parse(word).ok()?.to_file_path().ok()?
    } else if let Some(rest) = word.strip_prefix("~/") {
        std::env::home_dir()?.join(rest)
    } else if word.contains(['/', std::path::MAIN_SEPARATOR]) {
        PathBuf::from(word)
    } else {
        return None;
    };
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_of_writing_a_path_is_understood() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a shot (1).png");
        std::fs::write(&path, b"x").unwrap();
        let plain = path.to_str().unwrap();
        let escaped = plain.replace(' ', "\\ ").replace('(', "\\(").replace(')', "\\)");
        let uri = format!("file://{}", plain.replace(' ', "%20"));
        for paste in [plain.to_owned(), format!("'{plain}'"), format!("\"{plain}\" "), escaped, uri.clone()] {
            assert_eq!(paths_in_paste(&paste), std::slice::from_ref(&path), "{paste}");
        }
        assert_eq!(paths_in_paste(&format!("{uri}\r\n{uri}\n")).len(), 2);
        assert_eq!(paths_in_paste(&format!("'{plain}' '{plain}'")).len(), 2);
    }

    #[test]
    fn other_text_stays_text() {
        for paste in ["", "Cargo.toml", "see src/lib.rs", "/no/such/file", "/tmp", "src/lib.rs and more", "'"]
        {
            assert!(paths_in_paste(paste).is_empty(), "{paste}");
        }
        assert_eq!(paths_in_paste("src/lib.rs"), [PathBuf::from("src/lib.rs")]);
    }

    proptest! {
        #[test]
        fn no_paste_makes_it_panic(paste in "\\PC{0,60}") {
            let _ = paths_in_paste(&paste);
        }
    }
}
