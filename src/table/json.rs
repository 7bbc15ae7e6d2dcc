//! Tables in JSON: an array of objects, an object that holds one, or an object a line.
//!
//! Values stay as they are written until a column's kind is known: an integer keeps its
//! digits, and what is nested stays JSON text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How many objects are looked at to tell a table from other JSON.
const SAMPLE: usize = 100;

/// The least objects of a table: of one, all is said by its text.
const LEAST_OBJECTS: usize = 2;

/// The share of all keys that an object of a table has on average, in percent.
const LEAST_SHARED: usize = 50;

/// The share of its values that are no objects or arrays, in percent.
const LEAST_FLAT: usize = 50;

/// The share of an object that is the array in it, in percent: what holds more is no table.
const LEAST_ARRAY: usize = 60;

/// Keys of a log's entry that say when.
const WHEN: [&str; 8] = ["timestamp", "@timestamp", "time", "ts", "datetime", "asctime", "eventtime", "@t"];

/// Keys of a log's entry that say how bad.
const LEVEL: [&str; 9] =
    ["level", "lvl", "severity", "loglevel", "log_level", "levelname", "log.level", "@l", "severitytext"];

/// Keys of a log's entry that say what.
const WORDS: [&str; 6] = ["msg", "message", "log", "@m", "@mt", "event_message"];

/// The keys and values of an object, as they are written.
pub(super) struct Element<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Element<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Element<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    pairs.push((key, value));
                }
                Ok(Element(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A value as a cell: a string's text, else what is written. `None`: there is none.
pub(super) fn cell(value: &RawValue) -> Option<Cow<'_, str>> {
    let written = value.get();
    let inner = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let cell = match inner {
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        // What is escaped but no text (half of a pair) stays as it is written.
        Some(inner) => serde_json::from_str(written).map_or(Cow::Borrowed(inner), Cow::Owned),
        None if written == "null" => return None,
        None => Cow::Borrowed(written),
    };
    (!cell.is_empty()).then_some(cell)
}

/// Visits the objects of an array until told to stop; what else it holds is counted. An
/// error: it is no array, or broken.
pub(super) fn each_of_array<'a>(
    text: &'a str,
    visit: &mut dyn FnMut(Option<Element<'a>>) -> ControlFlow<()>,
) -> Result<(), ()> {
    struct Visit<'v, 'a>(&'v mut dyn FnMut(Option<Element<'a>>) -> ControlFlow<()>, &'v mut bool);
    impl<'a> DeserializeSeed<'a> for Visit<'_, 'a> {
        type Value = ();

        fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_seq(self)
        }
    }
    impl<'a> Visitor<'a> for Visit<'_, 'a> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<(), A::Error> {
            while let Some(value) = array.next_element::<&RawValue>()? {
                if (self.0)(serde_json::from_str(value.get()).ok()).is_break() {
                    *self.1 = true;
                    // The only way out of the middle of an array.
                    return Err(serde::de::Error::custom("stopped"));
                }
            }
            Ok(())
        }
    }
    let mut stopped = false;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Visit(visit, &mut stopped).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if stopped { Ok(()) } else { read.map_err(drop) }
}

/// The array in an object, where there is just one of objects and it is nearly all of it.
pub(super) fn wrapped(text: &str) -> Option<&str> {
    let Element(pairs) = serde_json::from_str(text).ok()?;
    let of_objects = |value: &&RawValue| {
        let inside = value.get().strip_prefix('[').map(str::trim_start);
        inside.is_some_and(|inside| inside.starts_with('{'))
    };
    let mut arrays = pairs.iter().map(|(_, value)| *value).filter(of_objects);
    let array = arrays.next()?.get();
    (arrays.next().is_none() && array.len() * 100 >= text.trim().len() * LEAST_ARRAY).then_some(array)
}

/// Whether an array holds a table.
pub(super) fn array_is_table(text: &str) -> bool {
    let (mut sample, mut others) = (Vec::new(), 0);
    let read = each_of_array(text, &mut |element| {
        match element {
            Some(element) => sample.push(element),
            None => others += 1,
        }
        if sample.len() + others < SAMPLE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    read.is_ok() && others == 0 && are_rows(&sample)
}

/// Whether the lines of a text are the objects of a table.
pub(super) fn lines_are_table(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE);
    let sample: Result<Vec<Element<'_>>, _> = lines.map(serde_json::from_str).collect();
    sample.is_ok_and(|sample| are_rows(&sample))
}

/// Whether objects are alike, flat, and no entries of a log.
fn are_rows(sample: &[Element<'_>]) -> bool {
    let keys: BTreeSet<&str> =
        sample.iter().flat_map(|Element(pairs)| pairs.iter().map(|(key, _)| key.as_ref())).collect();
    let pairs: usize = sample.iter().map(|Element(pairs)| pairs.len()).sum();
    let is_flat = |value: &RawValue| !value.get().starts_with(['{', '[']);
    let flat: usize =
        sample.iter().map(|Element(pairs)| pairs.iter().filter(|(_, value)| is_flat(value)).count()).sum();
    sample.len() >= LEAST_OBJECTS
        && pairs > 0
        && pairs * 100 >= keys.len() * sample.len() * LEAST_SHARED
        && flat * 100 >= pairs * LEAST_FLAT
        && !is_log(&keys)
}

fn is_log(keys: &BTreeSet<&str>) -> bool {
    let lower: BTreeSet<String> = keys.iter().map(|key| key.to_lowercase()).collect();
    let has = |known: &[&str]| known.iter().any(|key| lower.contains(*key));
    has(&WHEN) && (has(&LEVEL) || has(&WORDS))
}
