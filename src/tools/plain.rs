//! Text from files and names made plain for the model and the terminal: no escape
//! sequences, no control characters, no more than fits.

use crate::text::{boundary_before, printable};

/// Of what the model gets, so many bytes are left for what percept says about it.
const NOTES: usize = 512;

/// A text without escape sequences; other control characters are shown as `␇` and the like.
pub(super) fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        kept.push_str(&rest[..at]);
        let length = sequence(&rest[at..]);
        // A lone escape character stays, to be shown.
        kept.push_str(if length == 1 { "\u{1b}" } else { "" });
        rest = &rest[at + length..];
    }
    kept.push_str(rest);
    printable(&kept)
}

/// The same on one line: a name may hold line breaks.
pub(super) fn line(text: &str) -> String {
    plain(text).replace('\n', "␊").replace('\t', "␉")
}

/// How many bytes the escape sequence at the beginning of a text has (ECMA-48); 1 where
/// none follows the escape character. None goes over the end of a line, so that it can't
/// swallow the text behind it.
fn sequence(text: &str) -> usize {
    let bytes = text.as_bytes();
    let run = |from: usize, range: std::ops::RangeInclusive<u8>| {
        bytes[from..].iter().take_while(|byte| range.contains(byte)).count()
    };
    match bytes.get(1) {
        Some(b'[') => {
            let parameters = 2 + run(2, 0x30..=0x3f);
            let end = parameters + run(parameters, 0x20..=0x2f);
            if bytes.get(end).is_some_and(|byte| (0x40..=0x7e).contains(byte)) { end + 1 } else { 1 }
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let body = text[2..].split('\n').next().unwrap_or_default();
            let end = [body.find('\u{7}').map(|at| at + 1), body.find("\u{1b}\\").map(|at| at + 2)];
            end.into_iter().flatten().min().map_or(1, |end| 2 + end)
        }
        Some(0x20..=0x2f) => {
            let end = 1 + run(1, 0x20..=0x2f);
            if bytes.get(end).is_some_and(|byte| (0x30..=0x7e).contains(byte)) { end + 1 } else { 1 }
        }
        Some(0x30..=0x7e) => 2,
        _ => 1,
    }
}

/// Lines up to a bound.
pub(super) struct Page {
    text: String,
    most: usize,
}

impl Page {
    /// For a text of so many bytes, with what percept says about it.
    pub(super) fn new(most: usize) -> Self {
        Self { text: String::new(), most: most.saturating_sub(NOTES) }
    }

    /// Adds a line; `false`: it no longer fits.
    pub(super) fn line(&mut self, line: &str) -> bool {
        let fits = self.text.len() + line.len() < self.most;
        if fits {
            self.text.push_str(line);
            self.text.push('\n');
        }
        fits
    }

    /// The bytes that a line may still have.
    pub(super) fn room(&self) -> usize {
        self.most.saturating_sub(self.text.len() + 1)
    }

    /// The lines, with a heading and what is to be said of what was left out.
    pub(super) fn under(self, heading: &str, notes: &[String]) -> String {
        let notes: String = notes.iter().map(|note| format!("[percept: {note}]\n")).collect();
        let mut text = format!("{heading}\n{}{notes}", self.text);
        // Only a heading or a note that holds a very long name comes to this.
        text.truncate(boundary_before(&text, self.most + NOTES));
        text.truncate(text.trim_end().len());
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_are_gone_and_the_text_between_them_stays() {
        assert_eq!(plain("\u{1b}[31;1mred\u{1b}[0m \u{1b}[?25lx"), "red x");
        assert_eq!(plain("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\"), "alink");
        assert_eq!(plain("\u{1b}(Bcharset \u{1b}7saved"), "charset saved");
        assert_eq!(plain("\u{1b}]0;never ended\nnext"), "␛]0;never ended\nnext");
        assert_eq!(plain("cut \u{1b}[12"), "cut ␛[12");
        assert_eq!(plain("bell\u{7} é\u{1b}é"), "bell␇ é␛é");
        assert_eq!(line("a\nb\tc"), "a␊b␉c");
    }

    #[test]
    fn a_page_holds_what_fits() {
        let mut page = Page::new(NOTES + 8);
        assert!(page.line("1234") && !page.line("567") && page.line("56"));
        assert_eq!(page.under("head:", &["more".to_owned()]), "head:\n1234\n56\n[percept: more]");
        let long = Page::new(100).under(&"é".repeat(1000), &[]);
        assert!(long.len() <= NOTES);
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(text in "([\u{1b}\\[\\]P();0-9m\u{7}\\\\ é\n]|\\PC){0,60}") {
            prop_assert!(plain(&text).chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
            prop_assert!(line(&text).chars().all(|c| !c.is_control()));
        }
    }
}
