//! What a call brings, checked against what its tool takes, and put into the tool's command.
//!
//! What is wrong with a call is one clear sentence for the model, which then calls again.

use std::collections::BTreeMap;

use serde_json::Value;

use super::manifest::{Argument, Kind, Manifest, Parameter, placeholders};

/// The longest text that a parameter may be, in bytes: no honest call is that long.
const MOST_TEXT: usize = 32 * 1024;

/// The checked arguments of a call, defaults filled in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments(BTreeMap<String, Value>);

impl Arguments {
    /// Checks what a call brings.
    ///
    /// # Errors
    ///
    /// A sentence for the model.
    pub fn check(manifest: &Manifest, given: &Value) -> Result<Self, String> {
        let name = &manifest.name;
        let Value::Object(given) = given else {
            return Err(format!("The arguments of {name} must be a JSON object."));
        };
        if let Some(unknown) = given.keys().find(|key| !manifest.parameters.iter().any(|p| &p.name == *key)) {
            let known: Vec<&str> = manifest.parameters.iter().map(|p| p.name.as_str()).collect();
            return Err(match known.is_empty() {
                true => format!("{name} takes no `{unknown}`; it takes nothing."),
                false => format!("{name} takes no `{unknown}`; it takes: {}.", known.join(", ")),
            });
        }
        let mut checked = BTreeMap::new();
        for parameter in &manifest.parameters {
            let value = given.get(&parameter.name).filter(|value| !value.is_null());
            match (value, &parameter.default) {
                (Some(value), _) => {
                    parameter.check(value).map_err(|why| format!("{name}: `{}` {why}.", parameter.name))?;
                    checked.insert(parameter.name.clone(), value.clone());
                }
                (None, Some(default)) => drop(checked.insert(parameter.name.clone(), default.clone())),
                (None, None) if parameter.required => {
                    return Err(format!("{name} needs `{}`: {}", parameter.name, parameter.description));
                }
                (None, None) => {}
            }
        }
        Ok(Self(checked))
    }

    /// A text, where the call has it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A whole number, where the call has it.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// A number, where the call has it.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// Whether something is set and true.
    pub fn is_set(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The command that a template becomes. No shell sees it: a value is a part of one word,
    /// whatever it holds.
    pub fn command(&self, template: &[Argument], parameters: &[Parameter]) -> Vec<String> {
        let mut command = Vec::with_capacity(template.len());
        for argument in template {
            let words = match argument {
                Argument::Word(word) => std::slice::from_ref(word),
                Argument::Group(words) => words.as_slice(),
            };
            let filled: Option<Vec<String>> = words.iter().map(|word| self.fill(word, parameters)).collect();
            command.extend(filled.into_iter().flatten());
        }
        command
    }

    /// A word with its parameters filled in; `None`: one of them isn't given.
    fn fill(&self, word: &str, parameters: &[Parameter]) -> Option<String> {
        let mut filled = String::new();
        let mut rest = word;
        for name in placeholders(word) {
            let mark = format!("{{{name}}}");
            let (before, after) = rest.split_once(mark.as_str())?;
            filled.push_str(before);
            match self.0.get(name)? {
                Value::String(text) => filled.push_str(text),
                Value::Bool(true) => {
                    let parameter = parameters.iter().find(|parameter| parameter.name == name)?;
                    filled.push_str(parameter.flag.as_deref()?);
                }
                Value::Bool(false) => return None,
                other => filled.push_str(&other.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

impl Parameter {
    fn check(&self, value: &Value) -> Result<(), String> {
        match (self.kind, value) {
            (Kind::String | Kind::Path | Kind::Text, Value::String(text)) => self.check_text(text),
            (Kind::Integer, Value::Number(number)) if number.is_i64() => self.check_range(value),
            (Kind::Number, Value::Number(_)) => self.check_range(value),
            (Kind::Boolean, Value::Bool(_)) => Ok(()),
            _ => Err(format!("must be {}, not {value}", self.kind.words())),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), String> {
        let strict = self.kind != Kind::Text;
        match () {
            () if text.len() > MOST_TEXT => Err("is too long".to_owned()),
            () if text.contains('\0') => Err("may not hold a NUL character".to_owned()),
            () if strict && text.chars().any(char::is_control) => {
                Err("must be one line without control characters".to_owned())
            }
            // It would be read as a flag.
            () if strict && text.starts_with('-') => Err("may not begin with `-`".to_owned()),
            () if self.kind == Kind::Path && text.is_empty() => Err("is empty".to_owned()),
            () if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == text) => {
                Err(format!("must be one of: {}", self.choices.join(", ")))
            }
            () => Ok(()),
        }
    }

    fn check_range(&self, value: &Value) -> Result<(), String> {
        let number = value.as_f64().unwrap_or(f64::NAN);
        match (self.minimum, self.maximum) {
            (Some(least), _) if number < least => Err(format!("must be at least {least}")),
            (_, Some(most)) if number > most => Err(format!("must be at most {most}")),
            _ => Ok(()),
        }
    }
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::String | Self::Text => "a string",
            Self::Path => "a path, as a string",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
        }
    }
}
