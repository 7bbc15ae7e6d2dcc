//! A command line, parsed: its simple commands, and every construct in it that makes what
//! they do depend on more than their words.
//!
//! The parser is brush's, a bash grammar in Rust. It may recurse and panic on hostile
//! text, so it gets bounded text on a thread of its own; a panic there would be a line that
//! can't be read, which asks.

use brush_parser::ast;

use super::word::{self, Word};

/// The longest line that is parsed. Longer ones ask: nobody reads them in a dialog either.
const MAX_BYTES: usize = 8 * 1024;
/// The deepest nesting of brackets; the grammar backtracks exponentially in it.
const MAX_DEPTH: usize = 8;
/// The most words that open a block (`if if if …`), each of which recurses.
const MAX_BLOCKS: usize = 32;
/// The most digits of a descriptor.
const MAX_DIGITS: usize = 4;
/// The parser's stack. Memory that isn't touched costs nothing.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// A construct that makes a line more than a list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each says what it is")]
pub enum Finding {
    #[error("a substitution runs a command inside the command")]
    Substitution,
    #[error("a process substitution runs a command inside the command")]
    ProcessSubstitution,
    #[error("`&` leaves it running in the background")]
    Background,
    #[error("it defines a function")]
    Function,
    #[error("it is a loop, a condition or a block")]
    Block,
    #[error("a group of commands runs in a shell of its own")]
    Group,
    #[error("a here-document or here-string feeds it")]
    HereDocument,
    #[error("the value of a variable isn't known before it runs")]
    Variable,
    #[error("it sets a variable, which can change what programs do")]
    Assignment,
    #[error("it computes, which can run commands too")]
    Arithmetic,
    #[error("a `~` stands for a folder that isn't known here")]
    Tilde,
    #[error("braces stand for several words")]
    Braces,
    #[error("`$'…'` or `$\"…\"` can hide what a word is")]
    DollarQuote,
    #[error("a pattern in parentheses can match anything")]
    Pattern,
    #[error("a quote isn't closed")]
    OpenQuote,
    #[error("`!` or `time` stands before it")]
    Prefix,
    #[error("both output streams go to a place that shells read differently (`&>`)")]
    BothStreams,
    #[error("it can be read in two ways")]
    TwoReadings,
}

/// Where a stream goes or comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// `< file`
    Read(Word),
    /// `> file`, `>> file`, `>| file`, `<> file`
    Write(Word),
    /// `2>&1` and its kind.
    Duplicate(Word),
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Simple {
    /// The program first; empty where there are only redirections or assignments.
    pub words: Vec<Word>,
    /// In the order written.
    pub redirects: Vec<Redirect>,
}

/// A parsed line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// Every simple command, those inside of blocks, groups and functions too.
    pub commands: Vec<Simple>,
    /// Every construct, in the order found.
    pub findings: Vec<Finding>,
    /// Functions that call themselves twice over, in the background: a fork bomb.
    pub breeds: bool,
}

/// Why a line can't be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than what is parsed; its bytes.
    #[error("it is too long to be judged ({0} bytes)")]
    TooLong(usize),
    /// Nested deeper than is parsed.
    #[error("it is nested too deeply to be judged")]
    TooDeep,
    /// A character that shows as nothing, or as another one.
    #[error("it holds an invisible or unusual character (U+{:04X})", u32::from(*.0))]
    Character(char),
    /// What follows is text of its own, to a line that ends it.
    #[error("a here-document feeds it")]
    HereDocument,
    /// Not a command line.
    #[error("it can't be parsed as a shell command")]
    Syntax,
}

impl CommandLine {
    /// Parses a line.
    ///
    /// # Errors
    ///
    /// It can't be parsed, or isn't safe to parse.
    pub fn parse(line: &str) -> Result<Self, Unreadable> {
        check(line)?;
        let program = parse(line)?;
        let mut found = Self::default();
        program.complete_commands.iter().for_each(|list| found.list(list));
        if found.findings.is_empty() && !found.agrees_with(line) {
            found.findings.push(Finding::TwoReadings);
        }
        Ok(found)
    }

