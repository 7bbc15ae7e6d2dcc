//! tar archives: packed in every way, with members packed in every way, cut and damaged.

use proptest::prelude::*;

use super::super::archive::Listing;
use super::*;

/// A tar archive of files.
fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Each source of a pass, by index: its bytes and notes.
fn pass(gathered: &Gathered) -> Vec<(usize, Vec<u8>, Vec<Note>)> {
    let mut out = Vec::new();
    each_source(gathered, |index, reader| {
        let reader = reader.unwrap();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        out.push((index, bytes, reader.notes()));
        Ok(())
    })
    .unwrap();
    out
}

#[test]
fn every_packing_in_and_around_an_archive() {
    for around in [Packing::None].into_iter().chain(PACKINGS) {
        let mut files = vec![("logs/plain.log", lines(40_000, 9))];
        let texts = PACKINGS.map(|packing| lines(30_000, packing as u64));
        let names = ["logs/a.log", "logs/b.log", "logs/c.log", "logs/d.log"];
        for ((packing, text), name) in PACKINGS.into_iter().zip(&texts).zip(names) {
            files.push((name, pack(packing, text)));
        }
        let folder = Folder::new();
        let file = folder.file("all.archive", pack(around, &tar(&files)));
        let gathered = sources(&file).unwrap();
        assert_eq!(gathered.sources.len(), 5, "{around:?}");
        assert_eq!(gathered.notes, Vec::<String>::new());
        for (source, text) in gathered.sources.iter().zip(texts.iter().chain([&files[0].1])) {
            assert!(read(source) == *text, "{around:?} {}", source.name);
            assert_eq!(source.is_seekable(), around == Packing::None && source.packing == Packing::None);
            let tail = all(source.open_at(1_000, &GO).unwrap()).0;
            assert!(tail == text[1_000..], "{around:?} {}", source.name);
        }
        // In one go, in the archive's order.
        let order: Vec<usize> = pass(&gathered).iter().map(|(index, _, _)| *index).collect();
        assert_eq!(order, [4, 0, 1, 2, 3]);
        for (index, bytes, notes) in pass(&gathered) {
            assert!(bytes == read(&gathered.sources[index]));
            assert_eq!(notes, []);
        }
    }
}

#[test]
fn pieces_in_an_archive_are_in_order_and_named() {
    let folder = Folder::new();
    let bytes = tar(&[
        ("./var/app.log", b"3\n".to_vec()),
        ("./var/app.log.1", b"2\n".to_vec()),
        ("./var/app.log.2.gz", pack(Packing::Gzip, b"1\n")),
    ]);
    folder.file("logs.tar.gz", pack(Packing::Gzip, &bytes));
    let gathered = folder.gather().unwrap();
    assert_eq!(
        names(&gathered),
        ["logs.tar.gz/var/app.log.2.gz", "logs.tar.gz/var/app.log.1", "logs.tar.gz/var/app.log"]
    );
    assert!(gathered.sources.iter().all(|source| source.set == "logs.tar.gz/var/app.log"));
    assert_eq!(gathered.sources[0].modified_ms, Some(1_700_000_000_000));
    let mut read = pass(&gathered);
    read.sort_by_key(|(index, _, _)| *index);
    let read: Vec<_> = read.into_iter().map(|(_, bytes, _)| bytes).collect();
    assert_eq!(read, [b"1\n", b"2\n", b"3\n"]);
    assert_eq!(gathered.bytes_on_disk(), gathered.sources[0].bytes, "an archive counts once");
}

#[test]
fn rotated_archives_are_in_order_too() {
    let folder = Folder::new();
    for (name, day) in [("logs-20240102.tar", "2"), ("logs-20240101.tar", "1"), ("logs-20240110.tar", "10")] {
        folder.file(name, tar(&[("app.log", day.as_bytes().to_vec())]));
    }
    let gathered = folder.gather().unwrap();
    assert_eq!(gathered.sources.iter().map(read).collect::<Vec<_>>(), [&b"1"[..], b"2", b"10"]);
}

#[test]
fn only_regular_text_members_are_read() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |kind: tar::EntryType, name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/shadow").unwrap();
        }
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    };
    use tar::EntryType;
    add(EntryType::Directory, "d/", b"");
    add(EntryType::Symlink, "s.log", b"");
    add(EntryType::Link, "h.log", b"");
    add(EntryType::Fifo, "f.log", b"");
    add(EntryType::Char, "c.log", b"");
    add(EntryType::GNUSparse, "sparse.log", b"data");
    add(EntryType::Regular, "../../etc/passwd", b"a name only\n");
    add(EntryType::Regular, "/abs.log", b"absolute\n");
    add(EntryType::Regular, "p.png", b"\x89PNG\r\n\x1a\n....");
    add(EntryType::Regular, "bin", &[0, 1, 2, 3, 0, 0, 9, 200]);
    add(EntryType::Regular, "empty.log", b"");
    add(EntryType::Regular, "._app.log", b"hidden\n");
    add(EntryType::Regular, "inner.tar", &tar(&[("x.log", b"x\n".to_vec())]));
    add(EntryType::Regular, "inner.tgz", &pack(Packing::Gzip, &tar(&[("x.log", b"x\n".to_vec())])));
    add(EntryType::Regular, "twice.gz", &pack(Packing::Gzip, &pack(Packing::Gzip, b"x\n")));
    let folder = Folder::new();
    folder.file("a.tar", builder.into_inner().unwrap());
    let gathered = folder.gather().unwrap();
    assert_eq!(names(&gathered), ["a.tar/../../etc/passwd", "a.tar/abs.log"]);
    assert_eq!(read(&gathered.sources[0]), b"a name only\n");
    assert_eq!(gathered.passed_over.len(), 11, "{:?}", gathered.passed_over);
    assert_eq!(why(&gathered, "a.tar/s.log"), "is a link in an archive");
    assert_eq!(why(&gathered, "a.tar/sparse.log"), "is a sparse file in an archive: unpack it first");
    assert_eq!(why(&gathered, "a.tar/p.png"), "is a picture (PNG)");
    assert_eq!(why(&gathered, "a.tar/inner.tgz"), "is an archive in an archive: unpack it first");
    assert_eq!(why(&gathered, "a.tar/twice.gz"), "is packed twice: unpack it first");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is unpacked");
}

