//! `percept serve` on percept's own weights, asked by OpenAI's own client: nothing here is played.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../serve/kit.rs"]
mod kit;

use common::{REAL, sample};
use kit::{Server, python, question, run_script, with};
use serde_json::json;

#[test]
fn the_client_of_openai_asks_about_a_picture() {
    let Some(python) = python() else { return };
    let server = Server::start(REAL, &[], &[]);
    run_script(&server, &python, "starter.py", &[&sample("error.png")]);
}

#[test]
fn an_answer_is_cut_at_its_tokens_and_at_a_stop_string() {
    let server = Server::start(REAL, &[], &[]);
    let picture = {
        use base64::Engine as _;
        let bytes = std::fs::read(sample("error.png")).unwrap();
        format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes))
    };
    let asked = |fields| {
        let content = json!([
            { "type": "image_url", "image_url": { "url": picture } },
            { "type": "text", "text": "What does the error say?" },
        ]);
        let body = json!({ "messages": [{ "role": "user", "content": content }] });
        server.post(&with(body, fields)).json()
    };
    let short = asked(json!({ "max_tokens": 1 }));
    assert_eq!(short["choices"][0]["finish_reason"], "length", "{short}");
    assert_eq!(short["usage"]["completion_tokens"], 1, "{short}");
    let stopped = asked(json!({ "stop": "denied: /" }));
    assert_eq!(stopped["choices"][0]["message"]["content"], "Permission ", "{stopped}");
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
    let sure = asked(json!({ "logprobs": true }));
    let tokens = sure["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let text: String = tokens.iter().map(|token| token["token"].as_str().unwrap()).collect();
    assert_eq!(text, "Permission denied: /etc/hosts");
    assert!(tokens.iter().all(|token| token["logprob"].as_f64().unwrap() <= 0.0), "{sure}");
}

#[test]
fn a_prompt_that_does_not_fit_is_the_asker_s_error() {
    let server = Server::start(REAL, &[], &[]);
    let long = server.post(&question(&"word ".repeat(40_000)));
    assert_eq!(long.error(), (400, "context_length_exceeded".into(), "messages".into()), "{long:?}");
}
