//! Tool calls: which marks a model writes them between, the grammar that keeps it to what
//! the tools take, and the way back from text to a call.
//!
//! | format | a call | source |
//! | --- | --- | --- |
//! | Hermes | `<tool_call>{"name": …, "arguments": {…}}</tool_call>` | Hermes 2 Pro, Qwen 2.5 and 3; percept's own for models whose template knows no tools |
//! | Llama 3 | `{"name": …, "parameters": {…}}` as the whole answer | Llama 3.1 prompt format |
//! | Mistral | `[TOOL_CALLS][{"name": …, "arguments": {…}}]` | Mistral v3 tokenizer |
//!
//! A call is constrained from its opening mark on; text before it is free. Small models write
//! calls in other formats than their own, or without any marks: such a call is recovered if
//! it is the last thing of the answer and names a tool that there is.

use percept::text::boundary_before;
use percept::wire::ToolSpec;
use serde_json::{Map, Value, json};

/// What models write in front of and behind calls, their own format's marks among them.
const OPENERS: [&str; 7] =
    ["<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "```json", "```tool_call", "```tool_code", "```"];
const CLOSERS: [&str; 3] = ["</tool_call>", "</function>", "```"];

/// How far from its end an answer is searched for a call; a longer one is no slip.
const MOST_LEAKED: usize = 16 * 1024;

/// Brackets from which a call is tried to be read.
const MOST_STARTS: usize = 64;

/// How a model writes a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Hermes,
    Llama3,
    Mistral,
}

/// A call that a model made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Map<String, Value>,
}

impl Format {
    /// The format that a chat template asks for; [`Self::Hermes`] where it knows no tools.
    pub(crate) fn of_template(source: &str) -> Self {
        let has = |mark: &str| source.contains(mark);
        match () {
            () if has("[TOOL_CALLS]") => Self::Mistral,
            () if has("<tool_call>") => Self::Hermes,
            () if has("<|python_tag|>") || has("\"parameters\":") => Self::Llama3,
            () => Self::Hermes,
        }
    }

    /// What stands before a call; empty if nothing does.
    pub(crate) fn open(self) -> &'static str {
        match self {
            Self::Hermes => "<tool_call>",
            Self::Llama3 => "",
            Self::Mistral => "[TOOL_CALLS]",
        }
    }

    fn close(self) -> &'static str {
        match self {
            Self::Hermes => "</tool_call>",
            Self::Llama3 | Self::Mistral => "",
        }
    }

    fn arguments_key(self) -> &'static str {
        match self {
            Self::Hermes | Self::Mistral => "arguments",
            Self::Llama3 => "parameters",
        }
    }

    /// The pattern that switches the grammar on, matched against all of the answer; its group
    /// is what the grammar is fed.
    pub(crate) fn trigger(self) -> String {
        match self {
            Self::Hermes => r"[\s\S]*?(<tool_call>[\s\S]*)".to_owned(),
            Self::Llama3 => "\\s*(\\{\\s*\"name\"[\\s\\S]*)".to_owned(),
            Self::Mistral => r"[\s\S]*?(\[TOOL_CALLS\][\s\S]*)".to_owned(),
        }
    }

    /// The JSON schema of a call of one of the tools (<https://json-schema.org>).
    pub(crate) fn schema(self, tools: &[ToolSpec]) -> String {
        let key = self.arguments_key();
        let call = |tool: &ToolSpec| {
            let (name, parameters) = (json!(tool.name), &tool.parameters);
            // As text: a map of serde_json sorts its keys, and a grammar keeps the order of the
            // schema. Models write the name first, and choose the arguments by it.
            format!(
                r#"{{"type":"object","properties":{{"name":{{"const":{name}}},"{key}":{parameters}}},"required":["name","{key}"],"additionalProperties":false}}"#
            )
        };
        format!(r#"{{"anyOf":[{}]}}"#, tools.iter().map(call).collect::<Vec<_>>().join(","))
    }

    /// A grammar (GBNF) of a whole call, from one of the schema of [`Self::schema`], whose
    /// root is called `root`.
    pub(crate) fn grammar(self, of_schema: &str) -> String {
        let rules: Vec<String> = of_schema
            .lines()
            .map(|line| match line.strip_prefix("root ::=") {
                Some(rule) => format!("tool-call ::={rule}"),
                None => line.to_owned(),
            })
            .collect();
        let root = match self {
            Self::Hermes => r#"root ::= "<tool_call>" [\n]? tool-call [\n]? "</tool_call>""#,
            Self::Llama3 => "root ::= tool-call",
            Self::Mistral => r#"root ::= "[TOOL_CALLS]" " "? "[" tool-call "]""#,
        };
        format!("{root}\n{}\n", rules.join("\n"))
    }

    /// A call as text, for templates that know no tools.
    pub(crate) fn write(self, name: &str, arguments: &Value) -> String {
        // The name first, as in the schema.
        let call = format!(r#"{{"name": {}, "{}": {arguments}}}"#, json!(name), self.arguments_key());
        let separator = if self.close().is_empty() { "" } else { "\n" };
        format!("{}{separator}{call}{separator}{}", self.open(), self.close())
    }
}

/// Tells the text of an answer from the call at its end, while it is streamed.
pub(crate) struct CallStream {
    format: Format,
    /// Text that may be the beginning of a mark, or what follows one.
    held: String,
    called: bool,
}

impl CallStream {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, held: String::new(), called: false }
    }

    /// Takes a piece of the answer; returns what of it is text for certain.
    pub(crate) fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        if self.called {
            return String::new();
        }
        if self.format == Format::Llama3 {
            let waits = self.held.trim_start().is_empty() || self.held.trim_start().starts_with('{');
            return if waits { String::new() } else { std::mem::take(&mut self.held) };
        }
        let open = self.format.open();
        let settled = match self.held.find(open) {
            Some(at) => {
                self.called = true;
                at
            }
            None => self.held.len() - partial(&self.held, open),
        };
        self.held.drain(..settled).collect()
    }

    /// The end of the answer: the call that it ends with, or what was held back and is text.
    pub(crate) fn finish(self, tools: &[ToolSpec]) -> Result<Call, String> {
        let body = self.held.trim();
        let body = body.strip_prefix(self.format.open()).unwrap_or(body);
        let body = body.strip_suffix(self.format.close()).unwrap_or(body);
        parse(body, tools).ok_or(self.held)
    }
}

