//! The screen as text, and keys as events, without a terminal or a worker.

use crossterm::event::{Event as TermEvent, KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::app::{Action, App};
use super::files::Files;
use super::panel::Panel;
use super::{Options, Palette, view};
use crate::agent::{Agent, Chip, ChipState, EngineState, Event, Notice, NoticeLevel, Rules, Turn};
use crate::attachment::{Attachment, AttachmentId, Medium, Source};
use crate::catalogue::{ReadyModel, Turns};
use crate::intake::{Clipping, Given};
use crate::message::{AnswerStats, Message, MessageId, Part, Role, Span, Status};
use crate::wire::{
    Ledger, LedgerEntry, LedgerKind, LoadOptions, ModelInfo, Sampling, ServerInfo, ServerOptions, Stage,
};

fn options() -> Options {
    Options {
        palette: Palette::Dark,
        pictures: true,
        mouse: true,
        paste_lines: 3,
        paste_bytes: 100,
        history: None,
        dictation: Err("No speech model is on this machine: percept models pull whisper-base.".into()),
        helpers: Vec::new(),
    }
}

/// Types a line and presses Enter.
pub(super) fn run_line(mut app: App, agent: &Agent, line: &str) -> (Vec<Action>, App) {
    type_text(&mut app, agent, line);
    app.completion = None;
    (press(&mut app, agent, KeyCode::Enter), app)
}

pub(super) fn app() -> App {
    App::new(options(), vec!["starter".into(), "qwen3-vl-4b".into()])
}

pub(super) fn picture() -> Attachment {
    Attachment {
        id: AttachmentId::of(b"picture"),
        name: "error.png".into(),
        bytes: 3139,
        medium: Medium::Image { width: 320, height: 140, format: "png".into(), view: None },
        source: Source::Clipboard,
    }
}

pub(super) fn log() -> Attachment {
    Attachment {
        id: AttachmentId::of(b"log"),
        name: "ci.log".into(),
        bytes: 5120,
        medium: Medium::Text { lines: 1200, note: None, view: None },
        source: Source::Clipboard,
    }
}

pub(super) fn message(id: i64, role: Role, parts: Vec<Part>) -> Message {
    Message {
        id: MessageId(id),
        parent: None,
        role,
        parts,
        status: Status::Complete,
        created_ms: 0,
        stats: None,
    }
}

pub(super) fn starter() -> ReadyModel {
    ReadyModel {
        name: "starter".into(),
        model: "m.gguf".into(),
        mmproj: None,
        load: LoadOptions::default(),
        sampling: Sampling::default(),
        system_prompt: false,
        tools: false,
        turns: Turns::LastPicture,
        starter: true,
        unsure_below: None,
    }
}

pub(super) fn conversation() -> Agent {
    let mut agent = Agent::new(Rules { send_sound: true, ..Rules::default() });
    agent.model = Some(starter());
    agent.engine = EngineState::Ready(ModelInfo { vision: true, ..ModelInfo::default() });
    agent.title = "What does the error say?".into();
    let row = |content: usize, kind, tokens, bytes| LedgerEntry {
        message: Some(0),
        content: Some(content),
        kind,
        tokens,
        bytes,
        encode_ms: (kind == LedgerKind::Image).then_some(210.0),
        cached: true,
    };
    // The starter gets the last picture and question alone.
    let entries = vec![row(0, LedgerKind::Image, 100, picture().bytes), row(1, LedgerKind::Text, 6, 24)];
    agent.ledger = Ledger { entries, total_tokens: 131, context: 4096, estimated: false };
    let question = vec![Part::attachment(picture()), Part::text("What does the error say?")];
    let answer = Part::Text {
        text: "It says **Permission denied**:\n\n```sh\nsudo vi /etc/hosts # edit\n```\n\n- one\n- two"
            .into(),
        unsure: vec![Span { start: 10, end: 20 }],
    };
    let mut answer = message(2, Role::Assistant, vec![answer]);
    answer.stats = Some(AnswerStats {
        model: "starter".into(),
        first_token_ms: 94.0,
        tokens_per_second: 52.9,
        ..AnswerStats::default()
    });
    agent.transcript = vec![message(1, Role::User, question), answer];
    agent
}

pub(super) fn screen(app: &mut App, agent: &Agent, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(frame, app, agent)).unwrap();
    terminal.backend().to_string()
}