    /// Whether the plain split of the line gives the same words.
    fn agrees_with(&self, line: &str) -> bool {
        let targets = |redirect: &Redirect| match redirect {
            Redirect::Read(word) | Redirect::Write(word) | Redirect::Duplicate(word) => word.raw.clone(),
        };
        let mut words: Vec<String> = Vec::new();
        for simple in &self.commands {
            words.extend(simple.words.iter().map(|word| word.raw.clone()));
            words.extend(simple.redirects.iter().map(targets));
        }
        let bare = |word: String| word.replace("\\\n", "");
        let sorted = |words: Vec<String>| {
            let mut words: Vec<String> = words.into_iter().map(bare).collect();
            words.sort();
            words
        };
        word::split(line).is_some_and(|second| sorted(second) == sorted(words))
    }

    fn list(&mut self, list: &ast::CompoundList) {
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            if matches!(separator, ast::SeparatorOperator::Async) {
                self.findings.push(Finding::Background);
            }
            self.pipeline(&and_or.first);
            for ast::AndOr::And(next) | ast::AndOr::Or(next) in &and_or.additional {
                self.pipeline(next);
            }
        }
    }

    fn pipeline(&mut self, pipeline: &ast::Pipeline) {
        if pipeline.bang || pipeline.timed.is_some() {
            self.findings.push(Finding::Prefix);
        }
        pipeline.seq.iter().for_each(|command| self.command(command));
    }

    fn command(&mut self, command: &ast::Command) {
        match command {
            ast::Command::Simple(simple) => self.simple(simple),
            ast::Command::Compound(compound, redirects) => {
                self.compound(compound);
                self.lone_redirects(redirects.as_ref());
            }
            ast::Command::Function(function) => {
                self.findings.push(Finding::Function);
                let mut body = Self::default();
                body.compound(&function.body.0);
                let calls = |simple: &Simple| {
                    simple.words.first().is_some_and(|word| word.raw == function.fname.value)
                };
                self.breeds |= body.findings.contains(&Finding::Background)
                    && body.commands.iter().filter(|simple| calls(simple)).count() >= 2;
                self.commands.append(&mut body.commands);
            }
            ast::Command::ExtendedTest(_, redirects) => {
                self.findings.push(Finding::Block);
                self.lone_redirects(redirects.as_ref());
            }
        }
    }

    fn compound(&mut self, compound: &ast::CompoundCommand) {
        use ast::CompoundCommand as C;
        self.findings.push(match compound {
            C::Arithmetic(_) => Finding::Arithmetic,
            C::BraceGroup(_) | C::Subshell(_) => Finding::Group,
            C::Coprocess(_) => Finding::Background,
            _ => Finding::Block,
        });
        match compound {
            C::Arithmetic(_) => {}
            C::ArithmeticForClause(each) => self.list(&each.body.list),
            C::BraceGroup(group) => self.list(&group.list),
            C::Subshell(group) => self.list(&group.list),
            C::ForClause(each) => self.list(&each.body.list),
            C::CaseClause(case) => {
                case.cases.iter().filter_map(|item| item.cmd.as_ref()).for_each(|list| self.list(list));
            }
            C::IfClause(clause) => {
                self.list(&clause.condition);
                self.list(&clause.then);
                for clause in clause.elses.iter().flatten() {
                    clause.condition.iter().for_each(|list| self.list(list));
                    self.list(&clause.body);
                }
            }
            C::WhileClause(ast::WhileOrUntilClauseCommand(condition, body, _))
            | C::UntilClause(ast::WhileOrUntilClauseCommand(condition, body, _)) => {
                self.list(condition);
                self.list(&body.list);
            }
            C::Coprocess(process) => self.command(&process.body),
        }
    }

    fn lone_redirects(&mut self, redirects: Option<&ast::RedirectList>) {
        let mut simple = Simple::default();
        for redirect in redirects.iter().flat_map(|list| &list.0) {
            self.redirect(redirect, &mut simple);
        }
        if !simple.redirects.is_empty() {
            self.commands.push(simple);
        }
    }

    fn simple(&mut self, command: &ast::SimpleCommand) {
        let mut simple = Simple::default();
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            if let ast::CommandPrefixOrSuffixItem::AssignmentWord(..) = item {
                self.findings.push(Finding::Assignment);
            } else {
                self.item(item, &mut simple);
            }
        }
        if let Some(program) = &command.word_or_name {
            self.word(program, &mut simple);
        }
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(item, &mut simple);
        }
        self.commands.push(simple);
    }

    fn item(&mut self, item: &ast::CommandPrefixOrSuffixItem, simple: &mut Simple) {
        use ast::CommandPrefixOrSuffixItem as Item;
        match item {
            Item::IoRedirect(redirect) => self.redirect(redirect, simple),
            Item::Word(word) => self.word(word, simple),
            Item::AssignmentWord(assignment, word) => {
                if let ast::AssignmentValue::Array(_) = assignment.value {
                    self.findings.push(Finding::Assignment);
                }
                self.word(word, simple);
            }
            Item::ProcessSubstitution(_, group) => {
                self.findings.push(Finding::ProcessSubstitution);
                self.list(&group.list);
            }
        }
    }

    fn word(&mut self, word: &ast::Word, simple: &mut Simple) {
        let word = self.read(word);
        simple.words.push(word);
    }

    fn read(&mut self, word: &ast::Word) -> Word {
        let word = Word::read(&word.value);
        self.findings.extend(word.unknown);
        word
    }

    fn redirect(&mut self, redirect: &ast::IoRedirect, simple: &mut Simple) {
        use ast::{IoFileRedirectKind as Kind, IoFileRedirectTarget as Target};
        let redirect = match redirect {
            ast::IoRedirect::HereDocument(..) | ast::IoRedirect::HereString(..) => {
                return self.findings.push(Finding::HereDocument);
            }
            ast::IoRedirect::OutputAndError(word, _) => {
                self.findings.push(Finding::BothStreams);
                Redirect::Write(self.read(word))
            }
            ast::IoRedirect::File(_, _, Target::ProcessSubstitution(_, group)) => {
                self.findings.push(Finding::ProcessSubstitution);
                return self.list(&group.list);
            }
            // `|&`, which only some shells know.
            ast::IoRedirect::File(_, _, Target::Fd(_)) => {
                return self.findings.push(Finding::BothStreams);
            }
            ast::IoRedirect::File(_, kind, Target::Filename(word) | Target::Duplicate(word)) => {
                let word = self.read(word);
                match kind {
                    Kind::Read => Redirect::Read(word),
                    Kind::DuplicateInput | Kind::DuplicateOutput => Redirect::Duplicate(word),
                    Kind::Write | Kind::Append | Kind::ReadAndWrite | Kind::Clobber => Redirect::Write(word),
                }
            }
        };
        simple.redirects.push(redirect);
    }
}

