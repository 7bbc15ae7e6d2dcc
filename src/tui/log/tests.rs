//! The panel without a terminal: keys in, views and questions out; and its screens.

use std::sync::atomic::Ordering;

use crossterm::event::{KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::attachment::{Medium, Source};
use crate::digest::input::{Bounds, gather};
use crate::digest::{LogDigest, Options};
use crate::session::BlobStore;
use crate::tui::theme::{Palette, Theme};

/// Three hours of requests, with a burst of errors at a quarter past two.
fn text() -> String {
    let line = |n: u64| {
        let (hour, minute, second) = (n * 36 / 3600, n * 36 / 60 % 60, n * 36 % 60);
        let time = format!("2024-01-02 {hour:02}:{minute:02}:{second:02}");
        match n {
            222..228 => format!("{time} ERROR payment: order {n} failed: timeout after {}ms\n", n * 7),
            n if n % 60 == 3 => format!("{time} WARN api: request {n} was slow\n"),
            n => format!("{time} INFO api: request {n} took {}ms\n", n * 3),
        }
    };
    let text: String = (0..300).map(line).collect();
    text + "2024-01-02 03:05:00 FATAL db: disk\tfull on /var\n"
}

/// A log that lies on disk as long as the folder is kept.
fn on_disk(names: &[&str]) -> (tempfile::TempDir, LogRecord) {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::write(folder.path().join(name), text()).unwrap();
    }
    let paths = [folder.path().join(if names.len() == 1 { names[0] } else { "." })];
    let stop = AtomicBool::new(false);
    let gathered = gather(&paths, &Bounds::default(), &stop).unwrap();
    let digest = LogDigest::read(&gathered, &Options::at(1_704_200_000_000), &stop, &mut |_| {});
    (folder, LogRecord { digest, kept: None })
}

pub(super) fn record() -> LogRecord {
    on_disk(&["app.log"]).1
}

pub(super) fn log_attachment(record: &LogRecord) -> Attachment {
    named_log("app.log", record)
}

fn named_log(name: &str, record: &LogRecord) -> Attachment {
    let digest = &record.digest;
    Attachment {
        id: AttachmentId::of(name.as_bytes()),
        name: name.into(),
        bytes: 1,
        medium: Medium::Log {
            lines: digest.lines,
            templates: digest.templates.len() as u64,
            files: digest.sources.len() as u64,
            note: None,
            view: None,
        },
        source: Source::Stdin,
    }
}

const TABLE: &str = "id,name,paid\n1,ada,yes\n2,bob,no\n3,eve,no\n";

pub(super) fn table_attachment() -> Attachment {
    Attachment {
        id: AttachmentId::of(TABLE.as_bytes()),
        name: "orders.csv".into(),
        bytes: TABLE.len() as u64,
        medium: Medium::Table { rows: 3, columns: 3, note: None, view: None },
        source: Source::Stdin,
    }
}

/// The panel on a log whose record was read.
fn opened(record: &LogRecord) -> LogPanel {
    let log = log_attachment(record);
    let mut panel = LogPanel::templates(std::slice::from_ref(&log), &log.id);
    assert_eq!(panel.wanted(), std::slice::from_ref(&log.id));
    assert_eq!(panel.wanted(), []);
    panel.record(log.id, Ok(record.clone().into()));
    panel
}

