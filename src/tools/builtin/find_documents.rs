//! `find_documents`: passages and pictures of the index, word for word, each behind its place.
//!
//! What is in the index was pointed at by the person, so that nobody is asked; what is found is
//! text from outside all the same.

use std::path::PathBuf;

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use super::open::STOPPED;
use crate::document::Place;
use crate::intake::{self, Given, Taken};
use crate::message::Finding;
use crate::retrieval::{Answer, Hit, IndexError, Library, Passage, PassageKind, Query};
use crate::text::{boundary_before, counted, fence};
use crate::tools::plain::{Page, line, plain};

/// The results where a call doesn't say: they are read one after the other.
const FEW: usize = 5;

/// Pictures that are attached at once: each costs as much as a page of text.
const MOST_PICTURES: usize = 2;

/// A beginning of a passage in less bytes than these tells nothing.
const LEAST_BEGINNING: usize = 160;

/// Bytes of the fences around a passage.
const FRAME: usize = 24;

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let library = scene.library.filter(|library| !library.is_empty());
    let library = library.ok_or("Nothing is indexed. The person adds folders with /index add FOLDER.")?;
    let query = query(arguments, library, scene)?;
    let answer = library.find(&query, scene.stop).map_err(|error| match error {
        IndexError::Stopped => STOPPED.to_owned(),
        other => line(&format!("The index can't be searched: {other}.")),
    })?;
    let (taken, unshown) = match query.pictures_only {
        true => pictures(&answer, scene),
        false => Default::default(),
    };
    let words = arguments.text("query").unwrap_or_default();
    let text = told(words, &answer, &taken, &unshown, scene.most_output);
    Ok(Found { text, taken, findings: answer.hits.iter().map(finding).collect(), ..Found::default() })
}

fn query(arguments: &Arguments, library: &Library, scene: &Scene<'_>) -> Result<Query, String> {
    let words = arguments.text("query").unwrap_or_default().trim();
    if words.is_empty() {
        return Err("Say what to look for in `query`.".to_owned());
    }
    let most = arguments.integer("most").and_then(|most| usize::try_from(most).ok()).unwrap_or(FEW);
    let within = arguments.text("within").filter(|path| !path.is_empty());
    Ok(Query {
        pictures_only: arguments.is_set("pictures"),
        within: within.map(|path| folder(path, library, scene)).transpose()?,
        ..Query::words(words, most.max(1))
    })
}

/// The folder or file that is meant: by its path, or as it is cited.
fn folder(given: &str, library: &Library, scene: &Scene<'_>) -> Result<PathBuf, String> {
    let path = scene.resolve(given);
    if path.exists() {
        return path.canonicalize().map_err(|error| super::open::sentence(&line(given), &error));
    }
    let cited = library.files_named(given).unwrap_or_default().into_iter().next();
    cited.ok_or_else(|| format!("{} is not there; leave `within` out to look everywhere.", line(given)))
}

/// What stands in the conversation of a result, to follow a citation of it.
pub(crate) fn finding(hit: &Hit) -> Finding {
    let passage = &hit.passage;
    Finding {
        passage: passage.id.0,
        file: passage.cited_file(),
        place: passage.place.to_string(),
        path: passage.path.clone(),
        heading: passage.above().map(str::to_owned).collect(),
        why: format!("{} · {:.3}", hit.why(), hit.score),
        picture: passage.kind == PassageKind::Picture,
    }
}

/// Attaches the best pictures; and why some can't be.
fn pictures(answer: &Answer, scene: &Scene<'_>) -> (Vec<Taken>, Vec<String>) {
    let (mut taken, mut unshown) = (Vec::new(), Vec::new());
    // A page that is a picture lies in its document, which is none.
    let files = answer.hits.iter().map(|hit| &hit.passage).filter(|passage| is_picture(passage));
    for passage in files.take(MOST_PICTURES) {
        if scene.stopped() {
            break;
        }
        match intake::take(&Given::Path(passage.path.clone()), scene.intake) {
            Ok(picture) if picture.attachment.is_image() => taken.push(picture),
            Ok(_) => unshown.push(format!("{} is no picture by now", line(&passage.cite()))),
            Err(why) => unshown.push(line(why.to_string().trim_end_matches('.'))),
        }
    }
    (taken, unshown)
}

fn is_picture(passage: &Passage) -> bool {
    passage.kind == PassageKind::Picture && passage.place == Place::Whole
}

/// The results as the model reads them.
fn told(words: &str, answer: &Answer, taken: &[Taken], unshown: &[String], most: usize) -> String {
    let mut page = Page::new(most);
    let mut notes: Vec<String> = answer.notes.iter().map(|note| line(note.trim_end_matches('.'))).collect();
    let mut shown = 0;
    for hit in &answer.hits {
        if !page.line(&passage(&hit.passage, page.room(), shown + 1)) {
            break;
        }
        shown += 1;
    }
    if shown < answer.hits.len() {
        let left = counted((answer.hits.len() - shown) as u64, "more result doesn't", "more results don't");
        notes.push(format!("{left} fit here; ask for something narrower, or use `within`"));
    }
    notes.extend(unshown.iter().cloned());
    let names: Vec<String> = taken.iter().map(|one| line(&one.attachment.name)).collect();
    if !names.is_empty() {
        notes.push(format!("attached: {}", names.join(", ")));
    }
    page.under(&heading(words, answer), &notes)
}

