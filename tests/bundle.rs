//! The support bundle through the door: what is in the archive, and when none is written.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
#[cfg(unix)]
mod pty;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use common::{Home, Ran, sample};

/// Made up, and put together here, so that nothing takes them for real ones.
fn secrets() -> [String; 4] {
    let random = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5";
    [
        "hunter2-of-the-test".to_owned(),
        format!("{}{random}", "ghp_"),
        "eve@example.org".to_owned(),
        random[..24].to_owned(),
    ]
}

/// A home with a conversation that holds secrets in its question, a log and the log's name.
fn home() -> Home {
    let home = Home::new();
    let [password, token, email, cookie] = secrets();
    let key =
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAexampleexample\n-----END RSA PRIVATE KEY-----";
    let log =
        format!("one\npassword={password}\nCookie: sid={cookie}\n{key}\nfrom 10.9.8.7 user=mallory\nlast\n");
    let name = format!("log of {email}.txt");
    let log = home.write(&name, log);
    let question = format!("why does {token} fail, {{\"password\": \"{password}\"}}?");
    let asked = home.run("", &["ask", "-a", log.to_str().unwrap(), "-a", &sample("error.png"), &question]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    home
}

fn bundle(home: &Home, more: &[&str]) -> Ran {
    home.run("", &[&["sessions", "bundle"], more].concat())
}

/// The members of an archive by their paths.
fn members(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = std::fs::File::open(path).unwrap();
    let plain: Box<dyn Read> = match path.extension().unwrap().to_str().unwrap() {
        "zst" => Box::new(zstd::Decoder::new(file).unwrap()),
        _ => Box::new(flate2::read::GzDecoder::new(file)),
    };
    let mut members = BTreeMap::new();
    for entry in tar::Archive::new(plain).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        assert!(path.starts_with("percept-session-1/") && !path.contains(".."), "{path}");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert!(members.insert(path["percept-session-1/".len()..].to_owned(), content).is_none());
    }
    members
}

fn has(content: &[u8], words: &str) -> bool {
    content.windows(words.len()).any(|window| window == words.as_bytes())
}