fn key(app: &mut App, agent: &Agent, code: KeyCode, modifiers: KeyModifiers) -> Vec<Action> {
    app.handle(TermEvent::Key(KeyEvent::new(code, modifiers)), agent)
}

pub(super) fn press(app: &mut App, agent: &Agent, code: KeyCode) -> Vec<Action> {
    key(app, agent, code, KeyModifiers::NONE)
}

pub(super) fn type_text(app: &mut App, agent: &Agent, text: &str) -> Vec<Action> {
    text.chars().flat_map(|c| press(app, agent, KeyCode::Char(c))).collect()
}

#[test]
fn the_first_frame_stands_before_anything_is_loaded() {
    insta::assert_snapshot!(screen(&mut app(), &Agent::new(Rules::default()), 80, 24));
}

/// A conversation that a server answers.
fn at_server(elsewhere: bool) -> Agent {
    let mut agent = Agent::new(Rules::default());
    let server = ServerInfo { address: "server.example:8000".into(), elsewhere };
    agent.model = Some(ReadyModel::at_server("qwen", ServerOptions::default()));
    agent.engine = EngineState::Ready(ModelInfo { server: Some(server), ..ModelInfo::default() });
    agent.ledger = Ledger { total_tokens: 131, context: 4096, estimated: true, ..Ledger::default() };
    agent
}

#[test]
fn where_text_leaves_the_machine_is_shown_and_what_was_replaced() {
    let mut agent = at_server(true);
    agent.notices.push(Notice {
        level: NoticeLevel::Info,
        text: "Replaced by placeholders before it was sent to server.example:8000: 1 secret in 2 places."
            .into(),
    });
    insta::assert_snapshot!(screen(&mut app(), &agent, 80, 14));
    insta::assert_snapshot!("leaves_40x10", screen(&mut app(), &agent, 40, 10));
    let here = screen(&mut app(), &at_server(false), 80, 14);
    assert!(!here.contains('→') && here.contains("Everything runs on this machine"), "{here}");
}

#[test]
fn the_starter_is_called_what_it_is() {
    let mut agent = Agent::new(Rules::default());
    agent.model = Some(starter());
    agent.engine = EngineState::Ready(ModelInfo::default());
    let shown = screen(&mut app(), &agent, 80, 24);
    assert!(shown.contains("This is the starter model: tiny"), "{shown}");
    assert!(shown.contains("percept models list"), "{shown}");
}

#[test]
fn a_conversation_at_four_sizes() {
    for (width, height) in [(60, 16), (80, 24), (200, 60), (30, 8)] {
        insta::assert_snapshot!(
            format!("conversation_{width}x{height}"),
            screen(&mut app(), &conversation(), width, height)
        );
    }
    assert!(screen(&mut app(), &conversation(), 10, 3).contains("percept ne"));
}

#[test]
fn chips_progress_and_notices_are_shown() {
    let mut agent = conversation();
    agent.turn = Turn::Prefilling { request: 1, progress: Some((Stage::Encoding, 0, 1)) };
    let taken = ChipState::Taken { attachment: Box::new(picture()), cached: false, tokens: Some(1024) };
    agent.chips = vec![
        Chip { ticket: 1, name: "error.png".into(), state: taken },
        Chip { ticket: 2, name: "big.tiff".into(), state: ChipState::Taking },
        Chip {
            ticket: 3,
            name: "notes.png".into(),
            state: ChipState::Failed { why: "it holds text".into() },
        },
    ];
    agent.notices =
        vec![Notice { level: NoticeLevel::Error, text: "notes.png is named like a picture.".into() }];
    insta::assert_snapshot!(screen(&mut app(), &agent, 80, 24));
}