fn heading(words: &str, answer: &Answer) -> String {
    match answer.hits.len() {
        0 => format!("Nothing in the index is about {}.", line(words)),
        found => format!("{} for {}:", counted(found as u64, "result", "results"), line(words)),
    }
}

/// A passage behind its place, in not much more than so many bytes.
fn passage(passage: &Passage, room: usize, number: usize) -> String {
    let cite = line(&passage.cite());
    let heading: Vec<String> = passage.above().map(line).collect();
    let heading = heading.join(" › ");
    let head = match heading.is_empty() {
        true => format!("[{number}] {cite}"),
        false => format!("[{number}] {cite} · {heading}"),
    };
    let what = match passage.kind {
        PassageKind::Picture => " (a picture; these words are not the file's: they were read or seen in it)",
        PassageKind::Transcript => " (a recording, as a model heard it)",
        PassageKind::Log => " (kinds of lines of a log)",
        PassageKind::Text | PassageKind::Code => "",
    };
    let attach = match is_picture(passage) {
        true => format!("\nattach {}", line(&passage.path.to_string_lossy())),
        false => String::new(),
    };
    let text = plain(passage.text.trim_end());
    let left = room.saturating_sub(head.len() + what.len() + attach.len() + FRAME);
    let (text, cut) = beginning(&text, left);
    let more = if cut { format!("\n[percept: cut{}]", rest_of(passage)) } else { String::new() };
    match text.is_empty() {
        true => format!("{head}{what}{attach}"),
        false => {
            let fence = fence(text);
            format!("{head}{what}{attach}\n{fence}\n{text}\n{fence}{more}")
        }
    }
}

/// Where all of a passage is to be had.
fn rest_of(passage: &Passage) -> String {
    match passage.place.line() {
        Some(from) => {
            let path = line(&passage.path.to_string_lossy());
            format!("; read_file {path} from line {from} on has all of it")
        }
        None => String::new(),
    }
}

