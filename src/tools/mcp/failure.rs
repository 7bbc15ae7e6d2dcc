//! Why a server can't be used, in sentences for the person. Each says what happened and, where
//! there is something to do, what.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use rmcp::ServiceError;
use rmcp::service::ClientInitializeError;
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use crate::text::printable;

use super::ServerConfig;
use super::listing::{cut, line};

/// Of what a server says, so much is repeated in a sentence, in bytes.
const MOST_REPEATED: usize = 300;

/// Why a server can't be used. The sentence does not name it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What happened, and what to do.
    pub(super) why: String,
    /// Whether the next attempt may go better.
    pub(super) again: bool,
}

impl Failure {
    /// One that may pass.
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: true }
    }

    /// One that stays until the person does something.
    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: false }
    }
}

/// Text of a server, short enough to be repeated.
pub(super) fn repeated(text: &str) -> String {
    cut(&line(text), MOST_REPEATED)
}

/// Its program can't be started.
pub(super) fn of_start(config: &ServerConfig, folder: &Path, error: &io::Error) -> Failure {
    let program = printable(config.command.first().map_or("", String::as_str));
    Failure::lasting(match error.kind() {
        _ if !folder.is_dir() => {
            format!("the folder {} to start it in is not there", printable(&folder.to_string_lossy()))
        }
        io::ErrorKind::NotFound if program.contains(['/', '\\']) => {
            format!("`{program}` is not there: check `command`")
        }
        io::ErrorKind::NotFound => format!("`{program}` is not installed or not in PATH"),
        io::ErrorKind::PermissionDenied => {
            format!("`{program}` may not be run: it is no program, or not yours")
        }
        _ => format!("`{program}` can't be started: {error}"),
    })
}

/// Its process ended, or had to be ended since it closed its output. `said` is what it said
/// last.
pub(super) fn of_end(status: Option<ExitStatus>, said: &str) -> Failure {
    let how = match status {
        Some(status) => match status.code() {
            Some(code) => format!("it ended with exit code {code}"),
            None => format!("it was ended by {}", signal(status)),
        },
        None => "it closed its output".to_owned(),
    };
    Failure::passing(match said.lines().rfind(|line| !line.trim().is_empty()) {
        Some(last) => format!("{how}; it said last: {}", repeated(last)),
        None => format!("{how} and said nothing"),
    })
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().map_or_else(|| "something".to_owned(), |signal| format!("signal {signal}"))
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> String {
    "something".to_owned()
}

/// It can't be agreed with how to talk.
pub(super) fn of_handshake(error: &ClientInitializeError) -> Failure {
    match error {
        ClientInitializeError::TransportError { error, .. } => of_transport(error),
        ClientInitializeError::ConnectionClosed(_) => {
            Failure::passing("it broke off before it said who it is")
        }
        ClientInitializeError::JsonRpcError(error) => {
            Failure::lasting(format!("it refuses to start: {}", repeated(&error.message)))
        }
        other => {
            Failure::lasting(format!("it doesn't speak MCP as expected: {}", repeated(&other.to_string())))
        }
    }
}

/// A request to it brought nothing.
pub(super) fn of_request(error: &ServiceError) -> Failure {
    match error {
        ServiceError::McpError(error) => {
            Failure::lasting(format!("it refused: {} (code {})", repeated(&error.message), error.code.0))
        }
        ServiceError::TransportSend(error) => of_transport(error),
        ServiceError::TransportClosed => Failure::passing("it broke off before it answered"),
        other => Failure::lasting(repeated(&other.to_string())),
    }
}

/// What was sent to it didn't arrive, or was answered with something else than MCP.
fn of_transport(error: &DynamicTransportError) -> Failure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error.error.as_ref());
    while let Some(current) = cause {
        if let Some(http) = current.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
            return of_http(http);
        }
        cause = current.source();
    }
    Failure::passing(format!("it takes no more messages: {}", repeated(&error.error.to_string())))
}

fn of_http(error: &StreamableHttpError<reqwest::Error>) -> Failure {
    match error {
        StreamableHttpError::Client(error) => of_reqwest(error),
        StreamableHttpError::AuthRequired(_) => of_status(401),
        StreamableHttpError::InsufficientScope(_) => of_status(403),
        StreamableHttpError::HttpStatus(error) => of_status(error.status),
        StreamableHttpError::UnexpectedContentType(kind) => {
            let kind = kind.as_deref().map_or_else(|| "something without a type".to_owned(), repeated);
            Failure::lasting(format!("its address answers with {kind}, which is not MCP: check `url`"))
        }
        StreamableHttpError::UnexpectedServerResponse(said) => match status_in(said) {
            Some(status) => of_status(status),
            None => Failure::lasting(format!("its address doesn't answer as MCP does: {}", repeated(said))),
        },
        StreamableHttpError::ResponseBodyTooLarge { max_size } => {
            let most = crate::text::size(*max_size as u64);
            Failure::lasting(format!("it answered with more than {most}, which is not taken"))
        }
        other => Failure::passing(repeated(&other.to_string())),
    }
}

/// The status in `HTTP 404 Not Found: …`.
fn status_in(said: &str) -> Option<u16> {
    said.strip_prefix("HTTP ")?.get(..3)?.parse().ok()
}

fn of_status(status: u16) -> Failure {
    match status {
        300..=399 => Failure::lasting(format!(
            "its address leads elsewhere (HTTP {status}), which is not followed: put the right one into `url`"
        )),
        401 => Failure::lasting(
            "it wants to know who you are (HTTP 401): put a token into `headers`, as Authorization = \"Bearer …\"",
        ),
        403 => Failure::lasting("it doesn't let you in (HTTP 403): check the token in `headers`"),
        404 | 405 => Failure::lasting(format!("there is no MCP at its address (HTTP {status}): check `url`")),
        408 | 429 | 500..=599 => Failure::passing(format!("it can't answer just now (HTTP {status})")),
        _ => Failure::lasting(format!("it refused (HTTP {status})")),
    }
}

fn of_reqwest(error: &reqwest::Error) -> Failure {
    // The innermost is what the system said; reqwest's own words repeat the address.
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let cause = repeated(&cause.to_string());
    match () {
        () if error.is_connect() => {
            Failure::passing(format!("it can't be reached: {cause}; check `url`, and whether it runs"))
        }
        () if error.is_timeout() => Failure::passing("it can't be reached in time"),
        () => Failure::passing(format!("it broke off: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_from_what_the_transport_says() {
        assert_eq!(status_in("HTTP 404 Not Found: <html>"), Some(404));
        assert_eq!(status_in("could not parse"), None);
        assert_eq!(status_in("HTTP é"), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!([429, 500, 503].iter().all(|status| of_status(*status).again));
        assert!([302, 400, 401, 403, 404].iter().all(|status| !of_status(*status).again));
    }

    #[test]
    fn the_end_of_a_server_is_told_with_its_last_words() {
        assert_eq!(of_end(None, "").why, "it closed its output and said nothing");
        assert_eq!(of_end(None, "a\nb\n\n").why, "it closed its output; it said last: b");
    }
}
