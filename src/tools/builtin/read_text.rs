//! `read_text`: the words in a picture with their places, by Tesseract where it is installed.

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use super::picture;
use crate::attachment::Attachment;
use crate::text::thousands;
use crate::tools::ocr::{self, Line, Surroundings};
use crate::tools::plain::{Page, line};

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let picture = picture::named(arguments, scene)?;
    let bytes = picture::original(picture, scene)?;
    let around = Surroundings {
        home: scene.home,
        private: scene.private,
        commands: scene.commands,
        intake: scene.intake,
    };
    let lines = ocr::read(&line(&picture.name), &bytes, &around, scene.stop)?;
    Ok(Found::text(told(picture, &lines, scene.most_output)))
}

fn told(picture: &Attachment, lines: &[Line], most: usize) -> String {
    let name = line(&picture.name);
    if lines.is_empty() {
        return format!("OCR (Tesseract) found no text in {name}. There may be some all the same: use zoom.");
    }
    let mut page = Page::new(most);
    let shown = lines.iter().take_while(|text| page.line(&text.to_string())).count();
    let heading = format!(
        "{name}, read by OCR (Tesseract); it may be wrong, (?) marks what is unsure. Each line: [left,top,right,bottom] in thousandths of the picture, confidence, text."
    );
    let left_out = lines.len() - shown;
    let note =
        format!("{} more lines are left out; zoom into a part and read that", thousands(left_out as u64));
    page.under(&heading, if left_out > 0 { std::slice::from_ref(&note) } else { &[] })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;

    #[test]
    fn without_a_picture_nothing_runs() {
        let mut stage = Stage::new();
        assert!(stage.error("read_text", "{}").starts_with("No picture is attached."));
        stage.attach("notes.txt", b"text");
        assert!(stage.error("read_text", r#"{"picture": "notes.txt"}"#).contains("none is"));
    }
}
