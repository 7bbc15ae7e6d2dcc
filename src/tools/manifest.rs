//! A tool as its file in `tools/` declares it: built-in tools and commands alike.
//!
//! A command's `argv` is a template without a shell in between: `{name}` is replaced by the
//! parameter of that name. Elements of which a parameter is not given are left out; those in
//! brackets of their own are left out together.

mod sources;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use toml::Spanned;

use super::lookup;
use super::permission::remembered::Grant;
use crate::wire::ToolSpec;

pub use sources::{load, shipped};

/// The longest that a tool may declare to run.
const MOST_SECONDS: u64 = 3_600;

/// The most output that a tool may declare to give to the model, in KiB.
const MOST_OUTPUT_KIB: usize = 1_024;

/// The longest name: what servers of models take.
const MOST_NAME: usize = 64;

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct ManifestError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

/// A declared tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its name in calls.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// What it does.
    pub action: Action,
    /// How long it may take; `None`: as long as any.
    pub time: Option<Duration>,
    /// Bytes of output that the model gets; `None`: as many as of any.
    pub most_output: Option<usize>,
    /// What the sandbox lets it do.
    pub sandbox: Level,
    /// Who is asked.
    pub approval: Approval,
    /// Where it came from; `None`: it is percept's own.
    pub file: Option<PathBuf>,
}

/// What a declared tool does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Something that percept does itself.
    BuiltIn,
    /// It runs a command.
    Command(Vec<Argument>),
}

/// An element of a command's template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// One word.
    Word(String),
    /// Words that stay or go together.
    Group(Vec<String>),
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it is, for the model.
    pub description: String,
    /// Whether a call must have it.
    #[serde(default)]
    pub required: bool,
    /// What it is where a call doesn't have it.
    pub default: Option<Value>,
    /// The least number.
    pub minimum: Option<f64>,
    /// The greatest number.
    pub maximum: Option<f64>,
    /// The only texts that it may be.
    #[serde(default)]
    pub choices: Vec<String>,
    /// For a boolean: the word that stands in the command if it is true.
    pub flag: Option<String>,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text on one line; in a command it may not begin with `-`.
    String,
    /// Text that may be anything: a command line, a pattern. Only for built-in tools.
    Text,
    /// A file or folder.
    Path,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

/// What the sandbox lets a command do beyond reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing.
    #[default]
    ReadOnly,
    /// Change what is in the working folder.
    Write,
    /// Reach the network.
    Network,
    /// Both.
    WriteAndNetwork,
}

/// Who is asked before a tool runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Its command is judged as if it had been typed.
    #[default]
    AsCommand,
    /// The person, always.
    Ask,
    /// Nobody, as long as it only reads: who wrote the file answers for it.
    Auto,
}

impl Level {
    /// What it lets a command do.
    pub fn grant(self) -> Grant {
        Grant {
            write: matches!(self, Self::Write | Self::WriteAndNetwork),
            network: matches!(self, Self::Network | Self::WriteAndNetwork),
        }
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    description: Spanned<String>,
    #[serde(default)]
    parameters: Vec<Spanned<Parameter>>,
    #[serde(default)]
    argv: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    built_in: bool,
    timeout_s: Option<Spanned<u64>>,
    output_kib: Option<Spanned<usize>>,
    #[serde(default)]
    sandbox: Level,
    approval: Option<Spanned<Approval>>,
    #[serde(default)]
    platforms: Vec<String>,
}

impl Manifest {
    /// Reads a manifest. `None`: it is for other systems than this.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, with its line.
    pub fn parse(origin: &str, text: &str, file: Option<&Path>) -> Result<Option<Self>, ManifestError> {
        let line_at = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        let wrong =
            |at: usize, why: String| ManifestError { file: origin.to_owned(), line: line_at(at), why };
        let parsed: File = toml::from_str(text)
            .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        let checked = check(parsed, file).map_err(|(at, why)| wrong(at, why))?;
        Ok(checked)
    }

    /// What it runs and within what bounds, for a person; nothing for what is built in.
    pub fn runs(&self) -> Option<String> {
        let Action::Command(argv) = &self.action else { return None };
        let words: Vec<String> = argv
            .iter()
            .map(|argument| match argument {
                Argument::Word(word) => word.clone(),
                Argument::Group(words) => format!("[{}]", words.join(" ")),
            })
            .collect();
        let time = self.time.map_or(String::new(), |time| format!("; at most {} s", time.as_secs()));
        let most = self
            .most_output
            .map_or(String::new(), |most| format!("; {} of output", crate::text::size(most as u64)));
        Some(format!("{}  ({}{time}{most})", words.join(" "), self.sandbox.grant()))
    }

