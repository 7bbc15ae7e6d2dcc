//! Replaces secrets in all that is about to be sent.
//!
//! Each request begins anew, so that the same conversation is numbered alike each time: what
//! the server keeps of a prompt stays of use.

use percept::redact::{self, Found, Redactor};
use percept::wire::{ChatMessage, Content, ToolSpec};
use serde_json::Value;

/// Replaces what is found in a conversation and in what is said of tools; pictures stay as
/// they are. The schemas of tools stay too, but for their descriptions: they are what a call
/// is checked by.
pub(crate) fn clean(messages: &mut [ChatMessage], tools: &mut [ToolSpec]) -> Found {
    let mut redactor = Redactor::new(redact::Options::default());
    for tool in tools {
        tool.description = redactor.redact(&tool.description).into_owned();
        descriptions(&mut tool.parameters, &mut redactor);
    }
    for content in messages.iter_mut().flat_map(|message| &mut message.content) {
        match content {
            Content::Text { text } | Content::ToolResult { text, .. } => {
                *text = redactor.redact(text).into_owned();
            }
            Content::ToolCall { arguments, .. } => redact::json(arguments, &mut redactor),
            Content::Image { .. } | Content::Audio { .. } => {}
        }
    }
    redactor.found()
}

/// A text alone, numbered by itself: the same text has the same vector whatever stands beside it.
pub(crate) fn alone(text: &str) -> String {
    Redactor::new(redact::Options::default()).redact(text).into_owned()
}

fn descriptions(schema: &mut Value, redactor: &mut Redactor) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| descriptions(item, redactor)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if name == "description" => {
                        *text = redactor.redact(text).into_owned();
                    }
                    value => descriptions(value, redactor),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use percept::message::Role;
    use serde_json::json;

    use super::*;

    const KEY: &str = "AKIAQYLPMN5HHHFPZAM2";

    #[test]
    fn every_text_is_cleaned_and_a_value_has_one_number_throughout() {
        let call = Content::ToolCall {
            call: "a".into(),
            name: "shell".into(),
            arguments: json!({ "command": format!("echo {KEY}"), "password": "hunter2xyz" }),
        };
        let result = Content::ToolResult { call: "a".into(), name: "shell".into(), text: KEY.into() };
        let mut messages = vec![
            ChatMessage::text(Role::User, format!("my key {KEY}, write to bob@example.org")),
            ChatMessage { role: Role::Assistant, content: vec![call] },
            ChatMessage { role: Role::Tool, content: vec![result] },
        ];
        let mut tools = vec![ToolSpec {
            name: "shell".into(),
            description: format!("uses {KEY}"),
            parameters: json!({ "properties": { "a": { "description": KEY, "enum": ["x"] } } }),
        }];
        let before = messages.clone();
        let found = clean(&mut messages, &mut tools);
        let sent = format!("{messages:?}{tools:?}");
        for secret in [KEY, "bob@example.org", "hunter2xyz"] {
            assert!(!sent.contains(secret), "{secret} in {sent}");
        }
        assert_eq!(messages[0], ChatMessage::text(Role::User, "my key <secret:1>, write to <email:1>"));
        assert_eq!((found.secrets.values, found.emails.places), (2, 1));

        let mut again = before;
        clean(&mut again, &mut tools);
        assert_eq!(again, messages, "the numbers are the same each time");
    }

    #[test]
    fn nothing_found_is_nothing_changed() {
        let mut messages = vec![ChatMessage::text(Role::User, "hello")];
        assert_eq!(clean(&mut messages, &mut []).places(), 0);
        assert_eq!(messages, [ChatMessage::text(Role::User, "hello")]);
    }
}
