//! The same bytes make the same digest, whatever the number of threads and however they
//! are packed.

use std::io::Write;

use percept::digest::LogDigest;

use crate::corpus::{Dice, SYSTEMS, digest, digest_with, file, real};
use crate::make::mixed;

/// A log of several blocks.
fn long() -> Vec<u8> {
    (0..40).flat_map(|seed| mixed(&mut Dice::new(seed), 2500)).collect()
}

#[test]
fn threads_make_no_difference() {
    let mut paths = vec![file(long())];
    paths.extend(SYSTEMS.iter().filter_map(|system| Some(file(std::fs::read(real(system)?).unwrap()))));
    for (_folder, path) in paths {
        let one = digest_with(&path, 1);
        for threads in [2, 5] {
            assert!(digest_with(&path, threads) == one, "{threads} threads differ for {}", path.display());
        }
    }
}

#[test]
fn packing_makes_no_difference() {
    let bytes = long();
    let (folder, path) = file(&bytes);
    let plain = digest(&path);
    assert!(plain.sources[0].marks.len() > 3, "several blocks");
    let packed = folder.path().join("packed.log.gz");
    let mut writer =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    writer.write_all(&bytes).unwrap();
    writer.finish().unwrap();
    // The year of a time without one is inferred from when the file was written.
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::File::options().append(true).open(&packed).unwrap().set_modified(written).unwrap();
    let mut digest = digest(&packed);
    assert_eq!(digest.sources[0].unpacked, bytes.len() as u64);
    digest.sources[0].source = plain.sources[0].source.clone();
    digest.sources[0].cite = plain.sources[0].cite.clone();
    assert!(digest == plain);
}

#[test]
fn a_digest_is_the_same_when_it_was_kept() {
    let (_folder, path) = file(mixed(&mut Dice::new(3), 500));
    let digest = digest(&path);
    let kept: LogDigest = serde_json::from_str(&serde_json::to_string(&digest).unwrap()).unwrap();
    assert!(kept == digest);
}