    /// Where it comes from, in words.
    pub fn from(&self) -> String {
        match (&self.file, &self.action) {
            (Some(file), _) => file.display().to_string(),
            (None, Action::BuiltIn) => "built in".to_owned(),
            (None, Action::Command(_)) => "comes with percept".to_owned(),
        }
    }

    /// What it may do without being asked about, in words.
    pub fn leave(&self) -> &'static str {
        match (&self.action, self.approval, self.sandbox) {
            (Action::BuiltIn, ..) if self.name == "shell" => "judged by the command",
            (Action::BuiltIn, ..) if self.name == "read_resource" => "asks",
            (Action::BuiltIn, ..) => "reads the working folder and what is attached",
            (_, Approval::Ask, _) => "always asks",
            (_, _, Level::Write | Level::Network | Level::WriteAndNetwork) => "asks",
            (_, Approval::AsCommand, _) => "judged by the command",
            (_, Approval::Auto, _) => "runs at once, read-only",
        }
    }

    /// Whether the program that it runs is on this machine.
    pub fn program_is_here(&self) -> bool {
        let Action::Command(argv) = &self.action else { return true };
        let Some(Argument::Word(program)) = argv.first() else { return false };
        lookup::program(program).is_some()
    }

    /// What the model is told of it.
    pub fn spec(&self) -> ToolSpec {
        let property = |parameter: &Parameter| (parameter.name.clone(), parameter.schema());
        let required: Vec<&str> =
            self.parameters.iter().filter(|p| p.required).map(|p| p.name.as_str()).collect();
        ToolSpec {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: json!({
                "type": "object",
                "properties": self.parameters.iter().map(property).collect::<serde_json::Map<_, _>>(),
                "required": required,
                "additionalProperties": false,
            }),
        }
    }
}

impl Parameter {
    fn schema(&self) -> Value {
        let kind = match self.kind {
            Kind::String | Kind::Text | Kind::Path => "string",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
        };
        let mut schema = json!({ "type": kind, "description": self.description });
        let number = |value: f64| match self.kind {
            Kind::Integer => json!(value as i64),
            _ => json!(value),
        };
        let mut set = |key: &str, value: Option<Value>| {
            if let (Some(value), Some(object)) = (value, schema.as_object_mut()) {
                object.insert(key.to_owned(), value);
            }
        };
        set("minimum", self.minimum.map(number));
        set("maximum", self.maximum.map(number));
        set("default", self.default.clone());
        set("enum", (!self.choices.is_empty()).then(|| json!(self.choices)));
        schema
    }
}

/// Percept's own tools, and those of the user's folder: what is wrong with one is an error,
/// and the others are there.
pub fn all(own: Option<&Path>) -> (Vec<Manifest>, Vec<ManifestError>) {
    let (mut manifests, mut errors) = (Vec::new(), Vec::new());
    for manifest in shipped() {
        match manifest {
            Ok(manifest) => manifests.extend(manifest),
            Err(error) => errors.push(error),
        }
    }
    let (more, wrong) = own.map(load).unwrap_or_default();
    manifests.extend(more);
    errors.extend(wrong);
    (manifests, errors)
}

type Wrong = (usize, String);

fn check(file: File, path: Option<&Path>) -> Result<Option<Manifest>, Wrong> {
    let here = |at: &std::ops::Range<usize>| at.start;
    let name_at = here(&file.name.span());
    let name = file.name.into_inner();
    if !is_name(&name) {
        let why =
            format!("`{name}` can't be a tool's name: at most {MOST_NAME} letters, digits, `_` and `-`");
        return Err((name_at, why));
    }
    if file.description.as_ref().trim().is_empty() {
        return Err((
            here(&file.description.span()),
            "the description is empty: the model goes by it".to_owned(),
        ));
    }
    let mut names = BTreeSet::new();
    for parameter in &file.parameters {
        let (at, parameter) = (here(&parameter.span()), parameter.as_ref());
        if !names.insert(parameter.name.clone()) {
            return Err((at, format!("there are two parameters `{}`", parameter.name)));
        }
        check_parameter(parameter, file.built_in).map_err(|why| (at, why))?;
    }
    let parameters: Vec<Parameter> = file.parameters.into_iter().map(Spanned::into_inner).collect();
    let action = match (file.built_in, file.argv.is_empty()) {
        (true, true) => Action::BuiltIn,
        (true, false) => return Err((here(&file.argv[0].span()), "a built-in tool has no argv".to_owned())),
        (false, true) => return Err((name_at, "it has no argv: the command to run".to_owned())),
        (false, false) => Action::Command(arguments(file.argv, &parameters)?),
    };
    if let Action::BuiltIn = action
        && path.is_some()
    {
        return Err((name_at, "only percept's own tools are built in; this one needs an argv".to_owned()));
    }
    let approval = approval(file.approval, file.sandbox)?;
    let time = bounded(file.timeout_s, 1..=MOST_SECONDS, "timeout_s")?.map(Duration::from_secs);
    let most_output = bounded(file.output_kib, 1..=MOST_OUTPUT_KIB, "output_kib")?.map(|kib| kib * 1024);
    if !file.platforms.is_empty() && !file.platforms.iter().any(|platform| platform == std::env::consts::OS) {
        return Ok(None);
    }
    Ok(Some(Manifest {
        name,
        description: file.description.into_inner().trim().to_owned(),
        parameters,
        action,
        time,
        most_output,
        sandbox: file.sandbox,
        approval,
        file: path.map(Path::to_path_buf),
    }))
}

