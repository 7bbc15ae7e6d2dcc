//! Who may ask: by the head of a request alone.
//!
//! Whoever reaches the port is on this machine, but so is every web page in its browser: one
//! may send requests to a loopback address, and one of a hostile name that leads here (DNS
//! rebinding) may read the answers too. So the name must be a loopback one, a page's request is
//! refused, and all but `/health` needs the token.

use axum::http::{HeaderMap, Uri, header};

use super::Token;
use super::api::{ApiError, INVALID};

/// Where anybody on this machine may look whether it runs.
pub(super) const HEALTH: &str = "/health";

/// Names of this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether a request may be answered.
///
/// # Errors
///
/// Why not: 403 for where it comes from, 401 for its token.
pub(super) fn admit(uri: &Uri, headers: &HeaderMap, token: &Token) -> Result<(), ApiError> {
    let forbidden = |message: &str| ApiError::new(403, INVALID, message).code("forbidden");
    let hosts: Vec<_> = headers.get_all(header::HOST).iter().collect();
    let [host] = hosts.as_slice() else { return Err(forbidden("A request needs one Host header.")) };
    let authority = uri.authority().map(|authority| authority.as_str());
    if !host.to_str().is_ok_and(is_loopback) || authority.is_some_and(|name| !is_loopback(name)) {
        return Err(forbidden("The Host header must be localhost, 127.0.0.1 or [::1]."));
    }
    if headers.get_all(header::ORIGIN).iter().any(|origin| origin.to_str().map_or(true, is_page)) {
        return Err(forbidden("Web pages are not answered (the request has an Origin header)."));
    }
    if uri.path() == HEALTH || shown(headers).is_some_and(|shown| token.is(shown)) {
        return Ok(());
    }
    let said = match shown(headers) {
        None => {
            "No key was shown. Send `Authorization: Bearer KEY`; `percept serve --show-token` prints the key."
        }
        Some(_) => "The key is wrong. `percept serve --show-token` prints the right one.",
    };
    Err(ApiError::new(401, INVALID, said).code("invalid_api_key"))
}

/// Whether `host` or `host:port` is this machine.
fn is_loopback(authority: &str) -> bool {
    let port = |rest: &str| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
    };
    LOOPBACK.iter().any(|name| {
        let begins = authority.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        begins && port(&authority[name.len()..])
    })
}

/// Whether an origin is a page of the web, or hides what it is (`null`). Editors made of web
/// pages have schemes of their own: `vscode-webview://…`.
fn is_page(origin: &str) -> bool {
    let scheme = origin.split(':').next().unwrap_or_default().trim();
    ["http", "https", "null", "file", ""].iter().any(|page| scheme.eq_ignore_ascii_case(page))
}

fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(path: &str, headers: &[(&str, &str)], token: &Token) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(header::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        admit(&path.parse().unwrap(), &map, token).map_or_else(|error| error.status, |()| 200)
    }

    #[test]
    fn a_request_needs_a_name_of_this_machine_no_page_and_the_token() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::at(&folder.path().join("t")).unwrap();
        let bearer = format!("Bearer {}", token.reveal());
        let with = |host: &str| status("/v1/models", &[("host", host), ("authorization", &bearer)], &token);
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8573", "[::1]:8573", "[::1]", "127.0.0.1"] {
            assert_eq!(with(host), 200, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "localhost:80@evil.example",
            "127.0.0.1.nip.io",
            "::1",
            "0.0.0.0",
            "127.0.0.2",
            "localhost:",
            "localhost:99999",
            "",
            "192.168.1.1:8573",
        ] {
            assert_eq!(with(host), 403, "{host}");
        }
        assert_eq!(status("/v1/models", &[("authorization", &bearer)], &token), 403, "no host");
        let two = [("host", "localhost"), ("host", "localhost"), ("authorization", &bearer)];
        assert_eq!(status("/v1/models", &two, &token), 403, "two hosts");
        let other = [("host", "localhost"), ("authorization", bearer.as_str())];
        assert_eq!(status("http://evil.example/v1/models", &other, &token), 403, "another authority");

        let from = |origin: &str| {
            let all = [("host", "localhost"), ("origin", origin), ("authorization", bearer.as_str())];
            status("/v1/models", &all, &token)
        };
        for page in ["http://localhost:3000", "https://evil.example", "null", "", "HTTP://x", "file://"] {
            assert_eq!(from(page), 403, "{page}");
        }
        assert_eq!(from("vscode-webview://1f2e"), 200);

        let shows =
            |shown: &str| status("/v1/models", &[("host", "localhost"), ("authorization", shown)], &token);
        assert_eq!(shows(&bearer.replace("Bearer", "bearer")), 200);
        for wrong in
            ["", "Bearer", "Bearer ", "Bearer x", token.reveal(), &format!("Basic {}", token.reveal())]
        {
            assert_eq!(shows(wrong), 401, "{wrong}");
        }
        assert_eq!(status("/v1/models", &[("host", "localhost")], &token), 401);
        assert_eq!(status("/health", &[("host", "localhost")], &token), 200);
        assert_eq!(status("/health", &[("host", "evil.example")], &token), 403);
    }
}
