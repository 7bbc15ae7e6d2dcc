//! `/index`: what is indexed, how far it is, and what the person wants done with it.

use std::path::PathBuf;

use ratatui::text::{Line, Span};

use super::complete::expand;
use super::find::sentence;
use super::theme::Theme;
use super::wrap::wrap;
use crate::indexing::{Keeper, Progress, Work};
use crate::retrieval::{Library, Status, Store};
use crate::text;

/// What is wanted of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// To see how it stands.
    Status,
    /// A folder or file in it.
    Add(PathBuf),
    /// A folder or file out of it.
    Remove(PathBuf),
    /// A pause, or its end.
    Pause(bool),
}

/// Reads what stands behind `/index`.
///
/// # Errors
///
/// What can stand there.
pub(super) fn wish(argument: &str) -> Result<Wish, String> {
    let (verb, path) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    // A path may be relative to where percept was started, and hold blanks.
    let path = (!path.trim().is_empty()).then(|| {
        let path = expand(path.trim());
        path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path)
    });
    match (verb, path) {
        ("", _) => Ok(Wish::Status),
        ("add", Some(path)) => Ok(Wish::Add(path)),
        ("rm", Some(path)) => Ok(Wish::Remove(path)),
        ("pause", None) => Ok(Wish::Pause(true)),
        ("resume", None) => Ok(Wish::Pause(false)),
        _ => Err("/index alone shows it; /index add PATH, rm PATH, pause, resume.".to_owned()),
    }
}

/// Does it, on another thread; what is to be said of it.
///
/// # Errors
///
/// A sentence for the screen.
pub(super) fn grant(wish: &Wish, keeper: Option<&Keeper>) -> Result<String, String> {
    if *wish == Wish::Status {
        return Ok(String::new());
    }
    let keeper = keeper.ok_or("Nothing keeps an index here.")?;
    let shown = |path: &PathBuf| text::one_line(&path.to_string_lossy());
    match wish {
        Wish::Status => Ok(String::new()),
        Wish::Add(path) => {
            keeper.add(path).map(|()| format!("{} is being indexed; /index shows how far.", shown(path)))
        }
        Wish::Remove(path) => keeper.remove(path).map(|()| format!("{} is no longer indexed.", shown(path))),
        Wish::Pause(paused) => keeper.set_paused(*paused).map(|()| match paused {
            true => "Indexing is paused; /index resume goes on.".to_owned(),
            false => "Indexing goes on.".to_owned(),
        }),
    }
}

/// How the index stands, or why that can't be said; on another thread.
pub(super) fn status(library: Option<&Library>) -> Result<Status, String> {
    // Looking must not make one.
    let Some(library) = library.filter(|library| !library.is_empty()) else { return Ok(Status::default()) };
    let status = Store::open(library.folder()).and_then(|opened| opened.store.status());
    status.map_err(|error| sentence(&error.to_string()))
}

/// How far indexing is, for the status line; `None`: nothing goes on.
pub(super) fn words(progress: &Progress) -> Option<String> {
    match progress.work {
        Work::Idle | Work::Paused | Work::Elsewhere => None,
        Work::Walking => Some("index: looking".to_owned()),
        Work::Reading | Work::Embedding | Work::Looking => {
            let part = progress.percent().map_or(String::new(), |percent| format!(" {percent}%"));
            Some(format!("index{part}{}", left(progress)))
        }
    }
}

fn left(progress: &Progress) -> String {
    match progress.left_s {
        None => String::new(),
        Some(seconds @ 0..60) => format!(" · {seconds} s"),
        Some(seconds) => format!(" · {} min", text::thousands(seconds.div_ceil(60))),
    }
}

/// What goes on, in a sentence.
fn going_on(progress: &Progress) -> String {
    let count = match progress.total {
        0 => text::thousands(progress.done),
        total => format!("{} of {}", text::thousands(progress.done), text::thousands(total)),
    };
    let left = left(progress);
    match progress.work {
        Work::Idle => "Everything is up to date.".to_owned(),
        Work::Paused => "It is paused; /index resume goes on.".to_owned(),
        Work::Elsewhere => "Another percept keeps it at the moment.".to_owned(),
        Work::Walking => format!("Folders are looked through: {count} files so far."),
        Work::Reading => format!("Files are read: {count}{left}."),
        Work::Embedding => format!("Vectors are found: {count} passages{left}."),
        Work::Looking => format!("Pictures are looked at, recordings heard: {count}{left}."),
    }
}

