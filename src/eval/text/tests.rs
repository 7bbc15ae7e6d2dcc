use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::retrieval::IndexError;

const KINDS: [Kind; 3] = [Kind::ToolCall, Kind::LogCause, Kind::Retrieval];

/// A suite with all its files.
fn made(kind: Kind, seed: u64, count: usize) -> (Vec<Item>, BTreeMap<PathBuf, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let items = generate(kind, seed, count, folder.path()).unwrap();
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder.path()).unwrap().to_owned();
                    files.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
    }
    (items, files)
}

#[test]
fn a_seed_makes_the_same_bytes_and_another_makes_others() {
    for kind in KINDS {
        let first = made(kind, 7, 6);
        assert_eq!(first, made(kind, 7, 6));
        let other = made(kind, 8, 6);
        let asked = |items: &[Item]| items.iter().map(|item| item.question.clone()).collect::<Vec<_>>();
        assert_ne!(asked(&first.0), asked(&other.0));
        assert!(first.1.is_empty() || first.1.values().ne(other.1.values()));
        let longer = made(kind, 7, 9);
        assert_eq!(first.0, longer.0[..6], "the first items stay as they are");
    }
}

#[test]
fn items_are_named_once_and_their_files_are_there() {
    for kind in KINDS {
        let count = if kind == Kind::LogCause { 5 } else { 90 };
        let (items, files) = made(kind, 3, count);
        assert_eq!(items.len(), count);
        assert_eq!(items[0].id, format!("{}-3-0001", kind.name()));
        assert_eq!(items.iter().map(|item| &item.id).collect::<BTreeSet<_>>().len(), count);
        for item in &items {
            assert!(item.kind == kind && !item.question.is_empty() && item.group.is_some());
            for attached in &item.attach {
                assert!(files.keys().any(|file| file.starts_with(attached)), "{item:?}");
            }
            if let Answer::Documents(right) = &item.answer {
                assert!(right.iter().all(|file| files.contains_key(&item.attach[0].join(file))), "{item:?}");
            }
        }
    }
}

#[test]
fn a_kind_with_pictures_is_refused() {
    let error = generate(Kind::Dialog, 1, 1, Path::new("")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("dialog"));
}

/// The share of searches whose best document is found first.
fn first_right(items: &[Item], found: &Found, group: &str) -> f64 {
    let of_group = || items.iter().zip(&found.given).filter(|(item, _)| item.group.as_deref() == Some(group));
    let right = of_group().filter(|(item, given)| match &item.answer {
        Answer::Documents(right) => given.found.first() == right.first(),
        _ => false,
    });
    right.count() as f64 / of_group().count() as f64
}

#[test]
fn what_has_the_same_words_is_found_by_words_and_other_words_are_harder() {
    let folder = tempfile::tempdir().unwrap();
    let mut items = generate(Kind::Retrieval, 5, 60, folder.path()).unwrap();
    // Items of other kinds are left alone.
    items.push(tools::tool_call("call".to_owned(), &mut Rng::new(1)));
    let mut steps = Vec::new();
    let finder = Finder::by_words("there is no embedding model");
    let found = find(folder.path(), &items, &finder, &AtomicBool::new(false), &mut |step| steps.push(step));
    let found = found.unwrap();
    assert_eq!(found.given.len(), items.len());
    assert_eq!(found.given[60], crate::eval::Given::default());
    let (same, other) =
        (first_right(&items, &found, "same words"), first_right(&items, &found, "other words"));
    assert!(same > 0.6 && other < same, "{same} {other}");
    assert_eq!(steps.last(), Some(&Step::Searched(60, 60)));
    assert!(steps.iter().any(|step| matches!(step, Step::Indexing(_))));
    assert!(found.notes.iter().any(|note| note.contains("there is no embedding model")), "{:?}", found.notes);
}

#[test]
fn a_search_is_stopped_and_an_empty_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let items = generate(Kind::Retrieval, 6, 10, folder.path()).unwrap();
    let finder = Finder::by_words("none");
    let stop = AtomicBool::new(false);
    let stopped = find(folder.path(), &items, &finder, &stop, &mut |_| stop.store(true, Ordering::Relaxed));
    assert!(matches!(stopped, Err(IndexError::Stopped)), "{stopped:?}");

    let notes = folder.path().join(&items[0].attach[0]);
    std::fs::remove_dir_all(&notes).unwrap();
    let go = AtomicBool::new(false);
    let gone = find(folder.path(), &items, &finder, &go, &mut |_| {}).unwrap_err().to_string();
    assert!(gone.contains(&*items[0].attach[0].to_string_lossy()), "{gone}");
    std::fs::create_dir(&notes).unwrap();
    let empty = find(folder.path(), &items, &finder, &go, &mut |_| {}).unwrap_err().to_string();
    assert!(empty.contains("no document in it"), "{empty}");
}
