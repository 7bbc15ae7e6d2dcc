//! Checks that flags alone can't make: the small languages of `sed`, `awk` and `find`, and
//! programs whose plain words change something.

use std::iter::Peekable;
use std::str::Chars;

use super::{Arguments, Effect, Use};
use crate::tools::permission::place::Place;
use crate::tools::permission::word::Word;

type Checked = Result<(), String>;

/// Programs of which `--version` is known to print a line and do nothing else.
const VERSIONED: &[&str] = &[
    "cargo",
    "rustc",
    "rustup",
    "git",
    "node",
    "npm",
    "python",
    "python3",
    "pip",
    "pip3",
    "go",
    "gcc",
    "g++",
    "cc",
    "clang",
    "cmake",
    "make",
    "ninja",
    "docker",
    "bash",
    "perl",
    "ruby",
    "java",
    "javac",
    "php",
    "curl",
    "wget",
    "tar",
    "grep",
    "sed",
    "awk",
    "rg",
    "fd",
    "jq",
    "ls",
    "cat",
    "find",
    "sort",
    "systemctl",
    "ffmpeg",
    "sqlite3",
    "psql",
    "kubectl",
    "uv",
    "deno",
    "bun",
    "zig",
    "swift",
    "pkg-config",
    "percept",
    "code",
    "vim",
];

/// Of these, the ones that rustup starts by what a file in the folder names.
const BY_TOOLCHAIN: &[&str] = &["cargo", "rustc", "rustup"];

/// Whether a program is only asked for its version.
pub(super) fn is_version(name: &str, words: &[Word]) -> bool {
    let asks = matches!(words, [word] if word.is_bare() && ["--version", "-V"].contains(&word.text.as_str()));
    // `-V` is a version only to some; where it is a flag, the table has it.
    let long = words.first().is_some_and(|word| word.text == "--version");
    asks && VERSIONED.contains(&name) && (long || ["cargo", "rustc", "python", "python3"].contains(&name))
}

/// Judges a question for a version.
pub(super) fn version(name: &str, place: &Place) -> Result<Use, String> {
    let named = || {
        let files = ["rust-toolchain", "rust-toolchain.toml"];
        place
            .standing()
            .iter()
            .flat_map(|folder| folder.ancestors())
            .any(|folder| files.iter().any(|file| folder.join(file).exists()))
    };
    if BY_TOOLCHAIN.contains(&name) && named() {
        return Err(format!("a rust-toolchain file decides which `{name}` runs"));
    }
    Ok(Use { words: vec![name.to_owned(), "--version".to_owned()], effect: Effect::Reads })
}

/// `cd FOLDER`, inside.
pub(super) fn cd(words: &[Word], place: &mut Place) -> Checked {
    match words {
        [folder] if !folder.text.starts_with('-') => place.go(folder),
        [dashes, folder] if dashes.text == "--" => place.go(folder),
        _ => Err("`cd` leads to a folder that isn't named".to_owned()),
    }
}

/// `strings`: no file of arguments.
pub(super) fn strings(arguments: &Arguments<'_>, _: &Place) -> Checked {
    let values = arguments.flags.iter().filter_map(|(_, value)| value.as_deref());
    let mut texts = values.chain(arguments.positionals.iter().map(|word| word.text.as_str()));
    match texts.find(|text| text.starts_with('@')) {
        Some(text) => Err(format!("`strings` reads more arguments from {text}")),
        None => Ok(()),
    }
}

/// `tar -t`: no archive of another machine.
pub(super) fn tar(arguments: &Arguments<'_>, _: &Place) -> Checked {
    match arguments.values(&["-f", "--file"]).any(|file| file.contains(':')) {
        true => Err("`tar` reads a name with a colon from another machine".to_owned()),
        false => Ok(()),
    }
}

/// `test`: operators and files. `-v` computes what stands in brackets, and isn't among them.
pub(super) fn test(words: &[Word], place: &Place) -> Checked {
    const OPERATORS: &[&str] = &[
        "-e", "-f", "-d", "-r", "-w", "-x", "-s", "-L", "-h", "-n", "-z", "-b", "-c", "-p", "-S", "-g", "-k",
        "-u", "-O", "-G", "-N", "-a", "-o", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef",
        "=", "==", "!=", "!", "]",
    ];
    for word in words {
        if word.text.starts_with('-') && !OPERATORS.contains(&word.text.as_str()) {
            return Err(super::notes::unknown_flag("test", &word.text));
        }
        if !OPERATORS.contains(&word.text.as_str()) {
            place.path(word)?;
        }
    }
    Ok(())
}

