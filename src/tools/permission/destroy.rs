//! What can only destroy, and is refused whoever asks. A short list: everything else that
//! does harm asks, since a person may mean it.

use std::path::Path;

use super::command::{CommandLine, Redirect, Simple};
use super::word::Word;

/// How deep commands inside of commands are looked into (`sudo sh -c "…"`).
const MAX_DEPTH: usize = 3;

/// The most commands inside of a command that are looked into.
const MAX_INNER: usize = 8;

/// Programs that run the rest of their words.
const WRAPPERS: &[&str] = &[
    "sudo", "doas", "env", "nohup", "nice", "ionice", "command", "exec", "builtin", "busybox", "time",
    "setsid",
];

/// Programs that run a word as a command line.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "eval", "su"];

/// Folders without which a system or a person has nothing left.
const ROOTS: &[&str] = &[
    "/", "/home", "/root", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/var", "/dev",
    "/proc", "/sys", "/opt", "/Users", "/System", "/Library", "~", "$HOME", "${HOME}",
];

/// Beginnings of the names of disks under `/dev`.
const DISKS: &[&str] =
    &["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/", "md", "dm-", "disk/"];

/// Why a line can only destroy; `None` where it may do something else.
pub(super) fn only_destroys(line: &CommandLine, home: Option<&Path>) -> Option<String> {
    look(line, home, MAX_DEPTH)
}

fn look(line: &CommandLine, home: Option<&Path>, depth: usize) -> Option<String> {
    if line.breeds {
        return Some("a function that starts itself twice over stops the machine (a fork bomb)".to_owned());
    }
    line.commands.iter().find_map(|simple| destroys(simple, home).or_else(|| within(simple, home, depth)))
}

/// Looks into the commands that a command runs.
fn within(simple: &Simple, home: Option<&Path>, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let shell = simple.words.iter().any(|word| SHELLS.contains(&name(word)));
    let substituted = |word: &Word| {
        let start = word.raw.find("$(").map(|at| at + 2).or_else(|| word.raw.find('`').map(|at| at + 1))?;
        Some(word.raw[start..].trim_end_matches(['"', ')', '`']).to_owned())
    };
    let lines = simple.words.iter().flat_map(|word| {
        let whole = (shell && word.quoted).then(|| word.text.clone());
        [whole, substituted(word)].into_iter().flatten()
    });
    let mut lines: Vec<String> = lines.collect();
    if simple.words.first().is_some_and(|word| name(word) == "eval") {
        lines.push(simple.words[1..].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "));
    }
    lines.iter().take(MAX_INNER).find_map(|line| look(&CommandLine::parse(line).ok()?, home, depth))
}

fn destroys(simple: &Simple, home: Option<&Path>) -> Option<String> {
    let overwritten = simple.redirects.iter().find_map(|redirect| match redirect {
        Redirect::Write(word) if is_disk(&word.text) => Some(word.text.as_str()),
        _ => None,
    });
    if let Some(disk) = overwritten {
        return Some(format!("writing to {disk} overwrites a whole disk"));
    }
    let words = unwrapped(&simple.words);
    let (program, arguments) = words.split_first()?;
    let recursive = arguments.iter().any(|word| is_recursive(&word.text));
    let root = arguments.iter().find(|word| is_root(word, home));
    let disk = |word: &&Word| is_disk(word.text.strip_prefix("of=").unwrap_or(&word.text));
    let disk = arguments.iter().find(disk).map(|word| &word.text);
    match (name(program), root, disk) {
        ("rm", Some(root), _) if recursive => Some(format!("it deletes all of {}", root.raw)),
        ("chmod" | "chown" | "chgrp", Some(root), _) if recursive => {
            Some(format!("it changes who may use all of {}, which can't be undone", root.raw))
        }
        ("dd", _, Some(disk)) if disk.starts_with("of=") => Some(format!("{disk} overwrites a whole disk")),
        ("shred" | "tee" | "wipefs" | "mkswap" | "mke2fs" | "blkdiscard", _, Some(disk)) => {
            Some(format!("it overwrites {disk}, a whole disk"))
        }
        ("cp" | "mv", _, Some(_)) if arguments.last().is_some_and(|last| is_disk(&last.text)) => {
            Some("it overwrites a whole disk".to_owned())
        }
        (name, _, Some(disk)) if name.starts_with("mkfs") => Some(format!("it formats {disk}")),
        _ => None,
    }
}

/// A program's name, with the folders of the system taken off.
fn name(word: &Word) -> &str {
    match word.text.rsplit_once('/') {
        Some(("/bin" | "/usr/bin" | "/sbin" | "/usr/sbin", name)) => name,
        _ => &word.text,
    }
}

/// The words from the first program that isn't a wrapper on.
fn unwrapped(words: &[Word]) -> &[Word] {
    let mut rest = words;
    while rest.first().is_some_and(|word| WRAPPERS.contains(&name(word))) {
        let skipped =
            rest[1..].iter().take_while(|word| word.text.starts_with('-') || word.text.contains('=')).count();
        rest = &rest[1 + skipped..];
    }
    rest
}

fn is_recursive(flag: &str) -> bool {
    match flag.strip_prefix("--") {
        Some(long) => long.len() > 2 && "recursive".starts_with(long),
        None => flag.strip_prefix('-').is_some_and(|short| short.contains(['r', 'R'])),
    }
}

fn is_root(word: &Word, home: Option<&Path>) -> bool {
    let raw = word.raw.trim_matches('"');
    let all = |text: &str| {
        let text = text.strip_suffix('*').unwrap_or(text);
        let path = super::place::normal(Path::new(text));
        ROOTS.iter().any(|root| path == Path::new(root)) || home.is_some_and(|home| home == path)
    };
    match raw.starts_with(['/', '~', '$']) {
        true => all(raw),
        // Quoted or escaped: what the program gets.
        false => word.text.starts_with('/') && all(&word.text),
    }
}

fn is_disk(path: &str) -> bool {
    path.strip_prefix("/dev/").is_some_and(|name| DISKS.iter().any(|disk| name.starts_with(disk)))
}
