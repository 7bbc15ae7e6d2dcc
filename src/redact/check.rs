//! Whether a value is worth replacing: not empty, not masked already, no variable, no code,
//! no word of a message.

use super::Kind;

/// Values that say that there is none, or that it was taken out, in lower case.
const NOTHING: &str = "\
    null none nil undefined unset empty missing true false yes no on off n/a na unknown default \
    optional required disabled enabled default_value redacted masked hidden filtered removed omitted \
    sensitive private";

/// Values that are types, settings or words of a message, in lower case.
const WORDS: &str = "\
    secret secrets string str text char varchar bytes byte int integer number bool boolean object \
    any token password passwd securestring option binary bearer basic jwt incorrect invalid wrong \
    expired changed ok okay failed failure error not is was has must should will can cannot for from \
    to of in on or and the a an as at by with without if it be please enter accepted rejected denied \
    found too this that your you when where which because authentication authenticated publickey \
    unexpected expected instead argument flag value values input field prompt stdin file env see use \
    used using set reset update updated created deleted revoked valid refresh access login logout \
    also but only length count given provided needed requires may could would include same-origin \
    omit mismatch matches match correct weak strong short long plain plaintext";

/// Beginnings of values that are looked up elsewhere, in lower case.
const LOOKED_UP: &[&str] = &[
    "self.",
    "this.",
    "os.environ",
    "os.getenv",
    "process.env",
    "std::",
    "env.",
    "env:",
    "env::",
    "config.",
    "settings.",
    "vault:",
    "secretref:",
    "keyring:",
    "file:",
    "ssm:",
    "arn:aws:secretsmanager",
    "data.",
    "var.",
    "local.",
    "secrets.",
    "args.",
    "options.",
    "opts.",
    "params.",
    "request.",
    "req.",
    "user.",
    "module.",
    "input.",
    "fake-",
    "op://",
    "projects/",
];

/// Whether a text is one placeholder of percept's.
pub(super) fn is_placeholder(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let parts = inner.and_then(|inner| inner.split_once(':'));
    parts.is_some_and(|(kind, number)| {
        Kind::ALL.iter().any(|known| known.word() == kind)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_one_of(words: &str, value: &str) -> bool {
    words.split(' ').any(|word| word.eq_ignore_ascii_case(value))
}

/// Whether a value says that there is none to see: empty, `***`, `<redacted>`, `${VAR}`.
pub(super) fn is_masked(value: &str) -> bool {
    let enclosed = |open: &str, close: &str| {
        value.len() >= open.len() + close.len()
            && value
                .strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close))
                .is_some_and(|inner| !inner.contains(open) && !inner.contains(close))
    };
    let variable = |name: &str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'))
    };
    value.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '#' | '-' | '_' | '•' | '…' | '?' | ' '))
        || [("<", ">"), ("[", "]"), ("{", "}"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("%", "%"), ("(", ")"), ("#{", "}")]
            .iter()
            .any(|(open, close)| enclosed(open, close))
        || value.strip_prefix('$').is_some_and(variable)
        || matches!(value, "%s" | "%v" | "%d" | "%r" | "%q" | "{" | "[" | "|" | ">" | "|-" | ">-" | "&" | "''")
        || is_one_of(NOTHING, value)
        || value.contains("****")
        // A private key in JSON, with the line break behind it.
        || is_placeholder(value.trim_end_matches("\\n").trim_end_matches("\\\\n").trim_end_matches("\\r"))
}

/// Whether it is a word of a message, a type or a setting.
pub(super) fn is_word(value: &str) -> bool {
    let bare = value.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/');
    is_one_of(NOTHING, bare) || is_one_of(WORDS, bare)
}

/// Whether a line begins as declarations do in source.
pub(super) fn is_declaration(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "pub ",
        "pub(",
        "fn ",
        "let ",
        "const ",
        "static ",
        "var ",
        "val ",
        "def ",
        "func ",
        "function ",
        "type ",
        "struct ",
        "class ",
        "enum ",
        "private ",
        "public ",
        "protected ",
        "internal ",
        "unsafe ",
        "async ",
        "return ",
        "if ",
        "for ",
        "while ",
        "match ",
        "impl ",
        "use ",
        "import ",
        "//",
        "/*",
    ];
    let line = line.trim_start();
    WORDS.iter().any(|word| line.starts_with(word))
}

/// Whether it is code that gets the value, or its type: `get_token()`, `config.password`.
pub(super) fn is_code(value: &str, name: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let identifier = |text: &str| {
        !text.is_empty()
            && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '!' | '?'))
    };
    let before = |open: char| value.split_once(open).is_some_and(|(outer, _)| identifier(outer));
    // A call or an index may be cut at a quote or comma; a password may hold a bracket too.
    let closed = value.ends_with(['(', ')', '[', ']']) || !has_digit(value);
    let call = closed && (before('(') || before('['));
    let generic =
        value.split_once('<').is_some_and(|(outer, inner)| identifier(outer) && inner.ends_with('>'));
    let field = lower
        .rsplit_once('.')
        .is_some_and(|(before, last)| identifier(before) && name.to_ascii_lowercase().ends_with(last));
    let named = lower.rsplit_once('.').is_some_and(|(before, last)| {
        identifier(before) && !has_digit(before) && ["password", "secret", "token", "key"].contains(&last)
    });
    let snake = lower.ends_with("_password") || lower.ends_with("_token") || lower.ends_with("_secret");
    call || generic
        || field
        || named
        || identifier(value) && (snake || value.contains("::"))
        || value.eq_ignore_ascii_case(name)
        || LOOKED_UP
            .iter()
            .any(|beginning| lower.starts_with(beginning) && (beginning.contains(':') || !has_digit(value)))
        || value.starts_with("*const")
        || value.starts_with("*mut")
        || value.split_once("::").is_some_and(|(module, _)| identifier(module))
        || value.starts_with("&str")
        || value.starts_with("&'")
}

/// Whether it is a path: what is in the file there is not seen here.
pub(super) fn is_path(value: &str) -> bool {
    let rooted = ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start));
    let windows = value.get(1..3).is_some_and(|colon| colon == ":\\" || colon == ":/");
    let plain = value.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '~' | ' '));
    windows || rooted && plain && (value.len() < 40 || value.contains('.'))
}

/// Whether it looks drawn by chance: long enough, letters and digits, no blanks.
pub(super) fn is_random(value: &str, least: usize) -> bool {
    value.len() >= least
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !value.contains(char::is_whitespace)
}

/// Whether a word holds a digit: what every key of a provider does, and few words.
pub(super) fn has_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether it is no hash: `[0-9a-f]` alone.
pub(super) fn not_hex(value: &str) -> bool {
    value.bytes().any(|byte| !byte.is_ascii_hexdigit())
}

/// Whether the first part of a token decodes to the header of a JWT.
pub(super) fn is_jwt(token: &str) -> bool {
    use base64::Engine;
    let header = token.split('.').next().unwrap_or_default();
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header.trim_end_matches('='));
    let header: Option<serde_json::Value> =
        decoded.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    header.is_some_and(|header| header.get("alg").is_some() || header.get("typ").is_some())
}