fn press(panel: &mut LogPanel, code: KeyCode) -> Reply {
    panel.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn type_text(panel: &mut LogPanel, text: &str) {
    for c in text.chars() {
        assert_eq!(press(panel, KeyCode::Char(c)), Reply::Stay);
    }
}

/// Presses a key that looks something up, and looks it up.
fn look_up(panel: &mut LogPanel, code: KeyCode) -> Look {
    let Reply::Look(look) = press(panel, code) else { panic!("nothing is looked up") };
    let blobs = BlobStore::temporary().unwrap();
    blobs.put(TABLE.as_bytes()).unwrap();
    panel.looked(look.ticket, super::look(&look, &blobs));
    look
}

fn screen(panel: &mut LogPanel, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme::new(Palette::Dark, None);
    terminal.draw(|frame| draw(frame, frame.area(), panel, theme)).unwrap();
    terminal.backend().to_string()
}

fn texts(panel: &LogPanel) -> Vec<String> {
    let Some(View::Templates(view)) = panel.views.last() else { panic!("no templates: {panel:?}") };
    let record = panel.shown().unwrap();
    view.listed.iter().map(|at| record.digest.templates[*at].text.clone()).collect()
}

#[test]
fn the_templates_at_three_sizes() {
    let record = record();
    for (width, height) in [(80, 20), (200, 56), (60, 12)] {
        let mut panel = opened(&record);
        insta::assert_snapshot!(format!("templates_{width}x{height}"), screen(&mut panel, width, height));
    }
}

#[test]
fn templates_are_sorted_and_filtered() {
    let mut panel = opened(&record());
    let first = |panel: &LogPanel| texts(panel).first().cloned().unwrap_or_default();
    assert!(first(&panel).contains("disk"), "{:?}", texts(&panel));
    let mut sorted = Vec::new();
    for _ in 0..5 {
        type_text(&mut panel, "s");
        sorted.push(first(&panel).split_whitespace().next().unwrap_or_default().to_owned());
    }
    assert_eq!(sorted, ["request", "request", "disk", "disk", "disk"]);
    type_text(&mut panel, "/PAYMENTq");
    assert_eq!(texts(&panel), [""; 0]);
    press(&mut panel, KeyCode::Backspace);
    assert_eq!(texts(&panel).len(), 1);
    press(&mut panel, KeyCode::Enter);
    assert_eq!(press(&mut panel, KeyCode::Esc), Reply::Stay);
    assert_eq!(texts(&panel).len(), 4);
    assert_eq!(press(&mut panel, KeyCode::Esc), Reply::Close);
}

#[test]
fn from_a_template_to_its_lines_and_around_one_and_back() {
    let (_folder, record) = on_disk(&["app.log"]);
    let mut panel = opened(&record);
    type_text(&mut panel, "/order");
    press(&mut panel, KeyCode::Enter);
    look_up(&mut panel, KeyCode::Enter);
    insta::assert_snapshot!("lines_80x20", screen(&mut panel, 80, 20));
    press(&mut panel, KeyCode::Down);
    let look = look_up(&mut panel, KeyCode::Enter);
    assert!(matches!(look.ask, Ask::Around { source: 0, line: 224, .. }), "{look:?}");
    insta::assert_snapshot!("around_80x20", screen(&mut panel, 80, 20));
    // Around itself there is nothing more.
    assert_eq!(press(&mut panel, KeyCode::Enter), Reply::Stay);
    press(&mut panel, KeyCode::Up);
    look_up(&mut panel, KeyCode::Enter);
    for _ in 0..3 {
        assert_eq!(press(&mut panel, KeyCode::Esc), Reply::Stay);
    }
    assert_eq!(texts(&panel).len(), 1, "the filter is as it was");
}

#[test]
fn chosen_and_marked_lines_are_quoted() {
    let (_folder, record) = on_disk(&["app.log"]);
    let mut panel = opened(&record);
    let disk = "app.log:301: 2024-01-02 03:05:00 FATAL db: disk    full on /var";
    assert_eq!(press(&mut panel, KeyCode::Char('a')), Reply::Quote(vec![disk.into()]));
    type_text(&mut panel, "/order");
    press(&mut panel, KeyCode::Enter);
    look_up(&mut panel, KeyCode::Enter);
    let line = |number: u64| {
        let n = number - 1;
        let (minute, second) = (n * 36 / 60 % 60, n * 36 % 60);
        let time = format!("2024-01-02 02:{minute:02}:{second:02}");
        format!("app.log:{number}: {time} ERROR payment: order {n} failed: timeout after {}ms", n * 7)
    };
    assert_eq!(press(&mut panel, KeyCode::Char('a')), Reply::Quote(vec![line(223)]));
    type_text(&mut panel, "  ");
    press(&mut panel, KeyCode::Home);
    type_text(&mut panel, " ");
    press(&mut panel, KeyCode::Down);
    type_text(&mut panel, " ");
    assert_eq!(press(&mut panel, KeyCode::Char('a')), Reply::Quote(vec![line(224), line(225)]));
    assert_eq!(press(&mut panel, KeyCode::Char('a')), Reply::Quote(vec![line(226)]));
}

#[test]
fn leaving_ends_what_is_looked_up_and_what_comes_late_is_nobodys() {
    let mut panel = opened(&record());
    let Reply::Look(look) = press(&mut panel, KeyCode::Enter) else { panic!() };
    assert!(screen(&mut panel, 60, 12).contains("esc stops"));
    assert!(!look.stop.load(Ordering::Relaxed));
    press(&mut panel, KeyCode::Esc);
    assert!(look.stop.load(Ordering::Relaxed));
    panel.looked(look.ticket, Err("late".into()));
    assert_eq!(texts(&panel).len(), 4);
}

#[test]
fn a_file_that_is_gone_or_changed_is_said() {
    let (folder, record) = on_disk(&["app.log"]);
    let mut panel = opened(&record);
    std::fs::write(folder.path().join("app.log"), text() + "more\n").unwrap();
    look_up(&mut panel, KeyCode::Enter);
    assert!(screen(&mut panel, 90, 12).contains("changed since it was attached"));
    press(&mut panel, KeyCode::Esc);
    drop(folder);
    look_up(&mut panel, KeyCode::Enter);
    assert!(screen(&mut panel, 90, 12).contains("app.log is not there"));
}

#[test]
fn several_logs_are_gone_through() {
    let record = record();
    let logs = [named_log("a.log", &record), named_log("b.log", &record)];
    let mut panel = LogPanel::templates(&logs, &logs[1].id);
    assert!(screen(&mut panel, 60, 12).contains("reading b.log…"));
    assert_eq!(panel.wanted(), [logs[1].id.clone()]);
    panel.record(logs[1].id.clone(), Ok(record.clone().into()));
    assert!(screen(&mut panel, 60, 12).contains("b.log · 301 lines"));
    press(&mut panel, KeyCode::Tab);
    assert_eq!(panel.wanted(), [logs[0].id.clone()]);
    panel.record(logs[0].id.clone(), Err("what is kept of the log is damaged".into()));
    assert!(screen(&mut panel, 60, 12).contains("a.log: what is kept of the log is damaged"));
    press(&mut panel, KeyCode::Left);
    assert!(screen(&mut panel, 60, 12).contains("b.log · 301 lines"));
}

#[test]
fn citations_lead_to_lines_and_rows() {
    let (_folder, record) = on_disk(&["app.log"]);
    let attached = [log_attachment(&record), table_attachment()];
    let answer = "The disk was full (`app.log:301`), so order 2 failed:\n- app.log:223-225\n- see \
                  orders.csv row 2\n- and app.log:9000";
    let mut panel = LogPanel::cites(
        &attached,
        Documents::default(),
        vec![answer.into(), "Nothing of app.log:301 here.".into()],
    );
    assert!(screen(&mut panel, 80, 12).contains("reading what is attached…"));
    assert_eq!(panel.wanted(), [attached[0].id.clone()]);
    panel.record(attached[0].id.clone(), Ok(record.into()));
    insta::assert_snapshot!("cites_80x12", screen(&mut panel, 80, 12));

    press(&mut panel, KeyCode::Down);
    look_up(&mut panel, KeyCode::Enter);
    insta::assert_snapshot!("cited_60x12", screen(&mut panel, 60, 12));
    press(&mut panel, KeyCode::Esc);
    press(&mut panel, KeyCode::Down);
    look_up(&mut panel, KeyCode::Enter);
    insta::assert_snapshot!("row_60x12", screen(&mut panel, 60, 12));
    assert_eq!(press(&mut panel, KeyCode::Char('a')), Reply::Quote(vec!["orders.csv row 2, id: 2".into()]));
    press(&mut panel, KeyCode::Esc);
    press(&mut panel, KeyCode::Down);
    let Reply::Say(said) = press(&mut panel, KeyCode::Enter) else { panic!() };
    assert_eq!(
        said,
        "app.log:9000: there is no line 9000: it has 301 lines. The model cited what isn't there."
    );
    assert_eq!(press(&mut panel, KeyCode::Esc), Reply::Close);
}

#[test]
fn files_of_one_log_are_told_apart() {
    let (_folder, record) = on_disk(&["app.log", "db.log"]);
    let log = named_log("logs/", &record);
    let mut panel = LogPanel::cites(
        std::slice::from_ref(&log),
        Documents::default(),
        vec!["Both app.log:3 and db.log:4.".into()],
    );
    panel.wanted();
    panel.record(log.id, Ok(record.into()));
    look_up(&mut panel, KeyCode::Enter);
    assert!(screen(&mut panel, 80, 12).contains("app.log:3  2024-01-02"));
    press(&mut panel, KeyCode::Esc);
    press(&mut panel, KeyCode::Down);
    look_up(&mut panel, KeyCode::Enter);
    assert!(screen(&mut panel, 80, 12).contains("db.log:4  2024-01-02"));
}

#[test]
fn the_wheel_and_any_size_do_no_harm() {
    let (_folder, record) = on_disk(&["app.log"]);
    let mut panel = opened(&record);
    for by in [-3, 3, 300, -300] {
        panel.step(by);
    }
    for (width, height) in [(1, 1), (3, 3), (20, 4), (45, 7), (300, 100)] {
        screen(&mut panel, width, height);
    }
    look_up(&mut panel, KeyCode::Enter);
    panel.step(300);
    for (width, height) in [(1, 1), (3, 3), (20, 4)] {
        screen(&mut panel, width, height);
    }
    assert_eq!(press(&mut panel, KeyCode::Char('q')), Reply::Close);
}
