//! The layers of the configuration as TOML: what a file or the environment sets, checked
//! against the default file before it is put over what is there.
//!
//! It knows sections, keys and the kinds of values, not what any of them means.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::text;

use super::{ConfigError, MAX_THREADS};

/// What the names of percept's variables start with.
const PREFIX: &str = "PERCEPT_";

/// Variables of percept's that set no key of the configuration.
const OTHER_VARIABLES: [&str; 6] = [
    "PERCEPT_CONFIG_DIR",
    "PERCEPT_DATA_DIR",
    "PERCEPT_CACHE_DIR",
    "PERCEPT_LOG",
    "PERCEPT_REQUIRE_PROGRAMS",
    "PERCEPT_TEST_PANIC",
];

/// Variables of the tests' worker, which reads them from percept's environment.
const FAKE_PREFIX: &str = "PERCEPT_FAKE";

/// What a project's configuration may set. A repository that someone cloned must not be
/// able to run a command, to read other files, to raise a bound, or to send elsewhere what is
/// asked.
const PROJECT_SECTIONS: [&str; 3] = ["model", "sampling", "chat"];

/// The keys whose value is one of a few words, and these.
const WORDS: [(&str, &str, &[&str]); 5] = [
    ("chat", "theme", &["auto", "dark", "light", "mono"]),
    ("engine", "kind", &ENGINES),
    ("embedding", "kind", &ENGINES),
    ("transcription", "kind", &ENGINES),
    (TOOLS, "approval", &APPROVALS),
];

/// Who does the work of a section.
const ENGINES: [&str; 2] = ["local", "openai"];

/// A program with its arguments, as a line or as a list.
const COMMAND_LINE: &str = "key_command";

/// The section of which a project may only narrow what is there.
pub(super) const TOOLS: &str = "tools";

/// How much is asked, the strictest last.
const APPROVALS: [&str; 3] = ["ask", "auto", "never"];

pub(super) fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error| ConfigError::Syntax { origin: origin.to_owned(), error })
}

/// The entries of a layer as section, key and value.
pub(super) fn entries(origin: &str, table: Table) -> Result<Vec<(String, String, Value)>, ConfigError> {
    let mut entries = Vec::new();
    for (section, value) in table {
        let Value::Table(keys) = value else {
            return Err(ConfigError::Value {
                origin: origin.to_owned(),
                key: section,
                wrong: "stands in no section; sections are written like [model]".to_owned(),
            });
        };
        match keys.is_empty() {
            true => entries.push((section, String::new(), Value::Boolean(true))),
            false => entries.extend(keys.into_iter().map(|(key, value)| (section.clone(), key, value))),
        }
    }
    Ok(entries)
}

pub(super) fn check(
    origin: &str,
    schema: &Table,
    section: &str,
    key: &str,
    value: &Value,
) -> Result<(), ConfigError> {
    let unknown = |what, name: &str, near| {
        Err(ConfigError::Unknown { origin: origin.to_owned(), what, name: name.to_owned(), near })
    };
    let Some(known) = schema.get(section).and_then(Value::as_table) else {
        return unknown("section", section, nearest(section, schema.keys()));
    };
    if key.is_empty() {
        return Ok(());
    }
    let Some(default) = known.get(key) else {
        return unknown(
            "key",
            &format!("{section}.{key}"),
            nearest(key, known.keys()).map(|near| format!("{section}.{near}")),
        );
    };
    let words = WORDS.iter().find(|known| (known.0, known.1) == (section, key)).map(|known| known.2);
    let listed = words.map(|words| format!("one of {}", words.join(", ")));
    let wanted = match (default, value) {
        (_, Value::String(word)) if words.is_some_and(|words| words.contains(&word.as_str())) => None,
        _ if words.is_some() => listed.as_deref(),
        (Value::String(auto), Value::Integer(number))
            if auto == "auto" && (section, key) == ("model", "threads") && *number > MAX_THREADS.into() =>
        {
            Some("512 or less")
        }
        (Value::String(auto), Value::Integer(_) | Value::Float(_)) if auto == "auto" => None,
        (Value::String(auto), Value::String(word)) if auto == "auto" && word != "auto" => {
            Some("\"auto\" or a number")
        }
        (Value::String(auto), _) if auto == "auto" && !value.is_str() => Some("\"auto\" or a number"),
        (Value::Integer(_), Value::Integer(number)) if section == TOOLS && *number < 1 => Some("1 or more"),
        (Value::Integer(_), Value::Integer(number)) if *number < 0 => Some("0 or more"),
        (Value::Float(_), Value::Integer(_)) => None,
        (_, Value::Array(words)) if key == COMMAND_LINE && words.iter().all(Value::is_str) => None,
        _ if key == COMMAND_LINE && !value.is_str() => Some("a string or a list of strings"),
        (default, value) if default.same_type(value) => None,
        (Value::Integer(_), _) => Some("a whole number"),
        (Value::Float(_), _) => Some("a number"),
        (Value::Boolean(_), _) => Some("true or false"),
        (Value::Array(_), _) if section == "mcp" => Some("a list of tables, written as [[mcp.servers]]"),
        (Value::Array(_), _) => Some("a list of strings"),
        _ => Some("a string"),
    };
    match wanted {
        None => Ok(()),
        Some(wanted) => Err(ConfigError::Value {
            origin: origin.to_owned(),
            key: format!("{section}.{key}"),
            wrong: format!("must be {wanted}, not {value}"),
        }),
    }
}

