//! Copies to the clipboard: the desktop's where there is one, else by the terminal
//! (OSC 52), which also works over SSH.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Terminals give up on longer sequences.
const MOST_OSC52_BYTES: usize = 100_000;

/// Keeps the clipboard: on X11 and Wayland its content lives as long as its owner.
#[derive(Default)]
pub(super) struct Copier {
    clipboard: Option<arboard::Clipboard>,
}

impl Copier {
    /// Copies a text and says how.
    pub(super) fn copy(&mut self, text: &str, terminal: &mut impl Write) -> Result<&'static str, String> {
        if self.clipboard.is_none() {
            self.clipboard = arboard::Clipboard::new().ok();
        }
        if let Some(clipboard) = &mut self.clipboard
            && clipboard.set_text(text).is_ok()
        {
            return Ok("Copied.");
        }
        if text.len() > MOST_OSC52_BYTES {
            return Err(
                "That is too long for the terminal's clipboard; /export writes it to a file.".to_owned()
            );
        }
        let written =
            write!(terminal, "\x1b]52;c;{}\x07", STANDARD.encode(text)).and_then(|()| terminal.flush());
        written.map(|()| "Handed to the terminal's clipboard (OSC 52).").map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_desktop_the_terminal_gets_it() {
        let mut copier = Copier::default();
        let mut terminal = Vec::new();
        if copier.copy("hé", &mut terminal).unwrap().contains("OSC 52") {
            assert_eq!(terminal, b"\x1b]52;c;aMOp\x07");
        }
    }
}
