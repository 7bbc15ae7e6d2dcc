//! Files and folders: what is taken, what is passed over and why, in which order.

use super::*;

#[test]
fn a_folder_is_gone_through_in_order() {
    let folder = Folder::new()
        .with("b/web.log", "w\n")
        .with("app.log", "3\n")
        .with("app.log.1", "2\n")
        .with("app.log.2.gz", pack(Packing::Gzip, b"1\n"))
        .with("app.log.10.gz", pack(Packing::Gzip, b"0\n"))
        .with(".hidden.log", "no\n")
        .with(".git/x.log", "no\n");
    let gathered = folder.gather().unwrap();
    assert_eq!(names(&gathered), ["app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log", "b/web.log"]);
    assert_eq!(
        gathered.sources.iter().map(|s| s.set.as_str()).collect::<Vec<_>>()[3..],
        ["app.log", "b/web.log"]
    );
    assert_eq!(gathered.passed_over, []);
    let text: Vec<u8> = gathered.sources.iter().flat_map(read).collect();
    assert_eq!(text, b"0\n1\n2\n3\nw\n");
}

#[test]
fn several_paths_are_named_as_given() {
    let folder = Folder::new().with("a/app.log", "a\n").with("b/app.log", "b\n").with("c.log", "c\n");
    let at = |name: &str| folder.path().join(name);
    let gathered = gather(&[at("b/"), at("a"), at("c.log"), at("c.log")], &Bounds::default(), &GO).unwrap();
    let shown = |name: &str| at(name).display().to_string();
    assert_eq!(names(&gathered), [shown("a/app.log"), shown("b/app.log"), shown("c.log")]);
    assert_eq!(gathered.passed_over, [(shown("c.log"), format!("is the same file as {}", shown("c.log")))]);
}

#[test]
fn what_is_no_log_is_passed_over_with_a_word() {
    let zip = b"PK\x03\x04rest".to_vec();
    let folder = Folder::new()
        .with("app.log", "x\n")
        .with("empty.log", "")
        .with("shot.log", b"\x89PNG\r\n\x1a\n\0\0")
        .with("db", b"SQLite format 3\0....")
        .with("system.journal", b"LPKSHHRH\0\0\0\0")
        .with("wtmp", [7, 0, 0, 0, 1, 2, 3, 0, 0])
        .with("a.zip", zip)
        .with("cut.gz", &pack(Packing::Gzip, &lines(500, 1))[..5])
        .with("nothing.gz", pack(Packing::Gzip, b""));
    let gathered = folder.gather().unwrap();
    assert_eq!(names(&gathered), ["app.log"]);
    assert_eq!(why(&gathered, "empty.log"), "is empty");
    assert_eq!(why(&gathered, "shot.log"), "is a picture (PNG)");
    assert_eq!(why(&gathered, "db"), "is an SQLite database");
    assert!(why(&gathered, "system.journal").contains("journalctl --file FILE -o export"));
    assert_eq!(why(&gathered, "wtmp"), "holds binary data, not text");
    assert!(why(&gathered, "a.zip").contains("unpack it first"));
    assert!(why(&gathered, "cut.gz").starts_with("has nothing that can be unpacked: cut off"));
    assert_eq!(why(&gathered, "nothing.gz"), "is empty when unpacked");
    assert_eq!(gathered.passed_over.len(), 8);
}

#[test]
fn nothing_left_is_an_error_that_says_why() {
    let folder = Folder::new();
    assert_eq!(
        folder.gather().unwrap_err().to_string(),
        "There is no log to read in what was given. The folder holds no file that is not hidden."
    );
    let missing = folder.path().join("no.log");
    let error = sources(&missing).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is not there. Check the path.", missing.display()));
    folder.file("a.log", "");
    let error = folder.gather().unwrap_err().to_string();
    assert_eq!(error, "There is no log to read in what was given. a.log: is empty.");
    // One that is missing keeps no other from being read.
    folder.file("b.log", "x\n");
    let gathered = gather(&[missing, folder.path().join("b.log")], &Bounds::default(), &GO).unwrap();
    assert_eq!((gathered.sources.len(), gathered.passed_over[0].1.as_str()), (1, "is not there"));
}

#[test]
fn a_file_with_a_hole_at_its_start_is_a_log() {
    let folder = Folder::new();
    for hole in [10, 100_000] {
        let mut bytes = vec![0; hole];
        bytes.extend(lines(20_000, 1));
        folder.file("app.log", &bytes);
        assert!(read(&folder.gather().unwrap().sources[0]) == bytes, "bytes are handed on as they are");
    }
    folder.file("app.log", vec![0; 100_000]);
    assert!(folder.gather().is_err());
}