/// As much of a text as there is room for, and whether that isn't all; all of it where a
/// beginning would tell nothing.
fn beginning(text: &str, room: usize) -> (&str, bool) {
    /// Bytes of the word that it is cut, with a path.
    const WORD: usize = 200;
    let kept = boundary_before(text, room.saturating_sub(WORD));
    match text.len() <= room || kept < LEAST_BEGINNING {
        true => (text, false),
        // Behind a whole line, where there is one.
        false => (&text[..text[..kept].rfind('\n').filter(|at| *at >= kept / 2).unwrap_or(kept)], true),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;
    use super::*;
    use crate::retrieval::{FileState, Mode, NewFile, NewPassage, Options, PassageId, Ranked, Store};

    fn hit(id: i64, kind: PassageKind, path: &str, place: Place, text: &str) -> Hit {
        let ranked = Some(Ranked { rank: 1, score: 7.5 });
        let passage = Passage {
            id: PassageId(id),
            path: PathBuf::from("/home/me").join(path),
            source: "/home/me/docs".into(),
            kind,
            title: Some("Setup".into()),
            text: text.into(),
            heading: vec!["Linux".into()],
            place,
        };
        Hit { passage, score: 0.032, lexical: ranked, semantic: ranked }
    }

    fn answer(hits: Vec<Hit>) -> Answer {
        Answer { hits, mode: Mode::Hybrid, notes: vec!["Words alone were searched.".into()] }
    }

    fn text(answer: &Answer, most: usize) -> String {
        told("alsa error", answer, &[], &[], most)
    }

    #[test]
    fn passages_come_word_for_word_behind_their_places() {
        let code = "```sh\napt install libasound2-dev\n```\n\u{1b}[31mred";
        let hits = vec![
            hit(1, PassageKind::Text, "docs/setup.md", Place::Lines(40, 52), code),
            hit(2, PassageKind::Picture, "docs/shot.png", Place::Whole, "cannot find -lasound"),
            hit(3, PassageKind::Picture, "docs/scan.pdf", Place::Page(2), ""),
        ];
        assert_eq!(
            text(&answer(hits), 16_000),
            "3 results for alsa error:\n\
             [1] docs/setup.md:40-52 · Setup › Linux\n````\n```sh\napt install libasound2-dev\n```\nred\n````\n\
             [2] docs/shot.png · Setup › Linux (a picture; these words are not the file's: they were read or seen in it)\n\
             attach /home/me/docs/shot.png\n```\ncannot find -lasound\n```\n\
             [3] docs/scan.pdf:p2 · Setup › Linux (a picture; these words are not the file's: they were read or seen in it)\n\
             [percept: Words alone were searched]"
        );
        assert!(text(&answer(Vec::new()), 16_000).starts_with("Nothing in the index is about alsa error."));
    }

    #[test]
    fn what_does_not_fit_is_cut_and_said() {
        let long = "One line of it.\n".repeat(200);
        let hits = || {
            (1..9).map(|id| hit(id, PassageKind::Text, "docs/a.md", Place::Lines(1, 200), &long)).collect()
        };
        for most in [1_000, 9_000] {
            let text = text(&answer(hits()), most);
            assert!(text.len() <= most, "{} of {most}", text.len());
            assert!(
                text.contains("One line of it.\n```\n[percept: cut; read_file /home/me/docs/a.md from line 1 on has all of it]"),
                "{text}"
            );
            assert!(text.contains("more results don't fit here"), "{text}");
        }
    }

    #[test]
    fn a_finding_is_what_a_citation_stands_for() {
        let found = finding(&hit(7, PassageKind::Picture, "docs/shot.png", Place::Whole, ""));
        assert_eq!((found.cite().as_str(), found.picture, found.passage), ("docs/shot.png", true, 7));
        assert_eq!((found.why.as_str(), found.heading.len()), ("words and meaning · 0.032", 2));
        let found = finding(&hit(8, PassageKind::Text, "docs/setup.md", Place::Lines(40, 52), ""));
        assert_eq!(found.cite(), "docs/setup.md:40-52");
    }

    /// A stage with an index of its folder `docs`: a document and a picture.
    fn indexed() -> Stage {
        let mut stage = Stage::new();
        stage.write("docs/setup.md", "The linker needs libasound2-dev.\n");
        stage.write("docs/error.png", include_bytes!("../../../samples/error.png"));
        stage.write("other/x.md", "x\n");
        let docs = stage.path("docs");
        let mut store = Store::open(&stage.path("index")).unwrap().store;
        store.add_source(&docs).unwrap();
        for (name, kind, place, text) in [
            ("setup.md", PassageKind::Text, Place::Lines(1, 1), "The linker needs libasound2-dev."),
            ("error.png", PassageKind::Picture, Place::Whole, "Permission denied: /etc/hosts"),
        ] {
            let file = NewFile {
                path: docs.join(name),
                bytes: 1,
                modified_ns: 1,
                hash: name.to_owned(),
                title: None,
                seen_by: None,
                state: FileState::Indexed { note: String::new() },
            };
            let passage = NewPassage { kind, text: text.to_owned(), heading: Vec::new(), place };
            store.put(&docs, &file, &[passage]).unwrap();
        }
        let none = Err("No embedding model is here.".to_owned());
        stage.library = Some(Library::new(&stage.path("index"), Options::default(), none, None));
        stage
    }

    #[test]
    fn it_finds_in_an_index_and_attaches_pictures() {
        let stage = indexed();
        let found = stage.call("find_documents", r#"{"query": "linker libasound2"}"#).unwrap();
        assert!(
            found
                .text
                .starts_with("1 result for linker libasound2:\n[1] docs/setup.md:1\n```\nThe linker needs")
        );
        assert_eq!((found.findings.len(), found.taken.len()), (1, 0));
        assert_eq!(found.findings[0].path, stage.path("docs/setup.md"));
        let found =
            stage.call("find_documents", r#"{"query": "permission denied", "pictures": true}"#).unwrap();
        let [taken] = found.taken.as_slice() else { panic!("{found:?}") };
        assert_eq!(taken.attachment.name, "error.png");
        assert!(found.text.contains("[percept: attached: error.png]"), "{}", found.text);
        std::fs::remove_file(stage.path("docs/error.png")).unwrap();
        let found =
            stage.call("find_documents", r#"{"query": "permission denied", "pictures": true}"#).unwrap();
        assert!(found.taken.is_empty() && found.text.contains("[percept: "), "{}", found.text);
    }

    #[test]
    fn it_looks_within_a_folder_or_a_file_that_is_there() {
        let stage = indexed();
        for within in ["docs", "docs/setup.md", stage.path("docs").to_str().unwrap()] {
            let text =
                stage.text("find_documents", &format!(r#"{{"query": "linker", "within": "{within}"}}"#));
            assert!(text.starts_with("1 result"), "{within}: {text}");
        }
        let text = stage.text("find_documents", r#"{"query": "linker", "within": "other"}"#);
        assert!(text.starts_with("Nothing in the index is about linker."), "{text}");
        let error = stage.error("find_documents", r#"{"query": "linker", "within": "nowhere"}"#);
        assert!(error.starts_with("nowhere is not there"), "{error}");
        assert!(stage.error("find_documents", r#"{"query": " "}"#).contains("Say what to look for"));
    }

    #[test]
    fn without_an_index_it_is_said_how_to_get_one() {
        let error = Stage::new().error("find_documents", r#"{"query": "x"}"#);
        assert!(error.contains("/index add FOLDER"), "{error}");
    }
}
