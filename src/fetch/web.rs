//! Asking a web server: redirects, who may see the token, and what an answer means.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_RANGE, LAST_MODIFIED, LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::{Host, Url};

use super::{FetchError, Options, Source, Token};
use crate::text;

/// The most redirects of one request; the hub needs one or two.
const MOST_REDIRECTS: usize = 8;

/// The most characters of what a server says that are shown.
const MOST_SAID: usize = 120;

/// Why there are no bytes.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may go better next time.
    Passing {
        /// No full sentence.
        why: String,
        /// How long the server asks to wait.
        wait: Option<Duration>,
        /// Whether it has too much to do.
        busy: bool,
    },
    /// The file is another one now.
    Changed,
    /// Ranges are not served.
    NoRanges,
    /// It won't.
    Final(FetchError),
}

impl Failure {
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Passing { why: why.into(), wait: None, busy: false }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Final(error)
    }
}

/// The clients: one that goes by way of a proxy where the environment names one, and one for
/// this machine, which must not.
#[derive(Clone)]
pub(super) struct Web {
    far: Client,
    near: Client,
    stall_time: Duration,
}

/// Which bytes, from and up to, both included, of which version.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) from: u64,
    pub(super) last: u64,
    pub(super) validator: Option<String>,
}

impl Web {
    pub(super) fn new(options: &Options) -> Result<Self, FetchError> {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .user_agent(concat!("percept/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect_time)
                .redirect(Policy::none())
        };
        let wrong = |error: reqwest::Error| FetchError::Runtime(std::io::Error::other(innermost(&error)));
        Ok(Self {
            far: builder().build().map_err(wrong)?,
            near: builder().no_proxy().build().map_err(wrong)?,
            stall_time: options.stall_time,
        })
    }

    /// Asks, and follows where it is sent, up to an answer of success.
    pub(super) async fn ask(&self, source: &Source, wanted: Option<&Wanted>) -> Result<Response, Failure> {
        let first = parse(&source.url, &source.url)?;
        let mut url = first.clone();
        for _ in 0..=MOST_REDIRECTS {
            let token = source.token.as_ref().filter(|_| first.origin() == url.origin());
            let response = self.send(&url, token, wanted).await?;
            if !response.status().is_redirection() {
                return judge(response, source);
            }
            url = next(&url, response.headers(), source)?;
        }
        Err(answer(source, format!("it is sent on more than {MOST_REDIRECTS} times")).into())
    }

    async fn send(
        &self,
        url: &Url,
        token: Option<&Token>,
        wanted: Option<&Wanted>,
    ) -> Result<Response, Failure> {
        let client = if is_here(url) { &self.near } else { &self.far };
        let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(Token(token)) = token
            && let Ok(mut value) = HeaderValue::try_from(format!("Bearer {token}"))
        {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(Wanted { from, last, validator }) = wanted {
            request = request.header(RANGE, format!("bytes={from}-{last}"));
            if let Some(validator) = validator {
                request = request.header(IF_RANGE, validator);
            }
        }
        match tokio::time::timeout(self.stall_time, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_builder() => {
                let why = innermost(&error);
                Err(FetchError::Url { url: shown(url.as_str()), why }.into())
            }
            Ok(Err(error)) => {
                Err(Failure::passing(format!("{} can't be reached: {}", host(url), innermost(&error))))
            }
            Err(_) => Err(self.stalled()),
        }
    }

    /// The next bytes of an answer; `None`: it is at its end.
    pub(super) async fn chunk(&self, response: &mut Response) -> Result<Option<Vec<u8>>, Failure> {
        match tokio::time::timeout(self.stall_time, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(|bytes| bytes.to_vec())),
            Ok(Err(error)) => {
                Err(Failure::passing(format!("the connection broke off: {}", innermost(&error))))
            }
            Err(_) => Err(self.stalled()),
        }
    }

    fn stalled(&self) -> Failure {
        let ms = i64::try_from(self.stall_time.as_millis()).unwrap_or(i64::MAX);
        Failure::passing(format!("nothing came for {}", text::duration(ms)))
    }
}

fn parse(url: &str, given: &str) -> Result<Url, FetchError> {
    let wrong = |why: String| FetchError::Url { url: shown(given), why };
    let url = Url::parse(url).map_err(|error| wrong(format!("it is no URL ({error})")))?;
    match matches!(url.scheme(), "http" | "https") && url.has_host() {
        true => Ok(url),
        false => Err(wrong("addresses begin with https:// or http://".to_owned())),
    }
}

/// Where an answer sends to.
fn next(url: &Url, headers: &HeaderMap, source: &Source) -> Result<Url, FetchError> {
    let location = header(headers, &LOCATION)
        .ok_or_else(|| answer(source, "it is sent elsewhere, and not told where".to_owned()))?;
    let next = url
        .join(&location)
        .map_err(|error| answer(source, format!("it is sent to what is no URL ({error})")))?;
    let next = parse(next.as_str(), next.as_str())?;
    match url.scheme() == "https" && next.scheme() != "https" {
        true => Err(answer(
            source,
            format!("it is sent from https to {}, where anybody could change it", shown(next.as_str())),
        )),
        false => Ok(next),
    }
}

/// What a status means.
fn judge(response: Response, source: &Source) -> Result<Response, Failure> {
    let status = response.status();
    let (url, code) = (shown(&source.url), status.as_u16());
    match status {
        status if status.is_success() => Ok(response),
        StatusCode::RANGE_NOT_SATISFIABLE => Err(Failure::Changed),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let hint = match source.token {
                Some(_) => "The token may not read it: accept its terms on its page, or use another token",
                None => {
                    "It is not there, or not for everybody: check the name, or set HF_TOKEN to a token that may read it and accept its terms on its page"
                }
            };
            Err(FetchError::Denied { url, code, hint }.into())
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(FetchError::Missing { url, code }.into()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(passing(&response)),
        status if status.is_server_error() => Err(passing(&response)),
        _ => Err(answer(source, format!("the server answered {code}")).into()),
    }
}

fn passing(response: &Response) -> Failure {
    let status = response.status();
    Failure::Passing {
        why: format!("the server answered {}", status.as_u16()),
        wait: header(response.headers(), &RETRY_AFTER).and_then(|text| retry_after(&text, Timestamp::now())),
        busy: matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// How long `Retry-After` asks to wait: seconds, or a date as HTTP has it (RFC 9110, 10.2.3).
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let seconds = at.as_second().saturating_sub(now.as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// An answer that makes no sense.
pub(super) fn answer(source: &Source, why: String) -> FetchError {
    FetchError::Answer { url: shown(&source.url), why }
}

pub(super) fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What tells versions of a file apart: a strong ETag, else the date of the last change.
pub(super) fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = header(headers, &ETAG).filter(|etag| etag.starts_with('"'));
    strong.or_else(|| header(headers, &LAST_MODIFIED))
}

pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    header(headers, &CONTENT_LENGTH)?.trim().parse().ok()
}

/// `Content-Range: bytes FROM-LAST/TOTAL`.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, u64, u64)> {
    let text = header(headers, &CONTENT_RANGE)?;
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (from, last) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, last.trim().parse().ok()?, total.trim().parse().ok()?))
}

/// A URL as it is shown: without a name, a password and a query, which may be a signature.
pub(super) fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return text::one_line(url) };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.set_fragment(None);
    text::one_line(parsed.as_str())
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or("the server").to_owned()
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What the system said: the words of the layers above repeat the address, query and all.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    text::one_line(&cause.to_string()).chars().take(MOST_SAID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_second(784_111_777).unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn what_may_be_secret_in_an_address_is_not_shown() {
        assert_eq!(shown("https://me:pass@cdn.example/x.gguf?sig=1#y"), "https://cdn.example/x.gguf");
    }

    #[test]
    fn ranges_are_read_strictly() {
        let read = |text: &str| {
            content_range(&HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_str(text).unwrap())]))
        };
        assert_eq!(read("bytes 0-9/100"), Some((0, 9, 100)));
        assert_eq!(read("bytes 0-9/*"), None);
        assert_eq!(read("lines 0-9/100"), None);
    }
}
