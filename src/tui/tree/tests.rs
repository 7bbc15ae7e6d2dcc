//! The panels as text, and what their keys come to.

use crossterm::event::{Event as TermEvent, KeyCode, KeyEvent, KeyModifiers};

use crate::agent::{Agent, Event};
use crate::message::{AnswerStats, Message, MessageId, Part, Role};
use crate::tui::app::{Action, App};
use crate::tui::panel::Panel;
use crate::tui::tests::{app, conversation, message, press, run_line, screen, type_text};

fn said(id: i64, parent: i64, role: Role, text: &str, model: &str) -> Message {
    let mut said = message(id, role, vec![Part::text(text)]);
    said.parent = Some(MessageId(parent));
    said.stats = (role == Role::Assistant).then(|| AnswerStats {
        model: model.into(),
        completion_tokens: 60,
        first_token_ms: 500.0,
        tokens_per_second: 30.0,
        ..AnswerStats::default()
    });
    said
}

/// A question and its answer.
fn straight() -> Agent {
    let mut agent = conversation();
    agent.transcript[1].parent = Some(MessageId(1));
    agent
}

/// The screen, whatever the time zone.
fn timeless(app: &mut App, agent: &Agent, width: u16, height: u16) -> String {
    screen(app, agent, width, height).replace(&crate::text::when(0), "2026-01-02 03:04")
}

/// Two answers to a second question, and another version of it.
fn branched() -> Agent {
    let mut agent = straight();
    agent.transcript.push(said(3, 2, Role::User, "How do I fix that?", ""));
    let answer = "Run it **as root**:\n\n```sh\nsudo make install\n```";
    agent.transcript.push(said(4, 3, Role::Assistant, answer, "qwen3-vl-4b"));
    let other = "You have no leave to write there. Ask for `sudo`, or install below your home.";
    agent.beside = vec![
        said(5, 3, Role::Assistant, other, "gemma-3-4b"),
        said(6, 2, Role::User, "Is that dangerous?", ""),
        said(7, 6, Role::Assistant, "No.", "qwen3-vl-4b"),
    ];
    agent
}

fn alt(app: &mut App, agent: &Agent, code: KeyCode) -> Vec<Action> {
    app.handle(TermEvent::Key(KeyEvent::new(code, KeyModifiers::ALT)), agent)
}

fn told(event: Event) -> Vec<Action> {
    vec![Action::Tell(event)]
}

#[test]
fn versions_stand_behind_the_names() {
    insta::assert_snapshot!("transcript_80x24", screen(&mut app(), &branched(), 80, 24));
}

#[test]
fn messages_are_edited_or_gone_on_from() {
    let agent = branched();
    let (actions, mut app) = run_line(app(), &agent, "/edit");
    assert_eq!((actions, &app.panel), (Vec::new(), &Some(Panel::Tree)));
    insta::assert_snapshot!("messages_80x24", screen(&mut app, &agent, 80, 24));
    // An answer is gone on from; a question is edited, or gone on from too.
    press(&mut app, &agent, KeyCode::Up);
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), told(Event::GoTo(MessageId(4))));
    assert_eq!(app.panel, None);
    let (_, mut app) = run_line(app, &agent, "/edit");
    assert_eq!(press(&mut app, &agent, KeyCode::Char('g')), told(Event::GoTo(MessageId(3))));

    let (_, mut app) = run_line(app, &agent, "/edit");
    press(&mut app, &agent, KeyCode::Char('/'));
    type_text(&mut app, &agent, "error.png");
    assert!(screen(&mut app, &agent, 80, 24).contains("/ error.png▏"));
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), told(Event::Edit(MessageId(1))));
    assert_eq!(app.text(), "What does the error say?");
    let (_, mut app) = run_line(super::super::tests::app(), &agent, "/edit zzz");
    assert!(screen(&mut app, &agent, 80, 24).contains("There is nothing here yet."));
    press(&mut app, &agent, KeyCode::Esc);
    assert_eq!(app.panel, Some(Panel::Tree), "the first one takes the filter away");
    press(&mut app, &agent, KeyCode::Esc);
    assert_eq!(app.panel, None);
}

