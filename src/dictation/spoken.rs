//! Utterances that are commands, where that is switched on.
//!
//! Only an utterance that is nothing but the command is one: `new line` in the middle of a
//! sentence stays text. There is none that sends.

/// What an utterance asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    NewLine,
    NewParagraph,
    /// Takes out the utterance before it.
    Scratch,
    Stop,
}

const COMMANDS: [(&str, Command); 5] = [
    ("new line", Command::NewLine),
    ("newline", Command::NewLine),
    ("new paragraph", Command::NewParagraph),
    ("scratch that", Command::Scratch),
    ("stop dictation", Command::Stop),
];

/// The command that an utterance is, whatever its case and the punctuation around it.
pub(super) fn command(utterance: &str) -> Option<Command> {
    let words = utterance.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let said = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").to_lowercase();
    COMMANDS.iter().find(|(words, _)| *words == said).map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_utterance_is_a_command_only_if_it_is_nothing_else() {
        for said in ["new line", "New line.", " \"New  Line!\" ", "Newline."] {
            assert_eq!(command(said), Some(Command::NewLine), "{said}");
        }
        assert_eq!(command("New paragraph."), Some(Command::NewParagraph));
        assert_eq!(command("Scratch that."), Some(Command::Scratch));
        assert_eq!(command("Stop dictation"), Some(Command::Stop));
        for said in ["", "...", "a new line", "new line please", "scratch", "send", "new-line"] {
            assert_eq!(command(said), None, "{said}");
        }
    }
}
