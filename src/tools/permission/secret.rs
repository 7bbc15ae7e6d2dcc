//! Which names say that a file or folder holds a secret: keys, passwords, tokens, browser
//! profiles. Such a path always asks, inside the working folder too.
//!
//! It goes by names alone, and takes a harmless file with such a name for a secret one.

use std::path::Path;

/// Names of folders that hold secrets, in lower case.
const SECRET_FOLDERS: &[&str] = &[
    ".ssh",
    "secrets",
    ".secrets",
    "credentials",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".gcloud",
    "gcloud",
    ".pki",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    "firefox",
    "google-chrome",
    "chromium",
    "chrome",
    "bravesoftware",
    "microsoft-edge",
    "vivaldi",
    "opera",
    "keyrings",
    "keychains",
    ".keychain",
    "1password",
    ".1password",
    "bitwarden",
    "keepassxc",
    ".bitcoin",
    ".ethereum",
    ".electrum",
    "kwalletd",
    ".vault",
    "wireguard",
    "percept",
];

/// Where in a folder of settings a name of [`SECRET_FOLDERS`] that is also an ordinary
/// word counts: a project called `percept` is no secret.
const SETTINGS: &[&str] =
    &[".config", ".local", "share", "state", "application support", ".cache", "snap", "etc"];

/// Those ordinary words.
const ORDINARY: &[&str] =
    &["percept", "firefox", "chrome", "opera", "chromium", "vivaldi", "gcloud", "bitwarden", "wireguard"];

/// Names of files that hold secrets, in lower case, with or without an ending.
const SECRET_FILES: &[&str] = &[
    "credentials",
    "credential",
    "secrets",
    "secret",
    "shadow",
    "gshadow",
    "passwords",
    "kubeconfig",
    "cookies",
    "login data",
    "logins",
    "key3",
    "key4",
    "wallet",
    "token",
    "tokens",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".npmrc",
    ".pypirc",
    ".my",
    ".git-credentials",
    ".htpasswd",
    ".dockercfg",
    ".vault-token",
    ".boto",
    ".s3cfg",
    ".authinfo",
    ".smbcredentials",
    ".fetchmailrc",
    ".msmtprc",
    "hosts",
    "sudoers",
    ".yarnrc",
    ".terraformrc",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".psql_history",
    ".mysql_history",
    ".node_repl_history",
    ".lesshst",
    "environ",
    "application_default_credentials",
];

/// Endings of code, which may talk of tokens and secrets and holds none.
const CODE_ENDINGS: &[&str] = &[
    "rs", "py", "js", "jsx", "ts", "tsx", "go", "c", "h", "cc", "cpp", "hpp", "java", "kt", "rb", "cs",
    "swift",
];

/// `hosts` is where `gh` keeps its token; only with such an ending.
const HOSTS_ENDINGS: &[&str] = &["yml", "yaml", "json"];

/// Endings of files that hold keys, in lower case.
const SECRET_ENDINGS: &[&str] = &[
    "pem", "key", "p12", "pfx", "pkcs12", "p8", "jks", "keystore", "kdbx", "kdb", "ppk", "gpg", "asc", "env",
    "keychain", "keytab", "ovpn", "tfstate", "tfvars", "agekey", "jceks", "der", "secret", "secrets",
];

/// Beginnings of names of files that hold keys, in lower case.
const SECRET_BEGINNINGS: &[&str] = &[
    ".env",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_xmss",
    "identity.",
    "service-account",
    "ssh_host_",
];

/// Whether a path's name says that it holds a secret.
pub(in crate::tools) fn is_secret(path: &Path) -> bool {
    let names: Vec<String> =
        path.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect();
    let folder = |(at, name): (usize, &String)| {
        let name = name.as_str();
        let settings = at > 0 && SETTINGS.contains(&names[at - 1].as_str());
        SECRET_FOLDERS.contains(&name) && (settings || !ORDINARY.contains(&name))
    };
    let github = names.windows(2).any(|pair| pair == [".config", "gh"] || pair == [".cargo", "credentials"]);
    github || names.iter().enumerate().any(folder) || names.last().is_some_and(|name| is_secret_name(name))
}

fn is_secret_name(name: &str) -> bool {
    let mut parts = name.strip_prefix('.').unwrap_or(name).split('.');
    let stem = parts.next().unwrap_or_default();
    let stem = if name.starts_with('.') { name.get(..=stem.len()).unwrap_or(name) } else { stem };
    // Every one: `server.key.bak` is the key.
    let endings: Vec<&str> = parts.collect();
    let last = endings.last().copied();
    let file = match stem {
        "hosts" => last.is_some_and(|ending| HOSTS_ENDINGS.contains(&ending)),
        stem => SECRET_FILES.contains(&stem) && !last.is_some_and(|ending| CODE_ENDINGS.contains(&ending)),
    };
    let bare_id = name.starts_with("id_") && matches!(last, None | Some("pub"));
    bare_id
        || file
        || name.ends_with("_history")
        || SECRET_ENDINGS
            .iter()
            .any(|secret| endings.contains(secret) || name.strip_prefix('.') == Some(secret))
        || SECRET_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for secret in [
            "/home/u/.ssh/config",
            ".env",
            "a/.env.local",
            "prod.env",
            "x/server.pem",
            "id_rsa",
            "id_work",
            "id_ed25519.pub",
            "/home/u/.config/gh/hosts.yml",
            "credentials.json",
            "CREDENTIALS",
            "secrets.yaml",
            "/home/u/.local/share/percept/x",
            "/home/u/.mozilla/x",
            ".netrc",
            "/home/u/.bash_history",
            "/home/u/.config/google-chrome/Default/Cookies",
            "terraform.tfstate",
            ".ENV",
            "/etc/shadow",
            "é.pem",
            "server.key.bak",
            ".pem",
            "x/.env*",
        ] {
            assert!(is_secret(Path::new(secret)), "{secret}");
        }
        for open in [
            "src/main.rs",
            "/work/percept/src",
            "id_map.rs",
            "environment.md",
            "tokenizer.json",
            "hosts",
            "a.envoy",
            "keys.rs",
            "token.rs",
            "monkey",
            "README",
            "é",
            "日本.txt",
            ".",
            "..",
            "Cargo.toml",
        ] {
            assert!(!is_secret(Path::new(open)), "{open}");
        }
    }
}