#[test]
fn no_secret_is_in_any_file_of_it() {
    let home = home();
    for name in ["b.tar.gz", "b.tar.zst"] {
        let ran = bundle(&home, &["-o", name, "--all-attachments", "--yes"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        // It is listed before it is written, and a picture is warned of.
        let [listed, written] = ["transcript.json", "written to"].map(|words| ran.err.find(words).unwrap());
        assert!(listed < written && ran.err.contains("is a picture and can't be redacted"), "{ran:?}");
        let members = members(&home.path(name));
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "attachments/01-log-of-email-1-.txt",
                "attachments/02-error.png",
                "manifest.json",
                "transcript.json",
                "transcript.md",
                "versions.json",
                "views/01-log-of-email-1-.txt",
            ]
        );
        for (name, content) in &members {
            for secret in &secrets() {
                assert!(!has(content, secret), "{secret} in {name}");
            }
            assert!(!has(content, "MIIEpAIB"), "{name}");
        }
        assert!(secrets().iter().all(|secret| !ran.err.contains(secret)), "{ran:?}");
        // The view has as many lines as the log, and other values stay.
        let view = String::from_utf8(members["views/01-log-of-email-1-.txt"].clone()).unwrap();
        assert_eq!(view.lines().count(), 8, "{view}");
        assert!(view.contains("from 10.9.8.7 user=mallory\nlast\n"), "{view}");
        assert_eq!(members["attachments/02-error.png"], std::fs::read(sample("error.png")).unwrap());
        check_manifest(&members);
    }
    let ran = bundle(&home, &["-o", "all.tar.gz", "--ips", "--users", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let members = members(&home.path("all.tar.gz"));
    assert!(members.values().all(|content| !has(content, "10.9.8.7") && !has(content, "mallory")));
    assert!(!members.keys().any(|name| name.starts_with("attachments/")), "nothing was chosen");
}

fn check_manifest(members: &BTreeMap<String, Vec<u8>>) {
    let manifest: serde_json::Value = serde_json::from_slice(&members["manifest.json"]).unwrap();
    for member in manifest["members"].as_array().unwrap() {
        let content = &members[member["path"].as_str().unwrap()];
        assert_eq!(member["bytes"], content.len());
        assert_eq!(member["blake3"], blake3::hash(content).to_hex().as_str());
    }
    assert_eq!(manifest["members"].as_array().unwrap().len() + 1, members.len());
    assert_eq!(manifest["replaced"]["emails"]["values"], 1);
    assert_eq!(manifest["replaced"]["secrets"]["values"], 4);
    let versions: serde_json::Value = serde_json::from_slice(&members["versions.json"]).unwrap();
    assert_eq!(versions["percept"], env!("CARGO_PKG_VERSION"));
    assert_eq!(versions["models"][0]["name"], "starter");
    assert_eq!(versions["models"][0]["files"][0]["blake3"].as_str().unwrap().len(), 64);
}

#[test]
fn without_a_yes_nothing_is_written() {
    let home = home();
    let there = || home.path("percept-session-1.tar.gz").exists();
    let ran = bundle(&home, &[]);
    assert!(ran.code == Some(1) && ran.err.contains("transcript.md") && ran.err.contains("--yes"), "{ran:?}");
    assert!(ran.err.contains("Left out: error.png (a picture"), "{ran:?}");
    let ran = bundle(&home, &["--dry-run", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(ran.code == Some(0) && report["written"] == false, "{ran:?}");
    assert!(report["left_out"].as_array().unwrap().len() == 2 && !there(), "{report}");
    let ran = bundle(&home, &["last", "--yes", "--json"]);
    assert!(ran.code == Some(0) && ran.out.contains("\"written\": true") && there(), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let taken = home.write("taken.tar.gz", "mine");
    let ran = bundle(&home, &["-o", "taken.tar.gz", "--yes"]);
    assert!(ran.code == Some(1) && ran.err.contains("is there already"), "{ran:?}");
    assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
    assert_eq!(bundle(&home, &["-o", "taken.tar.gz", "--yes", "--force"]).code, Some(0));
    let mode = std::fs::metadata(&taken).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let ran = bundle(&home, &["-o", "none/b.tar.gz", "--yes"]);
    assert!(ran.code == Some(1) && ran.err.contains("can't be written"), "{ran:?}");
    let ran = bundle(&home, &["-o", "b.zip", "--yes"]);
    assert!(ran.code == Some(1) && ran.err.contains(".tar.zst"), "{ran:?}");
    let ran = bundle(&home, &["--attachment", "error.pgn", "--yes"]);
    assert!(ran.code == Some(1) && ran.err.contains("did you mean `error.png`"), "{ran:?}");
    let closed = home.path("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere.
    if std::fs::write(closed.join("x"), "").is_err() {
        let ran = bundle(&home, &["-o", "closed/b.tar.gz", "--yes"]);
        assert!(ran.code == Some(1) && ran.err.contains("can't be written"), "{ran:?}");
        assert_eq!(std::fs::read_dir(&closed).unwrap().count(), 0);
    }
    let archives = std::fs::read_dir(home.dir.path()).unwrap();
    let archives: Vec<_> = archives.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let left = archives.iter().filter(|name| name.contains("tar") || name.contains("tmp"));
    assert_eq!(left.count(), 1, "{archives:?}");
}

#[test]
fn an_export_is_redacted_if_asked_for() {
    let home = home();
    let [password, token, ..] = secrets();
    let export = |more: &[&str]| home.run("", &[&["sessions", "export"], more].concat());
    assert_eq!(export(&[]).out, home.run("", &["sessions", "show"]).out);
    assert!(export(&[]).out.contains(&token));
    let ran = export(&["1", "--redact"]);
    assert!(!ran.out.contains(&token) && !ran.out.contains(&password), "{ran:?}");
    assert!(
        ran.out.contains("why does <secret:1> fail") && ran.err.contains("replaced: 2 secrets"),
        "{ran:?}"
    );
    let ran = export(&["--redact", "--json", "-o", "x.json"]);
    assert!(ran.code == Some(0) && ran.out.is_empty(), "{ran:?}");
    let json = std::fs::read_to_string(home.path("x.json")).unwrap();
    assert!(
        !json.contains(&token)
            && serde_json::from_str::<serde_json::Value>(&json).unwrap()["tree"].is_array()
    );
    let ran = export(&["-o", "x.json"]);
    assert!(ran.code == Some(1) && ran.err.contains("can't be written"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn in_a_terminal_it_asks() {
    use pty::Terminal;
    let home = home();
    let path = home.path("b.tar.zst");
    let arguments = ["sessions", "bundle", "-o", "b.tar.zst"];
    let mut asked = Terminal::start(&home, "", &arguments, 120, 40);
    asked.shows("Write it to b.tar.zst? [y/N]");
    asked.press("\r");
    asked.shows("nothing was written");
    assert!(!path.exists());
    let mut asked = Terminal::start(&home, "", &arguments, 120, 40);
    asked.shows("transcript.md");
    asked.press("y\r");
    asked.shows("written to b.tar.zst");
    assert_eq!(members(&path).len(), 5);
}

#[cfg(unix)]
#[test]
fn the_chat_shows_a_bundle_and_writes_it_after_a_yes() {
    use pty::Terminal;
    let home = Home::new();
    let mut chat = Terminal::start(&home, "", &[], 100, 30);
    chat.shows("ready");
    chat.press("/bundle yes\r");
    chat.shows("/bundle shows first");
    chat.press("my password=hunter2-of-the-test\r");
    chat.shows("You asked");
    chat.shows("ready");
    chat.press("/bundle\r");
    chat.shows("transcript.md");
    chat.shows("/bundle yes writes it");
    let path = home.path("percept-session-1.tar.gz");
    assert!(!path.exists());
    chat.press("/bundle yes\r");
    chat.shows("Written to percept-session-1.tar.gz");
    assert!(members(&path).values().all(|content| !has(content, "hunter2-of-the-test")));
}
