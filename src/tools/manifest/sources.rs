//! Where declarations come from: `tools/*.toml`, built in, and a folder of the user's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Manifest, ManifestError};

/// The declarations that come with percept.
pub(super) const SHIPPED: [(&str, &str); 22] = [
    ("attach.toml", include_str!("../../../tools/attach.toml")),
    ("disk_free.toml", include_str!("../../../tools/disk_free.toml")),
    ("disk_usage.toml", include_str!("../../../tools/disk_usage.toml")),
    ("find_documents.toml", include_str!("../../../tools/find_documents.toml")),
    ("git_diff.toml", include_str!("../../../tools/git_diff.toml")),
    ("git_log.toml", include_str!("../../../tools/git_log.toml")),
    ("git_status.toml", include_str!("../../../tools/git_status.toml")),
    ("http_head.toml", include_str!("../../../tools/http_head.toml")),
    ("journal.toml", include_str!("../../../tools/journal.toml")),
    ("list_dir.toml", include_str!("../../../tools/list_dir.toml")),
    ("memory.toml", include_str!("../../../tools/memory.toml")),
    ("ports.toml", include_str!("../../../tools/ports.toml")),
    ("processes.toml", include_str!("../../../tools/processes.toml")),
    ("query_log.toml", include_str!("../../../tools/query_log.toml")),
    ("query_table.toml", include_str!("../../../tools/query_table.toml")),
    ("read_file.toml", include_str!("../../../tools/read_file.toml")),
    ("read_resource.toml", include_str!("../../../tools/read_resource.toml")),
    ("read_text.toml", include_str!("../../../tools/read_text.toml")),
    ("search_files.toml", include_str!("../../../tools/search_files.toml")),
    ("shell.toml", include_str!("../../../tools/shell.toml")),
    ("system.toml", include_str!("../../../tools/system.toml")),
    ("zoom.toml", include_str!("../../../tools/zoom.toml")),
];

/// The largest declaration: one of this size is no declaration.
const MOST_BYTES: u64 = 64 * 1024;

/// The tools that come with percept; `None` for one that is for other systems than this.
pub fn shipped() -> Vec<Result<Option<Manifest>, ManifestError>> {
    SHIPPED.iter().map(|(file, text)| Manifest::parse(&format!("tools/{file}"), text, None)).collect()
}

/// The tools that a folder of the user's declares, by file name, and what is wrong there: a
/// bad file keeps the others from nothing. A folder that isn't there declares none.
pub fn load(folder: &Path) -> (Vec<Manifest>, Vec<ManifestError>) {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for manifest in shipped().into_iter().flatten().flatten() {
        taken.insert(manifest.name, "one of percept's own tools".to_owned());
    }
    let (mut manifests, mut errors) = (Vec::new(), Vec::new());
    let paths = match declarations(folder) {
        Ok(paths) => paths,
        Err(error) => return (manifests, vec![whole(folder, format!("it can't be read: {error}"))]),
    };
    for path in paths {
        let origin = path.display().to_string();
        let manifest = match read(&path).and_then(|text| Manifest::parse(&origin, &text, Some(&path))) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => continue,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        match taken.get(&manifest.name) {
            Some(other) => {
                let why = format!("the name `{}` is taken by {other}; choose another", manifest.name);
                errors.push(whole(&path, why));
            }
            None => {
                taken.insert(manifest.name.clone(), format!("the tool in {origin}"));
                manifests.push(manifest);
            }
        }
    }
    (manifests, errors)
}

/// What in the folder is called `*.toml`, sorted. Hidden files are an editor's.
fn declarations(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let listing = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut paths = Vec::new();
    for entry in listing {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, ManifestError> {
    let unreadable = |error: io::Error| whole(path, format!("it can't be read: {error}"));
    // Before it is opened: a pipe would be waited for.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(whole(path, "it is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        let most = crate::text::size(MOST_BYTES);
        return Err(whole(path, format!("it is larger than a declaration may be ({most})")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        ManifestError { line, ..whole(path, "it is not UTF-8 text".to_owned()) }
    })
}

/// What is wrong with a file as a whole.
fn whole(path: &Path, why: String) -> ManifestError {
    ManifestError { file: path.display().to_string(), line: 1, why }
}
