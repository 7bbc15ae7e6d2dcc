//! The slash commands.

use crate::text;

/// A command of the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Attach,
    Paste,
    Screenshot,
    Attachments,
    Log,
    Cites,
    Find,
    Index,
    Model,
    New,
    Sessions,
    Rename,
    Tag,
    Retry,
    Edit,
    Branches,
    Compare,
    Compact,
    Dictate,
    Tools,
    Restart,
    Permissions,
    Copy,
    Export,
    Bundle,
    Clear,
    Help,
    Quit,
}

/// A command with what help says of it: name, arguments, words.
pub(super) const COMMANDS: [(Command, &str, &str, &str); 28] = [
    (Command::Attach, "attach", "PATH…", "attach pictures, logs, tables or text files"),
    (Command::Paste, "paste", "", "attach what the clipboard holds, also short text"),
    (Command::Screenshot, "screenshot", "", "capture the screen and attach it"),
    (Command::Attachments, "attachments", "", "look at what is attached, take something out"),
    (Command::Log, "log", "[NAME]", "look into an attached log: its time, templates, lines"),
    (Command::Cites, "cites", "", "the lines, rows and documents that the answers cite"),
    (Command::Find, "find", "[WORDS]", "documents and pictures; alone: what was found last"),
    (Command::Index, "index", "[add|rm PATH]", "what is indexed; add, rm, pause, resume"),
    (Command::Model, "model", "[NAME]", "choose another model"),
    (Command::New, "new", "", "start a new conversation; this one is kept"),
    (Command::Sessions, "sessions", "[WORDS]", "earlier conversations, or those with these words"),
    (Command::Rename, "rename", "TITLE", "give this conversation a title"),
    (Command::Tag, "tag", "TAG… -TAG…", "tag this conversation; -TAG takes one off"),
    (Command::Retry, "retry", "", "answer the last question again"),
    (Command::Edit, "edit", "[WORDS]", "edit a message, or go on from any: a branch"),
    (Command::Branches, "branches", "", "all branches of this conversation; show another"),
    (Command::Compare, "compare", "[MODEL]", "another model answers too; alone: the answers"),
    (Command::Compact, "compact", "[undo]", "have earlier messages summed up to make room"),
    (Command::Dictate, "dictate", "[off]", "talk instead of typing; off closes the microphone"),
    (Command::Tools, "tools", "", "what the assistant can do, and what it must ask for"),
    (Command::Restart, "restart", "SERVER", "start an MCP server again"),
    (Command::Permissions, "permissions", "", "what you allowed; take it back"),
    (Command::Copy, "copy", "[N|code|list]", "copy an answer or a code block; list shows all"),
    (Command::Export, "export", "[PATH]", "write the conversation as Markdown"),
    (Command::Bundle, "bundle", "[PATH|yes]", "an archive without secrets, to send"),
    (Command::Clear, "clear", "", "empty the composer and what is attached to it"),
    (Command::Help, "help", "", "keys and commands"),
    (Command::Quit, "quit", "", "leave; everything is kept"),
];

/// What a line that starts with a slash is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// A command with what follows it.
    Command(Command, &'a str),
    /// Looks like a command, but there is none of that name: the nearest one.
    Unknown(&'a str, Option<&'static str>),
    /// A message: it doesn't start with a slash, or with a path.
    Message,
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Parsed<'_> {
    let Some(rest) = line.trim().strip_prefix('/') else { return Parsed::Message };
    if rest.contains('\n') {
        return Parsed::Message;
    }
    let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
        return Parsed::Message;
    }
    match COMMANDS.iter().find(|(_, known, ..)| *known == name) {
        Some((command, ..)) => Parsed::Command(*command, argument.trim()),
        None => Parsed::Unknown(name, text::nearest(name, COMMANDS.iter().map(|(_, known, ..)| *known))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_messages_or_mistakes() {
        assert_eq!(parse("/attach a b.png "), Parsed::Command(Command::Attach, "a b.png"));
        assert_eq!(parse("/quit"), Parsed::Command(Command::Quit, ""));
        assert_eq!(parse("/sesions"), Parsed::Unknown("sesions", Some("sessions")));
        assert_eq!(parse("/zzzz"), Parsed::Unknown("zzzz", None));
        for message in ["/etc/hosts is broken", "hello /quit", "/", "// x", "/Usr", "/model\nwhat?"] {
            assert_eq!(parse(message), Parsed::Message, "{message}");
        }
    }
}
