//! A name and its value: `password=…`, `"token": "…"`, `--api-key …`, in the forms of shells,
//! JSON, YAML, logfmt, connection strings and source.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Hit, check};

/// A value is looked through so far, so that a line is gone through only once.
const MOST_VALUE: usize = 8192;

/// More blanks than that in a value make it a sentence.
const MOST_BLANKS: usize = 5;

/// The shortest token that stands behind a colon.
const LEAST_TOKEN: usize = 8;

/// How sure it is that a name has a secret for its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// `password`: any value.
    Password,
    /// `api_key`, `secret`: a value of any form, but in prose one that looks random.
    Secret,
    /// `token`, which many things are called: only one that looks random.
    Token,
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Quoted,
    /// `name=value`.
    Tight,
    /// `name: value`, `name = value`.
    Loose,
}

const PASSWORDS: &str = "password|passwd|passphrase|passcode|passwort|pwd";
const SECRETS: &str = "secret|secret[_.-]?key|client[_.-]?secret|api[_.-]?(?:key|secret|token)|access[_.-]?key|account[_.-]?key\
    |secret[_.-]?access[_.-]?key|shared[_.-]?access[_.-]?key|app[_.-]?key|application[_.-]?key|auth[_.-]?key\
    |private[_.-]?key|encryption[_.-]?key|signing[_.-]?key|master[_.-]?key|license[_.-]?key|subscription[_.-]?key\
    |storage[_.-]?key|credentials?|secret[_.-]?token|key[_.-]?secret";

/// Names of the session ids of common servers and frameworks.
const SESSIONS: &str = "jsessionid|phpsessid|sessionid|session[_-]?id|connect\\.sid|asp\\.net_sessionid|sid|sessid\
    |laravel_session|xsrf-token|csrf-token|csrftoken|csrfmiddlewaretoken|remember_token|pass";

/// The longest name that is looked at.
const MOST_NAME: usize = 64;

/// The end of a name with what separates it from its value. Without the start of the name,
/// which would have to be tried at every letter of a line.
static HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        "(?i-u)(?:(?P<password>{PASSWORDS}|[_-]pass)|(?P<secret>{SECRETS})|token|\\b(?:{SESSIONS}))\
         [0-9]{{0,2}}(?:(?:\\\\?[\"'])?\\]?[ \\t]{{0,4}}(?P<sep>=>|:=|=|:)|(?P<flag>[ \\t]))[ \\t]{{0,8}}"
    ))
    .ok()
});

/// Words before a value in an element of XML: `<password>…</password>`.
static ELEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!("(?i)<[a-z0-9_.:-]{{0,40}}(?:{PASSWORDS}|{SECRETS}|token)>([^<>]+)</")).ok()
});

pub(super) fn find(line: &str, hits: &mut Vec<Hit>) {
    let Some(head) = HEAD.as_ref() else { return };
    let mut behind = 0;
    for found in head.captures_iter(line) {
        let Some(whole) = found.get(0) else { continue };
        // Within a value, a placeholder, or the user of an address, which [`super::web`] knows.
        let start = whole.start() - name_before(&line[..whole.start()]);
        let before = &line[..start];
        if whole.start() < behind
            || before.ends_with('<') && is_ours(&line[start..])
            || before.ends_with("://")
        {
            continue;
        }
        let name =
            line[start..whole.end()].trim_end_matches([' ', '\t', '=', ':', '>', '"', '\'', ']', '\\']);
        let level = match (found.name("password"), found.name("secret")) {
            (Some(_), _) => Level::Password,
            (_, Some(_)) => Level::Secret,
            _ => Level::Token,
        };
        let separator = found.name("sep").map(|separator| separator.as_str());
        let blank = whole.as_str().ends_with([' ', '\t']);
        if found.name("flag").is_some() && !name.starts_with("--") {
            continue;
        }
        let form = if separator == Some("=") && !blank { Form::Tight } else { Form::Loose };
        let Some((at, form)) = value(line, whole.end(), form) else { continue };
        let last = line[at.end..].trim_matches(['"', '\'', ',', ';', '}', ')', ' ', '\r', '\n']).is_empty();
        // A flag's value: what follows it is other arguments.
        let last = last || found.name("flag").is_some();
        // Source has its secrets in quotes; what stands without is a type or another name.
        let field =
            line[at.start..].starts_with(|c: char| c.is_ascii_uppercase()) && line[at.end..].starts_with(',');
        let source = field && !check::has_digit(&line[at.clone()])
            || check::is_declaration(line)
            || name.starts_with("self.")
            || name.starts_with("this.");
        if form == Form::Loose && source {
            continue;
        }
        if is_secret(&line[at.clone()], name, level, form, last) {
            behind = at.end;
            hits.push(Hit::secret(at));
        }
    }
    let elements = ELEMENT.iter().flat_map(|element| element.captures_iter(line));
    for value in elements.filter_map(|found| found.get(1)) {
        if !check::is_masked(value.as_str()) && !check::is_word(value.as_str()) {
            hits.push(Hit::secret(value.range()));
        }
    }
}

