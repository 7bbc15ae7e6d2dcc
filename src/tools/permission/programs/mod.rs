//! What programs do, as far as their flags tell: a table with an entry for each.
//!
//! A program that isn't in it asks. So does a flag that its entry doesn't name, which
//! covers the abbreviations that GNU programs take (`--out` for `--output`): only what is
//! written out in full is known. The value of a flag is held to the rules of paths too,
//! for a program that reads its words in another order may take it for one.
//!
//! The entries are grouped by topic; `notes` has the reasons for the best-known programs
//! that have no entry or have a flag too many.

mod build;
mod files;
mod git;
mod notes;
mod scripts;
mod special;
mod system;

use std::path::Path;

use super::place::{Place, Reads};
use super::secret::is_secret;
use super::word::Word;

/// What comes of running a program as its entry allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Reads,
    /// It changes files in the folder, runs its code, or may reach the network: it asks,
    /// and may be allowed for good.
    Acts(&'static str),
}

/// What the words are that aren't flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// There are none.
    Nothing,
    /// Text that names no file.
    Text,
    /// Files that it reads.
    Paths,
    /// At most one: a second would be written to.
    OnePath,
    /// Files or folders of any place, of which only sizes and mounts are told.
    Mounts,
    /// A pattern or script, unless a flag gave it; then files.
    Script(&'static [&'static str]),
    /// The check takes care of them.
    Checked,
}

/// A check beyond flags and paths.
type Check = fn(&Arguments<'_>, &Place) -> Result<(), String>;

/// An entry of the table.
///
/// `flags` lists what is harmless, divided by spaces: `a` is `-a`, `all` is `--all`, `-br`
/// is the single-dash word `-br`, `#` is a number as in `-5`. At the end `=` stands for a
/// value, `:` for one that is always a word of its own, `?` for one that may be left out.
#[derive(Debug, Clone, Copy)]
struct Program {
    names: &'static str,
    flags: &'static str,
    takes: Takes,
    effect: Effect,
    /// Without one of these flags it does something else.
    needs: &'static [&'static str],
    /// It goes through folders and reads what is in them.
    reads: Option<Reads>,
    check: Option<Check>,
    subcommands: &'static [Program],
}

const fn program(names: &'static str, flags: &'static str, takes: Takes) -> Program {
    Program {
        names,
        flags,
        takes,
        effect: Effect::Reads,
        needs: &[],
        reads: None,
        check: None,
        subcommands: &[],
    }
}

impl Program {
    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    const fn through(self, reads: Reads) -> Self {
        Self { reads: Some(reads), ..self }
    }

    const fn check(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }

    const fn acts(self, what: &'static str) -> Self {
        Self { effect: Effect::Acts(what), ..self }
    }

    const fn subcommands(self, subcommands: &'static [Program]) -> Self {
        Self { subcommands, ..self }
    }

    fn is_named(&self, name: &str) -> bool {
        self.names.split(' ').any(|own| own == name)
    }
}

/// A judged command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The program and its subcommand.
    pub words: Vec<String>,
    /// What comes of it.
    pub effect: Effect,
}

/// The arguments of a program, told apart.
#[derive(Debug, Default)]
struct Arguments<'a> {
    /// Each with its dashes, and its value.
    flags: Vec<(String, Option<String>)>,
    positionals: Vec<&'a Word>,
    /// How many flags stand before the first word that is none.
    early: Option<usize>,
}

impl Arguments<'_> {
    fn has(&self, flags: &[&str]) -> bool {
        self.flags.iter().any(|(flag, _)| flags.contains(&flag.as_str()))
    }

    /// The values of some flags.
    fn values<'s>(&'s self, flags: &'s [&str]) -> impl Iterator<Item = &'s str> {
        let named = self.flags.iter().filter(|(flag, _)| flags.contains(&flag.as_str()));
        named.filter_map(|(_, value)| value.as_deref())
    }
}

/// Folders of the system's own programs: a program given with one of them is that program.
const SYSTEM_FOLDERS: [&str; 2] = ["/bin", "/usr/bin"];

/// Flags that make a program go through folders where none is named.
const RECURSIVE: &[&str] = &["-r", "--recursive"];

/// Flags whose value is a pattern or a script.
const SCRIPTS: &[&str] = &["-e", "--regexp", "--expression"];

