//! The panel by itself, and within the chat.

use std::sync::atomic::Ordering;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use super::*;
use crate::agent::{Agent, Event};
use crate::attachment::{Attachment, Medium, Source};
use crate::intake::Given;
use crate::message::{Outcome, Part, Role, ToolCall, ToolResult};
use crate::tui::app::{Action, App};
use crate::tui::log::{Claim, Standing};
use crate::tui::panel::Panel;
use crate::tui::tests::{app, conversation, message, press, run_line, screen, type_text};

fn finding(passage: i64, file: &str, place: &str, picture: bool) -> Finding {
    Finding {
        passage,
        file: file.into(),
        place: place.into(),
        path: PathBuf::from("/home/me").join(file),
        heading: vec!["Setup".into(), "Linux".into()],
        why: "words and meaning · 0.032".into(),
        picture,
    }
}

fn cards() -> Vec<Card> {
    let text = "Before you build, install the headers.\n\nThe linker needs libasound2-dev, or it ends with the \
                ALSA error: cannot find -lasound.\n\nThen run make.";
    let pdf = "Sound\nErrors of the linker name the library that is missing.";
    [
        (finding(1, "docs/setup.md", "40-52", false), text),
        (finding(2, "docs/manual.pdf", "p3", false), pdf),
        (
            Finding { heading: Vec::new(), ..finding(3, "shots/linker error.png", "", true) },
            "cannot find -lasound",
        ),
        (finding(4, "docs/gone.md", "7", false), ""),
    ]
    .map(|(finding, text)| Card { finding, text: Some(text.into()), right: false })
    .to_vec()
}

fn looked() -> Looked {
    let notes = vec!["No embedding model is on this machine: it was searched by words alone.".into()];
    Looked { cards: cards(), notes, searched: true }
}

