//! Which program opens what: an editor at the line, a pager with the passage.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::work::sentence;
use crate::document::Place;
use crate::retrieval::Library;
use crate::text;

/// Editors that are looked for where none is set, the easiest to leave first.
const EDITORS: [&str; 4] = ["nano", "micro", "vim", "vi"];

/// Pagers that are looked for where none is set.
const PAGERS: [&str; 2] = ["less", "more"];

/// Something to open.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tui) struct Opening {
    /// Its file.
    pub(in crate::tui) path: PathBuf,
    /// As it is cited.
    pub(in crate::tui) cite: String,
    /// Where in the file.
    pub(in crate::tui) place: Place,
    /// Its text, where it is at hand.
    pub(in crate::tui) text: Option<String>,
}

/// A program that gets the terminal until it ends.
#[derive(Debug)]
pub(in crate::tui) struct Errand {
    /// The program and its arguments; never empty.
    pub(in crate::tui) words: Vec<OsString>,
    /// What it shows, where that is no file of the person's; deleted with this.
    _text: Option<NamedTempFile>,
}

/// The program that opens something. Reads the index and writes a file where a passage is shown.
///
/// # Errors
///
/// A sentence for the screen: it is gone, no program is there.
pub(in crate::tui) fn errand(
    opening: &Opening,
    library: Option<&Library>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Errand, String> {
    match opening.place.line() {
        Some(line) if opening.path.is_file() => {
            let program = program(&["VISUAL", "EDITOR"], &EDITORS, variable);
            let mut words = program.ok_or("No editor is found: set one, such as export EDITOR=nano.")?;
            words.extend(at_line(&words[0], &opening.path, line));
            Ok(Errand { words, _text: None })
        }
        Some(_) => Err(format!("{} is not there any more.", text::one_line(&opening.path.to_string_lossy()))),
        None => {
            let program = program(&["PAGER"], &PAGERS, variable);
            let mut words = program.ok_or("No pager is found: set one, such as export PAGER=less.")?;
            let file = page(opening, library)?;
            words.push(file.path().into());
            Ok(Errand { words, _text: Some(file) })
        }
    }
}

/// The words of the first of these variables that is set, else the first program that is here.
fn program(
    variables: &[&str],
    known: &[&str],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<OsString>> {
    let set =
        variables.iter().filter_map(|name| shlex::split(&variable(name)?)).find(|words| !words.is_empty());
    if let Some(words) = set {
        return Some(words.into_iter().map(OsString::from).collect());
    }
    let path = variable("PATH")?;
    let is_here = |program: &&&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    known.iter().find(is_here).map(|program| vec![OsString::from(program)])
}

/// How an editor is told the line: most take vi's `+LINE`.
fn at_line(program: &OsString, path: &Path, line: u32) -> Vec<OsString> {
    let name = Path::new(program).file_stem().unwrap_or_default().to_string_lossy();
    let behind = || {
        let mut place = path.as_os_str().to_owned();
        place.push(format!(":{line}"));
        place
    };
    match name.as_ref() {
        "code" | "code-insiders" | "codium" | "vscodium" | "cursor" | "windsurf" => {
            vec!["-g".into(), behind()]
        }
        "subl" | "hx" | "helix" | "zed" | "zeditor" => vec![behind()],
        "kate" | "kwrite" => vec!["-l".into(), line.to_string().into(), path.into()],
        _ => vec![format!("+{line}").into(), path.into()],
    }
}

/// A passage in a file of its own, behind its citation.
fn page(opening: &Opening, library: Option<&Library>) -> Result<NamedTempFile, String> {
    let text = match opening.text.as_ref().filter(|text| !text.is_empty()) {
        Some(text) => text.clone(),
        None => read(opening, library)?,
    };
    let written = || -> std::io::Result<NamedTempFile> {
        let mut file = tempfile::Builder::new().prefix("percept-").suffix(".txt").tempfile()?;
        write!(file, "{}\n\n{}\n", text::one_line(&opening.cite), text::printable(text.trim_end()))?;
        file.flush()?;
        Ok(file)
    };
    written().map_err(|error| format!("A file for the pager can't be written: {error}."))
}

/// What the index has of a place.
fn read(opening: &Opening, library: Option<&Library>) -> Result<String, String> {
    let passages = library.map(|library| library.passages_of(&opening.path)).transpose();
    let passages = passages.map_err(|error| sentence(&error.to_string()))?.unwrap_or_default();
    let at = passages.into_iter().filter(|passage| covers(passage.place, opening.place));
    let texts: Vec<String> = at.map(|passage| passage.text).filter(|text| !text.is_empty()).collect();
    match texts.is_empty() {
        true => Err(format!("Nothing of {} is in the index any more.", text::one_line(&opening.cite))),
        false => Ok(texts.join("\n\n")),
    }
}

/// Whether a passage that stands here is of a place.
pub(super) fn covers(passage: Place, place: Place) -> bool {
    let overlap = |(from, to): (u32, u32), (first, last): (u32, u32)| from <= last && first <= to;
    match (passage, place) {
        (_, Place::Whole) => true,
        (Place::Lines(from, to), Place::Lines(first, last))
        | (Place::Rows(from, to), Place::Rows(first, last))
        | (Place::Seconds(from, to), Place::Seconds(first, last)) => overlap((from, to), (first, last)),
        (own, other) => own == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(variables: &[(&str, &str)], opening: &Opening) -> Result<Vec<String>, String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let errand = errand(opening, None, &variable)?;
        Ok(errand.words.iter().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    fn at(path: &Path, place: Place, text: Option<&str>) -> Opening {
        let text = text.map(str::to_owned);
        Opening { path: path.to_owned(), cite: format!("docs/a.md:{place}"), place, text }
    }

    #[test]
    fn an_editor_is_told_the_line_in_its_own_way() {
        let file = NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let opening = at(file.path(), Place::Lines(40, 52), None);
        for (editor, expected) in [
            ("vi", vec!["vi", "+40", path]),
            ("/usr/bin/nano -w", vec!["/usr/bin/nano", "-w", "+40", path]),
            ("emacs -nw", vec!["emacs", "-nw", "+40", path]),
            ("code --wait", vec!["code", "--wait", "-g", &format!("{path}:40")]),
            ("hx", vec!["hx", &format!("{path}:40")]),
            ("kate", vec!["kate", "-l", "40", path]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(words(&[("EDITOR", editor)], &opening), Ok(expected.clone()));
            assert_eq!(words(&[("VISUAL", editor), ("EDITOR", "ed")], &opening), Ok(expected));
        }
        assert!(words(&[("EDITOR", "")], &opening).unwrap_err().contains("export EDITOR=nano"));
    }

    #[test]
    fn what_has_no_lines_is_a_page_without_control_characters() {
        let opening = at(Path::new("/gone/a.pdf"), Place::Page(3), Some("alarm\u{7} \u{1b}[31mred\n"));
        let variable = |name: &str| (name == "PAGER").then(|| "less -R".to_owned());
        let errand = errand(&opening, None, &variable).unwrap();
        let [less, flag, file] = errand.words.as_slice() else { panic!("{errand:?}") };
        assert_eq!((less.to_str(), flag.to_str()), (Some("less"), Some("-R")));
        assert_eq!(std::fs::read_to_string(file).unwrap(), "docs/a.md:p3\n\nalarm␇ ␛[31mred\n");
        let path = PathBuf::from(file);
        drop(errand);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_gone_is_said() {
        let gone = at(Path::new("/gone/a.md"), Place::Lines(1, 1), None);
        assert_eq!(words(&[("EDITOR", "vi")], &gone).unwrap_err(), "/gone/a.md is not there any more.");
        let gone = at(Path::new("/gone/a.pdf"), Place::Page(1), None);
        assert!(words(&[("PAGER", "less")], &gone).unwrap_err().contains("is in the index any more"));
    }
}