#[test]
fn without_colours_there_are_none() {
    let mut app = App::new(Options { palette: Palette::Mono, ..options() }, Vec::new());
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view::draw(frame, &mut app, &conversation())).unwrap();
    let colours = |cell: &ratatui::buffer::Cell| {
        (cell.fg, cell.bg) != (ratatui::style::Color::Reset, ratatui::style::Color::Reset)
    };
    assert!(!terminal.backend().buffer().content().iter().any(colours));
}

#[test]
fn panels_are_drawn_and_left_with_escape() {
    let agent = conversation();
    let mut app = app();
    press(&mut app, &agent, KeyCode::Char('?'));
    insta::assert_snapshot!("help", screen(&mut app, &agent, 80, 24));
    press(&mut app, &agent, KeyCode::Esc);
    let actions = press(&mut app, &agent, KeyCode::Tab);
    assert_eq!(actions, [Action::Preview(AttachmentId::of(b"picture"))]);
    insta::assert_snapshot!("attachments", screen(&mut app, &agent, 80, 24));
    let removed = Action::Tell(Event::Remove { message: MessageId(1), part: 0 });
    assert_eq!(press(&mut app, &agent, KeyCode::Char('d')), [removed]);
    press(&mut app, &agent, KeyCode::Esc);
    assert_eq!(app.panel, None);
}

#[test]
fn enter_sends_and_what_was_sent_can_be_brought_back() {
    let agent = conversation();
    let mut app = app();
    type_text(&mut app, &agent, "why");
    key(&mut app, &agent, KeyCode::Enter, KeyModifiers::ALT);
    type_text(&mut app, &agent, "so?");
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [Action::Tell(Event::Submit("why\nso?".into()))]);
    assert_eq!(app.text(), "");
    press(&mut app, &agent, KeyCode::Up);
    assert_eq!(app.text(), "why\nso?");
    key(&mut app, &agent, KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(app.text(), "");
}

#[test]
fn what_is_typed_while_an_answer_streams_stays() {
    let mut agent = conversation();
    agent.turn = Turn::Answering { request: 1, message: MessageId(2), progress: None, stopping: false };
    let mut app = app();
    type_text(&mut app, &agent, "next");
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), []);
    assert_eq!(app.text(), "next");
    assert_eq!(press(&mut app, &agent, KeyCode::Esc), [Action::Tell(Event::Cancel)]);
    assert_eq!(
        key(&mut app, &agent, KeyCode::Char('c'), KeyModifiers::CONTROL),
        [Action::Tell(Event::Cancel)]
    );
}

#[test]
fn commands_do_what_they_say() {
    let agent = conversation();
    let run = |line: &str| run_line(app(), &agent, line);
    assert_eq!(run("/new").0, [Action::Tell(Event::NewSession)]);
    assert_eq!(run("/retry").0, [Action::Tell(Event::Retry)]);
    assert_eq!(run("/quit").0, [Action::Quit]);
    let code = [Action::Copy("sudo vi /etc/hosts # edit\n".into())];
    assert_eq!((run("/copy code").0, run("/copy code 1").0), (code.to_vec(), code.to_vec()));
    assert_eq!(run("/copy 1").0.len(), 1);
    assert!(run("/copy 7").1.said.unwrap().contains("/copy list"));
    assert_eq!(run("/paste").0, [Action::ReadClipboard { typed: false }]);
    let odd = Action::Tell(Event::Attach(Given::Path("it's.png".into())));
    assert_eq!(run("/attach it's.png").0, [odd]);
    assert_eq!(run("/screenshot").0, [Action::Tell(Event::Attach(Given::Screenshot))]);
    assert_eq!(run("/attach 'a b.png' c.log").0.len(), 2);
    assert_eq!(run("/model qwen3-vl-4b").0, [Action::Tell(Event::UseModel("qwen3-vl-4b".into()))]);
    assert_eq!(run("/export").0, [Action::Tell(Event::Export("percept-what-does-the-error-say.md".into()))]);
    assert_eq!(run("/bundle b.tar.zst").0, [Action::Tell(Event::Bundle("b.tar.zst".into()))]);
    assert_eq!(run("/bundle yes").0, [Action::Tell(Event::WriteBundle)]);
    let (actions, app) = run("/sesions");
    assert_eq!((actions, app.text().as_str()), (vec![], "/sesions"));
    assert!(app.said.unwrap().contains("did you mean /sessions?"));
    assert_eq!(run("/sessions").1.panel, Some(Panel::Sessions { selected: 0 }));
    assert_eq!(run("/etc/hosts is odd").0, [Action::Tell(Event::Submit("/etc/hosts is odd".into()))]);
}