fn key(panel: &mut FindPanel, code: KeyCode) -> Reply {
    panel.key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// A panel that found something.
fn found() -> FindPanel {
    let mut panel = FindPanel::default();
    let lookup = panel.search(Wanted::Words("alsa linker error".into()));
    panel.looked(lookup.ticket, Ok(looked()));
    panel
}

#[test]
fn what_is_of_an_older_search_is_nobodys_and_that_search_ends() {
    let mut panel = FindPanel::default();
    let first = panel.search(Wanted::Words("one".into()));
    let second = panel.search(Wanted::Words("two".into()));
    assert!(first.stop.load(Ordering::Relaxed) && !second.stop.load(Ordering::Relaxed));
    panel.looked(first.ticket, Ok(looked()));
    assert!(panel.cards.is_empty());
    panel.looked(second.ticket, Ok(looked()));
    assert_eq!(panel.cards, cards());
    let Reply::Look(third) = key(&mut panel, KeyCode::Char('m')) else { panic!() };
    assert!(matches!(&third.ask, Ask::Search(Query { mode: Mode::Lexical, .. })), "{third:?}");
    assert_eq!(key(&mut panel, KeyCode::Esc), Reply::Stay);
    assert!(third.stop.load(Ordering::Relaxed));
    panel.looked(third.ticket, Err("late".into()));
    assert_eq!(panel.cards, cards(), "what was there stays");
    assert_eq!(key(&mut panel, KeyCode::Esc), Reply::Close);
}

#[test]
fn keys_open_add_throw_out_and_confirm() {
    let mut panel = found();
    let Reply::Open(opening) = key(&mut panel, KeyCode::Enter) else { panic!() };
    assert_eq!((opening.place, opening.cite.as_str()), (Place::Lines(40, 52), "docs/setup.md:40-52"));
    let Reply::Confirm(confirm) = key(&mut panel, KeyCode::Char('y')) else { panic!() };
    assert_eq!((confirm.passage, confirm.right), (PassageId(1), true));
    assert_eq!(confirm.query.wanted, Wanted::Words("alsa linker error".into()));
    panel.confirmed(PassageId(1), true);
    let Reply::Confirm(confirm) = key(&mut panel, KeyCode::Char('y')) else { panic!() };
    assert!(!confirm.right, "again takes it back");
    assert_eq!(key(&mut panel, KeyCode::Char('a')), Reply::Add(Card { right: true, ..cards().remove(0) }));
    panel.attached(["docs/setup.md:40-52".to_owned()].into());
    let Reply::Say(said) = key(&mut panel, KeyCode::Char('a')) else { panic!() };
    assert_eq!(said, "docs/setup.md:40-52 is attached already; x takes it out.");
    assert_eq!(key(&mut panel, KeyCode::Char('x')), Reply::Out(cards().remove(0).finding));
    assert_eq!(panel.cards.len(), 3);
    assert_eq!(key(&mut panel, KeyCode::End), Reply::Stay);
    assert_eq!(key(&mut panel, KeyCode::Char('x')), Reply::Out(cards().remove(3).finding));
    assert_eq!(panel.choice.at, 1, "the choice stays on a card");
}

#[test]
fn a_picture_is_looked_at_in_the_panel_and_pictures_are_read_one_by_one() {
    let mut panel = found();
    let path = PathBuf::from("/home/me/shots/linker error.png");
    assert_eq!((panel.wanted_picture(), panel.wanted_picture()), (Some(path.clone()), None));
    assert!(panel.picture_read(&path).is_some());
    assert_eq!(panel.wanted_picture(), None);
    key(&mut panel, KeyCode::Down);
    key(&mut panel, KeyCode::Down);
    assert_eq!(key(&mut panel, KeyCode::Enter), Reply::Stay);
    assert_eq!(panel.looked_at, Some(path));
    assert_eq!((key(&mut panel, KeyCode::Esc), panel.looked_at.clone()), (Reply::Stay, None));
}

#[test]
fn new_words_are_typed_and_letters_are_no_keys_meanwhile() {
    let mut panel = found();
    key(&mut panel, KeyCode::Char('/'));
    for c in "maxy?".chars() {
        assert_eq!(key(&mut panel, KeyCode::Char(c)), Reply::Stay);
    }
    key(&mut panel, KeyCode::Backspace);
    panel.paste(" two\nwords");
    let Reply::Look(lookup) = key(&mut panel, KeyCode::Enter) else { panic!() };
    let Ask::Search(query) = lookup.ask else { panic!() };
    assert_eq!(query.wanted, Wanted::Words("maxy two words".into()));
    key(&mut panel, KeyCode::Char('/'));
    assert_eq!((key(&mut panel, KeyCode::Esc), panel.types()), (Reply::Stay, false));
}

#[test]
fn what_was_asked_for_other_results_is_nobodys() {
    let mut panel = FindPanel::default();
    let before = panel.search(Wanted::Words("one".into()));
    panel.replace(FindPanel::of_model("two".into(), false, &[finding(1, "docs/a.md", "1", false)]));
    assert!(before.stop.load(Ordering::Relaxed));
    let read = panel.opened().unwrap();
    assert_ne!(before.ticket, read.ticket);
    panel.looked(before.ticket, Err("It was stopped.".into()));
    panel.looked(read.ticket, Ok(looked()));
    assert_eq!(panel.cards, cards());
}

/// A conversation in which the model found documents and cites them.
fn with_findings() -> Agent {
    let mut agent = conversation();
    let arguments = json!({ "query": "alsa linker error" });
    let call = ToolCall { id: "c1".into(), name: "find_documents".into(), arguments, leaked: false };
    agent.transcript.push(message(3, Role::Assistant, vec![Part::ToolCall(call)]));
    let result = ToolResult {
        id: "c1".into(),
        name: "find_documents".into(),
        shown: r#"find_documents {"query":"alsa linker error"}"#.into(),
        leave: "`find_documents` only reads, here and what is attached".into(),
        outcome: Outcome::Done,
        text: "2 results".into(),
        outside: true,
        whole: None,
        findings: cards().into_iter().map(|card| card.finding).collect(),
        took_ms: 12,
    };
    agent.transcript.push(message(4, Role::Tool, vec![Part::ToolResult(result)]));
    let answer = "Install it (docs/setup.md:40); not docs/setup.md:900. See docs/made-up.md:3.";
    agent.transcript.push(message(5, Role::Assistant, vec![Part::text(answer)]));
    agent
}

#[test]
fn the_panel_at_three_sizes() {
    let agent = conversation();
    for (width, height) in [(80, 24), (200, 60), (60, 16)] {
        let mut app = app();
        app.find = found();
        app.find.confirmed(PassageId(2), true);
        app.panel = Some(Panel::Find);
        press(&mut app, &agent, KeyCode::Down);
        insta::assert_snapshot!(format!("found_{width}x{height}"), screen(&mut app, &agent, width, height));
    }
}

#[test]
fn any_size_and_any_state_can_be_drawn() {
    let agent = conversation();
    for (width, height) in [(20, 6), (24, 7), (45, 9), (300, 90)] {
        let mut app = app();
        app.panel = Some(Panel::Find);
        screen(&mut app, &agent, width, height);
        app.find = found();
        for _ in 0..4 {
            press(&mut app, &agent, KeyCode::Down);
            screen(&mut app, &agent, width, height);
        }
        press(&mut app, &agent, KeyCode::Char('m'));
        screen(&mut app, &agent, width, height);
        press(&mut app, &agent, KeyCode::Char('/'));
        screen(&mut app, &agent, width, height);
    }
}

#[test]
fn find_looks_for_words_or_for_what_goes_with_a_picture() {
    let agent = conversation();
    let (actions, mut app) = run_line(app(), &agent, "/find alsa linker error");
    let [Action::Find(lookup)] = actions.as_slice() else { panic!("{actions:?}") };
    assert!(screen(&mut app, &agent, 80, 24).contains("searching… esc stops"));
    app.found(lookup.ticket, Err("The index can't be used.".into()));
    assert!(screen(&mut app, &agent, 80, 24).contains("The index can't be used."));
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/error.png");
    let (actions, _) = run_line(crate::tui::tests::app(), &agent, &format!("/find {picture}"));
    let [Action::Find(lookup)] = actions.as_slice() else { panic!("{actions:?}") };
    let Ask::Search(query) = &lookup.ask else { panic!() };
    assert!(matches!(&query.wanted, Wanted::Picture { path, .. } if path.ends_with("samples/error.png")));
}

#[test]
fn what_the_model_found_is_a_line_unfolds_and_is_there_with_f4() {
    let agent = with_findings();
    let mut app = app();
    app.wanted(&agent);
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(
        shown.contains("▸ find_documents \"alsa linker error\"   3 passages, 1 picture   0.01 s"),
        "{shown}"
    );
    let ctrl_o = KeyEvent::new(KeyCode::Char('o'), KeyModifiers::CONTROL);
    app.handle(crossterm::event::Event::Key(ctrl_o), &agent);
    assert!(screen(&mut app, &agent, 80, 24).contains("docs/manual.pdf:p3  words and meaning · 0.032"));
    let actions = press(&mut app, &agent, KeyCode::F(4));
    let Some(Action::Find(lookup)) = actions.first() else { panic!("{actions:?}") };
    assert!(matches!(&lookup.ask, Ask::Read(findings) if findings.len() == 4));
    let looked = Looked { searched: false, ..looked() };
    app.found(lookup.ticket, Ok(looked));
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("found by the model") && shown.contains("-lasound"), "{shown}");
    press(&mut app, &agent, KeyCode::Char('?'));
    assert!(screen(&mut app, &agent, 80, 24).contains("┌ help"));
    press(&mut app, &agent, KeyCode::Esc);
    assert_eq!(app.panel, Some(Panel::Find), "the help lay above it");
    press(&mut app, &agent, KeyCode::F(4));
    assert_eq!(app.panel, None);
}