/// Judges the words of a simple command.
///
/// # Errors
///
/// It isn't known to be harmless; why.
pub fn judge(words: &[Word], place: &mut Place) -> Result<Use, String> {
    let Some((first, arguments)) = words.split_first() else {
        return Err("there is no command in it".to_owned());
    };
    if !first.is_bare() {
        return Err(format!("`{}` hides which program it runs", first.raw));
    }
    let name = match first.text.rsplit_once('/') {
        None => first.text.as_str(),
        Some((folder, name)) if SYSTEM_FOLDERS.contains(&folder) => name,
        Some(_) => return Err(format!("`{}` is a program given by its path", first.text)),
    };
    // The shell's own, whose words are no flags.
    let own = match name {
        "cd" => Some(special::cd(arguments, place)),
        "test" | "[" => Some(special::test(arguments, place)),
        _ => None,
    };
    if let Some(checked) = own {
        return checked.map(|()| Use { words: vec![name.to_owned()], effect: Effect::Reads });
    }
    if special::is_version(name, arguments) {
        return special::version(name, place);
    }
    let tables = [files::TABLE, scripts::TABLE, system::TABLE, git::TABLE, build::TABLE];
    let entry = tables.into_iter().flatten().find(|entry| entry.is_named(name));
    let entry = entry.ok_or_else(|| notes::unknown_program(name))?;
    let mut used = vec![name.to_owned()];
    let effect = entry.judge(arguments, place, &mut used)?;
    Ok(Use { words: used, effect })
}

impl Program {
    fn judge(&self, words: &[Word], place: &Place, used: &mut Vec<String>) -> Result<Effect, String> {
        let name = used.join(" ");
        let arguments = match self.subcommands {
            [] => self.read(words, place, &name)?,
            subcommands => {
                // What stands before the subcommand are flags for all of them.
                let (before, at) = self.before_subcommand(words, place, &name)?;
                let Some((word, rest)) = words[at..].split_first() else {
                    return Err(format!("`{name}` without a subcommand isn't known to only read"));
                };
                let entry = subcommands.iter().find(|entry| word.is_bare() && entry.is_named(&word.text));
                let entry = entry.ok_or_else(|| notes::unknown_subcommand(&name, &word.text))?;
                if let Some(check) = self.check {
                    check(&before, place)?;
                }
                used.push(word.text.clone());
                let standing = git::standing(&before, place)?;
                return entry.judge(rest, standing.as_ref().unwrap_or(place), used);
            }
        };
        // Only before other words: `command rm -v` runs `rm`.
        let early = &arguments.flags[..arguments.early.unwrap_or(arguments.flags.len())];
        if !self.needs.is_empty() && !early.iter().any(|(flag, _)| self.needs.contains(&flag.as_str())) {
            return Err(format!("`{name}` without {} isn't known to only read", self.needs.join(" or ")));
        }
        self.place(&arguments, place, &name)?;
        if let Some(check) = self.check {
            check(&arguments, place)?;
        }
        Ok(self.effect)
    }