/// The lines of the panel.
pub(super) fn lines(
    status: Option<&Result<Status, String>>,
    progress: Option<&Progress>,
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut say =
        |words: &str, style| lines.extend(wrap(&[Span::styled(text::one_line(words), style)], width, 2));
    match status {
        None => say("reading the index…", theme.dim()),
        Some(Err(why)) => say(why, theme.error()),
        Some(Ok(status)) if status.sources.is_empty() => {
            say(
                "Nothing is indexed yet: /index add FOLDER makes it findable, by you and by the model.",
                theme.plain(),
            );
        }
        Some(Ok(status)) => {
            for source in &status.sources {
                say(&source.path.to_string_lossy(), theme.accent());
                let files = text::counted(source.files, "file", "files");
                let passages = text::counted(source.passages, "passage", "passages");
                let skipped = match source.skipped {
                    0 => String::new(),
                    skipped => {
                        format!(" · {} left out (percept index status says why)", text::thousands(skipped))
                    }
                };
                say(&format!("  {files} · {passages} · {}{skipped}", text::size(source.bytes)), theme.dim());
            }
            say(&totals(status), theme.plain());
        }
    }
    if let Some(progress) = progress {
        say(&going_on(progress), theme.plain());
        if let Some(at) = &progress.at {
            say(
                &format!("  {}", text::middle(&at.to_string_lossy(), width.saturating_sub(2).max(1))),
                theme.dim(),
            );
        }
        if let Some(trouble) = &progress.trouble {
            say(trouble, theme.error());
        }
    }
    say("/index add PATH · /index rm PATH · /index pause · /index resume", theme.dim());
    lines
}

fn totals(status: &Status) -> String {
    let passages = text::counted(status.passages, "passage", "passages");
    let pictures = text::counted(status.pictures, "picture", "pictures");
    let vectors: String = match status.vectors.is_empty() {
        true => "no vectors: found by words alone".to_owned(),
        false => {
            let each = status
                .vectors
                .iter()
                .map(|(model, count)| format!("{} vectors of {model}", text::thousands(*count)));
            each.collect::<Vec<_>>().join(", ")
        }
    };
    let pairs = match status.pairs {
        0 => String::new(),
        pairs => format!(" · {}", text::counted(pairs, "confirmed pair", "confirmed pairs")),
    };
    format!("In all {passages}, {pictures} · {vectors}{pairs} · {}", text::size(status.bytes_on_disk))
}

#[cfg(test)]
mod tests {
    use super::super::theme::Palette;
    use super::*;
    use crate::retrieval::Source;

    fn progress(work: Work, done: u64, total: u64, left_s: Option<u64>) -> Progress {
        Progress { work, done, total, left_s, ..Progress::default() }
    }

    #[test]
    fn the_status_line_says_how_far_and_nothing_when_idle() {
        assert_eq!(words(&progress(Work::Reading, 43, 100, Some(90))).as_deref(), Some("index 43% · 2 min"));
        assert_eq!(words(&progress(Work::Embedding, 9, 3, Some(5))).as_deref(), Some("index 100% · 5 s"));
        assert_eq!(words(&progress(Work::Looking, u64::MAX, 0, None)).as_deref(), Some("index"));
        assert_eq!(words(&progress(Work::Walking, 4, 0, None)).as_deref(), Some("index: looking"));
        for work in [Work::Idle, Work::Paused, Work::Elsewhere] {
            assert_eq!(words(&progress(work, 1, 2, Some(3))), None);
        }
    }

    #[test]
    fn wishes_are_read() {
        assert_eq!(wish(""), Ok(Wish::Status));
        assert_eq!(wish("add /no/such place"), Ok(Wish::Add("/no/such place".into())));
        assert_eq!(wish("rm /no/such"), Ok(Wish::Remove("/no/such".into())));
        assert_eq!((wish("pause"), wish("resume")), (Ok(Wish::Pause(true)), Ok(Wish::Pause(false))));
        for wrong in ["add", "rm ", "pause now", "rebuild"] {
            assert!(wish(wrong).unwrap_err().contains("/index add PATH"), "{wrong}");
        }
    }

    #[test]
    fn the_panel_says_what_there_is_and_what_goes_on() {
        let source =
            Source { path: "/home/me/docs".into(), files: 1, skipped: 2, passages: 1200, bytes: 2048 };
        let status = Status {
            sources: vec![source],
            passages: 1200,
            pictures: 3,
            vectors: vec![("minilm".into(), 900)],
            bytes_on_disk: 4096,
            paused: false,
            pairs: 1,
        };
        let progress = progress(Work::Embedding, 900, 1200, Some(30));
        let shown = |status: Option<&Result<Status, String>>| -> Vec<String> {
            let lines = lines(status, Some(&progress), 100, Theme::new(Palette::Mono, None));
            lines.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            shown(Some(&Ok(status)))[..4],
            [
                "/home/me/docs",
                "  1 file · 1,200 passages · 2.0 KiB · 2 left out (percept index status says why)",
                "In all 1,200 passages, 3 pictures · 900 vectors of minilm · 1 confirmed pair · 4.0 KiB",
                "Vectors are found: 900 of 1,200 passages · 30 s.",
            ]
        );
        assert!(shown(Some(&Ok(Status::default())))[0].starts_with("Nothing is indexed yet"));
        assert_eq!(shown(None)[0], "reading the index…");
    }
}