#[test]
fn a_paste_is_a_file_an_attachment_or_text() {
    let agent = conversation();
    let mut app = app();
    let mut paste = |text: &str| app.handle(TermEvent::Paste(text.to_owned()), &agent);
    assert_eq!(paste("src/lib.rs"), [Action::Tell(Event::Attach(Given::Path("src/lib.rs".into())))]);
    let lines = "a\r\nb\r\nc\r\nd";
    let bytes = b"a\nb\nc\nd".to_vec();
    let given = Given::Bytes { name: "pasted text".into(), bytes, source: Source::Paste };
    assert_eq!(paste(lines), [Action::Tell(Event::Attach(given))]);
    assert_eq!(paste("two\rlines\x1b[31m"), []);
    assert_eq!(app.text(), "two\nlines[31m");
}

fn files(names: &[&str]) -> Files {
    Files { shown: names.iter().map(|name| (*name).to_owned()).collect(), ..Files::default() }
}

#[test]
fn a_file_is_found_by_a_part_of_its_name() {
    let agent = conversation();
    let mut app = app();
    assert_eq!(type_text(&mut app, &agent, "see @"), [Action::ListFiles]);
    app.files_found(files(&["shots/build-error.png", "src/lib.rs"]));
    type_text(&mut app, &agent, "bld");
    insta::assert_snapshot!(screen(&mut app, &agent, 60, 16));
    let attached = Action::Tell(Event::Attach(Given::Path("shots/build-error.png".into())));
    assert_eq!(press(&mut app, &agent, KeyCode::Tab), [attached]);
    assert_eq!(app.text(), "see ");
}