/// `date`: a plain word sets the clock, unless it is a format.
pub(super) fn date(arguments: &Arguments<'_>, _: &Place) -> Checked {
    match arguments.positionals.iter().find(|word| !word.text.starts_with('+') || word.glob.is_some()) {
        Some(word) => Err(format!("`date {}` sets the clock", word.raw)),
        None => Ok(()),
    }
}

/// `ps`: BSD letters, without `e`, which tells the environment of every process.
pub(super) fn ps(arguments: &Arguments<'_>, _: &Place) -> Checked {
    let plain = |word: &&Word| word.text.chars().all(|c| "auxflwjvmhNrT0123456789,".contains(c));
    match arguments.positionals.iter().find(|word| !plain(word)) {
        Some(word) => Err(format!("`ps {}` isn't known to be harmless", word.raw)),
        None => Ok(()),
    }
}

/// `ip OBJECT [show …]`.
pub(super) fn ip(arguments: &Arguments<'_>, _: &Place) -> Checked {
    const OBJECTS: &[&str] =
        &["a", "addr", "address", "l", "link", "r", "route", "n", "neigh", "rule", "maddr", "tunnel"];
    const VERBS: &[&str] = &["show", "list", "ls", "get"];
    let mut words = arguments.positionals.iter().map(|word| word.text.as_str());
    let object = words.next().is_some_and(|object| OBJECTS.contains(&object));
    match (object, words.next()) {
        (true, None) => Ok(()),
        (true, Some(verb)) if VERBS.contains(&verb) => Ok(()),
        _ => Err("`ip` isn't told to show something".to_owned()),
    }
}

/// `journalctl`: matches of fields; a path would be looked up.
pub(super) fn journal(arguments: &Arguments<'_>, place: &Place) -> Checked {
    arguments.positionals.iter().try_for_each(|word| place.path(word))
}

/// `jq` and `yq`: no modules, no environment, nothing loaded.
pub(super) fn jq(arguments: &Arguments<'_>, _: &Place) -> Checked {
    const WORDS: &[&str] = &["import", "include", "env", "ENV", "load", "input_filename", "get_search_list"];
    let holds = |part: &&&str| arguments.positionals.iter().any(|word| word.text.contains(**part));
    match WORDS.iter().find(holds) {
        Some(word) => Err(format!("the filter holds `{word}`, which can read more than the files named")),
        None => Ok(()),
    }
}

/// `awk`: no way to start a program, to write, or to read what isn't named.
pub(super) fn awk(arguments: &Arguments<'_>, _: &Place) -> Checked {
    const WORDS: &[&str] = &["system", "getline", "|", ">", "@", "ARG", "ENVIRON", "PROCINFO"];
    let words = arguments.positionals.iter().map(|word| word.text.as_str());
    let texts = words.chain(arguments.values(&["-v", "--assign"]));
    let found = texts.flat_map(|text| WORDS.iter().filter(move |word| text.contains(**word))).next();
    match (found, arguments.positionals.first()) {
        (Some(word), _) => {
            Err(format!("the script of `awk` holds `{word}`, which can run, write or read more"))
        }
        (None, None) => Err("`awk` has no script".to_owned()),
        // A word with `=` sets a variable, `ARGV` by another name included.
        (None, Some(_)) => Ok(()),
    }
}

/// `fd`: a pattern, then folders.
pub(super) fn fd(arguments: &Arguments<'_>, place: &Place) -> Checked {
    arguments.positionals.iter().skip(1).try_for_each(|word| place.path(word))?;
    match arguments.positionals.first() {
        Some(pattern) if pattern.glob.is_some() => place.path(pattern),
        _ => Ok(()),
    }
}

/// `find`: every plain word is a place to start, or punctuation.
pub(super) fn find(arguments: &Arguments<'_>, place: &Place) -> Checked {
    let punctuation = |word: &&&Word| !["(", ")", "!", ","].contains(&word.text.as_str());
    arguments.positionals.iter().filter(punctuation).try_for_each(|word| place.path(word))
}

