//! Whether a call of a tool is the one that was asked for.

use serde_json::{Map, Number, Value};

use super::super::item::Verdict;
use super::super::tokens::count;

/// How deep arguments are compared: what lies deeper counts as different.
const MOST_DEPTH: usize = 32;

/// The argument that is a command line: blanks between its words don't matter.
const COMMAND_LINE: &str = "command";

/// Compares what was called with what is right. The first call is looked at; only one is right.
/// Arguments of another tool are not right, and arguments that are no object are none.
pub(super) fn check(tool: &str, arguments: &Map<String, Value>, calls: &[(String, Value)]) -> Verdict {
    let first = calls.first();
    let right_tool = first.is_some_and(|(called, _)| called == tool);
    let given = first.and_then(|(_, given)| given.as_object());
    let added = given.map_or(0, |given| given.keys().filter(|name| !arguments.contains_key(*name)).count());
    let all = arguments.len() + added;
    let same = |(name, right): (&String, &Value)| {
        let given = given.and_then(|given| given.get(name));
        given.is_some_and(|given| is_same(name == COMMAND_LINE, right, given, 0))
    };
    let hits = if right_tool { arguments.iter().filter(|one| same(*one)).count() } else { 0 };
    Verdict {
        right: calls.len() == 1 && right_tool && given.is_some() && hits == all,
        of: Some((count(hits), count(all))),
        second: Some((u32::from(right_tool), 1)),
        ndcg: None,
    }
}

fn is_same(is_command: bool, right: &Value, given: &Value, depth: usize) -> bool {
    if depth > MOST_DEPTH {
        return false;
    }
    match (right, given) {
        (Value::String(right), Value::String(given)) if is_command => {
            right.split_whitespace().eq(given.split_whitespace())
        }
        (Value::String(right), Value::String(given)) => right.trim() == given.trim(),
        (Value::Number(right), Value::Number(given)) => is_same_number(right, given),
        (Value::Array(right), Value::Array(given)) => {
            right.len() == given.len()
                && right.iter().zip(given).all(|(right, given)| is_same(false, right, given, depth + 1))
        }
        (Value::Object(right), Value::Object(given)) => {
            right.len() == given.len()
                && right.iter().all(|(name, right)| {
                    given.get(name).is_some_and(|given| is_same(false, right, given, depth + 1))
                })
        }
        (right, given) => right == given,
    }
}

/// Equal by value: 3 and 3.0 are. Whole numbers are compared exactly.
fn is_same_number(right: &Number, given: &Number) -> bool {
    match (right.is_f64(), given.is_f64()) {
        (false, false) => right == given,
        _ => right.as_f64() == given.as_f64(),
    }
}
