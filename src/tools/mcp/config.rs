//! A server as the configuration has it, and what is checked before it is started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use url::{Host, Url};

use crate::tools::manifest::is_name;

/// How long a server may take to start where its entry doesn't say: `npx` may have to
/// download it first.
const START_TIME: Duration = Duration::from_secs(30);

/// The longest start that an entry may ask for, in seconds.
const MOST_START_SECONDS: u64 = 600;

/// The longest name of a server: a tool's name for the model begins with it, and is to have
/// room for the tool's own.
const MOST_NAME: usize = 24;

/// Headers that belong to the protocol, in lower case.
const RESERVED: [&str; 7] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
];

/// One server, as the configuration has it (`[[mcp.servers]]` in `config.toml`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// What it is called here: letters, digits, `-` and `_`; unique.
    pub name: String,
    /// A server that percept starts: the program and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// A server that runs elsewhere (streamable HTTP): its address.
    #[serde(default)]
    pub url: Option<String>,
    /// Variables that a started server gets beside the few that every one gets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where a started server stands, absolute. Without it, in a folder of percept's own: the
    /// working folder may hold programs and settings that `npx`, `uvx` or `python` would take up.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Headers of every request to an address.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether it is started at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How long it may take to start, in seconds; 30 where it isn't given.
    #[serde(default)]
    pub start_timeout_s: Option<u64>,
}

fn yes() -> bool {
    true
}

impl ServerConfig {
    /// Looks whether it can be started as it is written.
    ///
    /// # Errors
    ///
    /// What is wrong, as a sentence for the person that names the server.
    pub fn check(&self) -> Result<(), String> {
        let wrong =
            |why: String| Err(format!("the MCP server `{}`: {why}", crate::text::printable(&self.name)));
        if !is_name(&self.name) || self.name.len() > MOST_NAME {
            return wrong(format!("its name must be 1 to {MOST_NAME} letters, digits, `-` and `_`"));
        }
        if let Some(seconds) = self.start_timeout_s
            && !(1..=MOST_START_SECONDS).contains(&seconds)
        {
            return wrong(format!("start_timeout_s must be from 1 to {MOST_START_SECONDS}"));
        }
        let checked = match (self.command.is_empty(), &self.url) {
            (true, None) => Err("it has neither a `command` to start nor a `url` to reach".to_owned()),
            (false, Some(_)) => Err("it has a `command` and a `url`: leave out one".to_owned()),
            (false, None) => self.check_command(),
            (true, Some(url)) => self.check_url(url),
        };
        checked.or_else(wrong)
    }

    fn check_command(&self) -> Result<(), String> {
        match () {
            () if self.command[0].trim().is_empty() => {
                Err("`command` must begin with the program".to_owned())
            }
            () if self.command.iter().any(|word| word.contains('\0')) => {
                Err("`command` holds a NUL character".to_owned())
            }
            () if !self.headers.is_empty() => {
                Err("`headers` are for a server with a `url`; a `command` takes `env`".to_owned())
            }
            () if self.cwd.as_ref().is_some_and(|cwd| !cwd.is_absolute()) => {
                Err("`cwd` must be an absolute path".to_owned())
            }
            () => self.env.iter().try_for_each(|(name, value)| check_variable(name, value)),
        }
    }

    fn check_url(&self, url: &str) -> Result<(), String> {
        let parsed = Url::parse(url).map_err(|error| format!("its `url` can't be read: {error}"))?;
        match parsed.scheme() {
            "https" => {}
            "http" if is_loopback(&parsed) => {}
            "http" => {
                return Err("its `url` is http://, which anyone on the way can read and change: \
                    use https:// (http:// is for this machine only)"
                    .to_owned());
            }
            other => return Err(format!("its `url` begins with `{other}:`: only https and http are MCP")),
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("its `url` holds a password: put it into `headers`, as \
                Authorization = \"Bearer …\""
                .to_owned());
        }
        if self.cwd.is_some() {
            return Err("`cwd` is for a server with a `command`".to_owned());
        }
        if !self.env.is_empty() {
            return Err("`env` is for a server with a `command`; a `url` takes `headers`".to_owned());
        }
        self.headers.iter().try_for_each(|(name, value)| check_header(name, value))
    }