#[test]
fn text_that_begins_like_other_data_is_a_log() {
    for text in [
        "PAR1 started\n",
        "INFO    WEBP decoded\n",
        "4 x ftyp\n",
        "BZhello\n",
        "Rar! done\n",
        "GIF89a sent\n",
    ] {
        assert_eq!(read(&Folder::new().with("app.log", text).gather().unwrap().sources[0]), text.as_bytes());
    }
    let numbers: Vec<u8> = (0..200u16).flat_map(|n| (n % 7 + 1).to_le_bytes()).collect();
    assert!(Folder::new().with("table", numbers).gather().is_err(), "numbers are no UTF-16");
}

#[test]
fn odd_bytes_are_read_if_a_person_names_the_file() {
    let folder = Folder::new();
    let file = folder.file("app.log", b"mostly text \0 but not all\n");
    assert!(folder.gather().is_err());
    assert_eq!(read(&sources(&file).unwrap().sources[0]), b"mostly text \0 but not all\n");
}

#[test]
fn twins_are_read_once_if_they_hold_the_same() {
    let text = lines(200_000, 1);
    let folder = Folder::new().with("app.log", "now\n").with("app.log.1", &text);
    folder.file("app.log.1.gz", pack(Packing::Gzip, &text));
    let gathered = folder.gather().unwrap();
    assert_eq!(names(&gathered), ["app.log.1", "app.log"]);
    assert_eq!(why(&gathered, "app.log.1.gz"), "holds the same as app.log.1");

    let whole = pack(Packing::Gzip, &text);
    folder.file("app.log.1.gz", &whole[..whole.len() / 2]);
    let gathered = folder.gather().unwrap();
    assert_eq!(why(&gathered, "app.log.1.gz"), "is cut off and holds only the beginning of app.log.1");

    let mut other = text.clone();
    *other.last_mut().unwrap() = b'!';
    folder.file("app.log.1.gz", pack(Packing::Gzip, &other));
    assert_eq!(names(&folder.gather().unwrap()), ["app.log.1.gz", "app.log.1", "app.log"]);

    let bounds = Bounds { compared: 1000, ..Bounds::default() };
    folder.file("app.log.1.gz", &whole);
    let gathered = gather(&[folder.path().to_owned()], &bounds, &GO).unwrap();
    assert_eq!(gathered.sources.len(), 3);
    assert_eq!(gathered.notes, ["app.log.1.gz and app.log.1 may hold the same: both are read."]);
}

#[test]
fn bounds_are_kept_and_said() {
    let folder = Folder::new();
    for n in 0..20 {
        folder.file(&format!("w{n}.log"), "x\n");
        folder.file(&format!("empty{n}.log"), "");
    }
    folder.file("1/2/3/deep.log", "x\n");
    let bounds = Bounds { depth: 2, named: 5, ..Bounds::default() };
    let gathered = gather(&[folder.path().to_owned()], &bounds, &GO).unwrap();
    assert_eq!((gathered.sources.len(), gathered.passed_over.len(), gathered.more_passed_over), (20, 5, 16));
    assert_eq!(why(&gathered, "1/2/3"), "is more than 2 folders deep");
    let bounds = Bounds { entries: 3, ..Bounds::default() };
    let all = gather(&[folder.path().to_owned()], &bounds, &GO);
    let passed_over = match all {
        Ok(gathered) => gathered.passed_over,
        Err(InputError::Nothing(passed_over)) => passed_over,
        Err(error) => panic!("{error}"),
    };
    assert!(passed_over.iter().any(|(_, why)| why == "holds more than 3 files: the rest was not looked at"));
}