fn approval(written: Option<Spanned<Approval>>, sandbox: Level) -> Result<Approval, Wrong> {
    let Some(written) = written else { return Ok(Approval::default()) };
    match *written.as_ref() == Approval::Auto && sandbox != Level::ReadOnly {
        true => {
            let why = "only what is read-only can run without asking: leave out `sandbox`, or set approval = \"ask\"";
            Err((written.span().start, why.to_owned()))
        }
        false => Ok(written.into_inner()),
    }
}

/// Whether servers of models take this for the name of a tool.
pub fn is_name(name: &str) -> bool {
    (1..=MOST_NAME).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn bounded<T: Copy + PartialOrd + std::fmt::Display>(
    value: Option<Spanned<T>>,
    range: std::ops::RangeInclusive<T>,
    key: &str,
) -> Result<Option<T>, Wrong> {
    let Some(value) = value else { return Ok(None) };
    match range.contains(value.as_ref()) {
        true => Ok(Some(*value.as_ref())),
        false => {
            let why = format!("{key} must be from {} to {}", range.start(), range.end());
            Err((value.span().start, why))
        }
    }
}

fn check_parameter(parameter: &Parameter, built_in: bool) -> Result<(), String> {
    let name = &parameter.name;
    let number = matches!(parameter.kind, Kind::Integer | Kind::Number);
    let fits = |value: &Value| match parameter.kind {
        Kind::String | Kind::Text | Kind::Path => value.is_string(),
        Kind::Integer => value.is_i64() || value.is_u64(),
        Kind::Number => value.is_number(),
        Kind::Boolean => value.is_boolean(),
    };
    let wrong = match () {
        () if !is_name(name) => "can't be a parameter's name: letters, digits, `_` and `-`",
        () if !number && (parameter.minimum.is_some() || parameter.maximum.is_some()) => {
            "is no number and has bounds"
        }
        () if parameter.kind != Kind::String && !parameter.choices.is_empty() => {
            "has choices and is no string"
        }
        () if parameter.default.as_ref().is_some_and(|value| !fits(value)) => "has a default of another type",
        () if parameter.kind == Kind::Text && !built_in => "is of type text, which only built-in tools take",
        () if parameter.kind != Kind::Boolean && parameter.flag.is_some() => "has a flag and is no boolean",
        () if parameter.kind == Kind::Boolean && parameter.flag.is_none() && !built_in => {
            "is a boolean: it needs a flag, the word that stands in the command if it is true"
        }
        () => return Ok(()),
    };
    Err(format!("parameter `{name}` {wrong}"))
}

fn arguments(argv: Vec<Spanned<toml::Value>>, parameters: &[Parameter]) -> Result<Vec<Argument>, Wrong> {
    let mut arguments = Vec::with_capacity(argv.len());
    for element in argv {
        let at = element.span().start;
        let word = |value: toml::Value| match value {
            toml::Value::String(word) => Ok(word),
            other => {
                Err((at, format!("argv holds {other}: every element is a string, or a list of strings")))
            }
        };
        let argument = match element.into_inner() {
            toml::Value::Array(words) => {
                Argument::Group(words.into_iter().map(word).collect::<Result<_, _>>()?)
            }
            one => Argument::Word(word(one)?),
        };
        let words = match &argument {
            Argument::Word(word) => std::slice::from_ref(word),
            Argument::Group(words) => words.as_slice(),
        };
        for name in words.iter().flat_map(|word| placeholders(word)) {
            if !parameters.iter().any(|parameter| parameter.name == name) {
                return Err((at, format!("argv uses `{{{name}}}`, and there is no parameter of that name")));
            }
        }
        arguments.push(argument);
    }
    match arguments.first() {
        Some(Argument::Word(program)) if placeholders(program).is_empty() && !program.is_empty() => {
            Ok(arguments)
        }
        _ => Err((0, "argv must begin with the program itself, not with a parameter".to_owned())),
    }
}

/// The names in braces in a word.
pub fn placeholders(word: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = word;
    while let Some((_, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else { break };
        if is_name(name) {
            names.push(name);
        }
        rest = after;
    }
    names
}
