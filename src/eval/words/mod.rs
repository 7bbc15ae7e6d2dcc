//! Made-up texts of what screens are full of: names, paths, numbers, errors, commands, titles.
//!
//! All of it is printable ASCII on one line, with single spaces inside and none around, and no
//! longer than the constants here say. The lists and templates are the files beside this one.

mod fields;

use std::sync::LazyLock;

use super::Rng;

/// The most characters of [`Words::word`]; it has at least two.
pub const WORD_CHARS: usize = 12;
/// The most characters of [`Words::identifier`].
pub const IDENTIFIER_CHARS: usize = 32;
/// The most characters of [`Words::path`].
pub const PATH_CHARS: usize = 64;
/// The most characters of [`Words::number`].
pub const NUMBER_CHARS: usize = 20;
/// The most characters of [`Words::error`].
pub const ERROR_CHARS: usize = 120;
/// The most characters of [`Words::command`].
pub const COMMAND_CHARS: usize = 120;
/// The most characters of [`Words::title`].
pub const TITLE_CHARS: usize = 60;
/// The most characters of [`Words::buttons`].
pub const BUTTON_CHARS: usize = 16;
/// The most characters of [`Words::log_line`].
pub const LOG_CHARS: usize = 160;
/// The most characters of [`Words::code_line`].
pub const CODE_CHARS: usize = 100;

/// What random characters are drawn from: none that can't be told from another in a common typeface
/// (no `l`, `I`, `1`, `O`, `0`), and none that marks up.
const NOISE: &[u8; 65] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-./:=+#@%";

/// A list that is a file: one of its lines, or words, at a time.
type List = LazyLock<Vec<&'static str>>;

static COMMON: List = LazyLock::new(|| include_str!("common.txt").split_whitespace().collect());
static ERRORS: List = LazyLock::new(|| include_str!("errors.txt").lines().collect());
static COMMANDS: List = LazyLock::new(|| include_str!("commands.txt").lines().collect());
static TITLES: List = LazyLock::new(|| include_str!("titles.txt").lines().collect());
static ERROR_TITLES: List = LazyLock::new(|| include_str!("error_titles.txt").lines().collect());
static NOTICES: List = LazyLock::new(|| include_str!("notices.txt").lines().collect());
static BUTTONS: List = LazyLock::new(|| include_str!("buttons.txt").lines().collect());
static MESSAGES: List = LazyLock::new(|| include_str!("messages.txt").lines().collect());
static RUST: List = LazyLock::new(|| include_str!("rust.txt").lines().collect());
static PYTHON: List = LazyLock::new(|| include_str!("python.txt").lines().collect());
static TYPESCRIPT: List = LazyLock::new(|| include_str!("typescript.txt").lines().collect());

/// A language that code is made up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// TypeScript.
    TypeScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::TypeScript];

    fn lines(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &RUST,
            Self::Python => &PYTHON,
            Self::TypeScript => &TYPESCRIPT,
        }
    }
}

/// What buttons can say.
pub fn buttons() -> impl Iterator<Item = &'static str> {
    BUTTONS.iter().copied()
}

/// Makes texts up.
#[derive(Debug)]
pub struct Words<'a> {
    rng: &'a mut Rng,
}

impl<'a> Words<'a> {
    /// Texts from these numbers.
    pub fn new(rng: &'a mut Rng) -> Self {
        Self { rng }
    }

