//! Files that look like they hold secrets: they are no text to be found and quoted.
//!
//! It goes by the names that programs give to such files, by private keys, and by how much of
//! a text is secrets. A document with one password in it is a document.

use std::path::Path;

use memchr::memmem;

use crate::redact::{Options, Redactor};
use crate::text::{boundary_before, counted};

/// Names of files that hold keys, tokens or passwords, in lower case.
const NAMES: [&str; 29] = [
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_ecdsa_sk",
    "id_ed25519_sk",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    ".dockercfg",
    ".vault-token",
    ".s3cfg",
    ".boto",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "client_secret.json",
    "secrets.yml",
    "secrets.yaml",
    "secrets.json",
    "secrets.toml",
    "shadow",
    "gshadow",
    "wallet.dat",
];

/// Extensions of keys and stores of passwords.
const EXTENSIONS: [&str; 19] = [
    "pem", "key", "p12", "pfx", "p8", "jks", "keystore", "kdbx", "kdb", "ppk", "gpg", "pgp", "asc", "agekey",
    "tfstate", "ovpn", "kwallet", "psafe3", "keychain",
];

/// What stands in names of files that only show what such a file looks like.
const EXAMPLES: [&str; 5] = ["example", "sample", "template", "dist", "schema"];

/// Bytes from the start of a text that are looked through for secrets.
const LOOKED_THROUGH: usize = 64 * 1024;

/// Bytes from where a private key begins that are looked at, to see that one does.
const KEY: usize = 8 * 1024;

/// Where private keys may begin in a file, at most so many places are looked at.
const MOST_MARKERS: usize = 100;

/// A text is one of secrets if every so many-th line holds one, …
const DENSE: u64 = 4;

/// … and at least so many lines do.
const LEAST_SECRETS: u64 = 3;

/// Why a file looks like it holds secrets, for the person; `None`: it doesn't.
pub fn secret(path: &Path, content: &[u8]) -> Option<String> {
    by_name(path).or_else(|| by_content(content))
}

fn by_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let shows = name.split(['.', '-', '_']).any(|word| EXAMPLES.contains(&word));
    if shows || extension == "pub" {
        return None;
    }
    // `.asc` and `.gpg` are signatures, too; then the name of what is signed has an extension.
    let signature = matches!(extension, "asc" | "gpg" | "pgp") && stem.contains('.');
    let env = name == ".env" || name.starts_with(".env.") || extension == "env";
    let kept = NAMES.contains(&name.as_str()) || !signature && EXTENSIONS.contains(&extension);
    (env || kept).then(|| "files of this name hold keys or passwords".to_owned())
}

fn by_content(content: &[u8]) -> Option<String> {
    if memmem::find_iter(content, b"PRIVATE KEY").take(MOST_MARKERS).any(|at| key_begins(content, at)) {
        return Some("there is a private key in it".to_owned());
    }
    let text = String::from_utf8_lossy(&content[..content.len().min(LOOKED_THROUGH)]);
    let mut redactor = Redactor::new(Options::default());
    let redacted = redactor.redact(&text);
    let secrets = redactor.found().secrets;
    let changed = redacted.lines().zip(text.lines()).filter(|(after, before)| after != before).count() as u64;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count() as u64;
    let dense = secrets.values >= LEAST_SECRETS && changed.saturating_mul(DENSE) >= lines;
    dense.then(|| {
        format!("much of it is keys or passwords ({})", counted(secrets.values, "secret", "secrets"))
    })
}

/// Whether the words stand in the first line of a key, and not in a text about keys.
fn key_begins(content: &[u8], at: usize) -> bool {
    let near = at.saturating_sub(KEY);
    let from = memchr::memrchr(b'\n', &content[near..at]).map_or(near, |newline| near + newline + 1);
    let text = String::from_utf8_lossy(&content[from..content.len().min(at.saturating_add(KEY))]);
    let line = text.lines().next().unwrap_or_default();
    if !line.contains("BEGIN ") {
        return false;
    }
    let text = &text[..boundary_before(&text, 2 * KEY)];
    let redacted = Redactor::new(Options::default()).redact(text).into_owned();
    redacted.lines().next() != Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_name(name: &str) -> bool {
        secret(Path::new(name), b"").is_some()
    }

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "/home/a/.ssh/id_rsa",
            "server.PEM",
            ".env",
            ".env.local",
            "prod.env",
            "a.kdbx",
            ".netrc",
            "credentials",
            ".git-credentials",
            "a.p12",
            "/etc/shadow",
            "key.asc",
        ] {
            assert!(by_name(name), "{name}");
        }
        for name in
            [".env.example", "id_rsa.pub", "env.md", "keys.md", "a.tar.gz.asc", "secrets.md", "monkey.txt"]
        {
            assert!(!by_name(name), "{name}");
        }
    }

    fn by_content(content: &str) -> bool {
        secret(Path::new("a.txt"), content.as_bytes()).is_some()
    }

    #[test]
    fn a_key_is_seen_and_a_text_about_keys_is_not_one() {
        let body = "MIIEpAIBAAKCAQEA1c7FpFi5kq2jQv0x4mZ0b1X9w3Jt8yqk\n".repeat(4);
        let key =
            format!("-----BEGIN RSA {} KEY-----\n{body}-----END RSA {} KEY-----\n", "PRIVATE", "PRIVATE");
        assert!(by_content(&key));
        assert!(by_content(&format!("# Notes\n\nThe key:\n\n{key}")));
        assert!(!by_content("A key begins with -----BEGIN PRIVATE KEY----- and ends in the same way.\n"));
        assert!(!by_content("PRIVATE KEY"));
    }

    #[test]
    fn a_list_of_secrets_is_one_and_a_document_with_one_is_a_document() {
        let token = |n: u32| format!("ghp_{n:0>6}aBcDeFgHiJkLmNoPqRsTuVwXyZ1234");
        let list: String = (0..5).map(|n| format!("{}\n", token(n))).collect();
        assert!(by_content(&list));
        let document =
            format!("{}\nuse {}\n{}", "words of a text\n".repeat(20), token(1), "and more\n".repeat(20));
        assert!(!by_content(&document));
    }
}