/// Whether a line is small and plain enough to be parsed.
fn check(line: &str) -> Result<(), Unreadable> {
    if line.len() > MAX_BYTES {
        return Err(Unreadable::TooLong(line.len()));
    }
    if let Some(c) = line.chars().find(|c| is_unusual(*c)) {
        return Err(Unreadable::Character(c));
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    for c in line.chars() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let opens = |word: &&str| ["if", "while", "until", "for", "case", "do", "then", "select"].contains(word);
    let blocks = line.split(|c: char| !c.is_alphabetic()).filter(opens).count();
    let ticks = line.matches('`').count();
    if has_endless_number(line) {
        return Err(Unreadable::Syntax);
    }
    if may_have_here_document(line) {
        return Err(Unreadable::HereDocument);
    }
    match deepest > MAX_DEPTH || blocks > MAX_BLOCKS || ticks > MAX_DEPTH {
        true => Err(Unreadable::TooDeep),
        false => Ok(()),
    }
}

/// Whether a descriptor is longer than any can be (`99999999999>x`), which the parser
/// panics on.
fn has_endless_number(line: &str) -> bool {
    let before = |at: usize| line[..at].bytes().rev().take_while(u8::is_ascii_digit).count();
    line.match_indices(['<', '>']).any(|(at, _)| before(at) > MAX_DIGITS)
}

/// Whether there may be a here-document. The parser reads some for ever, in ever more memory
/// (`<<$(  `, `<<''>x`), and all of them ask. Quotes are told apart only where nothing makes that
/// hard.
fn may_have_here_document(line: &str) -> bool {
    const HARD: [&str; 5] = ["`", "$(", "${", "$'", "#"];
    if !line.contains("<<") || HARD.iter().any(|hard| line.contains(hard)) {
        return line.contains("<<");
    }
    let bare = without_quotes(line);
    let mut runs = bare.split(|c| c != '<').map(str::len);
    // Three are a here-string.
    runs.any(|run| run == 2 || run > 3)
}

/// A line with a `_` for each quoted part and each escaped character.
fn without_quotes(line: &str) -> String {
    let mut bare = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '\'' => drop(rest.find(|c| *c == '\'')),
            '"' => loop {
                match rest.next() {
                    None | Some('"') => break,
                    Some('\\') => drop(rest.next()),
                    Some(_) => {}
                }
            },
            c => {
                bare.push(c);
                continue;
            }
        }
        bare.push('_');
    }
    bare
}

