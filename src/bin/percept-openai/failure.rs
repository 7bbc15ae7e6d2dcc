//! What goes wrong with a server, in words for a person: what happened, where, what to do.

use std::error::Error;

use percept::redact::{self, Redactor};
use percept::text;
use percept::wire::{Failure, FailureKind};
use serde_json::Value;

use crate::key;
use crate::server::Server;

/// The most characters of what a server says that are shown.
const MOST_SAID: usize = 300;

/// What a status that is no answer means.
pub(crate) fn of_status(server: &Server, status: u16, body: &[u8]) -> Failure {
    let said = said(server, body);
    let heard = if said.is_empty() { String::new() } else { format!(": {said}") };
    let failure =
        |what: &str| Failure::new(FailureKind::Server, format!("{} {what}{heard}.", server.address()));
    let (key, section) = (server.key_variable(), server.section());
    if let (401 | 403, Some(origin)) = (status, server.key_origin()) {
        return failure(&format!("refuses the key ({status})"))
            .hint(format!("It was taken from {origin}; is it the one for this server?"));
    }
    match status {
        401 | 403 if key.is_empty() => failure(&format!("wants a key ({status})")).hint(format!(
            "Put it into a variable of the environment, and its name into {section} key_variable; or have {section} key_command print it."
        )),
        401 | 403 => failure(&format!("wants a key ({status})"))
            .hint(format!(
                "Put it into the variable {} ({section} key_variable), which is empty.",
                // A key may have been written where the name belongs.
                key::shown(key, "")
            )),
        404 if !server.has_path() => failure("has no such address (404)")
            .hint(format!("Is /v1 missing in {section} base_url? Try {}/v1.", server.url())),
        404 => failure("has no such address, or no such model (404)")
            .hint(format!("Look at {section} base_url, which is {}, and at the model's name.", server.url())),
        300..400 => failure(&format!("sends elsewhere ({status}), which isn't followed"))
            .hint(format!("Put the address that it sends to into {section} base_url.")),
        400 | 413 | 422 | 500 if is_overflow(&said) => {
            let failure = failure(&format!("says that the prompt doesn't fit ({status})"));
            Failure { kind: FailureKind::ContextOverflow, ..failure }
                .hint("Take an attachment out, or start a new conversation.")
        }
        400 | 422 if is_blind(&said) => failure(&format!("takes no pictures ({status})"))
            .hint(format!("Set {section} images = false, or take a model that sees.")),
        429 => failure("wants fewer requests (429)").hint("Try it again in a while."),
        500.. => failure(&format!("failed ({status})")).hint("Its own log may say why."),
        _ => failure(&format!("refuses the request ({status})")),
    }
}

/// What a failed connection means.
pub(crate) fn of_transport(server: &Server, error: &dyn Error) -> Failure {
    let chain = chain(error);
    let all = chain.join(": ").to_lowercase();
    let failure = |what: String| Failure::new(FailureKind::Server, format!("{} {what}.", server.address()));
    let section = server.section();
    let last = shown(chain.last().map_or("", String::as_str));
    match () {
        () if all.contains("connection refused") => {
            failure("can't be reached: the connection was refused".into())
                .hint(format!("Is the server running? {section} base_url is {}.", server.url()))
        }
        () if all.contains("dns error") || all.contains("failed to lookup") => {
            failure(format!("can't be found: {last}"))
                .hint(format!("Look at the name in {section} base_url, which is {}.", server.url()))
        }
        () if all.contains("handshake eof") || all.contains("corrupt message") => {
            failure("speaks no TLS".into())
                .hint(format!("Try http:// in {section} base_url, or another port."))
        }
        () if all.contains("certificate") || all.contains("tls") || all.contains("invalid peer") => failure(
            format!("can't be trusted: {last}"),
        )
        .hint("Its certificate must be known to this system; a server without one is reached by http://."),
        () if all.contains("timed out") || all.contains("deadline") => {
            failure("can't be reached: it took too long to connect".into())
                .hint(format!("Is it behind a VPN or a proxy? {section} connect_s says how long is waited."))
        }
        () => failure(format!("broke off: {last}")),
    }
}

/// Nothing came for so long.
pub(crate) fn silent(server: &Server, ms: u64, began: bool) -> Failure {
    let seconds = text::duration(i64::try_from(ms).unwrap_or(i64::MAX));
    let (what, key) = match began {
        false => ("did not begin to answer", "first_s"),
        true => ("fell silent in the middle of the answer", "silence_s"),
    };
    Failure::new(FailureKind::Server, format!("{} {what} for {seconds}.", server.address()))
        .hint(format!("{} {key} says how long is waited.", server.section()))
}

