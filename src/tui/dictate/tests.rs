//! Keys and screens of dictation, without a microphone or a worker.

use std::time::Duration;

use crossterm::event::Event as TermEvent;
use ratatui::style::Modifier;

use super::*;
use crate::agent::Agent;
use crate::dictation;
use crate::engines::WorkerOptions;
use crate::tui::tests::{app as plain_app, conversation, press, run_line, screen, type_text};
use crate::tui::view;

/// An app that can dictate.
fn app() -> App {
    let mut app = plain_app();
    let worker = WorkerOptions::new("percept-whisper".into());
    app.options.dictation = Ok(dictation::Options::new(worker, "m.bin".into()));
    app
}

fn ctrl(app: &mut App, agent: &Agent, c: char) -> Vec<Action> {
    app.handle(TermEvent::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)), agent)
}

fn release(app: &mut App, agent: &Agent) -> Vec<Action> {
    let key = KeyEvent::new_with_kind(KeyCode::Char('r'), KeyModifiers::NONE, KeyEventKind::Release);
    app.handle(TermEvent::Key(key), agent)
}

/// As it is while one talks.
fn recording(app: &mut App, words: &[&str], partial: &str) {
    app.dictate.look = Look {
        state: State::Recording,
        records: true,
        partial: partial.into(),
        seconds: 3,
        levels: vec![0, 64, 128, 192],
        loading: None,
    };
    app.dictated(Told::Began { take: 1 });
    for words in words {
        app.dictated(Told::Settled { take: 1, text: (*words).into() });
    }
}

#[test]
fn the_key_starts_and_stops_and_says_why_where_it_can_not() {
    let agent = conversation();
    assert_eq!(ctrl(&mut app(), &agent, 'r'), [Action::Dictate(Event::Start)]);
    let mut talking = app();
    recording(&mut talking, &[], "");
    assert_eq!(ctrl(&mut talking, &agent, 'r'), [Action::Dictate(Event::Stop)]);
    let mut without = plain_app();
    let Err(why) = without.options.dictation.clone() else { panic!("it can dictate") };
    assert_eq!(ctrl(&mut without, &agent, 'r'), [Action::Tell(agent::Event::Failed(why))]);
    assert!(without.text().is_empty(), "the key types nothing");
}

#[test]
fn the_commands_do_the_same_and_close_the_microphone() {
    let agent = conversation();
    let run = |line: &str| run_line(app(), &agent, line);
    assert_eq!(run("/dictate").0, [Action::Dictate(Event::Start)]);
    let (actions, app) = run("/dictate off");
    assert_eq!((actions, app.text().as_str()), (vec![Action::Dictate(Event::Close)], ""));
    assert!(run("/dictate on").1.said.unwrap().contains("/dictate off"));
}

#[test]
fn held_long_enough_its_release_stops_and_a_tap_does_not() {
    let agent = conversation();
    let mut app = app();
    let before = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    let key = KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL);
    assert_eq!(app.dictate_key(key, false, before), Some(vec![Action::Dictate(Event::Start)]));
    recording(&mut app, &[], "");
    let repeat = KeyEvent { kind: KeyEventKind::Repeat, ..key };
    assert_eq!(app.handle(TermEvent::Key(repeat), &agent), []);
    // Ctrl is let go before it, with and without the kitty protocol.
    for kind in [KeyEventKind::Repeat, KeyEventKind::Press] {
        let plain = KeyEvent { kind, modifiers: KeyModifiers::NONE, ..key };
        assert_eq!(app.handle(TermEvent::Key(plain), &agent), []);
    }
    assert_eq!(release(&mut app, &agent), [Action::Dictate(Event::Stop)]);
    assert_eq!(release(&mut app, &agent), []);
    assert!(App::heeds(&TermEvent::Key(KeyEvent { kind: KeyEventKind::Release, ..key })));
    assert_eq!(app.text(), "");
}

