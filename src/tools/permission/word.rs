//! A word of a command line: what the program would get, and what keeps that from being
//! known before a shell runs.
//!
//! [`Word::read`] takes the quotes off. It knows only what means the same in every POSIX
//! shell; all else (`$x`, `$(…)`, `$'…'`, `{a,b}`) is a [`Finding`], and asks.
//! `split` is a second, simpler reading of a whole line: where it and the parser differ,
//! nobody knows what a shell would do.

use super::command::Finding;

/// A word, as it was written and as the program gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As written, quotes and all.
    pub raw: String,
    /// Without quotes. A leading `~` that stands for the home folder is still a `~`.
    pub text: String,
    /// Whether anything in it was quoted or escaped.
    pub quoted: bool,
    /// Whether it starts with a `~` that a shell replaces by the home folder.
    pub home: bool,
    /// Where in `text` the first character stands that may match several files.
    pub glob: Option<usize>,
    /// Why its value isn't known.
    pub unknown: Option<Finding>,
}

/// Characters after a `$` in double quotes that leave it a plain `$`, as in `"end$"`.
const AFTER_PLAIN_DOLLAR: [char; 4] = ['"', ' ', '|', ')'];

impl Word {
    /// Reads a word as the parser gives it.
    pub fn read(raw: &str) -> Self {
        let word = Self {
            raw: raw.to_owned(),
            text: String::new(),
            quoted: false,
            home: raw == "~" || raw.starts_with("~/"),
            glob: None,
            unknown: None,
        };
        let mut reader = Reader { word, rest: raw.chars().collect(), at: 0, brace: None };
        reader.read();
        reader.word
    }

    /// A word that is nothing but its text.
    pub fn plain(text: &str) -> Self {
        Self {
            raw: text.to_owned(),
            text: text.to_owned(),
            quoted: false,
            home: false,
            glob: None,
            unknown: None,
        }
    }

    /// Whether it is written as it is meant: no quotes, no patterns, nothing replaced.
    pub fn is_bare(&self) -> bool {
        !self.quoted && !self.home && self.glob.is_none() && self.unknown.is_none()
    }
}

struct Reader {
    word: Word,
    rest: Vec<char>,
    at: usize,
    /// Where an unquoted `{` stands.
    brace: Option<usize>,
}

impl Reader {
    fn read(&mut self) {
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape(),
                '\'' => self.single(),
                '"' => self.double(),
                '$' => self.dollar(),
                '`' => self.unknown(Finding::Substitution),
                '(' | ')' => self.unknown(Finding::Pattern),
                _ => self.bare(c),
            }
        }
        let expands = |open: usize| {
            let after: String = self.rest[open..].iter().collect();
            after.contains(',') || after.contains("..")
        };
        if self.brace.is_some_and(expands) {
            self.unknown(Finding::Braces);
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += 1;
        c
    }

    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn unknown(&mut self, finding: Finding) {
        self.word.unknown.get_or_insert(finding);
    }

    fn bare(&mut self, c: char) {
        match c {
            '*' | '?' => self.pattern(),
            // A bracket that nothing closes matches only itself, as in the program `[`.
            '[' if self.rest[self.at..].contains(&']') => self.pattern(),
            '{' => {
                self.brace.get_or_insert(self.at);
            }
            '~' if self.at == 1 && !self.word.home => self.unknown(Finding::Tilde),
            '~' if self.word.text.ends_with(['=', ':']) => self.unknown(Finding::Tilde),
            _ => {}
        }
        self.word.text.push(c);
    }

    fn pattern(&mut self) {
        let here = self.word.text.len();
        self.word.glob.get_or_insert(here);
    }

    fn escape(&mut self) {
        match self.next() {
            // A line that goes on: both characters vanish.
            Some('\n') => {}
            Some(c) => self.quote(c),
            None => self.quote('\\'),
        }
    }

    fn quote(&mut self, c: char) {
        self.word.quoted = true;
        self.word.text.push(c);
    }

    fn single(&mut self) {
        self.word.quoted = true;
        loop {
            match self.next() {
                Some('\'') => return,
                Some(c) => self.word.text.push(c),
                None => return self.unknown(Finding::OpenQuote),
            }
        }
    }

    fn double(&mut self) {
        self.word.quoted = true;
        loop {
            match self.next() {
                Some('"') => return,
                Some('\\') => self.escape_in_double(),
                Some('`') => self.unknown(Finding::Substitution),
                Some('$') if self.peek().is_some_and(|c| AFTER_PLAIN_DOLLAR.contains(&c)) => {
                    self.word.text.push('$');
                }
                Some('$') => self.dollar(),
                Some(c) => self.word.text.push(c),
                None => return self.unknown(Finding::OpenQuote),
            }
        }
    }

    fn escape_in_double(&mut self) {
        match self.peek() {
            Some('\n') => self.at += 1,
            Some(c @ ('$' | '`' | '"' | '\\')) => {
                self.at += 1;
                self.word.text.push(c);
            }
            _ => self.word.text.push('\\'),
        }
    }

    fn dollar(&mut self) {
        let after: String = self.rest[self.at.min(self.rest.len())..].iter().take(2).collect();
        self.unknown(match after.as_str() {
            "((" => Finding::Arithmetic,
            _ if after.starts_with('(') => Finding::Substitution,
            _ if after.starts_with(['\'', '"']) => Finding::DollarQuote,
            _ => Finding::Variable,
        });
        self.word.text.push('$');
    }
}

