//! The conversations through the door: found, put in order, sent to another percept.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::{Home, Ran, sample};

fn sessions(home: &Home, arguments: &[&str]) -> Ran {
    let ran = home.run("", &[&["sessions"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

/// A home with a conversation about a picture and a text.
fn home() -> Home {
    let home = Home::new();
    let notes = home.write("notes.txt", "the sequencer is wired to the left bus\n");
    let attached = ["-a", notes.to_str().unwrap(), "-a", &sample("error.png")];
    let ran = home.run("", &[&["ask"], &attached[..], &["what does the dialog say?"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    home
}

#[test]
fn words_find_what_was_said_and_what_was_attached() {
    let home = home();
    for words in ["dialog says", "sequencers", "error.png"] {
        let found = sessions(&home, &["search", words]).out;
        assert!(found.contains("what does the dialog say?"), "{words}: {found}");
    }
    assert_eq!(sessions(&home, &["search", "zeppelin"]).out, "Nothing was found.\n");
    let json: serde_json::Value =
        serde_json::from_str(&sessions(&home, &["search", "sequencer", "--json"]).out).unwrap();
    assert!(json[0]["excerpt"].as_str().unwrap().contains("sequencer is wired"), "{json}");
}

#[test]
fn one_can_be_named_tagged_removed_and_taken_back() {
    let home = home();
    sessions(&home, &["rename", "last", "The bus"]);
    assert_eq!(sessions(&home, &["tag", "1", "hardware", "urgent"]).out, "hardware, urgent\n");
    assert_eq!(sessions(&home, &["tag", "1", "-r", "urgent"]).out, "hardware\n");
    let listed = sessions(&home, &["list"]).out;
    assert!(listed.contains("The bus  #hardware"), "{listed}");
    sessions(&home, &["rm", "1"]);
    assert_eq!(sessions(&home, &["list"]).out, "There are no conversations yet.\n");
    assert!(sessions(&home, &["restore"]).out.contains("The bus"));
    sessions(&home, &["restore", "1"]);
    assert!(sessions(&home, &["list"]).out.contains("The bus"));
    let wrong = home.run("", &["sessions", "rm", "77"]);
    assert!(wrong.code == Some(1) && wrong.err.contains("There is no session 77"), "{wrong:?}");
}

#[test]
fn the_bin_is_emptied_of_what_is_old_and_attachments_follow() {
    let home = home();
    sessions(&home, &["rm", "1"]);
    let kept = sessions(&home, &["gc"]).out;
    assert!(kept.starts_with("deleted: 0 conversations from the bin, 0 attachments"), "{kept}");
    let gone = sessions(&home, &["gc", "--bin-days", "0", "--dry-run"]).out;
    assert!(gone.starts_with("would be deleted: 1 conversations"), "{gone}");
    let gone = sessions(&home, &["gc", "--bin-days", "0"]).out;
    assert!(gone.starts_with("deleted: 1 conversations"), "{gone}");
    assert_eq!(sessions(&home, &["restore"]).out, "The bin is empty.\n");
}

#[test]
fn what_one_percept_exports_another_takes_in() {
    let (home, other) = (home(), Home::new());
    let json = sessions(&home, &["export", "--json"]).out;
    let file = other.write("talk.json", &json);
    let file = file.to_str().unwrap();
    let said = sessions(&other, &["import", file]);
    assert!(said.out.contains("2 messages are conversation 1") && said.err.is_empty(), "{said:?}");
    let listed = sessions(&other, &["list"]).out;
    assert!(listed.contains("what does the dialog say?  #imported"), "{listed}");
    // With the picture, and with the mark that it is another's.
    let html = sessions(&other, &["export", "1", "--html"]).out;
    assert!(
        html.contains("src=\"data:image/png;base64,") && html.contains("imported conversation"),
        "{html}"
    );
    // Once more, of what was taken in: no second mark.
    let again = sessions(&other, &["export", "1", "--json"]).out;
    let again = other.write("again.json", &again);
    sessions(&other, &["import", again.to_str().unwrap()]);
    let shown = sessions(&other, &["show", "2"]).out;
    assert_eq!(shown.matches("imported conversation").count(), 1, "{shown}");
}

#[test]
fn files_of_another_machine_are_not_taken_for_the_conversations_own() {
    let (home, other) = (Home::new(), Home::new());
    let log = "2026-01-31T10:00:00Z ERROR it broke\n".repeat(40);
    let log = home.write("app.log", log);
    let said = home.run("", &["ask", "-a", log.to_str().unwrap(), "why?\ncall shell {\"command\": \"pwd\"}"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // What somebody could write into it: a result and a log that lie in files of ours.
    let mut written: serde_json::Value =
        serde_json::from_str(&sessions(&home, &["export", "--json"]).out).unwrap();
    let mut results = 0;
    for part in
        written["tree"].as_array_mut().unwrap().iter_mut().flat_map(|m| m["parts"].as_array_mut().unwrap())
    {
        if part.get("leave").is_some() {
            part["whole"] = "/etc/hostname".into();
            results += 1;
        }
    }
    assert!(results > 0, "{written}");
    let file = other.write("talk.json", written.to_string());
    let taken = sessions(&other, &["import", file.to_str().unwrap()]);
    assert!(taken.out.contains("conversation 1"), "{taken:?}");
    let again = sessions(&other, &["export", "--json"]).out;
    assert!(!again.contains("/etc/hostname"), "{again}");
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    let contents = again["contents"].as_object().unwrap().values();
    let contents: Vec<Vec<u8>> =
        contents.map(|text| BASE64.decode(text.as_str().unwrap()).unwrap()).collect();
    let of_log: Vec<&Vec<u8>> =
        contents.iter().filter(|bytes| bytes.windows(8).any(|part| part == b"\"digest\"")).collect();
    assert_eq!(of_log.len(), 1);
    let record: serde_json::Value = serde_json::from_slice(of_log[0]).unwrap();
    let source = &record["digest"]["sources"][0];
    assert_eq!((&source["path"], &source["identity"]), (&"".into(), &serde_json::Value::Null), "{record}");
}

#[test]
fn what_was_changed_or_is_no_conversation_is_not_taken_in() {
    let (home, other) = (home(), Home::new());
    let json = sessions(&home, &["export", "--json"]).out;
    let mut changed: serde_json::Value = serde_json::from_str(&json).unwrap();
    let first = changed["contents"].as_object_mut().unwrap().values_mut().next().unwrap();
    *first = "bm90IGl0".into();
    let path =
        json.replace(changed["tree"][0]["parts"][0]["attachment"]["id"].as_str().unwrap(), "../../../x");
    let cases = [
        (changed.to_string(), "was changed, or cut off"),
        (path, "is no hash of a content"),
        (json[..json.len() / 2].to_owned(), "no conversation as"),
        ("{}".to_owned(), "no conversation as"),
        (String::new(), "no conversation as"),
    ];
    for (content, said) in cases {
        let file = other.write("talk.json", &content);
        let ran = other.run("", &["sessions", "import", file.to_str().unwrap()]);
        assert!(ran.code == Some(1) && ran.err.contains(said) && ran.err.contains("talk.json"), "{ran:?}");
    }
    assert_eq!(sessions(&other, &["list"]).out, "There are no conversations yet.\n");
}
