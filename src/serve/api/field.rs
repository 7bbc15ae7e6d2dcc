//! The fields of a JSON object, each with its place for an error. A `null` is no field.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::ApiError;

/// An object, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    at: &'a str,
}

impl<'a> Fields<'a> {
    /// The object that a value is; `at` is where it stands, empty for the whole body.
    pub(super) fn of(value: &'a Value, at: &'a str) -> Result<Self, ApiError> {
        match (value, at) {
            (Value::Object(object), _) => Ok(Self { object, at }),
            (_, "") => Err(ApiError::new(400, super::error::INVALID, "The body must be a JSON object.")),
            (other, at) => Err(ApiError::wrong(at, format_args!("must be an object, not {}", kind(other)))),
        }
    }

    /// Where a field stands.
    pub(super) fn place(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    pub(super) fn wrong(&self, name: &str, message: impl std::fmt::Display) -> ApiError {
        ApiError::wrong(self.place(name), message)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn must(&self, name: &str, wanted: &str, found: &Value) -> ApiError {
        self.wrong(name, format_args!("must be {wanted}, not {}", kind(found)))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.must(name, "true or false", other)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.must(name, "a string", other)),
        }
    }

    pub(super) fn needed_text(&self, name: &str) -> Result<&'a str, ApiError> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<&'a [Value]>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(self.must(name, "a list", other)),
        }
    }

    pub(super) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        // 3.0 is what some languages write for 3.
        let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
        let Some(number) = value.as_i64().or_else(|| whole(value.as_f64()?)) else {
            return Err(self.must(name, "a whole number", value));
        };
        match range.contains(&number) {
            true => Ok(Some(number)),
            false => Err(self.wrong(name, out_of(&range, *range.end() == i64::MAX || *range.end() == MOST))),
        }
    }

    pub(super) fn number(&self, name: &str, range: RangeInclusive<f64>) -> Result<Option<f32>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let Some(number) = value.as_f64() else { return Err(self.must(name, "a number", value)) };
        match range.contains(&number) {
            true => Ok(Some(number as f32)),
            false => Err(self.wrong(name, out_of(&range, false))),
        }
    }
}

/// The most of a number that counts tokens.
pub(super) const MOST: i64 = u32::MAX as i64;

fn out_of<T: std::fmt::Display>(range: &RangeInclusive<T>, open: bool) -> String {
    match open {
        true => format!("must be {} or more", range.start()),
        false => format!("must be from {} to {}", range.start(), range.end()),
    }
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