/// The words of a line as any shell splits it, operators and comments left out: a second
/// opinion on the parser's. `None` where it meets what it doesn't know.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let chars: Vec<char> = line.chars().collect();
    let (mut words, mut word, mut at) = (Vec::new(), String::new(), 0);
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            // A line that goes on in mid-word hides the word from whoever reads it.
            '\\' if chars.get(at) == Some(&'\n') && !word.is_empty() => return None,
            '\\' if chars.get(at) == Some(&'\n') => at += 1,
            '\\' => {
                word.push(c);
                word.push(*chars.get(at)?);
                at += 1;
            }
            '\'' | '"' => {
                let end = closing(&chars, at, c)?;
                word.push(c);
                word.extend(&chars[at..=end]);
                at = end + 1;
            }
            '#' if word.is_empty() => at += chars[at..].iter().take_while(|c| **c != '\n').count(),
            ' ' | '\t' | '\n' | ';' | '|' | '&' => words.extend(taken(&mut word)),
            // `2>` names a descriptor, which is no word.
            '<' | '>' if word.chars().all(|c| c.is_ascii_digit()) => word.clear(),
            '<' | '>' => words.extend(taken(&mut word)),
            '(' | ')' | '`' => return None,
            c => word.push(c),
        }
    }
    words.extend(taken(&mut word));
    Some(words)
}

fn taken(word: &mut String) -> Option<String> {
    Some(std::mem::take(word)).filter(|word| !word.is_empty())
}

fn closing(chars: &[char], from: usize, quote: char) -> Option<usize> {
    let mut at = from;
    while let Some(&c) = chars.get(at) {
        match c {
            _ if c == quote => return Some(at),
            '\\' if quote == '"' => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_come_off() {
        for (raw, text) in [
            ("ls", "ls"),
            (r"l\s", "ls"),
            ("'a b'c", "a bc"),
            (r#""a\"b\n""#, r#"a"b\n"#),
            ("\"end$\"", "end$"),
            ("a\\\nb", "ab"),
            ("HEAD~3", "HEAD~3"),
            ("stash@{0}", "stash@{0}"),
        ] {
            let word = Word::read(raw);
            assert_eq!((word.text.as_str(), &word.unknown), (text, &None), "{raw}");
        }
    }

    #[test]
    fn what_a_shell_replaces_is_found() {
        for (raw, finding) in [
            ("$HOME", Finding::Variable),
            ("\"$x\"", Finding::Variable),
            ("$(id)", Finding::Substitution),
            ("\"a`id`\"", Finding::Substitution),
            ("$((1))", Finding::Arithmetic),
            (r"$'\x6c'", Finding::DollarQuote),
            ("{a,b}", Finding::Braces),
            ("x{1..3}", Finding::Braces),
            ("~root", Finding::Tilde),
            ("a=~/x", Finding::Tilde),
            ("'a", Finding::OpenQuote),
        ] {
            assert_eq!(Word::read(raw).unknown, Some(finding), "{raw}");
        }
        assert!(Word::read("~/x").home && !Word::read("'~/x'").home);
        assert_eq!(Word::read("src/*.rs").glob, Some(4));
        assert_eq!(Word::read("'*'").glob, None);
        assert_eq!(Word::read("[").glob, None);
    }

    #[test]
    fn a_line_is_split_a_second_way() {
        assert_eq!(split("a 'b c' 2>/dev/null|d;e # f").unwrap(), ["a", "'b c'", "/dev/null", "d", "e"]);
        assert_eq!(split("a \\\n b").unwrap(), ["a", "b"]);
        assert_eq!(split("a 'b"), None);
        assert_eq!(split("a\\\nb"), None);
        assert_eq!(split("(a)"), None);
    }
}
