//! A folder, attachments and bounds for the tests of the tools.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::arguments::Arguments;
use super::super::manifest::shipped;
use super::super::sandbox;
use super::super::scene::{Found, Scene};
use super::BuiltIn;
use crate::attachment::{Attachment, Source};
use crate::intake::{self, Given};
use crate::retrieval::Library;
use crate::session::BlobStore;

pub(super) struct Stage {
    dir: tempfile::TempDir,
    blobs: BlobStore,
    attachments: Vec<Attachment>,
    intake: intake::Options,
    stop: AtomicBool,
    pub(super) private: Vec<PathBuf>,
    pub(super) most_output: usize,
    pub(super) library: Option<Library>,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            blobs: BlobStore::temporary().unwrap(),
            attachments: Vec::new(),
            intake: intake::Options::default(),
            stop: AtomicBool::new(false),
            private: Vec::new(),
            most_output: 16 * 1024,
            library: None,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and the folders on the way to it.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(super) fn attach(&mut self, name: &str, bytes: &[u8]) {
        let given = Given::Bytes { name: name.to_owned(), bytes: bytes.to_vec(), source: Source::Clipboard };
        let taken = intake::take(&given, &self.intake).unwrap();
        taken.contents().for_each(|content| drop(self.blobs.put(content).unwrap()));
        self.attachments.push(taken.attachment);
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Calls a tool as the model does: its declaration, the check of the arguments, the run.
    pub(super) fn call(&self, tool: &str, arguments: &str) -> Result<Found, String> {
        let commands = sandbox::Options {
            by: sandbox::support(),
            percept: PathBuf::from("/nowhere/percept"),
            spool: self.path("spool"),
            most_spool: 1 << 30,
            most_output: self.most_output,
        };
        let scene = Scene {
            folder: self.dir.path(),
            home: None,
            private: &self.private,
            attachments: &self.attachments,
            blobs: &self.blobs,
            intake: &self.intake,
            commands: &commands,
            most_output: self.most_output,
            library: self.library.as_ref(),
            stop: &self.stop,
        };
        let manifests = shipped().into_iter().filter_map(|manifest| manifest.unwrap());
        let manifest = manifests.into_iter().find(|manifest| manifest.name == tool).unwrap();
        let given = serde_json::from_str(arguments).unwrap();
        BuiltIn::of(tool).unwrap().run(&Arguments::check(&manifest, &given)?, &scene)
    }

    pub(super) fn text(&self, tool: &str, arguments: &str) -> String {
        self.call(tool, arguments).unwrap().text
    }

    pub(super) fn error(&self, tool: &str, arguments: &str) -> String {
        self.call(tool, arguments).unwrap_err()
    }
}
