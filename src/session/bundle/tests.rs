//! What is in a bundle and what is not.

use super::*;
use crate::attachment::{Medium, Source};
use crate::message::{Message, MessageId, Role, Status, ToolCall};
use crate::session::{SessionId, SessionSummary};

fn attachment(name: &str, content: &[u8], picture: bool) -> Attachment {
    let medium = match picture {
        true => Medium::Image { width: 1, height: 1, format: "png".into(), view: None },
        false => Medium::Text { lines: 1, note: None, view: None },
    };
    let id = AttachmentId::of(content);
    Attachment { id, name: name.into(), bytes: content.len() as u64, medium, source: Source::Paste }
}

fn session(parts: Vec<Part>) -> Session {
    let message = Message {
        id: MessageId(1),
        parent: None,
        role: Role::User,
        parts,
        status: Status::Complete,
        created_ms: 0,
        stats: None,
    };
    let summary = SessionSummary {
        id: SessionId(7),
        title: "t".into(),
        created_ms: 0,
        updated_ms: 5000,
        messages: 1,
        branches: 1,
        tags: Vec::new(),
        removed_ms: None,
    };
    Session { summary, tree: vec![message], head: Some(MessageId(1)) }
}

fn versions() -> Versions {
    Versions { percept: "0".into(), os: "linux".into(), arch: "x86_64".into(), models: Vec::new() }
}

const LOG: &[u8] = b"password=hunter2\n";

fn read(id: &AttachmentId) -> Result<Vec<u8>, String> {
    match *id == AttachmentId::of(LOG) {
        true => Ok(LOG.to_vec()),
        false => Ok(b"picture".to_vec()),
    }
}

fn paths(bundle: &Bundle) -> Vec<&str> {
    bundle.manifest.members.iter().map(|member| member.path.as_str()).collect()
}

#[test]
fn pictures_and_originals_are_left_out_unless_they_are_chosen() {
    let parts = vec![
        Part::attachment(attachment("../../e vil.log", LOG, false)),
        Part::attachment(attachment("shot.png", b"picture", true)),
        Part::attachment(attachment("again.log", LOG, false)),
    ];
    let session = session(parts);
    let bundle = Bundle::plan(&session, &versions(), &BundleOptions::default(), read).unwrap();
    let usual = ["transcript.md", "transcript.json", "views/01-e-vil.log.txt", "versions.json"];
    assert_eq!(paths(&bundle), usual);
    assert_eq!(bundle.manifest.left_out.len(), 2);
    assert!(!bundle.listing().contains("Warning"));
    let all = BundleOptions { all_attachments: true, ..BundleOptions::default() };
    let bundle = Bundle::plan(&session, &versions(), &all, read).unwrap();
    assert!(paths(&bundle).contains(&"attachments/02-shot.png"));
    assert!(bundle.listing().contains("Warning: attachments/02-shot.png is a picture"));
    let wrong = BundleOptions { attachments: vec!["shot.jpg".into()], ..BundleOptions::default() };
    let error = Bundle::plan(&session, &versions(), &wrong, read).unwrap_err().to_string();
    assert!(error.contains("did you mean `shot.png`"), "{error}");
}

#[test]
fn the_same_secret_has_one_number_in_all_of_it() {
    let call = ToolCall {
        id: "1".into(),
        name: "login".into(),
        arguments: serde_json::json!({ "password": "hunter2", "pwd": 31337, "n": 3 }),
        leaked: false,
    };
    let parts = vec![
        Part::text("it says password=hunter2"),
        Part::attachment(attachment("a.log", LOG, false)),
        Part::ToolCall(call),
    ];
    let bundle = Bundle::plan(&session(parts), &versions(), &BundleOptions::default(), read).unwrap();
    for member in &bundle.manifest.members {
        let content = String::from_utf8(member.content.clone()).unwrap();
        assert!(!content.contains("hunter2") && !content.contains("31337"), "{content}");
        assert_eq!(content.contains("<secret:1>"), member.path != "versions.json", "{}", member.path);
    }
}

#[test]
fn it_is_the_same_bytes_each_time_and_never_over_another_file() {
    let bundle = Bundle::plan(&session(vec![Part::text("x")]), &versions(), &BundleOptions::default(), read);
    let (bundle, dir) = (bundle.unwrap(), tempfile::tempdir().unwrap());
    for ending in ["tar.gz", "tar.zst"] {
        let [one, two] = ["a", "b"].map(|name| dir.path().join(format!("{name}.{ending}")));
        bundle.write(&one, false).unwrap();
        bundle.write(&two, false).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        assert!(matches!(bundle.write(&one, false), Err(BundleError::Exists(_))));
        bundle.write(&one, true).unwrap();
    }
    assert!(matches!(bundle.write(&dir.path().join("a.zip"), false), Err(BundleError::Ending(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4, "nothing else is left");
}

#[test]
fn names_are_safe_everywhere() {
    for (name, expected) in [
        ("../../etc/passwd", "etc-passwd"),
        ("/abs/x.log", "abs-x.log"),
        ("..", "attachment"),
        ("C:\\x\\y.txt", "C-x-y.txt"),
        ("<email:1>.log", "email-1-.log"),
        ("é日本.txt", "txt"),
        (".env", "env"),
    ] {
        assert_eq!(safe(name), expected);
    }
    assert!(safe(&"a".repeat(500)).len() <= MOST_NAME);
}
