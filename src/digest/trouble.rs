//! Words that tell what a support question is about: failures, and changes of state.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::level::Level;

/// How a message sounds, whatever its level says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tone {
    /// The level that its words suggest.
    pub(super) level: Option<Level>,
    /// It starts, stops, restarts something, or changes what state that is in.
    pub(super) change: bool,
}

/// Words with what they suggest. A word counts where it stands between other characters
/// than letters; one that ends in `*` may go on.
const WORDS: &[(&str, Option<Level>, bool)] = &[
    ("out of memory", Some(Level::Fatal), true),
    ("oom-kill*", Some(Level::Fatal), true),
    ("segfault*", Some(Level::Fatal), false),
    ("segmentation fault", Some(Level::Fatal), false),
    ("core dumped", Some(Level::Fatal), false),
    ("kernel panic", Some(Level::Fatal), false),
    ("panic*", Some(Level::Fatal), false),
    ("fatal*", Some(Level::Fatal), false),
    ("corrupt*", Some(Level::Error), false),
    ("deadlock*", Some(Level::Error), false),
    ("stack overflow", Some(Level::Error), false),
    ("abort*", Some(Level::Error), false),
    ("exception*", Some(Level::Error), false),
    ("traceback", Some(Level::Error), false),
    ("error*", Some(Level::Error), false),
    ("fail*", Some(Level::Error), false),
    ("failure*", Some(Level::Error), false),
    ("crash*", Some(Level::Error), true),
    ("killed", Some(Level::Error), true),
    ("no space left", Some(Level::Error), false),
    ("disk full", Some(Level::Error), false),
    ("read-only file system", Some(Level::Error), false),
    ("connection refused", Some(Level::Error), false),
    ("connection reset", Some(Level::Warn), false),
    ("broken pipe", Some(Level::Warn), false),
    ("permission denied", Some(Level::Error), false),
    ("access denied", Some(Level::Error), false),
    ("unreachable", Some(Level::Error), false),
    ("timed out", Some(Level::Warn), false),
    ("timeout*", Some(Level::Warn), false),
    ("time out", Some(Level::Warn), false),
    ("denied", Some(Level::Warn), false),
    ("refused", Some(Level::Warn), false),
    ("rejected", Some(Level::Warn), false),
    ("invalid", Some(Level::Warn), false),
    ("illegal", Some(Level::Warn), false),
    ("cannot", Some(Level::Warn), false),
    ("can't", Some(Level::Warn), false),
    ("could not", Some(Level::Warn), false),
    ("couldn't", Some(Level::Warn), false),
    ("unable to", Some(Level::Warn), false),
    ("not found", Some(Level::Warn), false),
    ("missing", Some(Level::Warn), false),
    ("expired", Some(Level::Warn), false),
    ("unexpected*", Some(Level::Warn), false),
    ("exceeded", Some(Level::Warn), false),
    ("lost", Some(Level::Warn), false),
    ("dropped", Some(Level::Warn), false),
    ("retry*", Some(Level::Warn), false),
    ("violation*", Some(Level::Warn), false),
    ("unavailable", Some(Level::Warn), false),
    ("warn*", Some(Level::Warn), false),
    ("starting", None, true),
    ("started", None, true),
    ("startup", None, true),
    ("stopping", None, true),
    ("stopped", None, true),
    ("shutdown", None, true),
    ("shutting down", None, true),
    ("restart*", None, true),
    ("rebooting", None, true),
    ("exited", None, true),
    ("terminated", None, true),
    ("terminating", None, true),
    ("signal *", None, true),
    ("unhealthy", Some(Level::Warn), true),
    ("failover", Some(Level::Warn), true),
    ("upgraded", None, true),
    ("deployed", None, true),
    ("reloading", None, true),
    ("reloaded", None, true),
];

#[allow(clippy::expect_used, reason = "the words are constant, and a test builds it")]
static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(WORDS.iter().map(|(word, ..)| word.trim_end_matches('*')))
        .expect("constant words")
});

