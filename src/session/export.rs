//! A conversation as Markdown, for a person to read elsewhere.

use std::fmt::Write;

use crate::attachment::{Attachment, Source};
use crate::message::{Gone, Message, Part, Role, Status, Summary, ToolResult};
use crate::text;

/// Renders a conversation. Attachments are named, not included.
pub fn to_markdown(title: &str, conversation: &[Message]) -> String {
    let mut out = format!("# {title}\n");
    for message in conversation {
        // Writing to a String can't fail.
        let _ = write!(out, "\n## {}\n", heading(message));
        for part in &message.parts {
            let _ = match part {
                Part::Text { text, .. } => write!(out, "\n{}\n", text.trim_end()),
                Part::Attachment { attachment, removed, .. } => {
                    write!(out, "\n{}\n", line(attachment, *removed))
                }
                Part::Summary(summary) => write!(out, "\n{}", summarised(summary)),
                Part::ToolCall(call) => write!(out, "\n- Calls {}: `{}`\n", call.name, call.arguments),
                Part::ToolResult(result) => write!(out, "\n{}", step(result)),
            };
        }
        if let Status::Interrupted { why } = &message.status {
            let _ = write!(out, "\n*(not complete: {why})*\n");
        }
    }
    out
}

pub(super) fn heading(message: &Message) -> String {
    match (&message.role, &message.stats) {
        (Role::User, _) => "You".to_owned(),
        (Role::Assistant, Some(stats)) => format!("percept ({})", stats.model),
        (Role::Assistant, None) => "percept".to_owned(),
        (Role::System, _) if message.summary().is_some() => "Summary".to_owned(),
        (Role::System | Role::Tool, _) => message.role.as_str().to_owned(),
    }
}

/// What the model is given instead of what stands above.
fn summarised(summary: &Summary) -> String {
    let mut out = format!("*{STANDS_FOR}*\n\n{}\n", summary.text.trim_end());
    for gone in &summary.gone {
        out.push_str(&format!("- {}\n", gone_line(gone)));
    }
    out
}

/// Said in front of a summary.
pub(super) const STANDS_FOR: &str = "A summary: the model no longer gets what it stands for.";

pub(super) fn gone_line(gone: &Gone) -> String {
    match &gone.about {
        Some(about) => format!("{}, no longer shown: {about}", gone.name),
        None => format!("{}, no longer shown", gone.name),
    }
}

fn step(result: &ToolResult) -> String {
    let fence = text::fence(&result.text);
    format!("`{}` ({})\n\n{fence}\n{}\n{fence}\n", result.shown, result.leave, result.text.trim_end())
}

pub(super) fn line(attachment: &Attachment, removed: bool) -> String {
    let source = match &attachment.source {
        Source::File { path } => path.display().to_string(),
        Source::Clipboard => "from the clipboard".to_owned(),
        Source::Screenshot => "a screenshot".to_owned(),
        Source::Stdin => "from standard input".to_owned(),
        Source::Paste => "pasted".to_owned(),
        Source::Tool => "from a tool".to_owned(),
    };
    let removed = if removed { ", taken out of the conversation" } else { "" };
    format!("- Attachment: {} ({}, {source}{removed})", attachment.name, text::size(attachment.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::MessageId;

    #[test]
    fn says_who_spoke_and_what_is_not_complete() {
        let message = |role, text: &str, status| Message {
            id: MessageId(1),
            parent: None,
            role,
            parts: vec![Part::text(text)],
            status,
            created_ms: 0,
            stats: None,
        };
        let conversation = [
            message(Role::User, "why?", Status::Complete),
            message(Role::Assistant, "```\nx\n```", Status::Interrupted { why: "stopped by you".into() }),
        ];
        assert_eq!(
            to_markdown("T", &conversation),
            "# T\n\n## You\n\nwhy?\n\n## percept\n\n```\nx\n```\n\n*(not complete: stopped by you)*\n"
        );
    }
}
