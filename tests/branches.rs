//! The tree of a conversation in a pseudo-terminal, with the fake worker.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod pty;

use common::{Home, model, sample};
use pty::Terminal;

const ALT_E: &str = "\x1be";
const ALT_LEFT: &str = "\x1b[1;3D";
const ALT_RIGHT: &str = "\x1b[1;3C";

/// Asks, and waits for the whole answer.
fn ask(chat: &mut Terminal, question: &str) {
    chat.press(&format!("{question}\r"));
    chat.shows(&format!("You asked \"{question}\""));
    chat.shows("perhaps so.");
    chat.shows("ready");
}

fn sessions(home: &Home, arguments: &[&str]) -> String {
    let ran = home.run("", &[&["sessions"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

#[test]
fn an_edit_makes_a_branch_and_the_way_back_is_stored() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "", &[&sample("error.png")], 80, 24);
    chat.shows("· ready]");
    ask(&mut chat, "uno");
    ask(&mut chat, "due");
    chat.press("my draft");
    chat.press(ALT_E);
    chat.shows("› due");
    chat.shows("editing: enter makes a branch · esc leaves all as it was");
    chat.press("\x1b");
    chat.shows("› my draft");

    // From the list: the first message, with its picture.
    chat.press("\x03/edit uno\r");
    chat.shows("messages");
    chat.press("\r");
    chat.shows("› uno");
    chat.shows("[▣ error.png");
    chat.press(" ter\r");
    chat.shows("You asked \"uno ter\" about 1 pictures");
    chat.shows("‹2/2›");
    chat.hides("due");

    chat.press(ALT_LEFT);
    chat.shows("You asked \"due\"");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);
    let mut chat = Terminal::start(&home, "", &["--continue"], 80, 24);
    chat.shows("You asked \"due\"");
    chat.press("\x1b[1;5H"); // Ctrl+Home
    chat.shows("you ‹1/2›");
    chat.press(ALT_RIGHT);
    chat.shows("You asked \"uno ter\"");
    chat.press("/branches\r");
    chat.shows("you     uno ter");
    chat.shows("2 messages");
    chat.press("\x1b[A\r");
    chat.shows("You asked \"due\"");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);

    assert!(sessions(&home, &["list"]).contains("uno  (2 branches)"), "{}", sessions(&home, &["list"]));
    let listed = sessions(&home, &["branches"]);
    assert!(listed.starts_with("*   1") && listed.contains("2 messages  starter  user: uno ter"), "{listed}");
    assert!(sessions(&home, &["show", "1", "--branch", "2"]).contains("uno ter"));
    let shown = home.run("", &["sessions", "show", "1"]);
    assert!(shown.out.contains("due") && shown.err.contains("this is branch 1 of 2"), "{shown:?}");
    let wrong = home.run("", &["sessions", "export", "1", "--branch", "9"]);
    assert!(wrong.code == Some(1) && wrong.err.contains("has 2 branches, and no branch 9"), "{wrong:?}");
}

#[test]
fn killed_in_the_middle_of_a_branch_both_are_there() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "", &[], 80, 24);
    chat.shows("ready");
    ask(&mut chat, "one");
    chat.press("\x04");
    chat.wait();
    let mut chat = Terminal::start(&home, "long slow", &["--continue"], 80, 24);
    chat.shows("You asked \"one\"");
    chat.shows("ready");
    chat.press(ALT_E);
    chat.shows("› one");
    chat.press(" more\r");
    chat.shows("word20");
    std::thread::sleep(std::time::Duration::from_millis(600));
    chat.signal(rustix::process::Signal::KILL);
    chat.wait();
    let mut chat = Terminal::start(&home, "", &["--continue"], 80, 24);
    chat.shows("word15");
    chat.shows("(percept ended in the middle of this answer)");
    chat.press(ALT_LEFT);
    chat.shows("You asked \"one\"");
}

#[test]
fn another_model_answers_beside_the_first_and_one_is_chosen() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "", &["--model", &model()], 120, 30);
    chat.shows("ready");
    ask(&mut chat, "which?");
    chat.press("/compare starter\r");
    chat.shows("answers");
    chat.shows("1/2");
    chat.shows("▸ 2/2  starter");
    chat.shows("esc keep the old one");
    chat.press("\x1b");
    chat.hides("esc keep the old one");
    chat.shows("is loaded again.");
    chat.shows("percept ‹1/2›");
    chat.shows("ready");
    chat.press("/compare\r");
    chat.shows("▸ 1/2");
    chat.press("\x1b[C");
    chat.shows("▸ 2/2  starter");
    chat.press("\r");
    chat.shows("percept ‹2/2›");
}

#[test]
fn all_branches_go_to_another_percept() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "", &[], 80, 24);
    chat.shows("ready");
    ask(&mut chat, "one");
    chat.press(ALT_E);
    chat.shows("› one");
    chat.press(" else\r");
    chat.shows("You asked \"one else\"");
    chat.shows("ready");
    chat.press("/retry\r");
    chat.shows("percept ‹2/2›");
    chat.shows("perhaps so.");
    chat.shows("ready");
    chat.press("\x04");
    chat.wait();
    let file = home.path("talk.json");
    sessions(&home, &["export", "--json", "-o", file.to_str().unwrap()]);
    let there = Home::new();
    let taken = sessions(&there, &["import", file.to_str().unwrap()]);
    assert!(taken.starts_with("5 messages"), "{taken}");
    let ends = |home: &Home| -> Vec<String> {
        let listed = sessions(home, &["branches", "1"]);
        listed.lines().map(|line| line.chars().take(5).collect()).collect()
    };
    assert_eq!(ends(&home), ["    1", "    2", "*   3"]);
    assert_eq!(ends(&there), ends(&home));
    // Both first messages are somebody else's.
    for branch in ["1", "3"] {
        let shown = sessions(&there, &["show", "1", "--branch", branch]);
        assert!(shown.contains("Attachment: imported conversation"), "{shown}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let last = json["tree"][2]["id"].clone();
    json["tree"][0]["parent"] = last;
    let tree = json["tree"].clone();
    json["tree"][2]["parent"] = tree[0]["id"].clone();
    let circle = there.write("circle.json", json.to_string());
    let refused = there.run("", &["sessions", "import", circle.to_str().unwrap()]);
    assert!(refused.code == Some(1) && refused.err.contains("in a circle"), "{refused:?}");
}

#[test]
fn the_model_names_the_conversation_unless_a_person_did() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "titles", &["--model", &model()], 160, 24);
    chat.shows("ready");
    ask(&mut chat, "what is this?");
    chat.shows("percept ─ Named by the fake");
    chat.press("/rename Mine\r");
    chat.shows("percept ─ Mine");
    ask(&mut chat, "and that?");
    chat.press("\x04");
    chat.wait();
    let listed = sessions(&home, &["list"]);
    assert!(listed.contains("4 messages  Mine"), "the title is no message: {listed}");

    let home = Home::new();
    let off = [("PERCEPT_CHAT_TITLES", "false")];
    let mut chat = Terminal::with(&home, "titles", &["--model", &model()], &off, (160, 24));
    chat.shows("ready");
    ask(&mut chat, "what is this?");
    ask(&mut chat, "what else?");
    chat.press("\x04");
    chat.wait();
    assert!(sessions(&home, &["list"]).contains("what is this?"));
}