/// It broke off in the middle.
pub(crate) fn cut(server: &Server) -> Failure {
    let said = format!("{} broke off in the middle of the answer.", server.address());
    Failure::new(FailureKind::Server, said).hint("/retry asks again.")
}

/// It answered something that is not of the API.
pub(crate) fn strange(server: &Server, what: &str) -> Failure {
    Failure::new(FailureKind::Server, format!("{} {}.", server.address(), shown(&server.scrub(what)))).hint(
        format!("Is it a server with the OpenAI API? {} base_url is {}.", server.section(), server.url()),
    )
}

/// It said in the middle of an answer that something went wrong.
pub(crate) fn in_stream(server: &Server, error: &Value) -> Failure {
    let said = said(server, error.to_string().as_bytes());
    let kind = if is_overflow(&said) { FailureKind::ContextOverflow } else { FailureKind::Server };
    Failure::new(kind, format!("{} stopped the answer: {said}.", server.address()))
}

/// What a server says went wrong, as it can be shown: `error` is an object with a `message`
/// (OpenAI, vLLM, llama-server), a text (Ollama), or stands as `message` or `detail`.
pub(crate) fn said(server: &Server, body: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = parsed.get("error").unwrap_or(&parsed);
    let fields = [error.get("message"), parsed.get("message"), parsed.get("detail"), Some(error)];
    let text = fields.into_iter().flatten().find_map(Value::as_str).map_or_else(
        || match parsed {
            Value::Null => String::from_utf8_lossy(body).into_owned(),
            ref other => other.to_string(),
        },
        str::to_owned,
    );
    // Some servers repeat the key that they refuse, and the text that they got.
    let text = server.scrub(&text);
    let clean = Redactor::new(redact::Options::default()).redact(&text).into_owned();
    shown(&clean).trim_end_matches(['.', ' ']).to_owned()
}

fn shown(text: &str) -> String {
    let words = text::printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match words.chars().count() > MOST_SAID {
        true => format!("{}…", words.chars().take(MOST_SAID).collect::<String>()),
        false => words,
    }
}

/// Whether what it says means that a text is too long for the model.
pub(crate) fn is_overflow(said: &str) -> bool {
    let said = said.to_lowercase();
    let words = [
        "context length",
        "context size",
        "context window",
        "maximum context",
        "exceed_context",
        // llama-server, of an input to be embedded.
        "too large to process",
        "input is too long",
        "maximum input length",
    ];
    words.iter().any(|words| said.contains(words))
}

fn is_blind(said: &str) -> bool {
    let said = said.to_lowercase();
    (said.contains("image") || said.contains("multimodal"))
        && ["not support", "unsupported", "not a multimodal", "doesn't support", "mmproj", "invalid"]
            .iter()
            .any(|words| said.contains(words))
}

fn chain(error: &dyn Error) -> Vec<String> {
    let mut chain = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        chain.push(error.to_string());
        cause = error.source();
    }
    chain
}

#[cfg(test)]
mod tests {
    use percept::wire::ServerOptions;

    use super::*;
    use crate::key::{Key, Origin};

    fn server(url: &str, key: Option<&str>) -> Server {
        let options =
            ServerOptions { url: url.into(), key_variable: "MY_KEY".into(), ..ServerOptions::default() };
        let key = Key::new(key.unwrap_or_default(), Origin::Variable("MY_KEY".into())).unwrap();
        Server::new(options, key).unwrap()
    }

    #[test]
    fn what_a_server_refuses_is_said_with_what_to_do_next() {
        let (with, without) =
            (server("https://a.example/v1", Some("sk-k3y")), server("http://a.example", None));
        let body = br#"{"error":{"message":"Incorrect API key provided: sk-k3y.","type":"x"}}"#;
        let overflow = br#"{"message":"This model's maximum context length is 4096 tokens"}"#;
        let said = [
            of_status(&with, 401, body),
            of_status(&without, 403, b""),
            of_status(&without, 404, b"<html>not found</html>"),
            of_status(&with, 404, br#"{"error":"model 'x' not found"}"#),
            of_status(&with, 308, b""),
            of_status(&with, 400, overflow),
            of_status(&with, 400, br#"{"error":{"message":"this model does not support image input"}}"#),
            of_status(&with, 429, b""),
            of_status(&with, 503, b"busy"),
            of_status(&with, 418, br#"{"detail":[{"loc":1}]}"#),
            silent(&with, 1500, false),
            silent(&with, 61_000, true),
        ];
        let words: Vec<String> = said.iter().map(Failure::in_words).collect();
        assert!(!words.concat().contains("sk-k3y"));
        assert_eq!(said[5].kind, FailureKind::ContextOverflow);
        insta::assert_snapshot!(words.join("\n"));
    }
}
