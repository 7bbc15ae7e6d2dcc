//! `attach`: a file of the disk becomes part of the conversation.

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use crate::attachment::{Attachment, Medium};
use crate::intake::{self, Given, Watch};
use crate::text::{clock, size, thousands};
use crate::tools::plain::line;

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let given = arguments.text("path").unwrap_or_default();
    if scene.attachment(given).is_some() {
        return Err(format!("{} is attached already.", line(given)));
    }
    let mut watch = Watch { stop: scene.stop, tell: &mut |_| {}, ears: &intake::Deaf };
    let taken = intake::take_watched(&Given::Path(scene.resolve(given)), scene.intake, &mut watch);
    let taken = taken.map_err(|error| line(&error.to_string()))?;
    let text = format!("Attached {}.", described(&taken.attachment));
    Ok(Found { text, taken: vec![taken], ..Found::default() })
}

/// What an attachment is, in a few words.
pub(super) fn described(attachment: &Attachment) -> String {
    let (name, bytes) = (line(&attachment.name), size(attachment.bytes));
    match &attachment.medium {
        Medium::Image { width, height, format, .. } => {
            format!("{name}: a {format} picture of {width} x {height} pixels, {bytes}")
        }
        Medium::Text { lines, note, .. } => {
            let note = note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            format!("{name}: text of {} lines, {bytes}{note}", thousands(*lines))
        }
        Medium::Log { lines, templates, .. } => {
            let (lines, templates) = (thousands(*lines), thousands(*templates));
            format!("{name}: a log of {lines} lines with {templates} templates, {bytes}")
        }
        Medium::Table { rows, columns, note, .. } => {
            let note = note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            format!("{name}: a table of {} rows and {columns} columns, {bytes}{note}", thousands(*rows))
        }
        Medium::Recording { duration_ms, frames, note, .. } => {
            let note = note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            let what = if frames.is_empty() { "recording" } else { "film" };
            format!("{name}: a {what} of {}{note}", clock(*duration_ms))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;
    use crate::attachment::Source;

    #[test]
    fn a_picture_and_a_text_are_attached_and_other_things_are_refused() {
        let mut stage = Stage::new();
        stage.write("shot.png", include_bytes!("../../../samples/error.png"));
        let found = stage.call("attach", r#"{"path": "shot.png"}"#).unwrap();
        assert!(found.text.starts_with("Attached shot.png: a png picture of 320 x 140 pixels, "));
        let [taken] = found.taken.as_slice() else { panic!("{:?}", found.taken) };
        assert_eq!(taken.attachment.source, Source::File { path: stage.path("shot.png") });
        stage.write("a.log", "one\ntwo\n");
        assert_eq!(stage.text("attach", r#"{"path": "a.log"}"#), "Attached a.log: text of 2 lines, 8 B.");
        stage.write("data.bin", b"\0\x01\x02");
        assert!(stage.error("attach", r#"{"path": "data.bin"}"#).contains("neither a picture"));
        stage.write("empty", "");
        assert!(stage.error("attach", r#"{"path": "empty"}"#).contains("is empty"));
        stage.write("folder/notes.md", "words");
        assert!(stage.error("attach", r#"{"path": "folder"}"#).contains("is a folder"));
        assert!(stage.error("attach", r#"{"path": "none"}"#).contains("is not there"));
        stage.attach("here.txt", b"x");
        assert_eq!(stage.error("attach", r#"{"path": "here.txt"}"#), "here.txt is attached already.");
    }
}
