//! Who it is about: e-mail addresses, and if asked for IP addresses and names of users.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

use super::{Hit, Kind};

/// The longest part of an address before and behind the `@` (RFC 5321).
const MOST_LOCAL: usize = 64;
const MOST_DOMAIN: usize = 255;

/// Endings of files and units that come behind an `@` in their names.
const NO_DOMAINS: &[&str] = &[
    "txt", "log", "csv", "pdf", "xml", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "mjs", "cjs",
    "ts", "tsx", "jsx", "css", "scss", "json", "md", "html", "map", "service", "socket", "target", "timer",
    "mount", "scope", "slice", "path", "device", "lock", "tgz", "gz", "zip", "rs", "py", "go", "java", "rb",
    "php", "toml", "yaml", "yml", "whl", "deb", "rpm",
];

/// Accounts that belong to nobody.
const NOBODY: &[&str] = &[
    "root",
    "nobody",
    "daemon",
    "bin",
    "sys",
    "www-data",
    "nginx",
    "apache",
    "postgres",
    "mysql",
    "redis",
    "git",
    "user",
    "users",
    "username",
    "admin",
    "administrator",
    "system",
    "public",
    "default",
    "shared",
    "all",
    "unknown",
    "null",
    "none",
    "true",
    "false",
    "guest",
    "anonymous",
    "ubuntu",
    "runner",
    "vagrant",
    "node",
    "app",
    "sshd",
    "service",
    "id",
    "is",
    "was",
    "not",
    "in",
    "has",
    "with",
    "by",
    "for",
    "from",
    "the",
    "a",
    "an",
    "name",
    "and",
    "or",
    "to",
    "of",
    "on",
    "data",
    "agent",
    "input",
    "space",
    "mode",
    "interface",
    "error",
    "authentication",
    "authenticating",
    "invalid",
    "illegal",
    "string",
    "str",
    "password",
    "uid",
    "pid",
    "port",
    "session",
    "systemd",
];

pub(super) fn emails(line: &str, hits: &mut Vec<Hit>) {
    let bytes = line.as_bytes();
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    for at in memchr::memchr_iter(b'@', bytes) {
        let local = bytes[..at].iter().rev().take(MOST_LOCAL).take_while(|byte| is_local(byte)).count();
        let behind = &bytes[at + 1..];
        let domain = behind.iter().take(MOST_DOMAIN).take_while(|byte| is_domain(byte)).count();
        let domain = line[at + 1..at + 1 + domain].trim_end_matches(['.', '-']);
        let domain = without_file_ending(domain);
        let start = at - local;
        let start =
            start + (line[start..at].len() - line[start..at].trim_start_matches(['.', '-', '%', '+']).len());
        let before = &line[..start];
        let git = &line[start..at] == "git" && behind.get(domain.len()) == Some(&b':');
        if start < at && is_host(domain) && !before.ends_with("://") && !before.ends_with('@') && !git {
            hits.push(Hit { kind: Kind::Email, at: start..at + 1 + domain.len() });
        }
    }
}

/// A file can be called after an address: `eve@example.org.txt`.
fn without_file_ending(mut domain: &str) -> &str {
    while let Some((rest, ending)) = domain.rsplit_once('.')
        && NO_DOMAINS.contains(&ending.to_ascii_lowercase().as_str())
    {
        domain = rest;
    }
    domain
}

fn is_host(domain: &str) -> bool {
    let Some((rest, ending)) = domain.rsplit_once('.') else { return false };
    ending.len() >= 2
        && ending.bytes().all(|byte| byte.is_ascii_alphabetic())
        && rest.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
}

pub(super) fn ips(line: &str, hits: &mut Vec<Hit>) {
    let is_of = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    let mut at = 0;
    while let Some(offset) = line[at..].find(is_of) {
        let start = at + offset;
        let length = line[start..].find(|c| !is_of(c)).unwrap_or(line.len() - start);
        at = start + length;
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let before = line[..start].chars().next_back().is_some_and(word);
        let after = line[at..].chars().next().is_some_and(word);
        if before || after {
            continue;
        }
        let run = line[start..at].trim_end_matches([':', '.']);
        // `10.0.0.1:443`
        let host = match run.rsplit_once(':') {
            Some((host, port)) if host.contains('.') && !host.contains(':') && !port.is_empty() => host,
            _ => run,
        };
        if is_ip(host) {
            hits.push(Hit { kind: Kind::Ip, at: start..start + host.len() });
        }
    }
}

fn is_ip(text: &str) -> bool {
    // `::` is everywhere in source, and `a::b` reads as an address.
    let plausible = text.len() >= 4 && text.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => !(ip.is_loopback() || ip.is_unspecified() || ip == Ipv4Addr::BROADCAST),
        Ok(IpAddr::V6(ip)) => plausible && !(ip == Ipv6Addr::LOCALHOST || ip.is_unspecified()),
        Err(_) => false,
    }
}

static USERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?:/home/|/Users/|/var/mail/|/var/spool/cron/crontabs/) ([A-Za-z0-9._-]{1,32})
        | (?i:[a-z]:(?:\\{1,2}|/)(?:users|documents\ and\ settings)(?:\\{1,2}|/)) ([A-Za-z0-9._-]{1,32}(?:\ [A-Z][A-Za-z._-]{1,30})?)
        | (?i:(?-u:\b)(?:ruser|user|username|user_name|user\ id|uid|login|logname|owner|account)\\?["']?\s?[=:]\s?\\?["']?) ([A-Za-z_][A-Za-z0-9._-]{0,31})
        | (?i:(?-u:\b)(?:for|of|by|invalid|as)\ (?:invalid\ )?user\ ["']?) ([A-Za-z_][A-Za-z0-9._-]{0,31})
        | (?:(?:Accepted|Failed)\ [a-z/-]{1,40}\ for\ |sudo:\s{1,4}) ([A-Za-z_][A-Za-z0-9._-]{0,31})(?:\ from|\ :)
        "#,
    )
    .ok()
});

pub(super) fn users(line: &str, hits: &mut Vec<Hit>) {
    let Some(users) = USERS.as_ref() else { return };
    for found in users.captures_iter(line) {
        let Some(name) = found.iter().skip(1).flatten().next() else { continue };
        let bare = name.as_str().trim_end_matches(['.', '-', ' ']);
        if !bare.is_empty() && !NOBODY.contains(&bare.to_ascii_lowercase().as_str()) {
            hits.push(Hit { kind: Kind::User, at: name.start()..name.start() + bare.len() });
        }
    }
}