    /// Reads all words.
    fn read<'a>(&self, words: &'a [Word], place: &Place, name: &str) -> Result<Arguments<'a>, String> {
        let mut arguments = Arguments::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.text.as_str() {
                "--" => {
                    let rest = rest.as_slice();
                    self.after_dashes(rest, arguments.positionals.len(), name)?;
                    arguments.positionals.extend(rest);
                    break;
                }
                text if text.starts_with('-') && text.len() > 1 => {
                    self.flag(word, &mut rest, place, name, &mut arguments)?;
                }
                _ => {
                    arguments.early.get_or_insert(arguments.flags.len());
                    arguments.positionals.push(word);
                }
            }
        }
        Ok(arguments)
    }

    /// Whether what stands after `--` may look like a flag. `find` still takes it for one;
    /// a pattern, and words for the code that a program runs, are none.
    fn after_dashes(&self, words: &[Word], before: usize, name: &str) -> Result<(), String> {
        if self.effect != Effect::Reads {
            return Ok(());
        }
        let pattern = usize::from(matches!(self.takes, Takes::Script(_)) && before == 0);
        match words.iter().skip(pattern).find(|word| word.text.starts_with('-')) {
            Some(word) => Err(notes::unknown_flag(name, &word.text)),
            None => Ok(()),
        }
    }

    /// Reads the flags before a subcommand; where it stands.
    fn before_subcommand<'a>(
        &self,
        words: &'a [Word],
        place: &Place,
        name: &str,
    ) -> Result<(Arguments<'a>, usize), String> {
        let mut arguments = Arguments::default();
        let mut rest = words.iter();
        loop {
            let at = words.len() - rest.as_slice().len();
            match rest.next() {
                Some(word) if word.text.starts_with('-') => {
                    self.flag(word, &mut rest, place, name, &mut arguments)?;
                }
                _ => return Ok((arguments, at)),
            }
        }
    }

    /// Reads a word that starts with a dash, with its value.
    fn flag<'a>(
        &self,
        word: &'a Word,
        rest: &mut std::slice::Iter<'a, Word>,
        place: &Place,
        name: &str,
        arguments: &mut Arguments<'a>,
    ) -> Result<(), String> {
        let text = word.text.as_str();
        let fixed = word.glob.is_none_or(|at| text[..at].contains('='));
        if !fixed {
            return Err(format!("`{}` is a pattern that can become any flag", word.raw));
        }
        let (flag, attached) = match text.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (text, None),
        };
        let whole = match flag.strip_prefix("--") {
            Some(long) if long.len() > 1 => self.kind(long),
            Some(_) => None,
            None => self.kind(flag),
        };
        match (whole, attached) {
            (Some(Kind::Plain | Kind::Optional), None) => arguments.flags.push((flag.to_owned(), None)),
            (Some(Kind::Valued | Kind::Optional), Some(_))
                if SCRIPTS.contains(&flag) && word.glob.is_some() =>
            {
                return Err(pattern_as_text(word));
            }
            (Some(Kind::Valued | Kind::Optional), Some(value)) => {
                self.value(flag, Word { home: false, ..Word::plain(value) }, place, arguments)?;
            }
            (Some(Kind::Valued | Kind::Apart), None) => {
                self.value(flag, next_value(rest, flag, name)?, place, arguments)?;
            }
            (Some(Kind::Plain | Kind::Apart), Some(_)) => return Err(notes::unknown_flag(name, text)),
            (None, _) if flag.starts_with("--") => return Err(notes::unknown_flag(name, flag)),
            (None, _) => self.cluster(word, rest, place, name, arguments)?,
        }
        Ok(())
    }

    /// Reads short flags in one word: `-la`, `-n5`.
    fn cluster<'a>(
        &self,
        word: &'a Word,
        rest: &mut std::slice::Iter<'a, Word>,
        place: &Place,
        name: &str,
        arguments: &mut Arguments<'a>,
    ) -> Result<(), String> {
        let letters = &word.text[1..];
        if letters.chars().all(|c| c.is_ascii_digit()) && self.kind("#").is_some() {
            return Ok(());
        }
        for (at, letter) in letters.char_indices() {
            let flag = format!("-{letter}");
            let after = &letters[at + letter.len_utf8()..];
            match self.kind(letter.encode_utf8(&mut [0; 4])) {
                Some(Kind::Plain) => arguments.flags.push((flag, None)),
                Some(Kind::Valued | Kind::Apart) if after.is_empty() => {
                    return self.value(&flag, next_value(rest, &flag, name)?, place, arguments);
                }
                Some(_) if SCRIPTS.contains(&flag.as_str()) && word.glob.is_some() => {
                    return Err(pattern_as_text(word));
                }
                Some(Kind::Optional) if after.is_empty() => arguments.flags.push((flag, None)),
                Some(Kind::Valued | Kind::Optional) => {
                    return self.value(&flag, Word::plain(after), place, arguments);
                }
                None if at == 0 => return Err(notes::unknown_flag(name, &word.text)),
                None | Some(Kind::Apart) => return Err(notes::unknown_flag(name, &flag)),
            }
        }
        Ok(())
    }

    fn value(
        &self,
        flag: &str,
        value: Word,
        place: &Place,
        arguments: &mut Arguments<'_>,
    ) -> Result<(), String> {
        match self.takes {
            Takes::Mounts => place.mount(&value)?,
            // `cut -d/`: a divider, and as a file nothing that can be read.
            Takes::Paths | Takes::Script(_) if value.text == "/" => {}
            // A pattern or script. Behind a file, some programs would take it for another.
            Takes::Script(_) if SCRIPTS.contains(&flag) && arguments.positionals.is_empty() => {
                if value.glob.is_some() {
                    return Err(pattern_as_text(&value));
                }
            }
            _ => place.path(&value)?,
        }
        arguments.flags.push((flag.to_owned(), Some(value.text)));
        Ok(())
    }

    /// What a flag takes; `None` if it isn't known.
    fn kind(&self, flag: &str) -> Option<Kind> {
        self.flags.split(' ').find_map(|own| match own.strip_prefix(flag)? {
            "" => Some(Kind::Plain),
            "=" => Some(Kind::Valued),
            ":" => Some(Kind::Apart),
            "?" => Some(Kind::Optional),
            _ => None,
        })
    }

    /// Judges the words that aren't flags.
    fn place(&self, arguments: &Arguments<'_>, place: &Place, name: &str) -> Result<(), String> {
        let words = &arguments.positionals;
        match self.takes {
            Takes::Nothing if !words.is_empty() => {
                Err(format!("`{name}` with `{}` isn't known to only read", words[0].text))
            }
            Takes::OnePath if words.len() > 1 => Err(format!("`{name}` would write to {}", words[1].text)),
            Takes::OnePath if words.iter().any(|word| word.glob.is_some()) => Err(format!(
                "`{}` can become two files, of which `{name}` would write the second",
                words[0].raw
            )),
            Takes::Nothing | Takes::Checked => Ok(()),
            Takes::Text => {
                words.iter().filter(|word| word.glob.is_some()).try_for_each(|word| place.path(word))
            }
            Takes::Mounts => words.iter().try_for_each(|word| place.mount(word)),
            Takes::Paths | Takes::OnePath => self.paths(words, arguments, place),
            Takes::Script(given) => match words.split_first() {
                Some((script, files)) if !arguments.has(given) => {
                    if script.glob.is_some() {
                        return Err(pattern_as_text(script));
                    }
                    self.paths(files, arguments, place)
                }
                _ => self.paths(words, arguments, place),
            },
        }
    }

    fn paths(&self, words: &[&Word], arguments: &Arguments<'_>, place: &Place) -> Result<(), String> {
        let here = Word::plain(".");
        let reads = self.reads.map(|reads| if shows_hidden(arguments) { Reads::All } else { reads });
        match (reads, words) {
            // It reads its input.
            (Some(Reads::All), []) if self.reads == reads && !arguments.has(RECURSIVE) => Ok(()),
            (None, words) => words.iter().try_for_each(|word| place.path(word)),
            (Some(reads), []) => place.tree(&here, reads),
            (Some(reads), words) => words.iter().try_for_each(|word| place.tree(word, reads)),
        }
    }
}

