//! What goes over the web: cookies, the credentials of an `Authorization` header, passwords
//! in addresses.

use std::sync::LazyLock;

use regex::Regex;

use super::{Hit, check};

/// Schemes of the header whose credentials are one word (IANA's registry, and some of use).
const SCHEMES: &[&str] = &[
    "bearer",
    "basic",
    "token",
    "digest",
    "negotiate",
    "ntlm",
    "apikey",
    "api-key",
    "key",
    "bot",
    "oauth",
    "hmac",
    "splunk",
    "sharedkey",
    "sharedaccesssignature",
    "aws",
    "genie",
    "genieKey",
    "privatekey",
    "dpop",
    "ghs",
];

/// The shortest credentials of a scheme that is not known, or of none.
const LEAST_UNKNOWN: usize = 12;

static AUTHORIZATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)authorization(?:\\?["'])?\]?\s{0,2}(?::|=>|=|,)\s{0,3}(?:\\?["'])?(?:([a-z][a-z0-9-]{1,24})\s+)?([^\s"'\\,;]+)"#,
    )
    .ok()
});

pub(super) fn authorization(line: &str, hits: &mut Vec<Hit>) {
    let found = AUTHORIZATION.iter().flat_map(|header| header.captures_iter(line));
    for (scheme, credentials) in found.filter_map(|found| Some((found.get(1), found.get(2)?))) {
        let scheme = scheme.map(|scheme| scheme.as_str().to_ascii_lowercase());
        let known = scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.as_str()));
        let value = credentials.as_str();
        let alone = SCHEMES.contains(&value.to_ascii_lowercase().as_str());
        if !check::is_masked(value)
            && !check::is_word(value)
            && !alone
            && !value.starts_with("Credential=")
            && (known || check::is_random(value, LEAST_UNKNOWN))
        {
            hits.push(Hit::secret(credentials.range()));
        }
    }
}

/// Servers take headers of 8 or 16 KiB; it bounds how often a line is gone through.
const MOST_HEADER: usize = 16 * 1024;

static COOKIE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)(set-)?cookie2?\\?["']?\]?\s{0,2}(?::|=>|=)\s{0,3}\[?\\?["']?"#).ok());

/// The values of cookies; of one that is set, not what is said of it (`Path=/`).
pub(super) fn cookies(line: &str, hits: &mut Vec<Hit>) {
    let mut behind = 0;
    let found = COOKIE.iter().flat_map(|header| header.captures_iter(line));
    for (whole, set) in found.filter_map(|found| Some((found.get(0)?, found.get(1).is_some()))) {
        if whole.start() < behind {
            continue;
        }
        let mut at = whole.end();
        let most = crate::text::boundary_before(line, at + MOST_HEADER);
        let end = line[at..most].find(['"', '\'', '\\', '\n', '\r']).map_or(most, |quote| at + quote);
        // A hand that wrote several headers into one line: each is found by itself.
        let pairs = if set { 1 } else { usize::MAX };
        for pair in line[at..end].split_inclusive(';').take(pairs) {
            let bare = pair.trim_end_matches(';').trim_end();
            let Some((name, value)) = bare.split_once('=') else { break };
            if name.trim_start().is_empty() || name.trim_start().contains(char::is_whitespace) {
                break;
            }
            let value = value.split(char::is_whitespace).next().unwrap_or_default();
            if !check::is_masked(value) {
                let start = at + name.len() + 1;
                let cut = start + value.len() == most;
                // The end of a value that is longer than any server takes.
                let more =
                    if cut { line[most..].find([' ', ';', '"']).unwrap_or(line.len() - most) } else { 0 };
                behind = start + value.len() + more;
                hits.push(Hit::secret(start..behind));
            }
            at += pair.len();
        }
    }
}

static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)[a-z][a-z0-9+.-]{1,30}://[^\s/:@"'`<>]{0,128}:([^\s/"'`]+)@"#).ok());

/// The password in `scheme://user:password@host`.
pub(super) fn addresses(line: &str, hits: &mut Vec<Hit>) {
    let found = ADDRESS.iter().flat_map(|address| address.captures_iter(line));
    for password in found.filter_map(|found| found.get(1)) {
        if !check::is_masked(password.as_str()) {
            hits.push(Hit::secret(password.range()));
        }
    }
}
