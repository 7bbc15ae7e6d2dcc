//! The panels of a summary, of what is attached and of a part of a picture.

use crossterm::event::KeyCode;

use super::app::Action;
use super::panel::Panel;
use super::preview::Read;
use super::tests::{app, conversation, log, message, picture, press, run_line, screen, type_text};
use crate::agent::{Agent, Compaction, Event, Turn};
use crate::catalogue::Turns;
use crate::message::{Gone, MessageId, Part, Role, Summary};

/// One that is written, or being written.
fn summing(ready: bool) -> Agent {
    let mut agent = conversation();
    agent.model.as_mut().unwrap().turns = Turns::All;
    let gone = Gone { message: MessageId(1), part: 0, name: "error.png".into(), picture: true, about: None };
    agent.compaction = Some(Compaction {
        messages: 12,
        gone: vec![gone],
        pinned: 1,
        kept: 2,
        keep: Some("and who may change it?".into()),
        before: Some(3480),
        leaves: Some(3100),
        text: "The person asked what the dialog says.\n- **Permission denied**: /etc/hosts is root's.".into(),
        tokens: 24,
        ready,
        ..Compaction::default()
    });
    if !ready {
        agent.turn = Turn::Compacting { request: 1, progress: None, stopping: false };
    }
    agent
}

#[test]
fn a_summary_is_shown_before_anything_leaves_and_can_be_changed() {
    let agent = summing(false);
    let mut app = app();
    app.wanted(&agent);
    insta::assert_snapshot!("compact_writing", screen(&mut app, &agent, 80, 24));
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), []);
    assert_eq!(press(&mut app, &agent, KeyCode::Esc), [Action::Tell(Event::DropSummary)]);
    let agent = summing(true);
    insta::assert_snapshot!("compact_ready", screen(&mut app, &agent, 80, 24));
    let text = agent.compaction.as_ref().unwrap().text.clone();
    let taken = |text: String| vec![Action::Tell(Event::AcceptSummary(text))];
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), taken(text.clone()));
    press(&mut app, &agent, KeyCode::Char('e'));
    type_text(&mut app, &agent, " q!");
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("root's. q!") && shown.contains("esc done"), "{shown}");
    press(&mut app, &agent, KeyCode::Esc);
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), taken(text + " q!"));
    // Taken or dropped, the panel goes by itself.
    app.wanted(&conversation());
    assert_eq!(app.panel, None);
}

#[test]
fn the_command_asks_undoes_and_opens_what_waits() {
    let agent = conversation();
    let (actions, app) = run_line(app(), &agent, "/compact");
    assert_eq!(actions, [Action::Tell(Event::Compact)]);
    let (actions, app) = run_line(app, &agent, "/compact undo");
    assert_eq!(actions, [Action::Tell(Event::UndoSummary)]);
    let (actions, app) = run_line(app, &agent, "/compact all");
    assert_eq!(actions, []);
    assert!(app.said.as_deref().is_some_and(|said| said.contains("not `all`")));
    let mut app = super::tests::app();
    let agent = summing(true);
    app.wanted(&agent);
    app.panel = None;
    let (actions, app) = run_line(app, &agent, "/compact");
    assert_eq!((actions, app.panel), (vec![], Some(Panel::Compact)));
}

#[test]
fn the_transcript_shows_all_and_where_the_window_begins() {
    let mut agent = conversation();
    agent.transcript.push(message(3, Role::User, vec![Part::text("and who may change it?")]));
    agent.transcript.push(message(4, Role::Assistant, vec![Part::text("Root.")]));
    let gone = Gone {
        message: MessageId(1),
        part: 0,
        name: "error.png".into(),
        picture: true,
        about: Some("a dialog".into()),
    };
    let summary = Summary {
        text: "The dialog says **Permission denied**.".into(),
        first: MessageId(1),
        last: MessageId(2),
        gone: vec![gone],
        outside: Vec::new(),
    };
    agent.transcript.push(message(5, Role::System, vec![Part::Summary(summary)]));
    insta::assert_snapshot!("window_begins", screen(&mut app(), &agent, 80, 30));
}

#[test]
fn what_is_attached_has_its_cost_and_can_be_pinned() {
    let mut agent = conversation();
    agent.model.as_mut().unwrap().turns = Turns::All;
    agent.transcript.push(message(3, Role::User, vec![Part::attachment(log())]));
    if let Some(Part::Attachment { pinned, .. }) = agent.transcript[0].parts.first_mut() {
        *pinned = true;
    }
    let mut app = app();
    press(&mut app, &agent, KeyCode::Tab);
    press(&mut app, &agent, KeyCode::Up);
    insta::assert_snapshot!("attachments_with_costs", screen(&mut app, &agent, 80, 24));
    insta::assert_snapshot!("attachments_40x12", screen(&mut app, &agent, 40, 12));
    let pin = Action::Tell(Event::Pin { message: MessageId(1), part: 0 });
    assert!(press(&mut app, &agent, KeyCode::Char('p')).contains(&pin));
}

#[test]
fn a_part_of_a_picture_is_chosen_with_keys() {
    let agent = conversation();
    let mut app = app();
    press(&mut app, &agent, KeyCode::Tab);
    let actions = press(&mut app, &agent, KeyCode::Char('c'));
    assert_eq!(actions, [Action::ToCrop(picture().view().clone())]);
    app.crop_read(picture().view(), Read::Failed("It can't be drawn: no.".into()));
    insta::assert_snapshot!("crop", screen(&mut app, &agent, 80, 12));
    let remove = Event::Remove { message: MessageId(1), part: 0 };
    let actions = press(&mut app, &agent, KeyCode::Char('x'));
    assert!(matches!(actions.as_slice(), [Action::Crop(_, Some(event))] if **event == remove), "{actions:?}");
    let given = crate::intake::Given::Clipboard;
    let actions = app.cropped(Ok(given.clone()), Some(remove.clone()));
    assert_eq!(actions, [Action::Tell(Event::Attach(given)), Action::Tell(remove)]);
}
