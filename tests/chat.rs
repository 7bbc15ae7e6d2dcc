//! The chat in a pseudo-terminal, with the fake worker.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Home, sample};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const PATIENCE: Duration = Duration::from_secs(20);

fn cells(count: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(count).unwrap()
}

/// percept in a terminal of its own.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    fn start(home: &Home, fake: &str, arguments: &[&str], columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_percept"));
        command.env_clear();
        command.args(arguments);
        command.cwd(home.dir.path());
        for (name, value) in home.variables(fake) {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (shown, all) = (Arc::clone(&screen), Arc::clone(&bytes));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                shown.lock().unwrap().process(&buffer[..read]);
                all.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, keys, screen, bytes, master: pair.master }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows something.
    fn shows(&self, what: &str) {
        let start = Instant::now();
        while !self.text().contains(what) {
            assert!(start.elapsed() < PATIENCE, "waiting for {what:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn wait(&mut self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(start.elapsed() < PATIENCE, "it doesn't end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the terminal was given back: the alternate screen was left.
    fn was_restored(&self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            let bytes = self.bytes.lock().unwrap();
            let last = |what: &[u8]| bytes.windows(what.len()).rposition(|window| window == what);
            if last(b"\x1b[?1049l") > last(b"\x1b[?1049h") {
                return true;
            }
            drop(bytes);
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.process_id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

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
