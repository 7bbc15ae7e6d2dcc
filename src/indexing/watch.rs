//! Says when something changes in the folders that were looked through.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::keeper::Call;

/// Folders that are watched at most: systems have few watches for each person (8,192 with
/// older Linux). What is beyond is walked from time to time.
const MOST_WATCHED: usize = 4096;

/// Watches folders, each by itself: those that are passed over need none.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// Whether something is not watched.
    pub(super) is_partial: bool,
}

impl Watch {
    /// Says [`Call::Changed`] when something changes.
    pub(super) fn new(calls: Sender<Call>) -> Self {
        let told = move |event: notify::Result<notify::Event>| match event {
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            Ok(event) => drop(calls.send(Call::Changed(event.paths))),
            Err(error) => tracing::info!(%error, "watching folders"),
        };
        let watcher = notify::recommended_watcher(told);
        if let Err(error) = &watcher {
            tracing::info!(%error, "folders can't be watched");
        }
        Self { is_partial: watcher.is_err(), watcher: watcher.ok(), watched: BTreeSet::new() }
    }

    /// Watches these folders, and no other ones any more.
    pub(super) fn set(&mut self, folders: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: BTreeSet<PathBuf> = folders.iter().take(MOST_WATCHED).cloned().collect();
        self.is_partial = folders.len() > MOST_WATCHED;
        for gone in self.watched.difference(&wanted) {
            // It may be gone itself.
            let _ = watcher.unwatch(gone);
        }
        let mut watched: BTreeSet<PathBuf> = self.watched.intersection(&wanted).cloned().collect();
        for folder in wanted.difference(&self.watched) {
            match watch(watcher, folder) {
                true => drop(watched.insert(folder.clone())),
                false => self.is_partial = true,
            }
        }
        self.watched = watched;
    }
}

fn watch(watcher: &mut RecommendedWatcher, folder: &Path) -> bool {
    let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
    if let Err(error) = &watched {
        tracing::info!(%error, folder = %folder.display(), "this folder is not watched");
    }
    watched.is_ok()
}