#[test]
fn a_pods_log_has_its_short_name_where_it_is_clear() {
    let uid = |n: u32| format!("0b6f4a1e-1111-2222-3333-44445555666{n}");
    let folder = Folder::new()
        .with(&format!("shop_web_{}/nginx/0.log", uid(1)), "a\n")
        .with(&format!("shop_db_{}/pg/0.log", uid(2)), "b\n")
        .with(&format!("shop_db_{}/pg/0.log", uid(3)), "c\n");
    let gathered = folder.gather().unwrap();
    let long = |n| format!("shop_db_{}/pg/0.log", uid(n));
    assert_eq!(names(&gathered), [long(2), long(3), "shop/web/nginx/0.log".to_owned()]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_are_followed_to_files_only_and_never_in_circles() {
        let folder = Folder::new().with("real/app.log", "x\n");
        let at = |name: &str| folder.path().join(name);
        symlink(at("real/app.log"), at("aaa.log")).unwrap();
        symlink(folder.path(), at("real/loop")).unwrap();
        symlink(at("self"), at("self")).unwrap();
        symlink(at("gone"), at("dangling.log")).unwrap();
        let gathered = folder.gather().unwrap();
        assert_eq!(names(&gathered), ["real/app.log"], "the file's own name is kept");
        assert_eq!(why(&gathered, "aaa.log"), "is the same file as real/app.log");
        assert!(why(&gathered, "real/loop").starts_with("is a link to a folder"));
        assert_eq!(why(&gathered, "dangling.log"), "is a link that leads nowhere");
        assert_eq!(why(&gathered, "self"), "is a link that leads nowhere");
    }

    #[test]
    fn a_link_out_of_the_folder_is_passed_over_and_one_that_is_given_is_followed() {
        let outside = Folder::new().with("id_rsa", "secret\n").with("logs/app.log", "x\n");
        let given = outside.path().join("logs");
        symlink(outside.path().join("id_rsa"), given.join("x.log")).unwrap();
        symlink("../id_rsa", given.join("y.log")).unwrap();
        symlink(outside.path().join("logs/app.log"), given.join("current.log")).unwrap();
        // A folder of nearly the same name is another one.
        symlink(outside.file("logs2/z.log", "z\n"), given.join("z.log")).unwrap();
        let gathered = sources(&given).unwrap();
        assert_eq!(names(&gathered), ["app.log"]);
        for name in ["x.log", "y.log", "z.log"] {
            assert_eq!(why(&gathered, name), "is a link out of the folder: give the file itself");
        }
        assert_eq!(why(&gathered, "current.log"), "is the same file as app.log");
        assert_eq!(read(&sources(&given.join("x.log")).unwrap().sources[0]), b"secret\n");
        // What is below a folder that is a link itself lies in it.
        let link = outside.path().join("link");
        symlink(&given, &link).unwrap();
        assert_eq!(names(&sources(&link).unwrap()), ["app.log"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn special_files_in_folders_are_passed_over() {
        let folder = Folder::new().with("app.log", "x\n");
        pipe(&folder.path().join("pipe.log"));
        let _socket = UnixListener::bind(folder.path().join("socket.log")).unwrap();
        let gathered = folder.gather().unwrap();
        assert_eq!(names(&gathered), ["app.log"]);
        assert_eq!(why(&gathered, "pipe.log"), "is a pipe");
        assert_eq!(why(&gathered, "socket.log"), "is a socket");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_that_a_person_names_is_kept_and_read_as_often_as_it_is_asked_for() {
        let folder = Folder::new();
        let path = folder.path().join("pipe");
        pipe(&path);
        for packing in [Packing::None, Packing::Gzip] {
            let writer = std::thread::spawn({
                let path = path.clone();
                move || std::fs::write(path, pack(packing, b"through a pipe\n")).unwrap()
            });
            let gathered = sources(&path).unwrap();
            writer.join().unwrap();
            let [source] = gathered.sources.as_slice() else { panic!("{gathered:?}") };
            assert_eq!((source.name.as_str(), source.once), (path.to_str().unwrap(), false));
            for _ in 0..2 {
                assert_eq!(read(source), b"through a pipe\n");
            }
            assert_eq!(all(source.open_at(8, &GO).unwrap()).0, b"a pipe\n");
            let kept = source.path.clone();
            drop(gathered);
            assert!(!kept.exists(), "it goes with what was gathered");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_without_a_writer_can_be_left() {
        let folder = Folder::new();
        let path = folder.path().join("pipe");
        pipe(&path);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(30));
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            let stopped = gather(&[path], &Bounds::default(), &stop);
            assert!(matches!(stopped, Err(InputError::Stopped)));
        });
    }

    #[test]
    fn what_may_not_be_read_is_passed_over() {
        if rustix::process::geteuid().is_root() {
            return;
        }
        let folder = Folder::new().with("app.log", "x\n").with("secret.log", "y\n").with("d/z.log", "z\n");
        let lock = |name: &str, mode| {
            let path = folder.path().join(name);
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        lock("secret.log", 0);
        lock("d", 0);
        let gathered = folder.gather().unwrap();
        lock("d", 0o700);
        assert_eq!(names(&gathered), ["app.log"]);
        assert_eq!(why(&gathered, "secret.log"), "may not be read: permission denied");
        assert_eq!(why(&gathered, "d"), "may not be read: permission denied");
    }
}
