//! Compaction through the door: in the chat, in a pseudo-terminal, with the fake worker, which
//! records what it is asked.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod pty;

use common::{Home, model, sample};
use pty::Terminal;

/// A text of 700 words that stand nowhere else: most of the small contexts below.
fn long(word: &str) -> String {
    (0..70)
        .map(|line| (0..10).map(|at| format!("{word}{} ", line * 10 + at)).collect::<String>() + "\n")
        .collect()
}

/// Tokens of a context that such a text, a picture and what asks for a summary just fit in.
const CONTEXT: &str = "record context:1150";

/// The last question that the worker was asked, with all that was given with it.
fn asked(home: &Home) -> String {
    let all = std::fs::read_to_string(home.path("died.asked")).unwrap();
    all.lines().last().unwrap().to_owned()
}

/// A chat with one answer about a picture and a long text.
fn filled(home: &Home, behaviour: &str) -> Terminal {
    home.write("zebra.txt", long("zebra"));
    let arguments = ["-m", &model(), &sample("error.png"), "zebra.txt"];
    let mut chat = Terminal::start(home, behaviour, &arguments, 100, 30);
    chat.shows("tok · ready]");
    chat.press("look\r");
    chat.shows("You asked \"look\"");
    chat.shows("ready");
    chat
}

#[test]
fn a_full_window_is_said_and_summed_up_when_that_is_wanted_and_stays_so_the_next_day() {
    let home = Home::new();
    let mut chat = filled(&home, CONTEXT);
    chat.shows("% full");
    chat.shows("of 1,150 tokens. /compact");
    chat.press("what else?\r");
    chat.shows("You asked \"what else?\"");
    chat.shows("ready");
    chat.press("/compact\r");
    chat.shows("In short: much was said.");
    chat.shows("enter take it");
    chat.shows("error.png");
    let whole = asked(&home);
    assert!(whole.contains("zebra7") && whole.contains("\"image\""), "at the end of the conversation itself");
    chat.press("\r");
    chat.shows("2 messages left the window");
    chat.shows("the window begins here");
    chat.shows("ready");
    chat.press("go on\r");
    chat.shows("You asked \"go on\" about 0 pictures");
    let given = asked(&home);
    assert!(given.contains("In short: much was said.") && given.contains("what else?"), "{given}");
    assert!(given.contains("Picture error.png, no longer shown; described by you: a dialog"), "{given}");
    assert!(!given.contains("zebra7") && !given.contains("\"image\""), "{given}");
    chat.shows("ready");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);

    let mut chat = Terminal::start(&home, "record", &["--continue", "-m", &model()], 100, 30);
    chat.shows("You asked \"go on\"");
    chat.shows("ready");
    chat.press("still there?\r");
    chat.shows("You asked \"still there?\"");
    let given = asked(&home);
    assert!(given.contains("In short: much was said.") && !given.contains("zebra7"), "{given}");
    drop(chat);
    let shown = home.run("", &["sessions", "show"]).out;
    assert!(
        shown.contains("look") && shown.contains("zebra.txt") && shown.contains("In short"),
        "the original is kept:\n{shown}"
    );
}

#[test]
fn a_summary_that_is_stopped_or_dropped_or_killed_leaves_the_conversation_as_it_was() {
    let home = Home::new();
    let mut chat = filled(&home, "record");
    chat.press("second\r");
    chat.shows("You asked \"second\"");
    chat.shows("ready");
    chat.press("/compact\r");
    chat.shows("enter take it");
    chat.press("\x1b");
    chat.shows("Nothing was changed");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);
    let before = home.run("", &["sessions", "export", "1", "--json"]).out;

    let arguments = ["--continue", "-m", &model()];
    let mut chat = Terminal::start(&home, "long slow record", &arguments, 100, 30);
    chat.shows("ready");
    chat.press("/compact\r");
    chat.shows("word9");
    chat.press("\x1b");
    chat.shows("Nothing was summed up");
    chat.shows("ready");
    chat.press("/compact\r");
    chat.shows("word9");
    chat.signal(rustix::process::Signal::KILL);
    chat.wait();
    let after = home.run("", &["sessions", "export", "1", "--json"]).out;
    assert_eq!(after, before);

    let mut chat = Terminal::start(&home, "record", &arguments, 100, 30);
    chat.shows("ready");
    chat.press("third\r");
    chat.shows("You asked \"third\"");
    let given = asked(&home);
    assert!(given.contains("zebra7") && !given.contains("no longer shown"), "{given}");
}

#[test]
fn a_prompt_that_does_not_fit_any_more_is_summed_up_and_asked_again() {
    let home = Home::new();
    let mut chat = filled(&home, CONTEXT);
    home.write("yak.txt", long("yak"));
    chat.press("/attach yak.txt\r");
    chat.shows("≡ yak.txt");
    chat.press("what now?\r");
    chat.shows("Then /retry.");
    chat.press("/compact\r");
    chat.shows("enter take it");
    chat.shows("All of it did not fit");
    chat.press("\r");
    chat.shows("left the window");
    chat.press("/retry\r");
    chat.shows("You asked \"what now?\"");
    let given = asked(&home);
    assert!(given.contains("yak7") && given.contains("In short") && !given.contains("zebra7"), "{given}");
}