#[test]
fn a_passage_is_attached_under_its_citation_and_taken_out_again() {
    let mut agent = conversation();
    let mut app = app();
    app.find = found();
    app.panel = Some(Panel::Find);
    let actions = press(&mut app, &agent, KeyCode::Char('a'));
    let [Action::Tell(Event::Attach(Given::Bytes { name, bytes, source })), ..] = actions.as_slice() else {
        panic!("{actions:?}")
    };
    assert_eq!(name, "docs/setup.md:40-52");
    assert_eq!(bytes, cards()[0].text.as_ref().unwrap().as_bytes());
    assert_eq!(*source, Source::File { path: "/home/me/docs/setup.md".into() });

    let attachment = Attachment {
        id: AttachmentId::of(bytes),
        name: name.clone(),
        bytes: 1,
        medium: Medium::Text { lines: 5, note: None, view: None },
        source: source.clone(),
    };
    agent.transcript[0].parts.push(Part::attachment(attachment));
    app.wanted(&agent);
    assert!(screen(&mut app, &agent, 80, 24).contains("attached · words and meaning"));
    let actions = press(&mut app, &agent, KeyCode::Char('x'));
    let removed = Event::Remove { message: agent.transcript[0].id, part: 2 };
    assert_eq!(actions.first(), Some(&Action::Tell(removed)));
}