#[test]
fn ctrl_c_twice_leaves_and_another_key_between_does_not() {
    let agent = conversation();
    let mut app = app();
    let ctrl_c = |app: &mut App| key(app, &agent, KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(ctrl_c(&mut app), []);
    press(&mut app, &agent, KeyCode::Left);
    assert_eq!(ctrl_c(&mut app), []);
    assert_eq!(ctrl_c(&mut app), [Action::Quit]);
}

#[test]
fn scrolling_stays_in_place_while_text_comes() {
    let mut agent = conversation();
    let long: String = (0..100).map(|n| format!("line {n}\n\n")).collect();
    agent.transcript.push(message(3, Role::Assistant, vec![Part::text(long.clone())]));
    let mut app = app();
    assert!(screen(&mut app, &agent, 80, 24).contains("line 99"));
    press(&mut app, &agent, KeyCode::PageUp);
    let before = screen(&mut app, &agent, 80, 24);
    agent.transcript[2].parts = vec![Part::text(format!("{long}more\n\nand more"))];
    assert_eq!(screen(&mut app, &agent, 80, 24), before);
    key(&mut app, &agent, KeyCode::End, KeyModifiers::CONTROL);
    assert!(screen(&mut app, &agent, 80, 24).contains("and more"));
}

#[test]
fn enter_takes_a_file_only_where_that_is_meant() {
    let agent = conversation();
    let attached = |name: &str| Action::Tell(Event::Attach(Given::Path(name.into())));
    let enter = |text: &str, before: &[KeyCode]| {
        let mut app = app();
        app.files_found(files(&["README.md", "shots/error.png"]));
        type_text(&mut app, &agent, text);
        for code in before {
            press(&mut app, &agent, *code);
        }
        press(&mut app, &agent, KeyCode::Enter)
    };
    let sent = |text: &str| vec![Action::Tell(Event::Submit(text.into()))];
    assert_eq!(enter("see @err", &[]), [attached("shots/error.png")]);
    assert_eq!(enter("see @sho", &[]), [attached("shots/error.png")]);
    assert_eq!(enter("ping @me", &[]), sent("ping @me"));
    assert_eq!(enter("ping @", &[]), sent("ping @"));
    assert_eq!(enter("ping @me", &[KeyCode::Down]), [attached("README.md")]);
    assert_eq!(enter("@err now", &[KeyCode::Left; 4]), sent("@err now"));
}

#[test]
fn enter_takes_a_model_that_is_not_typed_out() {
    let agent = conversation();
    let enter = |text: &str, before: &[KeyCode]| {
        let mut app = app();
        type_text(&mut app, &agent, text);
        for code in before {
            press(&mut app, &agent, *code);
        }
        let actions = press(&mut app, &agent, KeyCode::Enter);
        (actions, app.text())
    };
    let used = |name: &str| (vec![Action::Tell(Event::UseModel(name.into()))], String::new());
    assert_eq!(enter("/model q", &[]), (vec![], "/model qwen3-vl-4b ".into()));
    assert_eq!(enter("/model starter", &[]), used("starter"));
    assert_eq!(enter("/model ", &[KeyCode::Down]), (vec![], "/model qwen3-vl-4b ".into()));
    assert_eq!(enter("/model ./q.gguf", &[]), used("./q.gguf"));
    assert_eq!(enter("/cop", &[KeyCode::Enter]), (vec![Action::Copy(answer())], String::new()));
}

fn answer() -> String {
    conversation().transcript[1].text()
}

#[test]
fn the_files_are_listed_anew_for_each_mention() {
    let agent = conversation();
    let mut app = app();
    assert_eq!(type_text(&mut app, &agent, "@a"), [Action::ListFiles]);
    assert_eq!(type_text(&mut app, &agent, " b @c"), [], "the first list is not there yet");
    app.files_found(files(&["old.txt"]));
    assert_eq!(type_text(&mut app, &agent, " @o"), [Action::ListFiles]);
    assert!(screen(&mut app, &agent, 60, 16).contains("  old.txt"));
    app.files_found(Files { cut: true, ..files(&["new.txt"]) });
    type_text(&mut app, &agent, "q");
    assert!(app.said.unwrap().contains("Not among the 1 files listed"));
}

#[test]
fn a_mention_may_have_punctuation_behind_it() {
    let agent = conversation();
    let mut app = app();
    type_text(&mut app, &agent, "What is in @src/lib.rs? And @src/main.rs.");
    let attach = |path: &str| Action::Tell(Event::Attach(Given::Path(path.into())));
    let sent = Action::Tell(Event::Submit("What is in lib.rs? And main.rs.".into()));
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [attach("src/lib.rs"), attach("src/main.rs"), sent]);
}

#[test]
fn the_clipboard_is_typed_or_attached_by_what_it_holds() {
    let agent = conversation();
    let mut app = app();
    let read = [Action::ReadClipboard { typed: true }];
    assert_eq!(key(&mut app, &agent, KeyCode::Char('v'), KeyModifiers::CONTROL), read);
    let attached = |name: &str, bytes: &[u8]| {
        let (name, bytes) = (name.to_owned(), bytes.to_vec());
        vec![Action::Tell(Event::Attach(Given::Bytes { name, bytes, source: Source::Clipboard }))]
    };
    assert_eq!(app.clipboard_came(Ok(Clipping::Text("short".into())), true), []);
    assert_eq!(app.text(), "short");
    let text = |text: &str| Ok(Clipping::Text(text.to_owned()));
    assert_eq!(app.clipboard_came(text("a\nb\nc\nd"), true), attached("clipboard", b"a\nb\nc\nd"));
    assert_eq!(app.clipboard_came(text("short"), false), attached("clipboard", b"short"));
    let picture = Clipping::Picture { name: "clipboard.png".into(), bytes: vec![1] };
    assert_eq!(app.clipboard_came(Ok(picture), true), attached("clipboard.png", &[1]));
    assert_eq!(app.clipboard_came(Ok(Clipping::Files(vec!["a".into(), "b".into()])), true).len(), 2);
    let failed = [Action::Tell(Event::Failed("no".into()))];
    assert_eq!(app.clipboard_came(Err("no".into()), true), failed);
}

