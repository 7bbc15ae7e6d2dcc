//! Documents in the chat, in a pseudo-terminal: the model finds and cites, the citation is
//! followed into an editor, a found picture is attached.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod pty;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Home, sample};
use percept::document::Place;
use percept::retrieval::{FileState, NewFile, NewPassage, PassageKind, Store};
use pty::Terminal;

/// Function keys, as an xterm sends them.
const F3: &str = "\x1bOR";
const F4: &str = "\x1bOS";

const SETUP: &str = "# Setup\n\nInstall the headers.\n\nThe linker needs libasound2-dev, else it ends with\ncannot find -lasound.\n";

/// A home with an index of a folder: a document and a picture.
fn indexed() -> Home {
    let home = Home::new();
    let docs = home.path("shelf/docs");
    std::fs::create_dir_all(&docs).unwrap();
    std::fs::write(docs.join("setup.md"), SETUP).unwrap();
    std::fs::copy(sample("error.png"), docs.join("error.png")).unwrap();
    let mut store = Store::open(&home.path("data/index")).unwrap().store;
    store.add_source(&docs).unwrap();
    let passage =
        |kind, text: &str, place| NewPassage { kind, text: text.into(), heading: Vec::new(), place };
    let lines: Vec<&str> = SETUP.lines().collect();
    let found = passage(PassageKind::Text, &lines[4..6].join("\n"), Place::Lines(5, 6));
    store.put(&docs, &file(&docs.join("setup.md"), Some("Setup")), &[found]).unwrap();
    let picture = passage(PassageKind::Picture, "Error Permission denied: /etc/hosts", Place::Whole);
    store.put(&docs, &file(&docs.join("error.png"), None), &[picture]).unwrap();
    home
}

fn file(path: &Path, title: Option<&str>) -> NewFile {
    let bytes = std::fs::read(path).unwrap();
    NewFile {
        path: path.to_owned(),
        bytes: bytes.len() as u64,
        modified_ns: 1,
        hash: blake3::hash(&bytes).to_hex().to_string(),
        title: title.map(str::to_owned),
        seen_by: None,
        state: FileState::Indexed { note: String::new() },
    }
}

/// An editor that writes down what it is told and what is typed into it.
fn editor(home: &Home) -> String {
    let out = home.path("edited");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}'\necho 'the editor is open'\nread typed\necho \"$typed\" >> '{0}'\n",
        out.display()
    );
    let path = home.write("fake-editor", script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn chat(home: &Home, environment: &[(&str, &str)], size: (u16, u16)) -> Terminal {
    let chat = Terminal::with(home, "", &["-m", &common::model()], environment, size);
    chat.shows("ready");
    chat
}

#[test]
fn the_model_finds_and_cites_and_the_citation_is_followed_into_the_editor() {
    for size in [(80, 24), (200, 60)] {
        let home = indexed();
        let editor = editor(&home);
        let mut chat = chat(&home, &[("EDITOR", &editor)], size);
        chat.press("call find_documents {\"query\": \"cannot find lasound\"}\r");
        chat.shows("▸ find_documents \"cannot find lasound\"   1 passage");
        // As the model quotes it: the line may be broken in front.
        chat.shows("docs/setup.md:5-6 · Setup");
        chat.shows("ready");
        chat.press(F3);
        chat.shows("┌ citations");
        chat.shows("docs/setup.md:5-6");
        chat.press("\r");
        chat.shows("the editor is open");
        assert!(chat.was_restored());
        // Typed into the editor, not into the chat: nothing is left behind that takes keys.
        chat.press("typed q here\r");
        chat.shows("┌ citations");
        let edited = std::fs::read_to_string(home.path("edited")).unwrap();
        let path = home.path("shelf/docs/setup.md");
        assert_eq!(edited, format!("+5\n{}\ntyped q here\n", path.display()));
        chat.press("\x1b");
        chat.hides("┌ citations");
        chat.press("still here");
        chat.shows("› still here");
    }
}

#[test]
fn a_picture_is_found_by_words_looked_at_and_attached() {
    let home = indexed();
    let mut chat = chat(&home, &[], (80, 24));
    chat.press("/find permission denied\r");
    chat.shows("┌ found");
    chat.shows("docs/error.png");
    chat.shows("1 result");
    chat.press("\r");
    chat.shows("esc back");
    chat.press("\x1b");
    chat.shows("a add");
    chat.press("a");
    chat.shows("attached · words");
    chat.press("x");
    chat.shows("0 results");
    chat.press("/hosts\r");
    chat.shows("1 result ");
    chat.press("a");
    chat.shows("attached · words");
    chat.press("\x1b");
    // Together with the next key it would be Alt.
    chat.hides("┌ found");
    chat.shows("[▣ error.png 320×140");
    chat.press("what is it?\r");
    chat.shows("about 1 pictures");
    // What was found last is there again.
    chat.press(F4);
    chat.shows("docs/error.png");
    assert!(chat.text().contains("attached · words"), "{}", chat.text());
}

#[test]
fn an_editor_that_is_not_there_is_said_and_the_chat_goes_on() {
    let home = indexed();
    let mut chat = chat(&home, &[("EDITOR", "/no/such/editor")], (100, 24));
    chat.press("/find libasound2\r");
    chat.shows("docs/setup.md:5-6");
    chat.press("\r");
    chat.shows("/no/such/editor can't be run");
    chat.press("\x1b");
    // Together with the next key it would be Alt.
    chat.hides("┌ found");
    chat.press("still here");
    chat.shows("› still here");
}

#[test]
fn everything_can_be_read_in_a_small_terminal_without_colours() {
    let home = indexed();
    let mut chat = chat(&home, &[("NO_COLOR", "1")], (60, 16));
    chat.press("/find linker\r");
    chat.shows("docs/setup.md:5-6");
    chat.shows("The linker needs libasound2-dev");
    chat.press("?");
    chat.shows("┌ help");
    chat.press("\x1b");
    chat.shows("┌ found");
}