#[test]
fn escape_closes_what_is_open_then_discards_and_enter_never_sends() {
    let mut agent = conversation();
    let mut app = app();
    type_text(&mut app, &agent, "See");
    recording(&mut app, &["Hello"], "wor");
    press(&mut app, &agent, KeyCode::F(1));
    assert!(app.panel.is_some());
    agent.turn = crate::agent::Turn::Prefilling { request: 1, progress: None };
    assert_eq!(press(&mut app, &agent, KeyCode::Esc), []);
    assert!(app.panel.is_none());
    // A completion too; the answer is stopped by the next one.
    let mut completing = self::app();
    recording(&mut completing, &[], "");
    type_text(&mut completing, &agent, "/di");
    assert!(completing.completion.is_some());
    assert_eq!(press(&mut completing, &agent, KeyCode::Esc), []);
    assert_eq!(press(&mut completing, &agent, KeyCode::Esc), [Action::Dictate(Event::Discard)]);
    assert_eq!(press(&mut app, &agent, KeyCode::Esc), [Action::Dictate(Event::Discard)]);
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [Action::Dictate(Event::Stop)]);
    app.dictate.look = Look { state: State::Settling, ..Look::default() };
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), []);
    assert!(app.said.as_ref().unwrap().contains("last words"));
    assert_eq!(press(&mut app, &agent, KeyCode::Esc), [Action::Dictate(Event::Discard)]);
    app.dictated(Told::Discarded { take: 1 });
    app.dictated(Told::Ended { take: 1 });
    assert_eq!(app.text(), "See");
    assert_eq!(app.said.as_deref(), Some("Discarded; ctrl+u brings it back."));
    ctrl(&mut app, &agent, 'u');
    assert_eq!(app.text(), "See Hello");
}

#[test]
fn typed_text_stays_behind_the_words_and_one_undo_takes_them() {
    let agent = conversation();
    let mut app = app();
    recording(&mut app, &["Look at", "the log."], "and");
    assert!(app.unsaved, "the draft gets it");
    assert_eq!(app.text(), "Look at the log.", "what is not for good is no text");
    app.dictated(Told::Ended { take: 1 });
    ctrl(&mut app, &agent, 'u');
    assert_eq!(app.text(), "");
    let redo = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::ALT);
    app.handle(TermEvent::Key(redo), &agent);
    assert_eq!(app.text(), "Look at the log.");

    let mut app = self::app();
    recording(&mut app, &["Look"], "at");
    type_text(&mut app, &agent, " now");
    app.dictated(Told::Settled { take: 1, text: "at it".into() });
    app.dictated(Told::Scratched { take: 1 });
    app.dictated(Told::Settled { take: 1, text: "here".into() });
    assert_eq!(app.text(), "Look here now");
}

#[test]
fn ctrl_c_stops_and_once_more_leaves_with_the_text_in_the_draft() {
    let mut agent = conversation();
    let mut app = app();
    recording(&mut app, &["Hello"], "wor");
    assert_eq!(ctrl(&mut app, &agent, 'c'), [Action::Dictate(Event::Stop)]);
    assert!(app.said.as_ref().unwrap().contains("still to come"));
    app.dictate.look.state = State::Settling;
    app.dictate.look.records = false;
    assert_eq!(app.draft(), "Hello wor", "nobody will settle it any more");
    app.dictated(Told::Settled { take: 1, text: "world".into() });
    app.dictated(Told::Ended { take: 1 });
    app.dictate.look = Look { state: State::Armed, ..Look::default() };
    // Also while an answer is written.
    agent.turn = crate::agent::Turn::Prefilling { request: 1, progress: None };
    assert_eq!(ctrl(&mut app, &agent, 'c'), [Action::Quit]);
    assert_eq!(app.draft(), "Hello world");

    let mut app = self::app();
    recording(&mut app, &[], "");
    app.dictate.look.loading = Some(100);
    ctrl(&mut app, &agent, 'c');
    assert!(app.said.unwrap().contains("without your words"));
}

#[test]
fn words_for_the_screen_and_failures_are_passed_on() {
    let mut app = app();
    assert_eq!(app.dictated(Told::Said("It died.".into())), []);
    assert_eq!(app.said.as_deref(), Some("It died."));
    let failed = app.dictated(Told::Failed("No microphone.".into()));
    assert_eq!(failed, [Action::Tell(agent::Event::Failed("No microphone.".into()))]);
}