    /// How long it may take to start.
    pub(super) fn start_time(&self) -> Duration {
        self.start_timeout_s.map_or(START_TIME, Duration::from_secs)
    }
}

/// Whether what is sent there doesn't leave this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

fn check_variable(name: &str, value: &str) -> Result<(), String> {
    match name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
        true => Err(format!("`env` holds `{}`, which can't be a variable", crate::text::printable(name))),
        false => Ok(()),
    }
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let shown = crate::text::printable(name);
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("the header `{shown}` belongs to the protocol and can't be set"));
    }
    // The value isn't shown: it may be a token.
    match HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
        true => Err(format!(
            "`{shown}` in `headers` can't be sent: its name or value has characters that no header may have"
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ServerConfig {
        toml::from_str(text).unwrap()
    }

    fn wrong(text: &str) -> String {
        let why = parsed(text).check().unwrap_err();
        assert!(why.starts_with("the MCP server `"), "{why}");
        why
    }

    #[test]
    fn what_is_right_passes() {
        for right in [
            "name = 'files'\ncommand = ['npx', '-y', 'server', '/tmp']\nenv = { A = 'b' }",
            "name = 'web'\nurl = 'https://example.org/mcp'\nheaders = { Authorization = 'Bearer x' }",
            "name = 'near'\nurl = 'http://localhost:8000/mcp'",
            "name = 'near'\nurl = 'http://127.0.0.1:8000/mcp'",
            "name = 'near'\nurl = 'http://[::1]:8000/mcp'\nenabled = false\nstart_timeout_s = 5",
        ] {
            assert_eq!(parsed(right).check(), Ok(()), "{right}");
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let config = parsed("name = 'a'\ncommand = ['b']");
        assert!(config.enabled);
        assert_eq!(config.start_time(), START_TIME);
        assert!(toml::from_str::<ServerConfig>("name = 'a'\ncommandd = ['b']").is_err());
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, said) in [
            ("name = 'a b'\ncommand = ['x']", "its name must be"),
            ("name = ''\ncommand = ['x']", "its name must be"),
            ("name = 'a-name-that-is-longer-than-any'\ncommand = ['x']", "its name must be"),
            ("name = 'a'", "neither a `command`"),
            ("name = 'a'\ncommand = ['x']\nurl = 'https://x'", "leave out one"),
            ("name = 'a'\ncommand = ['']", "begin with the program"),
            ("name = 'a'\ncommand = [\"x\\u0000\"]", "NUL"),
            ("name = 'a'\ncommand = ['x']\nheaders = { a = 'b' }", "a `command` takes `env`"),
            ("name = 'a'\ncommand = ['x']\nenv = { 'a=b' = 'c' }", "can't be a variable"),
            ("name = 'a'\ncommand = ['x']\nstart_timeout_s = 0", "from 1 to 600"),
            ("name = 'a'\nurl = 'nowhere'", "can't be read"),
            ("name = 'a'\nurl = 'ftp://localhost'", "begins with `ftp:`"),
            ("name = 'a'\nurl = 'http://example.org/mcp'", "use https://"),
            ("name = 'a'\nurl = 'http://127.0.0.1.example.org/'", "use https://"),
            ("name = 'a'\nurl = 'https://me:secret@example.org/'", "holds a password"),
            ("name = 'a'\nurl = 'https://x'\nenv = { a = 'b' }", "a `url` takes `headers`"),
            ("name = 'a'\nurl = 'https://x'\nheaders = { 'a b' = 'c' }", "can't be sent"),
            ("name = 'a'\nurl = 'https://x'\nheaders = { a = \"b\\nc\" }", "can't be sent"),
            ("name = 'a'\nurl = 'https://x'\nheaders = { Mcp-Session-Id = '1' }", "belongs to the protocol"),
        ] {
            let why = wrong(text);
            assert!(why.contains(said), "{text}: {why}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let why = wrong("name = 'a'\nurl = 'https://x'\nheaders = { a = \"sesame\\u0007\" }");
        assert!(!why.contains("sesame"), "{why}");
    }
}