/// How much of a name stands before its end.
fn name_before(before: &str) -> usize {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'-');
    before.bytes().rev().take(MOST_NAME).take_while(|byte| is_name(byte)).count()
}

/// Whether a text goes on as a placeholder of a secret does behind its `<`.
fn is_ours(rest: &str) -> bool {
    let number = rest.strip_prefix("secret:").and_then(|rest| rest.split('>').next());
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Where the value stands that begins at `start`.
fn value(line: &str, start: usize, form: Form) -> Option<(Range<usize>, Form)> {
    let rest = &line[start..];
    // Comparisons, paths of a language, addresses; templates and what a shell puts in.
    if ["=", ":", "//", "-", "~"].iter().any(|other| rest.starts_with(other)) && form == Form::Loose
        || ["=", ":", "{{", "${{", "$(", "<%", "{%"].iter().any(|other| rest.starts_with(other))
    {
        return None;
    }
    let prefix =
        ["b\"", "r\"", "f\"", "u\"", "b'", "r'", "f'", "u'", "@\""].iter().any(|p| rest.starts_with(p));
    let at = start + usize::from(prefix);
    for quote in ["\\\"", "\"", "'", "`"] {
        if let Some(inner) = line[at..].strip_prefix(quote) {
            let from = at + quote.len();
            return match closing(inner, quote) {
                Some(length) => Some((from..from + length, Form::Quoted)),
                None => Some((from..from + word(inner), form)),
            };
        }
    }
    let length = word(rest);
    let bare = rest[..length].trim_end_matches(['.', ':', '!', '?']);
    Some((start..start + bare.len(), form))
}

/// How long a quoted value is.
fn closing(inner: &str, quote: &str) -> Option<usize> {
    let inner = &inner[..crate::text::boundary_before(inner, MOST_VALUE)];
    if quote.len() > 1 {
        return inner.find(quote);
    }
    let mut escaped = false;
    inner.char_indices().find_map(|(at, c)| match c {
        _ if std::mem::take(&mut escaped) => None,
        '\\' if quote != "'" => {
            escaped = true;
            None
        }
        c if quote.starts_with(c) => Some(at),
        _ => None,
    })
}

/// How long a value without quotes is.
fn word(rest: &str) -> usize {
    let stops = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '&' | '|');
    let length = rest.find(stops).unwrap_or(rest.len());
    let length =
        ["\\n", "\\r", "</"].iter().filter_map(|stop| rest[..length].find(stop)).min().unwrap_or(length);
    // What closes what was opened before the value is not of it.
    let value = &rest[..length];
    let closes = |open: char, close: char| value.ends_with(close) && !value.contains(open);
    match closes('(', ')') || closes('[', ']') || closes('{', '}') {
        true => value.trim_end_matches([')', ']', '}']).len(),
        false => length,
    }
}

fn is_secret(value: &str, name: &str, level: Level, form: Form, last: bool) -> bool {
    if check::is_masked(value) || check::is_word(value) {
        return false;
    }
    let blanks = value.split_whitespace().count().saturating_sub(1);
    let plain = value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let code = form != Form::Quoted && check::is_code(value, name) || value.eq_ignore_ascii_case(name);
    if code
        || blanks > MOST_BLANKS
        || check::is_path(value) && (form != Form::Quoted || level != Level::Password)
    {
        return false;
    }
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match (level, form) {
        (Level::Password, Form::Quoted | Form::Tight) => true,
        (Level::Password, Form::Loose) => last || !plain,
        (Level::Secret, Form::Quoted) => value.len() >= 4 && blanks == 0,
        (Level::Secret, Form::Tight) => value.len() >= 4,
        (Level::Secret, Form::Loose) => {
            check::is_random(value, LEAST_TOKEN) || last && value.len() >= LEAST_TOKEN && !digits
        }
        (Level::Token, Form::Tight) => value.len() >= 6 && !digits && (!plain || value.len() >= 16),
        (Level::Token, Form::Quoted | Form::Loose) => {
            check::is_random(value, LEAST_TOKEN) || plain && value.len() >= 24
        }
    }
}