#[test]
fn documents_that_are_cited_are_looked_into_and_f3_opens_them() {
    let agent = with_findings();
    let mut app: App = app();
    let actions = app.wanted(&agent);
    let [Action::Resolve(claims)] = actions.as_slice() else { panic!("{actions:?}") };
    let named: Vec<String> = claims.iter().map(|claim| format!("{}:{}", claim.file, claim.place)).collect();
    assert_eq!(named, ["docs/setup.md:40", "docs/setup.md:900", "docs/made-up.md:3"]);
    assert_eq!(app.wanted(&agent), [], "once");
    let standing = |claim: &Claim| match claim.place {
        Place::Lines(40, _) => Standing::There("/home/me/docs/setup.md".into()),
        Place::Lines(900, _) => Standing::Wrong("there is no line 900: it has 120 lines".into()),
        _ => Standing::Wrong("no document docs/made-up.md was found".into()),
    };
    app.resolved(claims.iter().map(|claim| (claim.clone(), standing(claim))).collect());
    press(&mut app, &agent, KeyCode::F(3));
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("? docs/setup.md:900") && shown.contains("there is no line 900"), "{shown}");
    assert!(shown.contains("? docs/made-up.md:3"), "{shown}");
    let actions = press(&mut app, &agent, KeyCode::Enter);
    let [Action::Open(opening)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!((opening.path.to_str(), opening.place.line()), (Some("/home/me/docs/setup.md"), Some(40)));
    press(&mut app, &agent, KeyCode::Down);
    press(&mut app, &agent, KeyCode::Enter);
    assert!(app.said.as_ref().is_some_and(|said| said.contains("there is no line 900")), "{:?}", app.said);
}

#[test]
fn f3_opens_while_citations_are_looked_up_and_lists_them_when_they_are_known() {
    let agent = with_findings();
    let mut app: App = app();
    let actions = app.wanted(&agent);
    let [Action::Resolve(claims)] = actions.as_slice() else { panic!("{actions:?}") };
    press(&mut app, &agent, KeyCode::F(3));
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("┌ citations"), "{shown}");
    let there = |claim: &Claim| (claim.clone(), Standing::There("/home/me/docs/setup.md".into()));
    app.resolved(claims.iter().map(there).collect());
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("docs/setup.md:40"), "{shown}");
    let actions = press(&mut app, &agent, KeyCode::Enter);
    assert!(matches!(actions.as_slice(), [Action::Open(_)]), "{actions:?}");
}

#[test]
fn at_offers_files_of_the_index_behind_those_that_are_here() {
    let agent = conversation();
    let mut app = app();
    app.indexed = true;
    let actions = type_text(&mut app, &agent, "see @als");
    let letters = |action: &Action| match action {
        Action::FilesLike(letters) => Some(letters.clone()),
        _ => None,
    };
    assert_eq!(actions.iter().filter_map(letters).collect::<Vec<_>>(), ["a"], "one at a time");
    app.indexed_files(vec!["~/notes/alsa.md".into()]);
    assert_eq!(app.wanted(&agent).iter().filter_map(letters).collect::<Vec<_>>(), ["als"]);
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("~/notes/alsa.md  in the index"), "{shown}");
    let actions = press(&mut app, &agent, KeyCode::Tab);
    let path = std::env::home_dir().unwrap().join("notes/alsa.md");
    assert_eq!(actions.first(), Some(&Action::Tell(Event::Attach(Given::Path(path)))));
}
