//! Where the server is, and the client that goes there and nowhere else.

use std::fmt;
use std::time::Duration;

use percept::wire::{Failure, FailureKind, Output, ServerInfo, ServerOptions};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use url::Url;

use crate::exchange::Stop;
use crate::key::{self, Key, Origin};

/// A server and how it is talked to.
pub(crate) struct Server {
    options: ServerOptions,
    key: Option<Key>,
    info: ServerInfo,
    client: Client,
    has_path: bool,
}

/// Says where it is, and nothing of its key.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Server {
    /// One with its key, from where that is kept.
    pub(crate) fn with_key(options: ServerOptions, output: &Output<'_>) -> Result<Self, Stop> {
        let key = key::find(&options, &|| output.cancelled())?;
        Self::new(options, key).map_err(Stop::Failed)
    }

    /// Opens no connection yet.
    pub(crate) fn new(mut options: ServerOptions, key: Option<Key>) -> Result<Self, Failure> {
        let url = parse(&options)?;
        options.url = url.as_str().trim_end_matches('/').to_owned();
        let info = ServerInfo::of(&url);
        let client = client(&options, info.elsewhere).map_err(|error| {
            Failure::new(
                FailureKind::Internal,
                format!("percept-openai: no connection can be made ({error})."),
            )
        })?;
        Ok(Self { has_path: url.path() != "/", options, key, info, client })
    }

    pub(crate) fn options(&self) -> &ServerOptions {
        &self.options
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }

    /// For the person: `server.example:8000`.
    pub(crate) fn address(&self) -> &str {
        &self.info.address
    }

    /// As it is configured, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.options.url
    }

    pub(crate) fn has_path(&self) -> bool {
        self.has_path
    }

    /// Where its key is from; `None`: it has none.
    pub(crate) fn key_origin(&self) -> Option<&Origin> {
        self.key.as_ref().map(Key::origin)
    }

    /// The section of the configuration that it stands in, as errors name it: `[engine]`.
    pub(crate) fn section(&self) -> String {
        format!("[{}]", self.options.section)
    }

    pub(crate) fn key_variable(&self) -> &str {
        &self.options.key_variable
    }

    /// Whether secrets are replaced in what is sent.
    pub(crate) fn redacts(&self) -> bool {
        self.options.redact && self.info.elsewhere
    }

    /// A text of the server's without the key, should it repeat it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        match &self.key {
            Some(key) => key.scrub(text),
            None => text.to_owned(),
        }
    }

    /// A request to a path of the API: `/models`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.options.url));
        match &self.key {
            Some(key) => request.header(reqwest::header::AUTHORIZATION, key.header()),
            None => request,
        }
    }
}

fn parse(options: &ServerOptions) -> Result<Url, Failure> {
    let (text, section) = (options.url.as_str(), &options.section);
    let wrong = |why: &str| {
        Failure::new(FailureKind::BadRequest, format!("[{section}] base_url {why}."))
            .hint("It is written like http://localhost:8000/v1.")
    };
    if text.is_empty() {
        return Err(wrong("is empty"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Nothing of it is quoted: what stands there is a secret.
        return Err(wrong(
            "holds a name or a password; a key belongs into the variable of key_variable, or behind key_command",
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("must begin with http:// or https://"));
    }
    match url.query().is_some() || url.fragment().is_some() {
        true => Err(wrong("must end with its path: no ? and no #")),
        false => Ok(url),
    }
}

/// A client that goes nowhere else than where it is sent: a key doesn't follow a redirect.
fn client(options: &ServerOptions, elsewhere: bool) -> Result<Client, reqwest::Error> {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("percept/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_millis(options.connect_ms))
        .redirect(Policy::none());
    match elsewhere {
        true => builder.build(),
        // What is for this machine must not go by way of another.
        false => builder.no_proxy().build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Result<Server, Failure> {
        let options = ServerOptions { url: url.into(), ..ServerOptions::default() };
        Server::new(options, Key::new("s3cret\n", Origin::Variable("KEY".into()))?)
    }

    #[test]
    fn only_what_stays_on_this_machine_is_here() {
        let elsewhere = |url: &str| server(url).unwrap().info.elsewhere;
        for here in ["http://localhost:1/v1", "http://127.3.2.1", "http://[::1]:8000/v1"] {
            assert!(!elsewhere(here), "{here}");
        }
        for there in [
            "https://api.example/v1",
            "http://10.0.0.2",
            "http://localhost.example",
            "http://a.localhost",
            "http://0.0.0.0",
        ] {
            assert!(elsewhere(there), "{there}");
        }
    }

    #[test]
    fn an_address_that_can_not_be_one_is_said_without_what_is_secret_in_it() {
        let said = |url| server(url).unwrap_err().in_words();
        assert!(said("").contains("is empty"));
        assert!(said("ftp://a").contains("must begin with http"));
        assert!(said("localhost:8000").contains("must begin with http"));
        assert!(said("http://a/v1?x=1").contains("no ?"));
        let secret = said("https://bob:hunter2@a/v1");
        assert!(!secret.contains("hunter2") && secret.contains("key_variable"), "{secret}");
    }

    #[test]
    fn the_key_is_in_no_text_of_it() {
        let server = server("https://a.example:8000/v1/").unwrap();
        assert_eq!((server.url(), server.address()), ("https://a.example:8000/v1", "a.example:8000"));
        let request = server.request(Method::GET, "/models");
        assert!(!format!("{server:?}{request:?}").contains("s3cret"));
        assert_eq!(server.scrub("wrong: s3cret!"), "wrong: …!");
    }
}