#[test]
fn a_draft_waits_until_the_edit_is_over() {
    use crate::agent::Stamp;
    let mut app = app();
    let mut agent = branched();
    type_text(&mut app, &agent, "half a thought");
    let at = Stamp { ms: 1, id: 1000 };
    for leave in [true, false] {
        let actions = alt(&mut app, &agent, KeyCode::Char('e'));
        assert_eq!(actions, told(Event::Edit(MessageId(3))));
        agent.handle(Event::Edit(MessageId(3)), at);
        assert_eq!(app.text(), "How do I fix that?");
        let shown = screen(&mut app, &agent, 80, 24);
        assert!(shown.contains("editing: enter makes a branch"), "{shown}");
        assert!(shown.contains("you ‹1/2› editing"), "{shown}");
        let key = if leave { KeyCode::Esc } else { KeyCode::Enter };
        let actions = press(&mut app, &agent, key);
        let event = if leave { Event::StopEditing } else { Event::Submit("How do I fix that?".into()) };
        assert_eq!(actions, told(event.clone()));
        agent.handle(event, at);
        app.follow_tree(&agent);
        assert_eq!(app.text(), "half a thought");
    }
    assert!(agent.busy());
    assert_eq!(alt(&mut app, &agent, KeyCode::Char('e')), []);
    assert_eq!(app.text(), "half a thought", "nothing is edited while it is answered");
}

#[test]
fn branches_are_listed_by_what_tells_them_apart() {
    let agent = branched();
    let (_, mut app) = run_line(app(), &agent, "/branches");
    insta::assert_snapshot!("branches_80x24", timeless(&mut app, &agent, 80, 24));
    insta::assert_snapshot!("branches_40x10", timeless(&mut app, &agent, 40, 10));
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [], "it is shown already");
    let (_, mut app) = run_line(app, &agent, "/branches");
    press(&mut app, &agent, KeyCode::Char('j'));
    press(&mut app, &agent, KeyCode::Char('j'));
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), told(Event::GoTo(MessageId(7))));
}

#[test]
fn alt_and_an_arrow_show_the_version_beside() {
    let agent = branched();
    let mut app = app();
    assert_eq!(alt(&mut app, &agent, KeyCode::Right), told(Event::GoTo(MessageId(5))));
    assert_eq!(alt(&mut app, &agent, KeyCode::Left), []);
    assert!(app.said.as_deref().unwrap_or_default().contains("no other version that way"));
    assert_eq!(alt(&mut app, &straight(), KeyCode::Left), []);
}

#[test]
fn answers_stand_side_by_side_where_there_is_room() {
    let agent = branched();
    let (_, mut app) = run_line(app(), &agent, "/compare");
    insta::assert_snapshot!("answers_120x16", screen(&mut app, &agent, 120, 16));
    insta::assert_snapshot!("answers_80x24", screen(&mut app, &agent, 80, 24));
    assert_eq!(press(&mut app, &agent, KeyCode::Right), []);
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), told(Event::Choose(MessageId(5))));
    let (_, mut app) = run_line(app, &agent, "/compare");
    assert_eq!(press(&mut app, &agent, KeyCode::Esc), []);
    let (actions, app) = run_line(app, &agent, "/compare qwen3-vl-4b");
    assert_eq!(actions, told(Event::Compare("qwen3-vl-4b".into())));
    let (_, app) = run_line(app, &straight(), "/compare");
    assert!(app.said.as_deref().unwrap_or_default().contains("has one answer"));
}

#[test]
fn a_new_answer_is_shown_beside_the_old_one_until_one_is_chosen() {
    use crate::agent::Comparison;
    let mut agent = branched();
    agent.comparison = Some(Comparison::ready(MessageId(3), MessageId(5)));
    let mut app = app();
    app.follow_tree(&agent);
    assert_eq!(app.panel, Some(Panel::Tree));
    assert!(screen(&mut app, &agent, 120, 16).contains("esc keep the old one"));
    assert_eq!(press(&mut app, &agent, KeyCode::F(1)), []);
    assert!(screen(&mut app, &agent, 120, 16).contains("help"));
    press(&mut app, &agent, KeyCode::Esc);
    assert_eq!(press(&mut app, &agent, KeyCode::Esc), told(Event::EndComparison));
    app.follow_tree(&agent);
    let interrupt = TermEvent::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert_eq!(app.handle(interrupt, &agent), told(Event::EndComparison));
    agent.comparison = None;
    app.follow_tree(&agent);
    assert_eq!(app.panel, None);
}