    /// The numbers themselves, for choices between texts.
    pub fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    /// A common word of English or of the trade, in lower case.
    pub fn word(&mut self) -> &'static str {
        self.of(&COMMON)
    }

    /// A name as programs have them: `retry_limit`, `maxDepth`, `OrderStore`, `HOME_PATH`.
    pub fn identifier(&mut self) -> String {
        let style = *self.rng.pick(&["snake", "kebab", "camel", "Pascal", "SCREAMING"]);
        let made = self.field(style).unwrap_or_default();
        within(made, IDENTIFIER_CHARS)
    }

    /// An absolute path of Unix or Windows.
    pub fn path(&mut self) -> String {
        let style = if self.rng.chance(0.75) { "path" } else { "windows" };
        let made = self.field(style).unwrap_or_default();
        within(made, PATH_CHARS)
    }

    /// A count, a decimal, a hexadecimal number, an IPv4 address, a time, a date, a percentage, a
    /// size.
    pub fn number(&mut self) -> String {
        let kinds = ["n", "big", "decimal", "0xhex8", "ip", "time", "date", "percent", "size"];
        let kind = *self.rng.pick(&kinds);
        let made = self.field(kind).unwrap_or_default();
        within(made, NUMBER_CHARS)
    }

    /// An error message of a program.
    pub fn error(&mut self) -> String {
        self.made(&ERRORS, ERROR_CHARS)
    }

    /// A command line of a shell.
    pub fn command(&mut self) -> String {
        self.made(&COMMANDS, COMMAND_CHARS)
    }

    /// The title of a window or dialog.
    pub fn title(&mut self) -> String {
        self.made(&TITLES, TITLE_CHARS)
    }

    /// The title of a dialog that reports an error.
    pub fn error_title(&mut self) -> String {
        self.made(&ERROR_TITLES, TITLE_CHARS)
    }

    /// What a dialog says that reports no error.
    pub fn notice(&mut self) -> String {
        self.made(&NOTICES, ERROR_CHARS)
    }

    /// Several buttons that differ.
    pub fn buttons(&mut self, several: usize) -> Vec<&'static str> {
        self.rng.sample(&BUTTONS, several)
    }

    /// What a service writes into its log of its work, with neither time nor level.
    pub fn message(&mut self) -> String {
        self.made(&MESSAGES, ERROR_CHARS)
    }

    /// A line of a log: time, level, who, what.
    pub fn log_line(&mut self) -> String {
        let (level, what) = match self.rng.below(10) {
            0 => ("ERROR", self.error()),
            1 | 2 => ("WARN", self.error()),
            3 => ("DEBUG", self.message()),
            _ => ("INFO", self.message()),
        };
        let form = *self.rng.pick(&["{date} {time}", "{date}T{time}Z", "[{time}]", "{time}.{n3}"]);
        let (when, who) = (self.filled(form), self.filled("{kebab}"));
        within(format!("{when} {level} {who}: {what}"), LOG_CHARS)
    }

    /// A line of code, without what it is indented by.
    pub fn code_line(&mut self, language: Language) -> String {
        self.made(language.lines(), CODE_CHARS)
    }

    /// A sentence of at most so many characters: a capital first, a full stop last, and no grammar.
    pub fn sentence(&mut self, max_chars: usize) -> String {
        let first = self.filled("{Word}");
        let mut sentence = within(first, max_chars.saturating_sub(1));
        for _ in 0..self.rng.range(3..=13) {
            let word = self.word();
            if sentence.len() + word.len() + 2 > max_chars {
                break;
            }
            sentence.push(' ');
            sentence.push_str(word);
        }
        sentence.push('.');
        within(sentence, max_chars)
    }

    /// A line that is filled up to at most so many characters with words, names, numbers and paths.
    /// About a share `noise` of it are random characters instead, which nobody can guess.
    pub fn line(&mut self, max_chars: usize, noise: f32) -> String {
        let mut line = String::new();
        loop {
            let next = match (self.rng.chance(noise), self.rng.below(8)) {
                (true, _) => self.noise(),
                (false, 0) => self.identifier(),
                (false, 1) => self.number(),
                (false, 2) => self.filled("{relative}"),
                _ => self.word().to_owned(),
            };
            let space = usize::from(!line.is_empty());
            if line.len() + space + next.len() > max_chars {
                return if line.is_empty() { within(next, max_chars) } else { line };
            }
            line.push_str(&" "[..space]);
            line.push_str(&next);
        }
    }

    /// Three to nine random characters that can be told apart in any typeface.
    pub fn noise(&mut self) -> String {
        (0..self.rng.range(3..=9)).map(|_| char::from(*self.rng.pick(NOISE))).collect()
    }

    /// A template with its fields filled: `{word}`, `{path}`, `{port}` and so on (fields.rs). What
    /// stands in braces and is no field stays.
    pub fn filled(&mut self, template: &str) -> String {
        let (mut filled, mut rest) = (String::with_capacity(template.len() * 2), template);
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let name = from[1..].split('}').next().filter(|name| name.len() + 2 <= from.len());
            match name.and_then(|name| Some((name.len() + 2, self.field(name)?))) {
                Some((len, made)) => {
                    filled.push_str(&made);
                    rest = &from[len..];
                }
                None => {
                    filled.push('{');
                    rest = &from[1..];
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    fn made(&mut self, templates: &[&'static str], most: usize) -> String {
        let template = self.of(templates);
        within(self.filled(template), most)
    }

    fn of(&mut self, list: &[&'static str]) -> &'static str {
        self.rng.one_of(list).copied().unwrap_or_default()
    }
}

/// At most so many characters of an ASCII text, cut at a space where there is one.
fn within(mut text: String, most: usize) -> String {
    if text.len() > most {
        let cut = text[..=most].rfind(' ').unwrap_or(most);
        text.truncate(cut);
        text.truncate(text.trim_end().len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_plain(text: &str, most: usize) {
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
        assert!(text.len() <= most && !text.is_empty(), "{text:?}");
        assert!(!text.contains("  ") && text.trim() == text, "{text:?}");
    }

    #[test]
    fn all_of_it_is_plain_and_bounded() {
        let mut rng = Rng::new(11);
        for _ in 0..3000 {
            let mut words = Words::new(&mut rng);
            assert_plain(words.word(), WORD_CHARS);
            assert_plain(&words.identifier(), IDENTIFIER_CHARS);
            assert_plain(&words.path(), PATH_CHARS);
            assert_plain(&words.number(), NUMBER_CHARS);
            assert_plain(&words.error(), ERROR_CHARS);
            assert_plain(&words.command(), COMMAND_CHARS);
            assert_plain(&words.title(), TITLE_CHARS);
            assert_plain(&words.error_title(), TITLE_CHARS);
            assert_plain(&words.notice(), ERROR_CHARS);
            assert_plain(words.buttons(1)[0], BUTTON_CHARS);
            assert_plain(&words.message(), ERROR_CHARS);
            assert_plain(&words.log_line(), LOG_CHARS);
            for language in Language::ALL {
                assert_plain(&words.code_line(language), CODE_CHARS);
            }
            for most in [5, 20, 200] {
                assert_plain(&words.sentence(most), most);
                assert_plain(&words.line(most, 0.3), most);
            }
        }
    }

    #[test]
    fn each_template_is_filled_and_none_has_an_unknown_field() {
        let mut rng = Rng::new(12);
        let lists = [
            &ERRORS,
            &COMMANDS,
            &TITLES,
            &ERROR_TITLES,
            &NOTICES,
            &BUTTONS,
            &MESSAGES,
            &RUST,
            &PYTHON,
            &TYPESCRIPT,
        ];
        for template in lists.iter().flat_map(|list| list.iter()) {
            let made = Words::new(&mut rng).filled(template);
            // What is left in braces is code, not a field with a slip in its name.
            for left in made.match_indices('{').filter_map(|(at, _)| made[at + 1..].split_once('}')) {
                let letters = left.0.chars().all(|c| c.is_ascii_lowercase());
                assert!(!letters || left.0.len() < 3 || template.contains("{{"), "{template} became {made}");
            }
            assert_ne!(made, "", "{template}");
        }
        assert_eq!(Words::new(&mut rng).filled("{ {unknown} {"), "{ {unknown} {");
    }

    #[test]
    fn a_long_line_is_nearly_full_and_noise_is_no_word() {
        let mut rng = Rng::new(13);
        for _ in 0..200 {
            let line = Words::new(&mut rng).line(300, 0.5);
            assert!(line.len() > 300 - PATH_CHARS, "{line}");
        }
        let noise = Words::new(&mut rng).line(120, 1.0);
        assert!(noise.split(' ').all(|token| !COMMON.contains(&token)), "{noise}");
        assert!(!noise.contains(['l', 'I', 'O', '0', '1']), "{noise}");
    }

    #[test]
    fn a_seed_makes_the_same_texts_for_ever() {
        let mut rng = Rng::new(14);
        let mut words = Words::new(&mut rng);
        assert_eq!(
            [words.error(), words.command(), words.path()],
            [
                "Error response from daemon: pull access denied for break/scroll-science",
                "ping -c 8 21.228.147.147",
                "/mnt/position/oval.png"
            ]
            .map(str::to_owned)
        );
    }

    #[test]
    fn the_words_are_many_and_none_is_there_twice() {
        let mut all = COMMON.clone();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), COMMON.len());
        assert!(all.len() > 400);
        assert!(all.iter().all(|word| (2..=WORD_CHARS).contains(&word.len())));
    }
}
