//! The panel within the chat.

use crossterm::event::KeyCode;
use ratatui::style::Modifier;

use super::tests::{log_attachment, record, table_attachment};
use super::*;
use crate::agent::{Agent, Chip, ChipState, Event};
use crate::attachment::Medium;
use crate::intake::Given;
use crate::message::{MessageId, Part, Role};
use crate::tui::app::{Action, App};
use crate::tui::panel::Panel;
use crate::tui::tests::{app, conversation, message, press, run_line, screen, type_text};

/// A conversation about a log and a table, with an answer that cites them.
fn about_a_log() -> (Agent, Attachment, LogRecord) {
    let record = record();
    let log = log_attachment(&record);
    let mut agent = conversation();
    let parts = vec![Part::attachment(log.clone()), Part::attachment(table_attachment()), Part::text("Why?")];
    agent.transcript.push(message(3, Role::User, parts));
    let answer = "The disk was full (app.log:301); see app.log:9000 and orders.csv row 2.";
    agent.transcript.push(message(4, Role::Assistant, vec![Part::text(answer)]));
    (agent, log, record)
}

/// What is on the screen in this style.
fn underlined(app: &mut App, agent: &Agent) -> String {
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| crate::tui::view::draw(frame, app, agent)).unwrap();
    let cells = terminal.backend().buffer().content().iter();
    cells.filter(|cell| cell.modifier.contains(Modifier::UNDERLINED)).map(|cell| cell.symbol()).collect()
}

#[test]
fn without_a_log_the_keys_say_how_to_get_one() {
    let agent = conversation();
    let mut app = app();
    assert_eq!(press(&mut app, &agent, KeyCode::F(2)), []);
    assert!(app.said.as_ref().is_some_and(|said| said.contains("No log is attached")));
    press(&mut app, &agent, KeyCode::F(3));
    assert!(app.said.as_ref().is_some_and(|said| said.contains("Nothing is attached whose lines")));
    assert_eq!(app.panel, None);
    let mut agent = agent;
    agent.chips = vec![Chip { ticket: 1, name: "big.log".into(), state: ChipState::Taking }];
    press(&mut app, &agent, KeyCode::F(2));
    assert!(app.said.is_some_and(|said| said.contains("still being read")));
}

#[test]
fn f2_opens_the_log_and_a_line_goes_to_the_question() {
    let (agent, log, record) = about_a_log();
    let mut app = app();
    type_text(&mut app, &agent, "why?");
    assert_eq!(press(&mut app, &agent, KeyCode::F(2)), [Action::ReadLog(log.id.clone())]);
    assert!(screen(&mut app, &agent, 80, 24).contains("reading app.log…"));
    app.log_read(log.id, Ok(record.into()));
    for (width, height) in [(80, 24), (60, 16)] {
        insta::assert_snapshot!(format!("chat_{width}x{height}"), screen(&mut app, &agent, width, height));
    }
    press(&mut app, &agent, KeyCode::Char('a'));
    assert_eq!(app.said.as_deref(), Some("1 line was added to the question."));
    press(&mut app, &agent, KeyCode::F(2));
    assert!((&app.panel, app.log.is_some()) == (&None, false), "once more puts it away");
    assert_eq!(app.text(), "why?\n> app.log:301: 2024-01-02 03:05:00 FATAL db: disk    full on /var\n");
}

#[test]
fn the_panel_is_opened_by_name_and_from_the_attachments() {
    let (agent, log, _) = about_a_log();
    let run = |line: &str| run_line(app(), &agent, line);
    assert_eq!(run("/log app.log").0, [Action::ReadLog(log.id.clone())]);
    let (actions, app) = run("/log other.log");
    assert_eq!((actions, app.panel), (vec![], None));
    assert_eq!(app.said.as_deref(), Some("other.log is no attached log; there are: app.log."));

    let mut app = crate::tui::tests::app();
    press(&mut app, &agent, KeyCode::Tab);
    press(&mut app, &agent, KeyCode::Up);
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [Action::ReadLog(log.id)]);
    assert_eq!(app.panel, Some(Panel::Log));
}