/// The value of a flag in a word of its own. One that could be a flag itself may be one to the
/// program, if there the value may be left out; a number as in `-5` is none, and neither is a
/// script, or what follows a word such as `-size`.
fn next_value(rest: &mut std::slice::Iter<'_, Word>, flag: &str, name: &str) -> Result<Word, String> {
    let value = rest.next().ok_or_else(|| format!("`{flag}` of `{name}` lacks its value"))?;
    let spelt_out = flag.len() > 2 && !flag.starts_with("--");
    let is_flag = value
        .text
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|first: char| !first.is_ascii_digit()));
    match is_flag && !spelt_out && !SCRIPTS.contains(&flag) {
        true => Err(format!("`{}` can be the value of `{flag}` or a flag of `{name}`", value.raw)),
        false => Ok(value.clone()),
    }
}

fn pattern_as_text(word: &Word) -> String {
    format!("`{}` is a pattern for files, and its place one for text", word.raw)
}

/// Whether `rg` is told to show what it would leave out: names that are asked for come before
/// what is hidden or ignored. Those of a plain ending (`*.rs`) are nothing secret.
fn shows_hidden(arguments: &Arguments<'_>) -> bool {
    let plain = |glob: &str| {
        let ending = glob.rsplit_once("*.").map(|(_, ending)| ending);
        glob.starts_with('!')
            || ending.is_some_and(|ending| {
                ending.chars().all(|c| c.is_ascii_alphanumeric())
                    && !is_secret(Path::new(&format!("x.{ending}")))
            })
    };
    let mut globs = arguments.values(&["-g", "--glob", "--iglob"]);
    globs.any(|glob| !plain(glob))
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Valued,
    Apart,
    Optional,
}
