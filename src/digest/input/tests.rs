//! Real files, really packed.

mod archive;
mod gather;
mod order;
mod packed;
mod reader;
mod spool;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::*;

const PACKINGS: [Packing; 4] = [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2];

static GO: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(true);

fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::None => bytes.to_vec(),
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        Packing::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
    }
}

/// Lines that are text, about this many bytes, different for each seed.
fn lines(bytes: usize, seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while out.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        writeln!(out, "2024-01-31T10:00:00Z INFO seed {seed} took {} ms", state >> 40).unwrap();
    }
    out
}

/// A folder of files that is removed with it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.file(name, bytes);
        self
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn gather(&self) -> Result<Gathered, InputError> {
        gather(&[self.path().to_owned()], &Bounds::default(), &GO)
    }
}

/// A file's sources.
fn sources(path: &Path) -> Result<Gathered, InputError> {
    gather(&[path.to_owned()], &Bounds::default(), &GO)
}

fn names(gathered: &Gathered) -> Vec<&str> {
    gathered.sources.iter().map(|source| source.name.as_str()).collect()
}

/// All of a reader, with its notes.
fn all(mut reader: Reader<'_>) -> (Vec<u8>, Vec<Note>) {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    (out, reader.notes())
}

fn read(source: &Source) -> Vec<u8> {
    all(source.open().unwrap()).0
}

/// A named pipe.
#[cfg(target_os = "linux")]
fn pipe(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

/// Reads all sources, each file on disk once.
fn each_source(
    gathered: &Gathered,
    mut each: impl FnMut(usize, Result<&mut Reader<'_>, InputError>) -> Result<(), ()>,
) -> Result<(), ()> {
    gathered.on_disk().iter().try_for_each(|file| file.for_each_source(&gathered.sources, &GO, &mut each))
}

/// Why the thing of this name was passed over.
fn why<'a>(gathered: &'a Gathered, name: &str) -> &'a str {
    gathered.passed_over.iter().find(|(found, _)| found == name).map_or("", |(_, why)| why)
}
