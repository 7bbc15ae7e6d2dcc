//! How bad an entry says it is.

use serde::{Deserialize, Serialize};

/// The level of an entry, from the least to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// Finer than debugging.
    Trace,
    /// For who debugs.
    Debug,
    /// What happens.
    Info,
    /// What happens, and matters.
    Notice,
    /// What may become a problem.
    Warn,
    /// What failed.
    Error,
    /// What ended something: critical, alert, emergency, panic.
    Fatal,
}

impl Level {
    /// All of them, the least first.
    pub const ALL: [Self; 7] =
        [Self::Trace, Self::Debug, Self::Info, Self::Notice, Self::Warn, Self::Error, Self::Fatal];

    /// The word that people type and read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Reads a level word in any case (`ERROR`, `Err`, `SEVERE`), or a syslog number.
    pub fn of(word: &[u8]) -> Option<Self> {
        let mut lower = [0u8; 12];
        let word = word.trim_ascii();
        let lower = lower.get_mut(..word.len())?;
        for (to, from) in lower.iter_mut().zip(word) {
            *to = from.to_ascii_lowercase();
        }
        Some(match &*lower {
            b"trace" | b"trc" | b"finest" | b"finer" | b"verbose" => Self::Trace,
            b"debug" | b"dbg" | b"fine" | b"debu" | b"7" => Self::Debug,
            b"info" | b"inf" | b"information" | b"informational" | b"config" | b"log" | b"6" => Self::Info,
            b"notice" | b"note" | b"5" => Self::Notice,
            b"warn" | b"warning" | b"wrn" | b"4" => Self::Warn,
            b"error" | b"err" | b"severe" | b"failure" | b"eror" | b"3" => Self::Error,
            b"fatal" | b"critical" | b"crit" | b"alert" | b"emerg" | b"emergency" | b"panic" | b"ftl"
            | b"2" | b"1" | b"0" => Self::Fatal,
            _ => return None,
        })
    }

    /// A level word as programs write it in a column of its own: in capitals or with one
    /// at its start, or in brackets; never a bare lower-case word of a sentence.
    pub(super) fn column(word: &[u8]) -> Option<Self> {
        let inner = word.trim_ascii_end();
        let inner = inner.strip_suffix(b",").or_else(|| inner.strip_suffix(b":")).unwrap_or(inner);
        let bracketed = match inner {
            [b'[', inner @ .., b']'] | [b'<', inner @ .., b'>'] | [b'(', inner @ .., b')'] => Some(inner),
            _ => None,
        };
        let word = bracketed.unwrap_or(inner);
        let starts = word.first().is_some_and(u8::is_ascii_uppercase);
        // Apache 2.4 writes `[module:level]`.
        let word = match (bracketed, word.iter().rposition(|&byte| byte == b':')) {
            (Some(_), Some(at)) => &word[at + 1..],
            _ => word,
        };
        let named = word.len() > 2 && word.iter().all(u8::is_ascii_alphabetic);
        (named && (starts || bracketed.is_some())).then(|| Self::of(word)).flatten()
    }

    /// The single letters of Android, klog and others.
    pub(super) fn letter(byte: u8) -> Option<Self> {
        Some(match byte {
            b'V' => Self::Trace,
            b'D' => Self::Debug,
            b'I' => Self::Info,
            b'N' => Self::Notice,
            b'W' => Self::Warn,
            b'E' => Self::Error,
            b'F' | b'C' => Self::Fatal,
            _ => return None,
        })
    }

    /// The level of a syslog priority (RFC 5424: severity is the lowest three bits).
    pub(super) fn of_priority(priority: u32) -> Self {
        match priority & 7 {
            0..=2 => Self::Fatal,
            3 => Self::Error,
            4 => Self::Warn,
            5 => Self::Notice,
            6 => Self::Info,
            _ => Self::Debug,
        }
    }

    /// The level of an HTTP status: 5xx failed here, 4xx was asked wrongly.
    pub(super) fn of_status(status: u32) -> Self {
        match status {
            500.. => Self::Error,
            400..=499 => Self::Warn,
            _ => Self::Info,
        }
    }

    /// The level of a number in a JSON log: pino and bunyan count 10 to 60, syslog 0 to 7.
    pub(super) fn of_number(number: u64) -> Option<Self> {
        Some(match number {
            0..=7 => Self::of_priority(number as u32),
            10..=19 => Self::Trace,
            20..=29 => Self::Debug,
            30..=39 => Self::Info,
            40..=49 => Self::Warn,
            50..=59 => Self::Error,
            60..=69 => Self::Fatal,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_words_are_read_and_sentences_are_not() {
        for (word, level) in [
            ("ERROR", Some(Level::Error)),
            ("[notice]", Some(Level::Notice)),
            ("[proxy_http:error]", Some(Level::Error)),
            ("WARNING:", Some(Level::Warn)),
            ("Info", Some(Level::Info)),
            ("<Warning>", Some(Level::Warn)),
            ("SEVERE", Some(Level::Error)),
            ("error", None),
            ("info", None),
            ("Error!", None),
            ("[main]", None),
            ("", None),
        ] {
            assert_eq!(Level::column(word.as_bytes()), level, "{word}");
        }
        assert_eq!(Level::of(b"a word that is far too long"), None);
        assert_eq!(Level::of_number(30), Some(Level::Info));
        assert!(Level::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