#[test]
fn citations_are_underlined_and_f3_lists_them() {
    let (agent, log, record) = about_a_log();
    let mut app = app();
    app.wanted(&agent);
    let marked = underlined(&mut app, &agent);
    assert!(marked.ends_with("app.log:301app.log:9000orders.csv row 2"), "{marked}");
    assert_eq!(press(&mut app, &agent, KeyCode::F(3)), [Action::ReadLog(log.id.clone())]);
    app.log_read(log.id, Ok(record.into()));
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("? app.log:9000      there is no line 9000"), "{shown}");
    let actions = press(&mut app, &agent, KeyCode::Enter);
    let [Action::Look(look)] = actions.as_slice() else { panic!("{actions:?}") };
    assert!(matches!(look.ask, Ask::Around { source: 0, line: 301, .. }), "{look:?}");
    // The help lies above it.
    press(&mut app, &agent, KeyCode::Char('?'));
    assert!(screen(&mut app, &agent, 80, 24).contains("┌ help"));
    press(&mut app, &agent, KeyCode::Esc);
    assert!(screen(&mut app, &agent, 80, 24).contains("around app.log:301"));
    assert!(!look.stop.load(std::sync::atomic::Ordering::Relaxed));
    // Whatever takes the panel away ends what it looks up.
    let ctrl_c = crossterm::event::KeyEvent::new(KeyCode::Char('c'), crossterm::event::KeyModifiers::CONTROL);
    app.handle(crossterm::event::Event::Key(ctrl_c), &agent);
    assert!(look.stop.load(std::sync::atomic::Ordering::Relaxed));
}

#[test]
fn what_is_no_longer_attached_is_no_longer_cited() {
    let (mut agent, ..) = about_a_log();
    let mut app = app();
    app.wanted(&agent);
    agent.transcript[2].parts.remove(1);
    app.wanted(&agent);
    let marked = underlined(&mut app, &agent);
    assert!(marked.ends_with("app.log:301app.log:9000"), "{marked}");
}

#[test]
fn the_names_of_several_files_come_with_their_record() {
    let (mut agent, mut log, record) = about_a_log();
    log.name = "logs/".into();
    if let Medium::Log { files, .. } = &mut log.medium {
        *files = 2;
    }
    agent.transcript[2].parts = vec![Part::attachment(log.clone())];
    let mut app = app();
    assert_eq!(app.wanted(&agent), [Action::ReadLog(log.id.clone())]);
    assert_eq!(app.wanted(&agent), []);
    assert!(!underlined(&mut app, &agent).contains("app.log"));
    app.log_read(log.id, Ok(record.into()));
    assert!(underlined(&mut app, &agent).contains("app.log:301"));
}

#[test]
fn a_quoted_line_attaches_nothing() {
    let agent = conversation();
    let mut app = app();
    app.composer.insert_str("> app.log:3: see @src/lib.rs\nand @src/main.rs");
    app.completion = None;
    let attach = |path: &str| Action::Tell(Event::Attach(Given::Path(path.into())));
    let sent = Action::Tell(Event::Submit("> app.log:3: see @src/lib.rs\nand main.rs".into()));
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [attach("src/main.rs"), sent]);
}

#[test]
fn a_log_that_was_taken_out_is_still_to_be_looked_at() {
    let (mut agent, log, _) = about_a_log();
    let removed = Part::Attachment { attachment: log.clone(), removed: true, pinned: false };
    agent.transcript = vec![message(1, Role::User, vec![removed])];
    assert_eq!(agent.transcript[0].id, MessageId(1));
    let mut app = app();
    press(&mut app, &agent, KeyCode::F(2));
    assert_eq!(app.panel, None);
    press(&mut app, &agent, KeyCode::Tab);
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [Action::ReadLog(log.id)]);
}