/// How many bytes at the end of a text may be the beginning of a mark.
fn partial(text: &str, mark: &str) -> usize {
    (1..mark.len()).rev().find(|&length| text.ends_with(&mark[..length])).unwrap_or(0)
}

/// A call written as text without the marks of the model's format, if an answer ends with
/// one: how many bytes at the answer's end it takes, and the call.
pub(crate) fn leaked(answer: &str, tools: &[ToolSpec]) -> Option<(usize, Call)> {
    let mut body = answer.trim_end();
    while let Some(rest) = CLOSERS.iter().find_map(|closer| body.strip_suffix(closer)) {
        body = rest.trim_end();
    }
    let far = boundary_before(body, body.len().saturating_sub(MOST_LEAKED));
    let starts = body[far..].match_indices(['{', '[']).map(|(at, _)| far + at).take(MOST_STARTS);
    let (start, call) = starts.into_iter().find_map(|at| Some((at, parse(&body[at..], tools)?)))?;
    let mut before = body[..start].trim_end();
    while let Some(rest) = OPENERS.iter().find_map(|opener| before.strip_suffix(opener)) {
        before = rest.trim_end();
    }
    Some((answer.len() - before.len(), call))
}

/// Reads a call of a known tool: an object with its name and arguments, alone or as the
/// only one of a list, or wrapped as OpenAI's interface has it.
fn parse(body: &str, tools: &[ToolSpec]) -> Option<Call> {
    let value: Value = serde_json::from_str(body.trim()).ok()?;
    let value = match value {
        Value::Array(mut calls) if calls.len() == 1 => calls.remove(0),
        value => value,
    };
    let call = value.get("function").filter(|function| function.is_object()).unwrap_or(&value);
    let name = call.get("name")?.as_str()?;
    tools.iter().find(|tool| tool.name == name)?;
    let arguments = match call.get("arguments").or_else(|| call.get("parameters"))? {
        Value::Object(arguments) => arguments.clone(),
        Value::String(text) => serde_json::from_str(text).ok()?,
        _ => return None,
    };
    Some(Call { name: name.to_owned(), arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<ToolSpec> {
        let parameters = json!({
            "type": "object",
            "properties": { "command": { "type": "string" } },
            "required": ["command"],
        });
        vec![ToolSpec { name: "shell".into(), description: "Runs a command.".into(), parameters }]
    }

    fn shell(command: &str) -> Call {
        Call { name: "shell".into(), arguments: json!({ "command": command }).as_object().unwrap().clone() }
    }

    /// Streams an answer in pieces of some bytes: the text that was let through, and the end.
    fn streamed(format: Format, answer: &str, bytes: usize) -> (String, Result<Call, String>) {
        let mut stream = CallStream::new(format);
        let mut text = String::new();
        let mut rest = answer;
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(rest.ceil_char_boundary(bytes.min(rest.len())));
            text.push_str(&stream.push(piece));
            rest = left;
        }
        (text, stream.finish(&tools()))
    }

    #[test]
    fn text_and_call_are_told_apart_in_every_format_however_they_come() {
        let call = |format: Format| format.write("shell", &json!({ "command": "df -h" }));
        for bytes in 1..20 {
            for format in [Format::Hermes, Format::Mistral] {
                let answer = format!("Let me see.\n{}", call(format));
                assert_eq!(streamed(format, &answer, bytes), ("Let me see.\n".into(), Ok(shell("df -h"))));
            }
            let whole = streamed(Format::Llama3, &call(Format::Llama3), bytes);
            assert_eq!(whole, (String::new(), Ok(shell("df -h"))));
        }
    }

    #[test]
    fn the_name_comes_first_in_a_schema_and_in_a_call() {
        for (format, key) in [(Format::Hermes, "\"arguments\""), (Format::Llama3, "\"parameters\"")] {
            let schema = format.schema(&tools());
            let parsed: Value = serde_json::from_str(&schema).unwrap();
            assert_eq!(parsed["anyOf"].as_array().unwrap().len(), tools().len());
            let call = format.write("shell", &json!({ "command": "df -h" }));
            for text in [schema, call] {
                assert!(text.find("\"name\"").unwrap() < text.find(key).unwrap(), "{text}");
            }
        }
    }

    #[test]
    fn what_only_begins_like_a_call_is_text() {
        for (format, answer) in [
            (Format::Hermes, "a <tool_c and <b>"),
            (Format::Hermes, "ends with <tool_"),
            (Format::Hermes, "<tool_call>not json</tool_call>"),
            (Format::Hermes, "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>"),
            (Format::Llama3, "{\"a\": 1}"),
            (Format::Llama3, "plain"),
            (Format::Mistral, "[TOOL_CALLS"),
        ] {
            for bytes in 1..8 {
                let (text, end) = streamed(format, answer, bytes);
                assert_eq!(text + &end.unwrap_err(), answer);
            }
        }
    }

    #[test]
    fn a_call_in_another_format_is_recovered_from_the_end_of_the_answer() {
        let call = r#"{"name": "shell", "arguments": {"command": "df -h"}}"#;
        for leak in [
            call.to_owned(),
            format!("```json\n{call}\n```"),
            format!("<tool_call>\n{call}\n</tool_call>\n"),
            format!("[TOOL_CALLS][{call}]"),
            format!("<|python_tag|>{}", call.replace("arguments", "parameters")),
            format!(r#"{{"type": "function", "function": {call}}}"#),
            r#"{"name": "shell", "arguments": "{\"command\": \"df -h\"}"}"#.to_owned(),
        ] {
            let answer = format!("I look {{at}} it:\n{leak}");
            let (bytes, found) = leaked(&answer, &tools()).unwrap();
            assert_eq!(
                (&answer[..answer.len() - bytes], found),
                ("I look {at} it:", shell("df -h")),
                "{leak}"
            );
        }
        for none in [
            "",
            "a {",
            "```",
            &format!("{call} is how one would write it."),
            r#"{"name": "other", "arguments": {}}"#,
            r#"{"name": "shell"}"#,
            r#"{"name": "shell", "arguments": 3}"#,
        ] {
            assert_eq!(leaked(none, &tools()), None, "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_lose_text(answer in "[\\PC<>{}\\[\\]`\"]{0,80}", bytes in 1_usize..9) {
            let _ = leaked(&answer, &tools());
            for format in [Format::Hermes, Format::Llama3, Format::Mistral] {
                let (text, end) = streamed(format, &answer, bytes);
                if let Err(held) = end {
                    proptest::prop_assert_eq!(text + &held, answer.clone());
                }
            }
        }
    }
}
