//! The chat in a pseudo-terminal, with the fake worker.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod pty;

use std::time::Duration;

use common::{Home, sample};
use portable_pty::PtySize;
use pty::{Terminal, cells};

/// Function keys, as an xterm sends them.
const F2: &str = "\x1bOQ";
const F3: &str = "\x1bOR";

#[test]
fn two_questions_about_a_picture_then_goes_on_the_next_day() {
    for (columns, rows) in [(80, 24), (200, 60)] {
        let home = Home::new();
        let mut chat = Terminal::start(&home, "", &[&sample("error.png")], columns, rows);
        chat.shows("· ready]");
        chat.press("first question\r");
        chat.shows("You asked \"first question\" about 1 pictures");
        chat.shows("ready");
        chat.press("second\r");
        chat.shows("You asked \"second\"");
        chat.press("unsent draft");
        chat.shows("› unsent draft");
        chat.press("\x15\x15"); // Undo is no loss either.
        chat.press("\x03\x04");
        assert_eq!(chat.wait(), 0);
        assert!(chat.was_restored());

        let chat = Terminal::start(&home, "", &["--continue"], columns, rows);
        chat.shows("You asked \"first question\"");
        chat.shows("You asked \"second\"");
    }
}

#[test]
fn a_worker_that_dies_in_mid_answer_is_said_and_the_next_question_works() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "die slow", &[], 80, 24);
    chat.shows("ready");
    chat.press("one\r");
    chat.shows("The model's worker died: it ended with exit code 7");
    chat.shows("(the worker died)");
    chat.shows("ready");
    chat.press("two\r");
    chat.shows("You asked \"two\"");
}

#[test]
fn escape_stops_an_answer_and_what_came_is_kept() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "long slow", &[], 80, 24);
    chat.shows("ready");
    chat.press("go\r");
    chat.shows("word5");
    chat.press("\x1b");
    chat.shows("(stopped by you)");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);
    assert!(home.run("", &["sessions", "show"]).out.contains("word5"));
}

#[test]
fn a_second_escape_ends_a_worker_that_does_not_stop() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "hang", &[], 80, 24);
    chat.shows("ready");
    chat.press("one\r");
    chat.shows("You");
    chat.press("\x1b");
    chat.shows("esc again ends the worker");
    chat.press("\x1b");
    chat.shows("(stopped by you)");
    chat.shows("was ended and is being started again");
    chat.shows("ready");
    chat.press("two\r");
    chat.shows("You asked \"two\"");
}

#[test]
fn killed_in_mid_answer_everything_on_the_screen_comes_back() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "long slow", &[], 80, 24);
    chat.shows("ready");
    chat.press("go\r");
    chat.shows("word20");
    std::thread::sleep(Duration::from_millis(400));
    chat.press("half a thought");
    chat.shows("half a thought");
    std::thread::sleep(Duration::from_millis(1200));
    chat.signal(rustix::process::Signal::KILL);
    chat.wait();
    let chat = Terminal::start(&home, "", &["--continue"], 80, 24);
    chat.shows("word20");
    chat.shows("half a thought");
}

#[test]
fn signals_give_the_terminal_back() {
    for (signal, code) in [(rustix::process::Signal::TERM, 143), (rustix::process::Signal::HUP, 129)] {
        let home = Home::new();
        let mut chat = Terminal::start(&home, "", &[], 80, 24);
        chat.shows("ready");
        chat.press("a draft");
        chat.shows("a draft");
        chat.signal(signal);
        assert_eq!(chat.wait(), code);
        assert!(chat.was_restored());
        let chat = Terminal::start(&home, "", &[], 80, 24);
        chat.shows("› a draft");
    }
}

#[test]
fn a_resize_is_drawn_and_a_bad_file_blocks_nothing() {
    let home = Home::new();
    let text = home.write("text.png", "hello");
    let mut chat = Terminal::start(&home, "", &[text.to_str().unwrap()], 80, 24);
    chat.shows("✗ text.png");
    chat.shows("named like a picture, but holds text");
    chat.master.resize(PtySize { rows: 16, cols: 60, pixel_width: 0, pixel_height: 0 }).unwrap();
    chat.screen.lock().unwrap().screen_mut().set_size(cells(16), cells(60));
    chat.press("still here\r");
    chat.shows("You asked \"still here\" about 0 pictures");
    chat.press("\x1b[200~pasted\nlines\x1b[201~");
    chat.shows("pasted");
    chat.press("?");
    chat.shows("lines?");
}

#[test]
fn keys_that_come_with_a_resize_are_not_lost() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "", &[], 80, 24);
    chat.shows("ready");
    // Each time the terminal's size and a key change at once.
    for typed in 1..=40 {
        let columns = if typed % 2 == 0 { 80 } else { 70 };
        chat.screen.lock().unwrap().screen_mut().set_size(cells(24), cells(columns));
        chat.master.resize(PtySize { rows: 24, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        chat.press("x");
        chat.shows(&format!("› {}", "x".repeat(typed)));
    }
}

#[test]
fn a_log_is_looked_into_and_what_the_answer_cites_is_followed() {
    let home = Home::new();
    let line = |n: u64| {
        let (hour, minute) = (n / 60, n % 60);
        format!("2024-01-02 {hour:02}:{minute:02}:00 INFO api: request {n} took {}ms\n", n * 3)
    };
    let text: String = (0..300).map(line).collect();
    let text = text + "2024-01-02 05:00:00 FATAL db: disk full on /var\n";
    let log = home.write("app.log", text);
    let mut chat = Terminal::start(&home, "", &[log.to_str().unwrap()], 80, 24);
    chat.shows("app.log 301 lines → 2 templates");
    chat.shows("ready");
    chat.press(F2);
    chat.shows("2 templates by what stands out");
    chat.shows("fatal 05:00:00  disk full on");
    chat.press("\r");
    chat.shows("301  2024-01-02 05:00:00 FATAL db: disk full on /var");
    chat.press("\r");
    chat.shows("around app.log:301");
    chat.shows("300  2024-01-02 04:59:00 INFO api: request 299 took 897ms");
    chat.press("a");
    chat.shows("1 line was added to the question.");
    chat.press(F2);
    chat.shows("> app.log:301: 2024-01-02 05:00:00 FATAL db: disk full on /var");
    chat.press("why?\r");
    // The fake quotes the question, and so cites the line.
    chat.shows("You asked \"> app.log:301");
    chat.shows("ready");
    chat.press(F3);
    chat.shows("citations");
    chat.shows("  app.log:301");
    chat.press("\r");
    chat.shows("around app.log:301");
    chat.press("\x1b");
    chat.shows("citations");
    chat.press("\x1b");
    chat.hides("citations");
}
