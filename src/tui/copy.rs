//! Copies to the clipboard: the desktop's where the person sits at it, else that of the
//! terminal, which also works over SSH.
//!
//! The desktop's is reached on a thread of its own: behind a dead X forwarding it never
//! answers, and on X11 and Wayland what was copied lives as long as the one who has it.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::oneshot;

/// Terminals give up on longer sequences.
const MOST_OSC52_BYTES: usize = 100_000;

/// A clipboard that takes longer is taken for dead.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long leaving waits for the desktop to take over what was copied.
const HANDOVER: Duration = Duration::from_millis(500);

/// A way to a clipboard that may take its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Desktop,
    /// tmux hands it to the terminal around it, whatever it lets through of what is
    /// written inside (`set-clipboard`, `allow-passthrough`).
    Tmux,
}

/// The ways to try before the terminal's own sequence. Over SSH the desktop of this
/// machine is not where the person sits.
fn ways(set: impl Fn(&str) -> bool) -> Vec<Way> {
    let remote = ["SSH_CONNECTION", "SSH_TTY"].into_iter().any(&set);
    let mut ways = Vec::new();
    if !remote {
        ways.push(Way::Desktop);
    }
    if set("TMUX") {
        ways.push(Way::Tmux);
    }
    ways
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

struct Wanted {
    text: String,
    done: oneshot::Sender<bool>,
}

/// Keeps the clipboard.
#[derive(Default)]
pub(super) struct Copier {
    thread: Option<(Sender<Wanted>, Receiver<()>)>,
}

impl Copier {
    /// Begins to copy; what comes says whether it worked. Nothing comes from a clipboard
    /// that is dead: wait no longer than [`PATIENCE`].
    pub(super) fn begin(&mut self, text: String) -> oneshot::Receiver<bool> {
        let (done, answer) = oneshot::channel();
        let ways = ways(is_set);
        if ways.is_empty() {
            let _ = done.send(false);
            return answer;
        }
        let (wanted, _) = self.thread.get_or_insert_with(|| keeper(ways));
        // Without the thread the answer's other end is dropped: that is a no too.
        let _ = wanted.send(Wanted { text, done });
        answer
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        if let Some((wanted, ended)) = self.thread.take() {
            drop(wanted);
            let _ = ended.recv_timeout(HANDOVER);
        }
    }
}

/// Starts the thread that has the clipboard; it says when it has given it up.
fn keeper(ways: Vec<Way>) -> (Sender<Wanted>, Receiver<()>) {
    let (wanted, inbox) = channel::<Wanted>();
    let (end, ended) = channel();
    std::thread::spawn(move || {
        let mut clipboard = None;
        for Wanted { text, done } in inbox {
            let copied = ways.iter().any(|way| match way {
                Way::Desktop => by_desktop(&mut clipboard, &text),
                Way::Tmux => by_tmux(&text).is_ok_and(|copied| copied),
            });
            let _ = done.send(copied);
        }
        drop(clipboard);
        let _ = end.send(());
    });
    (wanted, ended)
}

fn by_desktop(clipboard: &mut Option<arboard::Clipboard>, text: &str) -> bool {
    if clipboard.is_none() {
        *clipboard = arboard::Clipboard::new().ok();
    }
    clipboard.as_mut().is_some_and(|clipboard| clipboard.set_text(text).is_ok())
}

fn by_tmux(text: &str) -> io::Result<bool> {
    let mut tmux = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = tmux.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    Ok(tmux.wait()?.success())
}

/// Hands a text to the terminal (OSC 52), and says so.
pub(super) fn by_terminal(text: &str, terminal: &mut impl Write) -> Result<&'static str, String> {
    if text.len() > MOST_OSC52_BYTES {
        return Err("That is too long for the terminal's clipboard; /export writes it to a file.".to_owned());
    }
    let written =
        terminal.write_all(sequence(text, is_set("TMUX")).as_bytes()).and_then(|()| terminal.flush());
    written.map(|()| "Handed to the terminal's clipboard (OSC 52).").map_err(|error| error.to_string())
}

/// Inside tmux it is written twice: for a tmux that takes it, and for one that lets it
/// through to the terminal around it.
fn sequence(text: &str, tmux: bool) -> String {
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    match tmux {
        true => format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\"),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_ssh_this_machines_desktop_is_not_asked() {
        let ways = |set: &[&str]| ways(|name| set.contains(&name));
        assert_eq!(ways(&[]), [Way::Desktop]);
        assert_eq!(ways(&["TMUX"]), [Way::Desktop, Way::Tmux]);
        assert_eq!(ways(&["SSH_TTY"]), []);
        assert_eq!(ways(&["SSH_CONNECTION", "TMUX"]), [Way::Tmux]);
    }

    #[test]
    fn the_terminal_gets_it_as_a_sequence() {
        assert_eq!(sequence("hé", false), "\x1b]52;c;aMOp\x07");
        let twice = "\x1b]52;c;aMOp\x07\x1bPtmux;\x1b\x1b]52;c;aMOp\x07\x1b\\";
        assert_eq!(sequence("hé", true), twice);
        let long = "x".repeat(MOST_OSC52_BYTES + 1);
        assert!(by_terminal(&long, &mut Vec::new()).unwrap_err().contains("/export"));
    }
}