#[test]
fn talking_at_three_sizes() {
    for (width, height) in [(60, 16), (80, 24), (200, 60)] {
        let mut app = app();
        type_text(&mut app, &conversation(), "Please:");
        recording(&mut app, &["Look at the log", "and tell me what it says of db_pool."], "Why is th");
        insta::assert_snapshot!(
            format!("talking_{width}x{height}"),
            screen(&mut app, &conversation(), width, height)
        );
    }
}

#[test]
fn what_it_does_is_always_shown() {
    let mut app = app();
    let mut line = |look: Look, width| {
        app.dictate.look = look;
        let shown = screen(&mut app, &conversation(), width, 16);
        let composer = shown.lines().position(|line| line.contains('›')).unwrap();
        let line = shown.lines().rev().nth(shown.lines().count() - composer).unwrap();
        line.trim_matches(['"', '─']).trim().to_owned()
    };
    let talks = Look {
        state: State::Recording,
        records: true,
        seconds: 75,
        levels: vec![0; 8],
        loading: Some(420),
        ..Look::default()
    };
    let lines = [
        line(Look::default(), 60),
        line(Look { state: State::Arming, records: true, ..Look::default() }, 60),
        line(talks.clone(), 60),
        line(talks.clone(), 40),
        line(talks, 22),
        line(Look { state: State::Settling, loading: Some(0), ..Look::default() }, 60),
        line(Look { state: State::Armed, ..Look::default() }, 60),
        line(Look { state: State::Armed, ..Look::default() }, 20),
    ];
    let expected = [
        "",
        "◌ starting the microphone…",
        "● rec 1:15 ▁▁▁▁▁▁▁▁ · loading the model 42%",
        "● rec 1:15 ▁▁▁▁▁▁▁▁",
        "● rec 1:15",
        "… settling · loading the model 0%",
        "mic open",
        "mic open",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_open_microphone_is_shown_at_any_width() {
    let more = " more below · ctrl+end ";
    for (state, sign) in [(State::Recording, "● rec"), (State::Armed, "mic")] {
        for width in 10..60 {
            let look = Look { state, levels: vec![0; 8], ..Look::default() };
            let line = rule(&look, width, more, app().theme);
            assert!(line.to_string().contains(sign) && line.width() == width, "{width}: {line}");
        }
    }
    assert!(rule(&Look::default(), 25, more, app().theme).to_string().contains("more below"));
}

#[test]
fn no_more_of_the_conversation_is_copied_than_is_read() {
    let mut agent = conversation();
    let long = "word ".repeat(100_000);
    let message = agent.transcript[0].clone();
    let long = crate::message::Message { parts: vec![crate::message::Part::text(long)], ..message };
    agent.transcript.extend(vec![long; 50]);
    let pieces = gather(&agent);
    assert_eq!(pieces.len(), 8, "two megabytes of a quarter each");
}

#[test]
fn what_is_not_for_good_can_be_told_without_colours() {
    let mut app = app();
    recording(&mut app, &["Hello wide 世界"], "wor");
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(24, 16)).unwrap();
    let agent = conversation();
    terminal.draw(|frame| view::draw(frame, &mut app, &agent)).unwrap();
    let buffer = terminal.backend().buffer();
    let partial = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::DIM | Modifier::ITALIC);
    let marked: String = buffer.content().iter().filter(partial).map(|cell| cell.symbol()).collect();
    assert_eq!(marked.trim(), "wor…");
}

#[test]
fn the_words_of_the_conversation_are_gathered_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = crate::session::BlobStore::open(dir.path()).unwrap();
    let mut agent = conversation();
    let log = crate::tui::tests::log();
    let id = blobs.put(b"the mmproj of load_model is missing").unwrap();
    let log = crate::attachment::Attachment { id, ..log };
    agent.chips = vec![crate::agent::Chip {
        ticket: 1,
        name: log.name.clone(),
        state: crate::agent::ChipState::Taken { attachment: Box::new(log), cached: false, tokens: None },
    }];
    let words = read(gather(&agent), &["Ada".to_owned()], &blobs);
    assert_eq!(words[..3], ["Ada", "ci.log", "error.png"]);
    assert!(words.contains(&"load_model".to_owned()) && words.contains(&"mmproj".to_owned()), "{words:?}");
}