/// Whether a character shows as nothing, turns the text around, or separates words for
/// some readers and not for others.
fn is_unusual(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}');
    let control = c.is_control() && c != '\n' && c != '\t';
    invisible || control || (c.is_whitespace() && !c.is_ascii())
}

fn parse(line: &str) -> Result<ast::Program, Unreadable> {
    let line = line.to_owned();
    let parser = std::thread::Builder::new().name("shell parser".to_owned()).stack_size(STACK_BYTES);
    let parsing = parser.spawn(move || {
        // What other shells read as plain text must not be read as a pattern.
        let options = brush_parser::ParserOptions { enable_extended_globbing: false, ..Default::default() };
        brush_parser::Parser::new(line.as_bytes(), &options).parse_program().ok()
    });
    let parsed = parsing.map_err(|_| Unreadable::Syntax)?.join();
    parsed.ok().flatten().ok_or(Unreadable::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(line: &str) -> Vec<Vec<String>> {
        let parsed = CommandLine::parse(line).unwrap();
        let words = |simple: &Simple| simple.words.iter().map(|word| word.raw.clone()).collect();
        parsed.commands.iter().map(words).collect()
    }

    fn findings(line: &str) -> Vec<Finding> {
        CommandLine::parse(line).unwrap().findings
    }

    #[test]
    fn a_line_is_its_commands() {
        assert_eq!(
            raw("ls -l | wc && pwd; id || true\nwho"),
            [vec!["ls", "-l"], vec!["wc"], vec!["pwd"], vec!["id"], vec!["true"], vec!["who"]]
        );
        assert_eq!(findings("ls -l 'a b' # c\npwd 2>/dev/null"), []);
        assert_eq!(findings("ls \\\n -l"), []);
    }

    #[test]
    fn constructs_are_found_however_deep() {
        assert_eq!(findings("ls &"), [Finding::Background]);
        assert_eq!(findings("cat <(ls)"), [Finding::ProcessSubstitution]);
        assert_eq!(findings("A=1 ls"), [Finding::Assignment]);
        assert_eq!(findings("(ls)"), [Finding::Group]);
        assert_eq!(findings("f() { ls; }"), [Finding::Function]);
        assert_eq!(findings("cat <<< x"), [Finding::HereDocument]);
        assert_eq!(findings("ls &> x"), [Finding::BothStreams]);
        assert_eq!(raw("if true; then (rm x); fi"), [vec!["true"], vec!["rm", "x"]]);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(CommandLine::parse("ls 'a"), Err(Unreadable::Syntax));
        assert_eq!(CommandLine::parse("ls |"), Err(Unreadable::Syntax));
        assert_eq!(CommandLine::parse("ls\0"), Err(Unreadable::Character('\0')));
        assert_eq!(CommandLine::parse("ls\u{a0}x"), Err(Unreadable::Character('\u{a0}')));
        assert_eq!(CommandLine::parse(&"(".repeat(99)), Err(Unreadable::TooDeep));
        assert_eq!(CommandLine::parse(&"if ".repeat(99)), Err(Unreadable::TooDeep));
        assert_eq!(CommandLine::parse(&"a".repeat(9999)), Err(Unreadable::TooLong(9999)));
        // It makes the parser panic, which must not be ours.
        assert_eq!(CommandLine::parse("ls 99999999999>x"), Err(Unreadable::Syntax));
        // And here it never ends.
        for line in [
            "<<$((  ",
            "x <<-'a$(  ",
            "<<\"$((  ",
            ";<<''>x ]((a",
            "<<<<''>x ]((a",
            "cat <<E\nx\nE",
            "a\\' <<''>x'",
            "# it's\ncat <<''>x",
            "\"$(echo \")\" <<''>x\"",
        ] {
            assert_eq!(CommandLine::parse(line), Err(Unreadable::HereDocument), "{line}");
        }
        for line in ["grep '<<<<<<< ' a", "echo \"1 << 2\"", "cat <<< x", "cat < a"] {
            assert!(CommandLine::parse(line).is_ok(), "{line}");
        }
    }
}