#[test]
fn long_names_come_whole_and_endless_ones_take_no_memory() {
    let long = format!("{}app.log", "folder/".repeat(60));
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(3);
    header.set_cksum();
    builder.append_pax_extensions([("path", &b"from/pax.log"[..]), ("size", b"3")]).unwrap();
    builder.append(&header, &b"px\n"[..]).unwrap();
    let mut bytes = builder.into_inner().unwrap();
    bytes.truncate(bytes.len() - 1024);
    bytes.extend(tar(&[(&long, b"gn\n".to_vec())]));
    let folder = Folder::new();
    let gathered = sources(&folder.file("a.tar", bytes)).unwrap();
    let paths: Vec<_> = gathered.sources.iter().map(|s| s.member.clone().unwrap().path).collect();
    assert!(paths.contains(&"from/pax.log".to_owned()) && paths.contains(&long), "{paths:?}");

    // A name of 100 MB, packed to nothing, is stepped over.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(100_000_000);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.resize(512 + 100_000_000_usize.next_multiple_of(512), b'a');
    bytes.extend(tar(&[("short.log", b"x\n".to_vec())]));
    let gathered = sources(&folder.file("b.tar.zst", pack(Packing::Zstd, &bytes))).unwrap();
    assert_eq!(gathered.sources[0].member.as_ref().unwrap().path, "short.log");
}

#[test]
fn a_cut_archive_gives_what_it_has() {
    let files = [("a.log", lines(900, 1)), ("b.log", lines(900, 2))];
    for packing in [Packing::None, Packing::Gzip, Packing::Zstd] {
        let bytes = pack(packing, &tar(&files));
        let folder = Folder::new();
        for cut in (1..bytes.len()).step_by(7) {
            let Ok(gathered) = sources(&folder.file("a.tar", &bytes[..cut])) else { continue };
            for (index, out, notes) in pass(&gathered) {
                let source = &gathered.sources[index];
                let Some(member) = &source.member else { continue };
                let text = &files.iter().find(|(name, _)| *name == member.path).unwrap().1;
                assert!(text.starts_with(&out), "{packing:?} at {cut}");
                assert!(out.len() == text.len() || !notes.is_empty(), "{packing:?} at {cut}: {notes:?}");
            }
        }
    }
}

#[test]
fn members_beyond_the_bound_are_left_out_and_said() {
    let files: Vec<(String, Vec<u8>)> = (0..30).map(|n| (format!("w-{n}.log"), b"x\n".to_vec())).collect();
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let folder = Folder::new();
    let file = folder.file("a.tar", tar(&files));
    let bounds = Bounds { members: 10, ..Bounds::default() };
    let gathered = gather(std::slice::from_ref(&file), &bounds, &GO).unwrap();
    assert_eq!(gathered.sources.len(), 10);
    assert!(gathered.passed_over[0].1.contains("more than 10 members"));
    let bounds = Bounds { sources: 7, ..Bounds::default() };
    let gathered = gather(&[file], &bounds, &GO).unwrap();
    assert_eq!((gathered.sources.len(), gathered.notes.len()), (7, 1));
    assert_eq!(gathered.notes[0], "At most 7 logs are read; 23 more are left out.");
}

#[test]
fn an_archive_that_changed_is_said() {
    let folder = Folder::new();
    let file = folder.file("a.tar", tar(&[("a.log", lines(900, 1))]));
    let gathered = sources(&file).unwrap();
    folder.file("a.tar", b"something else\n");
    let (_, notes) = all(gathered.sources[0].open().unwrap());
    assert!(notes.contains(&Note::Changed));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(gathered.sources[0].open(), Err(InputError::Missing(_))));
    let mut failed = 0;
    let ended = each_source(&gathered, |_, reader| {
        failed += usize::from(reader.is_err());
        Ok(())
    });
    assert_eq!((ended, failed), (Ok(()), 1));
}

#[test]
fn a_stop_ends_the_listing() {
    let folder = Folder::new();
    folder.file("a.tar", tar(&[("a.log", lines(900, 1))]));
    let stopped = gather(&[folder.path().to_owned()], &Bounds::default(), &STOP);
    assert!(matches!(stopped, Err(InputError::Stopped)));
    let _ = Listing::new();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn flipped_bits_in_an_archive_neither_panic_nor_hang(
        flips in proptest::collection::vec((0usize..4096, 0u8..8), 1..6),
        packed in any::<bool>(),
    ) {
        let mut bytes = tar(&[("a.log", lines(700, 1)), (&"n/".repeat(80), lines(10, 2)), ("c.log.gz", pack(Packing::Gzip, b"x\n"))]);
        for (at, bit) in flips {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        if packed {
            bytes = pack(Packing::Gzip, &bytes);
        }
        let folder = Folder::new();
        if let Ok(gathered) = sources(&folder.file("a.tar", &bytes)) {
            pass(&gathered);
        }
    }
}