/// What stands right before a word and takes its meaning away: `0 errors`, `no error`,
/// `error=0`.
fn is_denied(text: &[u8], start: usize, end: usize) -> bool {
    let before = text[..start].trim_ascii_end();
    let word = before.rsplit(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
    let none = word.eq_ignore_ascii_case(b"no") || word == b"0" || word.eq_ignore_ascii_case(b"without");
    let letters = text[end..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let after = &text[end + letters..];
    let zero = matches!(after, [b'=' | b':', b'0', rest @ ..] | [b'=' | b':', b' ', b'0', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_digit));
    none || zero
}

/// Whether a word is part of a name that is put together: `libgpg-error-dev`,
/// `error-handler.js`, `no-fail-list`. What happened is no name, though it may be written
/// like one at its end (`upload-failed`), nor are exceptions and levels
/// (`java.io.IOException`, `socket.error: `, `APP-ERROR`).
fn is_in_name(text: &[u8], start: usize, end: usize) -> bool {
    let is_joint = |byte: Option<&u8>| matches!(byte, Some(b'-' | b'.'));
    let letters = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let end = end + text[end..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = &text[start..end];
    let before = start >= 2 && is_joint(text.get(start - 1)) && letters(text.get(start - 2));
    let after = match text.get(end) {
        Some(b'-') => letters(text.get(end + 1)),
        // A sentence may begin behind a dot without a space.
        Some(b'.') => text.get(end + 1).is_some_and(u8::is_ascii_lowercase),
        _ => false,
    };
    if after {
        return true;
    }
    let happened = word.ends_with(b"ed") || word.ends_with(b"failure");
    let dotted = start > 0 && text[start - 1] == b'.';
    let raised = dotted && (word[0].is_ascii_uppercase() || text.get(end) == Some(&b':'));
    before && !happened && !raised && !word.iter().all(u8::is_ascii_uppercase)
}

/// How a message sounds.
pub(super) fn tone(text: &[u8]) -> Tone {
    let mut tone = Tone::default();
    for found in AUTOMATON.find_iter(text) {
        let (word, level, change) = WORDS[found.pattern().as_usize()];
        let starts = found.start() == 0
            || !text[found.start() - 1].is_ascii_lowercase()
            || text[found.start()].is_ascii_uppercase();
        let ends = word.ends_with('*') || !text.get(found.end()).is_some_and(u8::is_ascii_alphabetic);
        if !starts || !ends || is_denied(text, found.start(), found.end()) {
            continue;
        }
        if level.is_some() && is_in_name(text, found.start(), found.end()) {
            continue;
        }
        tone.level = tone.level.max(level);
        tone.change |= change;
    }
    tone
}

/// Whether a line names an exception: `java.io.IOException: …`, `ValueError: …`,
/// `Caused by: …`.
pub(super) fn is_exception(line: &[u8]) -> bool {
    if line.starts_with(b"Caused by") || line.starts_with(b"Suppressed:") {
        return true;
    }
    let end = line.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"._$".contains(byte)));
    let name = &line[..end.unwrap_or(line.len())];
    let ends = matches!(line.get(name.len()), None | Some(b':' | b' '));
    let called = [&b"Exception"[..], b"Error", b"Throwable", b"Failure", b"Interrupt", b"Warning"];
    ends && name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.len() > 5
        && called.iter().any(|called| name.ends_with(called) && name.len() > called.len())
}

/// Whether a line opens a report of a crash that has no header of its own.
pub(super) fn opens_crash(line: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 10] = [
        b"panic:",
        b"fatal error:",
        b"Traceback (most recent call last)",
        b"Exception in thread",
        b"thread '",
        b"Segmentation fault",
        b"Killed",
        b"Unhandled",
        b"Uncaught",
        b"*** ",
    ];
    OPENINGS.iter().any(|opening| line.starts_with(opening))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_sound_like_failures_and_their_absence_does_not() {
        for (text, level, change) in [
            ("mod_jk child workerEnv in error state 6", Some(Level::Error), false),
            ("Connection broken", None, false),
            ("java.io.IOException: closed", Some(Level::Error), false),
            ("finished with 0 errors", None, false),
            ("errors: 0, warnings: 0", None, false),
            ("errors: 05", Some(Level::Error), false),
            ("no error", None, false),
            ("Unpacking libgpg-error-dev (1.46)", None, false),
            ("status installed libgpg-error", None, false),
            ("loaded error-handler.js", None, false),
            ("serving /static/error.html", None, false),
            ("address is on the no-fail-list", None, false),
            ("com.example.errors.Handler is ready", None, false),
            ("Error: disk", Some(Level::Error), false),
            ("error=5", Some(Level::Error), false),
            ("I/O error- giving up", Some(Level::Error), false),
            ("error-17", Some(Level::Error), false),
            ("it is an error.", Some(Level::Error), false),
            ("it failed.Giving up", Some(Level::Error), false),
            ("event=upload-failed", Some(Level::Error), false),
            ("socket.error: [Errno 111]", Some(Level::Error), false),
            ("APP-ERROR 17", Some(Level::Error), false),
            ("app invoked oom-killer: order=0", Some(Level::Fatal), true),
            ("java.lang.OutOfMemoryError", Some(Level::Error), false),
            ("Out of memory: Killed process 1", Some(Level::Fatal), true),
            ("terror in mirrors", None, false),
            ("session opened", None, false),
            ("cupsd startup succeeded", None, true),
            ("Service exited with abnormal code: 1", None, true),
            ("Failed password for root", Some(Level::Error), false),
            ("connect() failed (111: Connection refused)", Some(Level::Error), false),
        ] {
            assert_eq!(tone(text.as_bytes()), Tone { level, change }, "{text}");
        }
    }

    #[test]
    fn exceptions_are_known_by_their_names() {
        for line in
            ["java.io.IOException: x", "ValueError: x", "Caused by: x", "a.b.FooException", "KeyError"]
        {
            assert!(is_exception(line.as_bytes()), "{line}");
        }
        for line in ["Error: x", "\tat a.b", "the IOException", "", "exception"] {
            assert!(!is_exception(line.as_bytes()), "{line}");
        }
    }
}