/// `sed`: only commands that print, delete and replace.
pub(super) fn sed(arguments: &Arguments<'_>, _: &Place) -> Checked {
    let given: Vec<&str> = arguments.values(&["-e", "--expression"]).collect();
    let scripts = match (given.is_empty(), arguments.positionals.first()) {
        (true, Some(script)) => vec![script.text.as_str()],
        (true, None) => return Err("`sed` has no script".to_owned()),
        (false, _) => given,
    };
    // Several scripts are joined by line ends, which the reader doesn't let through.
    scripts.into_iter().try_for_each(|script| {
        SedScript { rest: script.chars().peekable() }
            .read()
            .ok_or_else(|| format!("the script `{script}` isn't known to only print, delete and replace"))
    })
}

/// A reader of `sed` scripts that knows only what is harmless.
struct SedScript<'a> {
    rest: Peekable<Chars<'a>>,
}

impl SedScript<'_> {
    /// `None` where it meets anything else.
    fn read(&mut self) -> Option<()> {
        loop {
            while self.rest.next_if(|c| [' ', ';', '}'].contains(c)).is_some() {}
            if self.rest.peek().is_none() {
                return Some(());
            }
            self.addresses()?;
            self.command()?;
        }
    }

    fn addresses(&mut self) -> Option<()> {
        self.address()?;
        if self.rest.next_if_eq(&',').is_some() {
            self.rest.next_if(|c| ['+', '~'].contains(c));
            self.address()?;
        }
        while self.rest.next_if(|c| [' ', '!'].contains(c)).is_some() {}
        Some(())
    }

    fn address(&mut self) -> Option<()> {
        match self.rest.peek() {
            Some('/') => {
                self.rest.next();
                self.until('/')?;
                while self.rest.next_if(|c| ['I', 'M'].contains(c)).is_some() {}
            }
            Some('$') => {
                self.rest.next();
            }
            Some(_) => while self.rest.next_if(|c| c.is_ascii_digit() || *c == '~').is_some() {},
            None => {}
        }
        Some(())
    }

    fn command(&mut self) -> Option<()> {
        match self.rest.next()? {
            '{' => Some(()),
            'p' | 'P' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'x' | '=' | 'l' => self.end(),
            'q' | 'Q' => {
                while self.rest.next_if(char::is_ascii_digit).is_some() {}
                self.end()
            }
            kind @ ('s' | 'y') => {
                let divider = self.rest.next().filter(|c| c.is_ascii_punctuation() && *c != '\\')?;
                self.until(divider)?;
                self.until(divider)?;
                // Not `e`, which runs what it made, and not `w`, which writes it.
                let flag = |c: &char| kind == 's' && (c.is_ascii_digit() || "gpiIM".contains(*c));
                while self.rest.next_if(flag).is_some() {}
                self.end()
            }
            _ => None,
        }
    }

    /// A command ends with its line, a semicolon or a brace.
    fn end(&mut self) -> Option<()> {
        while self.rest.next_if_eq(&' ').is_some() {}
        match self.rest.peek() {
            None | Some(';' | '}') => Some(()),
            Some(_) => None,
        }
    }

    /// Skips to a divider. Readers differ on one inside of brackets, so that is nothing.
    fn until(&mut self, divider: char) -> Option<()> {
        let mut open = false;
        loop {
            match self.rest.next()? {
                '\n' => return None,
                c if c == divider && open => return None,
                c if c == divider => return Some(()),
                '\\' => {
                    self.rest.next().filter(|c| *c != '\n')?;
                }
                '[' => open = true,
                ']' => open = false,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_sed_scripts_are_read() {
        for script in [
            "p",
            "1,5p",
            "$d",
            "/a/,/b/p",
            "s/a/b/g",
            "s|a|b|",
            "/x/!d",
            "1~2p",
            "s/a/b/;p",
            "/a/{p;q}",
            "5q",
            "y/a/b/",
            "s/\\//x/2p",
            "/[a-z]/p",
            "1,+3p",
            "",
        ] {
            assert!(SedScript { rest: script.chars().peekable() }.read().is_some(), "{script}");
        }
        for script in [
            "s/a/b/e",
            "s/a/b/w out",
            "w out",
            "1e",
            "e id",
            "r /etc/passwd",
            "R x",
            "W x",
            "a\\text",
            "i x",
            "s/a/b/gw x",
            "1!e",
            "p;e",
            "s/[/]/x/e",
            "s/a",
            "s/a/b/\ne",
            "p\ne",
            "{e}",
            "b x",
            "F",
            "s\\a\\b\\",
        ] {
            assert!(SedScript { rest: script.chars().peekable() }.read().is_none(), "{script}");
        }
    }
}
