//! Two percepts at once on the same conversations, of which one or the other is killed now and
//! then. `PERCEPT_FAKE_SECONDS` says for how long; 12 without it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

mod common;
mod pty;

use std::time::{Duration, Instant};

use common::Home;
use percept::message::Role;
use percept::session::SessionStore;
use pty::Terminal;
use rusqlite::Connection;

/// The seed of what happens when.
const SEED: u64 = 20_261_127;

/// How long an answer may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is shown is on disk after so long: 250 ms by docs/architecture.md, and a disk that is busy.
const STORED_WITHIN: Duration = Duration::from_secs(1);

/// Numbers that are the same each time (Steele, Lea and Flood: splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % most
    }
}

/// A percept and who types into it.
struct Person {
    name: char,
    chat: Terminal,
    sent: u64,
    /// The question that is being answered.
    waiting: Option<(String, Instant)>,
    /// Since when its answer is whole.
    whole_since: Option<Instant>,
}

/// What the screens showed.
#[derive(Default)]
struct Seen {
    /// Questions that were shown as sent, with an answer begun.
    sent: Vec<String>,
    /// Questions with their whole answer.
    answered: Vec<String>,
    kills: u64,
}

impl Person {
    fn start(home: &Home, name: char, goes_on: bool) -> Self {
        let arguments: &[&str] = if goes_on { &["--continue"] } else { &[] };
        let chat = Terminal::start(home, "slow", arguments, 100, 40);
        Self { name, chat, sent: 0, waiting: None, whole_since: None }
    }

    /// Does the next thing, if there is one to do: types a question, or sees its answer.
    fn live(&mut self, asks: bool, seen: &mut Seen) {
        let text = self.chat.text();
        let is_ready = text.trim_end().ends_with("ready");
        let Some((question, since)) = &self.waiting else {
            if is_ready && asks {
                self.sent += 1;
                let question = format!("question {}{}", self.name, self.sent);
                self.chat.press(&format!("{question}\r"));
                self.waiting = Some((question, Instant::now()));
            }
            return;
        };
        assert!(since.elapsed() < PATIENCE, "{question} is not answered:\n{text}");
        // The answer begins when the question is stored, and what is ready is stored too.
        let Some((_, answer)) = text.split_once(&format!("You asked \"{question}\"")) else { return };
        if !seen.sent.contains(question) {
            seen.sent.push(question.clone());
        }
        match self.whole_since {
            None if is_ready && answer.contains("perhaps so.") => self.whole_since = Some(Instant::now()),
            // docs/architecture.md: a crash loses what came within this time.
            Some(whole) if whole.elapsed() > STORED_WITHIN => {
                seen.answered.push(question.clone());
                (self.waiting, self.whole_since) = (None, None);
            }
            _ => {}
        }
    }

    fn kill(&mut self, seen: &mut Seen) {
        self.chat.signal(rustix::process::Signal::KILL);
        self.chat.wait();
        seen.kills += 1;
    }
}

fn seconds() -> u64 {
    std::env::var("PERCEPT_FAKE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

#[test]
fn nothing_that_was_shown_is_lost_when_one_of_two_is_killed_again_and_again() {
    let home = Home::new();
    let (mut chance, mut seen) = (Chance(SEED), Seen::default());
    let mut people = vec![Person::start(&home, 'a', false), Person::start(&home, 'b', false)];
    let (began, whole) = (Instant::now(), Duration::from_secs(seconds()));
    let mut next_kill = Duration::from_millis(1500 + chance.below(1500));
    while began.elapsed() < whole {
        people.iter_mut().for_each(|person| person.live(true, &mut seen));
        if began.elapsed() > next_kill {
            next_kill = began.elapsed() + Duration::from_millis(500 + chance.below(2500));
            let number = chance.below(2) as usize;
            let other = &mut people[number];
            other.kill(&mut seen);
            // Once more in the conversation that was last written, or in a new one.
            let goes_on = chance.below(2) == 0 && !seen.answered.is_empty();
            let (name, sent) = (other.name, other.sent);
            *other = Person::start(&home, name, goes_on);
            other.sent = sent;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    while people.iter().any(|person| person.waiting.is_some()) {
        people.iter_mut().for_each(|person| person.live(false, &mut seen));
        std::thread::sleep(Duration::from_millis(10));
    }
    // A draft is kept a moment after it was typed.
    people[0].chat.press("an unsent draft");
    people[0].chat.shows("an unsent draft");
    std::thread::sleep(Duration::from_millis(1500));
    people.iter_mut().for_each(|person| person.kill(&mut seen));
    drop(people);

    let connection = Connection::open(home.path("data/percept.db")).unwrap();
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    drop(connection);
    let chat = Terminal::start(&home, "", &[], 100, 40);
    chat.shows("an unsent draft");
    drop(chat);

    let store = SessionStore::open(&home.path("data")).unwrap();
    let mut questions = Vec::new();
    let mut answers = Vec::new();
    for summary in store.list(1000).unwrap() {
        for message in store.load(summary.id).unwrap().tree {
            match message.role {
                Role::User => questions.push(message.text()),
                _ => answers.push(message.text()),
            }
        }
    }
    for question in &seen.sent {
        assert!(questions.contains(question), "{question} was sent and is not there");
    }
    for question in &seen.answered {
        let whole = format!("You asked \"{question}\" about 0 pictures, **perhaps** `code` perhaps so.");
        assert!(answers.contains(&whole), "{question} was answered and is not there whole: {answers:#?}");
    }
    assert!(
        seen.answered.len() >= 3 && seen.kills >= 4,
        "{} answered, {} kills",
        seen.answered.len(),
        seen.kills
    );
    eprintln!(
        "{} s: {} questions shown as sent, {} as answered, {} kills; {} questions and {} answers are kept",
        seconds(),
        seen.sent.len(),
        seen.answered.len(),
        seen.kills,
        questions.len(),
        answers.len(),
    );
}
