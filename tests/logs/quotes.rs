//! Every line that a rendered digest quotes stands where it says, and the text stays
//! within its budget, whatever the log holds.
//!
//! *Verbatim* means: the line's bytes as text (what is no UTF-8 becomes U+FFFD), without
//! white space at its end, with each control character but the tab as its picture (`␛`,
//! `␀`; C1 and bidirectional controls as U+FFFD). A line that goes on ends with `…`.

use percept::digest::{Focus, LogDigest, render};
use percept::text::{ELLIPSIS, printable, tokens};

use crate::corpus::{Dice, digest, file};
use crate::make::{NASTY, mixed};

/// Lines of a text as the digest counts them.
pub(crate) fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut all: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if all.last().is_some_and(|last| last.is_empty()) {
        all.pop();
    }
    all.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}

/// The quotes of a text: line numbers and what stands behind them.
fn quotes(text: &str) -> Vec<(usize, String)> {
    let quote = |line: &str| {
        let rest = line.trim_start();
        // `[T12] app.log:3: …` and `app.log:3: …`
        let rest = match rest.strip_prefix("[T") {
            Some(numbered) => numbered.split_once("] ")?.1,
            None => rest,
        };
        let (number, text) = rest.strip_prefix("app.log:")?.split_once(": ")?;
        Some((number.parse().ok()?, text.to_owned()))
    };
    text.lines().filter_map(quote).collect()
}

fn check(digest: &LogDigest, bytes: &[u8]) {
    let all = lines(bytes);
    for budget in [100, 150, 300, 700, 1500, 2000, 4000, 8000] {
        let text = render(digest, &Focus::default(), budget);
        assert!(tokens(&text) <= budget, "{} tokens of {budget}:\n{text}", tokens(&text));
        for (number, quoted) in quotes(&text) {
            let line = printable(String::from_utf8_lossy(all[number - 1]).trim_end());
            match quoted.strip_suffix(ELLIPSIS) {
                Some(start) if !line.ends_with(ELLIPSIS) => {
                    assert!(line.starts_with(start), "line {number}: {quoted:?} of {line:?}");
                }
                _ => assert_eq!(quoted, line.trim_end(), "line {number}"),
            }
        }
    }
    for quote in digest.tail.iter().chain(
        digest
            .templates
            .iter()
            .flat_map(|template| [&template.first, &template.example].into_iter().chain(&template.trace)),
    ) {
        let line = String::from_utf8_lossy(all[quote.line as usize - 1]).into_owned();
        match quote.cut {
            true => assert!(line.starts_with(quote.text.trim_end_matches('\u{fffd}'))),
            false => assert_eq!(quote.text, line),
        }
    }
}

#[test]
fn quotes_are_verbatim_and_budgets_are_kept() {
    let mut quoted = 0;
    for seed in 0..60 {
        let bytes = mixed(&mut Dice::new(seed), 20 + seed as usize * 20);
        let (_folder, path) = file(&bytes);
        let digest = digest(&path);
        assert_eq!(digest.lines, lines(&bytes).len() as u64);
        check(&digest, &bytes);
        quoted += quotes(&render(&digest, &Focus::default(), 8000)).len();
    }
    assert!(quoted > 2000, "{quoted} quotes");
}

#[test]
fn each_kind_of_nasty_line_is_quoted_as_it_is() {
    for nasty in NASTY {
        let mut bytes = b"2024-03-02 10:00:00 INFO all is well\n".repeat(5);
        bytes.extend(b"2024-03-02 10:00:07 ERROR failed: ");
        bytes.extend(*nasty);
        bytes.extend(b"\n");
        let (_folder, path) = file(&bytes);
        let digest = digest(&path);
        check(&digest, &bytes);
        let text = render(&digest, &Focus::default(), 2000);
        assert!(text.contains("app.log:6: 2024-03-02 10:00:07 ERROR failed: "), "{text}");
    }
}
