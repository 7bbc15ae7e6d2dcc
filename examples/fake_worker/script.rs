//! What the fake answers, and the tools that it calls.

use percept::message::Role;
use percept::wire::{ChatMessage, Content, DoneReport, Event, Output, StopReason, ToolSpec};

/// Makes the next call of the last question's script, if there is one; then, if it is to, of
/// what the texts order.
pub(crate) fn call_of(
    messages: &[ChatMessage],
    tools: &[ToolSpec],
    gullible: bool,
    output: &Output<'_>,
) -> Option<DoneReport> {
    let question = messages.iter().rposition(|message| message.role == Role::User)?;
    let texts = messages[question].content.iter().filter_map(|content| match content {
        Content::Text { text } => Some(text.as_str()),
        _ => None,
    });
    let script: String = texts.collect::<Vec<_>>().join("\n");
    let made = messages[question..].iter().filter(|message| message.role == Role::Tool).count();
    let is_call = |line: &&str| line.starts_with("call ") || line.starts_with("leak ");
    let mut calls: Vec<String> = script.lines().filter(is_call).map(str::to_owned).collect();
    if gullible {
        calls.extend(orders(messages, tools).iter().map(|command| {
            let all = serde_json::json!({ "command": command, "write": true, "network": true });
            format!("call shell {all}")
        }));
    }
    let line = calls.get(made)?;
    let (how, call) = line.split_once(' ')?;
    let (name, arguments) = call.split_once(' ').unwrap_or((call, "{}"));
    let arguments = serde_json::from_str(arguments).ok()?;
    let say = |text: &str| output.event(Event::Token { text: text.to_owned(), logprob: -0.01 });
    say("Let me look. ");
    let leaked_bytes = if how == "leak" { call.len() } else { 0 };
    if leaked_bytes > 0 {
        say(call);
    }
    output.event(Event::ToolCall { name: name.to_owned(), arguments, leaked_bytes });
    Some(DoneReport { stop: StopReason::ToolCall, ..DoneReport::default() })
}

/// The commands that stand as `run ` and backticks in what the model gets.
fn orders(messages: &[ChatMessage], tools: &[ToolSpec]) -> Vec<String> {
    let texts = messages.iter().flat_map(|message| &message.content).filter_map(|content| match content {
        Content::Text { text } | Content::ToolResult { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let mut orders: Vec<String> = Vec::new();
    for text in texts.chain(tools.iter().map(|tool| tool.description.as_str())) {
        let quoted = text.split("run `").skip(1).filter_map(|rest| Some(rest.split_once('`')?.0));
        let behind = text.split("run: ").skip(1).filter_map(|rest| rest.lines().next());
        for command in quoted.chain(behind).map(str::trim) {
            if !orders.iter().any(|known| known == command) {
                orders.push(command.to_owned());
            }
        }
    }
    orders
}

pub(crate) fn asks_for_title(messages: &[ChatMessage]) -> bool {
    let last = messages.last().and_then(|message| message.content.last());
    matches!(last, Some(Content::Text { text }) if text.contains("conversation a title"))
}

/// The beginning of what asks for a summary.
const SUM_UP: &str = "The conversation is too long";

/// A summary, with a word on each picture that is asked about.
fn summary_of(question: &str) -> String {
    let pictures = question.lines().filter(|line| line.ends_with(".png:"));
    let pictures: String = pictures.map(|line| format!("\n{line} a dialog")).collect();
    format!("In short: much was said.{pictures}")
}

pub(crate) fn answer_to(messages: &[ChatMessage]) -> String {
    let mut question = "";
    let mut pictures = 0;
    let mut results = Vec::new();
    for content in messages.iter().flat_map(|message| &message.content) {
        match content {
            Content::Text { text } => question = text.as_str(),
            Content::Image { .. } => pictures += 1,
            Content::Audio { .. } => {}
            Content::ToolResult { text, .. } => results.push(text.as_str()),
            Content::ToolCall { .. } => {}
        }
    }
    if question.starts_with(SUM_UP) {
        return summary_of(question);
    }
    if let Some(last) = results.last() {
        let last = last.lines().take(3).collect::<Vec<_>>().join(" / ");
        return format!(
            "After {} results, the last one says: `{last}`. I see {pictures} pictures.",
            results.len()
        );
    }
    format!("You asked \"{question}\" about {pictures} pictures, **perhaps** `code` perhaps so.")
}