pub(super) fn put(config: &mut Table, section: &str, key: &str, value: Value) {
    if let Some(table) = config.get_mut(section).and_then(Value::as_table_mut)
        && !key.is_empty()
    {
        table.insert(key.to_owned(), value);
    }
}

/// A project may name a model of the catalogue, never a file, and it may not make percept
/// load what doesn't fit in memory.
pub(super) fn project_may(section: &str, key: &str, value: &Value) -> bool {
    let file = |name: &str| name.contains(['/', '\\']) || name.to_ascii_lowercase().ends_with(".gguf");
    PROJECT_SECTIONS.contains(&section)
        && (section, key) != ("model", "memory_check")
        && !((section, key) == ("model", "name") && value.as_str().is_some_and(file))
}

/// Takes what a project says of the tools: it may take away, never add. Whether it did that.
pub(super) fn narrow(config: &mut Table, key: &str, value: Value) -> bool {
    let Some(tools) = config.get_mut(TOOLS).and_then(Value::as_table_mut) else { return false };
    let strictness = |value: Option<&Value>| {
        APPROVALS.iter().position(|word| value.and_then(Value::as_str) == Some(*word))
    };
    let narrower = match (key, tools.get(key), &value) {
        // A section without a key says nothing.
        ("", _, _) => return true,
        ("enabled", _, Value::Boolean(on)) => !on,
        ("approval", known, wanted) => strictness(Some(wanted)) >= strictness(known),
        ("max_steps" | "timeout_s" | "output_kib", Some(Value::Integer(known)), Value::Integer(wanted)) => {
            wanted <= known
        }
        ("off", Some(Value::Array(known)), Value::Array(more)) => {
            let all = known.iter().chain(more).cloned().collect();
            tools.insert(key.to_owned(), Value::Array(all));
            return true;
        }
        _ => false,
    };
    if narrower {
        tools.insert(key.to_owned(), value);
    }
    narrower
}

/// What the environment sets: section, key, the variable's name and the value.
///
/// # Errors
///
/// A variable with percept's prefix that is none of the configuration and none of
/// [`OTHER_VARIABLES`].
pub(super) fn environment(
    schema: &Table,
    variables: &[(String, String)],
) -> Result<Vec<(String, String, String, Value)>, ConfigError> {
    let known: BTreeMap<String, (&String, &String, &Value)> = schema
        .iter()
        .flat_map(|(section, keys)| keys.as_table().into_iter().flatten().map(move |key| (section, key)))
        .map(|(section, (key, default))| {
            (format!("{PREFIX}{section}_{key}").to_uppercase(), (section, key, default))
        })
        .collect();
    let mut set = Vec::new();
    for (name, text) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        match known.get(name) {
            // An empty variable is as good as none.
            Some(_) if text.is_empty() => {}
            Some(&(section, key, default)) => {
                set.push((
                    section.clone(),
                    key.clone(),
                    name.clone(),
                    typed(text, default, key == COMMAND_LINE),
                ));
            }
            None if OTHER_VARIABLES.contains(&name.as_str()) || name.starts_with(FAKE_PREFIX) => {}
            None => {
                // Without the prefix, which makes all of them alike.
                let ends: Vec<String> =
                    known.keys().filter_map(|known| known.strip_prefix(PREFIX)).map(str::to_owned).collect();
                let near = nearest(&name[PREFIX.len()..], ends.iter()).map(|end| format!("{PREFIX}{end}"));
                let origin = "the environment".to_owned();
                return Err(ConfigError::Unknown { origin, what: "variable", name: name.clone(), near });
            }
        }
    }
    Ok(set)
}

/// A string needs no quotes in a variable; everything else is written as in the file.
fn typed(text: &str, default: &Value, takes_list: bool) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    let plain = default.as_str().is_some_and(|word| word != "auto");
    match parsed {
        Some(value) if !plain || value.is_str() => value,
        Some(list @ Value::Array(_)) if takes_list => list,
        _ => Value::String(text.to_owned()),
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    text::nearest(name, known.map(String::as_str)).map(str::to_owned)
}
