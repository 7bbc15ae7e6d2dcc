//! Lines that name their fields: JSON objects and logfmt.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Entry;
use crate::digest::level::Level;
use crate::digest::stamp::{Reference, Stamp, StampKind, find, read as read_stamp};

/// What the fields of a line are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Time,
    Level,
    Message,
    Component,
    /// Told behind the message: what went wrong.
    Error,
    Other,
}

fn field(key: &str) -> Field {
    // The names that loggers use (zap, zerolog, logrus, pino, bunyan, slog, log4j, serilog,
    // structlog, journald, ECS, Cloud Logging).
    match key {
        "time"
        | "ts"
        | "timestamp"
        | "@timestamp"
        | "@t"
        | "t"
        | "datetime"
        | "date"
        | "asctime"
        | "eventTime"
        | "__REALTIME_TIMESTAMP"
        | "_SOURCE_REALTIME_TIMESTAMP" => Field::Time,
        "level" | "lvl" | "severity" | "levelname" | "log.level" | "loglevel" | "@l" | "PRIORITY" => {
            Field::Level
        }
        "msg" | "message" | "event" | "@m" | "@mt" | "MESSAGE" | "log" | "text" | "body" => Field::Message,
        "logger" | "component" | "caller" | "name" | "module" | "target" | "source" | "service"
        | "SYSLOG_IDENTIFIER" | "logger_name" | "log.logger" => Field::Component,
        "error" | "err" | "exception" | "@x" | "stack" | "stack_trace" | "error.message" | "exc_info" => {
            Field::Error
        }
        _ => Field::Other,
    }
}

/// The fields of a line that matter, as they stand in it.
#[derive(Debug, Default)]
struct Fields<'a> {
    stamp: Option<Stamp>,
    level: Option<Level>,
    message: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
    component: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn entry(self, line: &'a [u8]) -> Entry<'a> {
        let bytes = |text: Cow<'a, str>| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let message = match (self.message, self.error) {
            (Some(message), None) => bytes(message),
            (None, Some(error)) => bytes(error),
            (Some(message), Some(error)) => Cow::Owned(format!("{message}: {error}").into_bytes()),
            (None, None) => Cow::Borrowed(line),
        };
        let component = self.component.unwrap_or_default().as_bytes();
        Entry { stamp: self.stamp, level: self.level, component, message }
    }
}

/// A value of a JSON object, as far as it is of use.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Unsigned(u64),
    Float(f64),
    Other,
}

impl<'de> serde::Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Unsigned(number))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(number))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // An error is often an object that has a message.
                let mut found = Scalar::Other;
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    match key.as_ref() {
                        "message" | "msg" => found = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

struct FieldsVisitor(Reference);

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match (field(&key), map.next_value::<Scalar<'de>>()?) {
                (Field::Time, value) => fields.stamp = fields.stamp.or_else(|| stamp(&value, self.0)),
                (Field::Level, Scalar::Text(word)) => {
                    fields.level = fields.level.or_else(|| Level::of(word.as_bytes()));
                }
                (Field::Level, Scalar::Unsigned(number)) => fields.level = Level::of_number(number),
                (Field::Message, Scalar::Text(text)) if fields.message.is_none() => {
                    fields.message = Some(text);
                }
                (Field::Error, Scalar::Text(text)) if fields.error.is_none() && !text.is_empty() => {
                    fields.error = Some(text);
                }
                (Field::Component, Scalar::Text(Cow::Borrowed(text))) => {
                    fields.component = fields.component.or(Some(text));
                }
                _ => {}
            }
        }
        Ok(fields)
    }
}

fn stamp(value: &Scalar<'_>, reference: Reference) -> Option<Stamp> {
    match value {
        Scalar::Text(text) => find(text.as_bytes(), reference).map(|(_, stamp)| stamp),
        Scalar::Unsigned(number) => read_stamp(StampKind::Epoch, number.to_string().as_bytes(), reference),
        Scalar::Float(number) => read_stamp(StampKind::Epoch, format!("{number:.3}").as_bytes(), reference),
        Scalar::Other => None,
    }
}

fn object(line: &[u8], reference: Reference) -> Option<Fields<'_>> {
    if line.first() != Some(&b'{') {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_slice(line);
    reader.deserialize_map(FieldsVisitor(reference)).ok()
}

/// Reads a JSON object that has fields of a log: a message or an error, or a level and a time.
pub(super) fn json(line: &[u8], reference: Reference) -> Option<Entry<'_>> {
    let fields = object(line, reference)?;
    let says = fields.message.is_some() || fields.error.is_some();
    (says || (fields.level.is_some() && fields.stamp.is_some())).then(|| fields.entry(line))
}

/// Reads a line of Docker's `json-file` log.
pub(super) fn docker(line: &[u8], reference: Reference) -> Option<Entry<'_>> {
    let head = line.get(..line.len().min(8))?;
    if !head.starts_with(b"{\"log\":") {
        return None;
    }
    let fields = object(line, reference)?;
    fields.stamp?;
    let mut entry = fields.entry(line);
    let kept = entry.message.trim_ascii_end().len();
    match &mut entry.message {
        Cow::Borrowed(bytes) => *bytes = &bytes[..kept],
        Cow::Owned(bytes) => bytes.truncate(kept),
    }
    Some(entry)
}

/// Reads `time=… level=… msg="…"`: at least two fields of a log among its pairs, the first
/// of which begins the line.
pub(super) fn logfmt(line: &[u8], reference: Reference) -> Option<Entry<'_>> {
    let text = std::str::from_utf8(line).ok()?;
    let mut fields = Fields::default();
    let mut rest = text.trim_start();
    let mut known = 0;
    for _ in 0..MOST_PAIRS {
        let Some((key, value, after)) = pair(rest) else { break };
        rest = after;
        let kind = field(key);
        known += usize::from(matches!(kind, Field::Time | Field::Level | Field::Message));
        match kind {
            Field::Time => {
                fields.stamp =
                    fields.stamp.or_else(|| find(value.as_bytes(), reference).map(|(_, stamp)| stamp));
            }
            Field::Level => fields.level = fields.level.or_else(|| Level::of(value.as_bytes())),
            Field::Message => fields.message = fields.message.or(Some(Cow::Borrowed(value))),
            Field::Error => fields.error = fields.error.or(Some(Cow::Borrowed(value))),
            Field::Component => fields.component = fields.component.or(Some(value)),
            Field::Other => {}
        }
    }
    (known >= 2).then(|| fields.entry(line))
}

/// Pairs that are looked at in a line: loggers write their own fields first.
const MOST_PAIRS: usize = 64;

/// The first pair of a text, and what follows it; words without a value are passed over.
fn pair(mut text: &str) -> Option<(&str, &str, &str)> {
    loop {
        let at = text.find(['=', ' ', '"'])?;
        match text.as_bytes()[at] {
            b'=' if at > 0 => {
                let (value, rest) = value(&text[at + 1..])?;
                return Some((&text[..at], value, rest));
            }
            b' ' => text = text[at..].trim_start(),
            _ => return None,
        }
    }
}

/// A value, without its quotes, and what follows it.
fn value(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let bytes = quoted.as_bytes();
        let end = memchr::memchr_iter(b'"', bytes).find(|&at| at == 0 || bytes[at - 1] != b'\\')?;
        return Some((&quoted[..end], quoted[end + 1..].trim_start()));
    }
    let end = text.find(' ').unwrap_or(text.len());
    Some((&text[..end], text[end..].trim_start()))
}
