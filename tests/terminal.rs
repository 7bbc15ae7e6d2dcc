//! What the chat does to its terminal and takes from the desktop, in a pseudo-terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod pty;

use std::os::unix::fs::PermissionsExt;

use common::{Home, sample};
use portable_pty::CommandBuilder;
use pty::Terminal;

const SIZE: (u16, u16) = (80, 24);

/// A home with programs of the desktop that are shell scripts, and the `PATH` to them.
fn with_tools(tools: &[(&str, &str)]) -> (Home, String) {
    let home = Home::new();
    std::fs::create_dir(home.path("bin")).unwrap();
    for (name, script) in tools {
        let path = home.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", home.path("bin").display(), std::env::var("PATH").unwrap());
    (home, path)
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let home = Home::new();
    let mut shell = CommandBuilder::new("sh");
    shell.arg("-i");
    let mut chat = Terminal::run(&home, "", shell, &[("PS1", "shell> "), ("ENV", "")], SIZE);
    chat.shows("shell> ");
    chat.press(&format!("{}\r", env!("CARGO_BIN_EXE_percept")));
    chat.shows("Type a message");
    chat.shows("ready");
    chat.press("half a thought");
    chat.shows("› half a thought");
    chat.press("\x1a");
    chat.shows("shell> ");
    assert!(chat.was_restored());
    // A terminal in raw mode would not end the line for the shell.
    chat.press("echo $((6 * 7))\r");
    chat.shows("42");
    chat.press("fg\r");
    chat.shows("› half a thought");
    assert_eq!(chat.wrote("\x1b[?1049h"), 2);
    chat.press(" goes on");
    chat.shows("› half a thought goes on");
    chat.press("\x03\x04");
    chat.shows("shell> ");
    assert!(chat.was_restored());
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_said() {
    let home = Home::new();
    let mut chat = Terminal::with(&home, "", &[], &[("PERCEPT_TEST_PANIC", "1")], SIZE);
    chat.shows("ready");
    chat.press("\x0c");
    assert_eq!(chat.wait(), 255);
    assert!(chat.was_restored());
    chat.shows("this is a bug in percept");
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_done_while_nothing_happens() {
    let home = Home::new();
    let chat = Terminal::start(&home, "", &[], 80, 24);
    chat.shows("ready");
    std::thread::sleep(std::time::Duration::from_millis(500));
    // Fields 14 and 15 are ticks in user and kernel mode; the name before them has brackets.
    let ticks = || {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", chat.child.process_id().unwrap())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(ticks() - before <= 1, "{} ticks in two idle seconds", ticks() - before);
}

#[test]
fn the_wheel_scrolls_and_motion_is_not_asked_for() {
    let home = Home::new();
    let mut chat = Terminal::start(&home, "long", &[], 80, 24);
    chat.shows("ready");
    chat.press("go\r");
    chat.shows("word399");
    chat.press("\x1b[<64;10;10M");
    chat.shows("more below");
    chat.press("\x1b[<65;10;10M");
    chat.hides("more below");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);
    assert_eq!((chat.wrote("\x1b[?1000h"), chat.wrote("\x1b[?1000l")), (1, 1));
    let bytes = chat.bytes.lock().unwrap();
    assert!(!bytes.windows(8).any(|window| window == b"\x1b[?1003h" || window == b"\x1b[?1002h"));
}

#[test]
fn no_color_means_none() {
    let colored = |environment: &[(&str, &str)]| {
        let home = Home::new();
        let mut chat = Terminal::with(&home, "", &[], environment, SIZE);
        chat.shows("ready");
        chat.press("hello\r");
        chat.shows("You asked \"hello\"");
        let bytes = String::from_utf8_lossy(&chat.bytes.lock().unwrap()).into_owned();
        // 39 and 49 go back to the terminal's own colours.
        let codes =
            bytes.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m')).map(|(code, _)| code);
        let set = |code: &str| {
            let numbers = code.split(';').filter_map(|number| number.parse::<u8>().ok());
            numbers.into_iter().any(|n| matches!(n, 30..=38 | 40..=48 | 90..=97 | 100..=107))
        };
        codes.filter(|code| code.bytes().all(|b| b.is_ascii_digit() || b == b';')).any(set)
    };
    assert!(colored(&[]));
    assert!(!colored(&[("NO_COLOR", "1")]));
}

#[test]
fn the_clipboard_is_read_by_the_desktops_tool() {
    let picture = sample("error.png");
    // A kind of picture that the library doesn't read.
    let wayland = format!("case \"$*\" in --list-types) echo image/jpeg;; *image/jpeg) cat {picture};; esac");
    let (home, path) = with_tools(&[("wl-paste", &wayland)]);
    let mut chat = Terminal::with(&home, "", &[], &[("PATH", &path), ("WAYLAND_DISPLAY", "none")], SIZE);
    chat.shows("ready");
    chat.press("\x16");
    chat.shows("clipboard.jpg 320×140");

    let x11 =
        "case \"$*\" in *TARGETS*) echo TARGETS; echo UTF8_STRING;; *UTF8_STRING*) printf 'a word';; esac";
    let (home, path) = with_tools(&[("xclip", x11)]);
    let mut chat = Terminal::with(&home, "", &[], &[("PATH", &path), ("DISPLAY", ":987")], SIZE);
    chat.shows("ready");
    chat.press("\x16");
    chat.shows("› a word");
    chat.press("\x03/paste\r");
    chat.shows("≡ clipboard 1 lines");
}

#[test]
fn a_file_in_the_clipboard_is_attached_and_an_empty_one_is_said() {
    let script = "case \"$*\" in --list-types) cat kinds 2> /dev/null || { echo 'Nothing is copied' >&2; exit 1; };; \
                  *uri-list) printf 'file://%s/notes.txt\\r\\n' \"$HOME\";; esac";
    let (home, path) = with_tools(&[("wl-paste", script)]);
    home.write("notes.txt", "one\ntwo\n");
    let mut chat = Terminal::with(&home, "", &[], &[("PATH", &path), ("WAYLAND_DISPLAY", "none")], SIZE);
    chat.shows("ready");
    chat.press("\x16");
    chat.shows("Nothing comes from the clipboard: it is empty.");
    home.write("kinds", "text/plain\ntext/uri-list\n");
    chat.press("\x16");
    chat.shows("≡ notes.txt 2 lines");
}

#[test]
fn what_is_copied_goes_to_the_terminal_where_there_is_no_desktop() {
    let (home, path) = with_tools(&[("tmux", "cat > copied; echo \"$@\" >> copied")]);
    let mut chat = Terminal::with(&home, "", &[], &[("PATH", &path), ("SSH_TTY", "/dev/pts/1")], SIZE);
    chat.shows("ready");
    chat.press("hello\r");
    chat.shows("You asked \"hello\"");
    chat.shows("ready");
    chat.press("\x19");
    chat.wrote("\x1b]52;c;");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);

    let tmux = [("PATH", path.as_str()), ("SSH_TTY", "/dev/pts/1"), ("TMUX", "x")];
    let mut chat = Terminal::with(&home, "", &["--continue"], &tmux, SIZE);
    chat.shows("You asked \"hello\"");
    chat.press("\x19");
    chat.shows("Copied.");
    let copied = std::fs::read_to_string(home.path("copied")).unwrap();
    assert!(copied.contains("You asked \"hello\"") && copied.contains("load-buffer -w -"), "{copied}");
}

#[test]
fn commands_and_panels_do_what_they_say() {
    let home = Home::new();
    let log = home.write("ci.log", "one\n");
    let mut chat = Terminal::start(&home, "", &[log.to_str().unwrap()], 80, 24);
    chat.shows("[≡ ci.log 1 lines");
    chat.press("/clear\r");
    chat.hides("[≡ ci.log");
    chat.press("first\r");
    chat.shows("You asked \"first\"");
    chat.shows("ready");
    chat.press("/export out.md\r");
    chat.shows("Written to out.md.");
    assert!(std::fs::read_to_string(home.path("out.md")).unwrap().contains("You asked \"first\""));

    chat.press("/new\r");
    chat.hides("You asked \"first\"");
    chat.press("second\r");
    chat.shows("You asked \"second\"");
    chat.shows("ready");
    chat.press("/sessions\r");
    chat.shows("conversations");
    chat.shows("messages  first");
    chat.press("\x1b[B\r");
    chat.shows("You asked \"first\"");

    chat.press("/model\r");
    chat.shows("↑↓ choose · enter load");
    chat.shows("● starter");
    chat.press("\r");
    chat.hides("↑↓ choose · enter load");
    chat.shows("ready");
    chat.press("third\r");
    chat.shows("You asked \"third\"");
}
