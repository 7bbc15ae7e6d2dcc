//! Logs to test with: the four real ones, and how a log in a file becomes a digest.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use percept::digest::input::{Bounds, Gathered, InputError, gather};
use percept::digest::{LogDigest, Options, assign};

/// The real logs, by the names of their systems.
pub(crate) const SYSTEMS: [&str; 4] = ["Apache", "Linux", "OpenSSH", "Zookeeper"];

/// Times without a year are read against this moment, whatever the day of the test.
pub(crate) const NOW_MS: i64 = 1_772_323_200_000;

pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

/// The file of a real log; `None`, and a word about it, where it is absent.
pub(crate) fn real(system: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/logs");
    let folder = std::env::var_os("PERCEPT_LOGS").map_or_else(beside, PathBuf::from);
    let file = folder.join(format!("{system}_2k.log"));
    let found = file.is_file();
    if !found {
        eprintln!("skipped: {} is absent", file.display());
    }
    found.then_some(file)
}

/// The event of every line of a real log, as people labelled them.
pub(crate) fn truth(log: &Path) -> Vec<String> {
    let table = PathBuf::from(format!("{}_structured.csv", log.display()));
    let mut reader = csv::Reader::from_path(table).unwrap();
    let event = reader.headers().unwrap().iter().position(|name| name == "EventId").unwrap();
    reader.records().map(|record| record.unwrap()[event].to_owned()).collect()
}

/// What is gathered of one path.
pub(crate) fn gathered(path: &Path) -> Gathered {
    gather(&[path.to_owned()], &Bounds::default(), &NEVER).unwrap()
}

/// The digest of what is at a path.
pub(crate) fn digest(path: &Path) -> LogDigest {
    digest_with(path, 2)
}

/// The same with so many threads.
pub(crate) fn digest_with(path: &Path, threads: usize) -> LogDigest {
    LogDigest::read(&gathered(path), &Options { threads, now_ms: NOW_MS }, &NEVER, &mut |_| {})
}

/// A file with these bytes in a folder of its own.
pub(crate) fn file(bytes: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The template of every line of the only source; 0 before the first entry.
pub(crate) fn templates(digest: &LogDigest) -> Vec<u32> {
    let mut all = Vec::new();
    assign(digest, 0, &NEVER, |_, template| {
        all.push(template.unwrap_or_default());
        Ok::<(), InputError>(())
    })
    .unwrap();
    all
}

/// The part of lines whose group is exactly the group that they truly belong to: the
/// grouping accuracy of Zhu et al. ("Tools and Benchmarks for Automated Log Parsing",
/// ICSE-SEIP 2019).
pub(crate) fn grouping_accuracy<T, F>(truth: &[T], found: &[F]) -> f64
where
    T: std::hash::Hash + Eq,
    F: std::hash::Hash + Eq,
{
    assert_eq!(truth.len(), found.len());
    let mut groups: HashMap<&F, HashMap<&T, usize>> = HashMap::new();
    let mut sizes: HashMap<&T, usize> = HashMap::new();
    for (event, group) in truth.iter().zip(found) {
        *groups.entry(group).or_default().entry(event).or_default() += 1;
        *sizes.entry(event).or_default() += 1;
    }
    let whole = |group: &HashMap<&T, usize>| match group.iter().next() {
        Some((event, count)) if group.len() == 1 && sizes[event] == *count => *count,
        _ => 0,
    };
    groups.values().map(whole).sum::<usize>() as f64 / truth.len().max(1) as f64
}

/// Numbers that look random and are the same in every run (xorshift64*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `most`.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        ((self.next() >> 33) as usize) % most.max(1)
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    pub(crate) fn pick_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