fn wheel(kind: MouseEventKind) -> TermEvent {
    TermEvent::Mouse(MouseEvent { kind, column: 0, row: 0, modifiers: KeyModifiers::NONE })
}

#[test]
fn the_wheel_stays_within_a_panel_and_motion_is_no_reason_to_draw() {
    let mut agent = conversation();
    let mut app = app();
    press(&mut app, &agent, KeyCode::Tab);
    for _ in 0..9 {
        app.handle(wheel(MouseEventKind::ScrollDown), &agent);
    }
    assert_eq!(app.panel, Some(Panel::Attachments { selected: 0 }));
    // What was chosen goes: the one before it is chosen.
    let state = ChipState::Taken { attachment: Box::new(log()), cached: false, tokens: None };
    agent.chips = vec![Chip { ticket: 7, name: "ci.log".into(), state }];
    press(&mut app, &agent, KeyCode::Down);
    assert_eq!(press(&mut app, &agent, KeyCode::Char('d')), [Action::Tell(Event::Detach(7))]);
    agent.chips.clear();
    screen(&mut app, &agent, 80, 24);
    assert_eq!(app.panel, Some(Panel::Attachments { selected: 0 }));
    assert_eq!(app.wanted(&agent), [Action::Preview(AttachmentId::of(b"picture"))]);

    assert!(App::heeds(&wheel(MouseEventKind::ScrollUp)) && App::heeds(&TermEvent::Resize(1, 1)));
    assert!(!App::heeds(&wheel(MouseEventKind::Moved)) && !App::heeds(&TermEvent::FocusGained));
}

#[test]
fn answers_and_code_are_chosen_from_a_list() {
    let agent = conversation();
    let mut app = app();
    type_text(&mut app, &agent, "/copy list");
    press(&mut app, &agent, KeyCode::Enter);
    insta::assert_snapshot!(screen(&mut app, &agent, 60, 16));
    assert_eq!(press(&mut app, &agent, KeyCode::Enter), [Action::Copy("sudo vi /etc/hosts # edit\n".into())]);
    assert_eq!(app.panel, None);
}

#[test]
fn enter_opens_a_conversation_and_loads_a_model() {
    let mut agent = conversation();
    let summary = |id: i64| crate::session::SessionSummary {
        id: crate::session::SessionId(id),
        title: format!("number {id}"),
        created_ms: 0,
        updated_ms: 0,
        messages: 2,
        branches: 1,
        tags: Vec::new(),
        removed_ms: None,
    };
    agent.sessions = vec![summary(5), summary(4)];
    let mut app = app();
    let run = |app: &mut App, line: &str| {
        type_text(app, &agent, line);
        app.completion = None;
        press(app, &agent, KeyCode::Enter);
        press(app, &agent, KeyCode::Down);
        press(app, &agent, KeyCode::Enter)
    };
    let opened = [Action::Tell(Event::OpenSession(crate::session::SessionId(4)))];
    assert_eq!(run(&mut app, "/sessions"), opened);
    assert_eq!(run(&mut app, "/model"), [Action::Tell(Event::UseModel("qwen3-vl-4b".into()))]);
}

#[test]
fn the_help_has_as_many_rows_as_it_says() {
    let agent = conversation();
    let mut app = app();
    press(&mut app, &agent, KeyCode::Char('?'));
    for _ in 0..100 {
        press(&mut app, &agent, KeyCode::Down);
    }
    let shown = screen(&mut app, &agent, 80, 24);
    assert!(shown.contains("percept --continue goes on where you left"), "{shown}");
}

#[test]
fn an_answer_that_grows_looks_like_the_finished_one() {
    let mut agent = conversation();
    let text = answer();
    let mut app = app();
    for (end, _) in text.char_indices().chain([(text.len(), ' ')]) {
        agent.transcript[1].parts = vec![Part::text(&text[..end])];
        agent.transcript[1].status = Status::Streaming;
        let growing = screen(&mut app, &agent, 40, 24);
        agent.transcript[1].status = Status::Complete;
        assert_eq!(screen(&mut self::app(), &agent, 40, 24), growing);
    }
}
