//! What is answered: whole, streamed, with pictures, tools, stop strings, and what goes wrong.

use serde_json::{Value, json};

use crate::common::{Home, Ran, embedding_model, model, sample};
use crate::kit::{Server, question, run_script, wait_until, with};

const ANSWER: &str = "You asked \"Hi\" about 0 pictures, **perhaps** `code` perhaps so.";

/// The events of a stream; each is framed as it must be, and the last is `[DONE]`.
fn events(body: &str) -> Vec<Value> {
    let mut events: Vec<&str> = body.split("\n\n").collect();
    assert_eq!(events.pop(), Some(""), "it ends behind an event: {body}");
    assert_eq!(events.pop(), Some("data: [DONE]"), "{body}");
    let parsed = events.into_iter().map(|event| {
        let data = event.strip_prefix("data: ").unwrap();
        assert!(!data.contains('\n'), "{data}");
        serde_json::from_str(data).unwrap()
    });
    parsed.collect()
}

fn content(events: &[Value]) -> String {
    let text = |event: &Value| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
    events.iter().filter_map(text).collect()
}

#[test]
fn a_question_is_answered_whole_and_the_next_finds_the_prompt_evaluated() {
    let server = Server::start("", &[], &[]);
    let asked = with(question("Hi"), json!({ "model": "default", "logprobs": true }));
    let first = server.post(&asked);
    assert_eq!(first.status, 200, "{first:?}");
    assert!(first.head.to_lowercase().contains("content-type: application/json"), "{first:?}");
    let first = first.json();
    assert_eq!(first["choices"][0]["message"]["content"], ANSWER);
    assert_eq!((&first["object"], &first["model"]), (&json!("chat.completion"), &json!("starter")));
    assert_eq!(first["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    let tokens = first["choices"][0]["logprobs"]["content"].as_array().unwrap();
    assert_eq!(tokens.len(), 10);
    assert_eq!((&tokens[8]["token"], &tokens[8]["logprob"]), (&json!("perhaps "), &json!(-2.0)));
    let second = server.post(&asked).json();
    assert_eq!(second["usage"]["prompt_tokens_details"]["cached_tokens"], 1);
    assert_ne!(first["id"], second["id"]);
    let said = server.said();
    assert!(said.contains("POST /v1/chat/completions 200, 1 + 10 tokens, "), "{said}");
    assert!(!said.contains("Hi") && !said.contains("perhaps"), "{said}");
    assert!(server.home.path("cache/serve").join(server.port.to_string()).is_dir());
}

#[test]
fn a_stream_is_framed_and_ends_with_what_was_used() {
    let server = Server::start("", &[], &[]);
    let asked = with(question("Hi"), json!({ "stream": true, "stream_options": { "include_usage": true } }));
    let streamed = server.post(&asked);
    assert!(streamed.head.to_lowercase().contains("content-type: text/event-stream"), "{streamed:?}");
    let events = events(&streamed.body);
    assert_eq!(events[0]["choices"][0]["delta"], json!({ "role": "assistant", "content": "" }));
    assert_eq!(events[1]["choices"][0]["delta"]["content"], "You ");
    assert_eq!(content(&events), ANSWER);
    let [.., end, usage] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&end["choices"][0]["finish_reason"], &end["usage"]), (&json!("stop"), &Value::Null));
    assert_eq!((&usage["choices"], &usage["usage"]["completion_tokens"]), (&json!([]), &json!(10)));
    assert!(events.iter().all(|event| event["id"] == events[0]["id"]), "{events:?}");
    let plain = server.post(&with(question("Hi"), json!({ "stream": true })));
    assert!(!plain.body.contains("usage"), "{plain:?}");
}

#[test]
fn an_answer_ends_before_a_stop_string_and_the_worker_stops() {
    let server = Server::start("slow", &[], &[]);
    let stop = json!({ "stop": ["nothing", "\"Hi\" about 0"] });
    let whole = server.post(&with(question("Hi"), stop.clone())).json();
    assert_eq!(whole["choices"][0]["message"]["content"], "You asked ");
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    let streamed = server.post(&with(with(question("Hi"), stop), json!({ "stream": true })));
    let events = events(&streamed.body);
    assert_eq!(content(&events), "You asked ");
    assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "stop");
    assert_eq!(server.worker().matches("generate Cancelled").count(), 2, "{}", server.worker());
}

#[test]
fn settings_come_to_the_worker() {
    let server = Server::start("echo", &[], &[]);
    let settings = json!({
        "temperature": 0.5, "top_p": 0.9, "top_k": 3, "min_p": 0.1, "seed": 7, "presence_penalty": 0.2,
    });
    let answer = server.post(&with(question("Hi"), settings)).json();
    let echo: Value =
        serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    let near = |name: &str, wanted: f64| {
        let found = echo["sampling"][name].as_f64().unwrap();
        assert!((found - wanted).abs() < 1e-6, "{name}: {echo}");
    };
    for (name, wanted) in [
        ("temperature", 0.5),
        ("top_p", 0.9),
        ("top_k", 3.0),
        ("min_p", 0.1),
        ("seed", 7.0),
        ("presence_penalty", 0.2),
    ] {
        near(name, wanted);
    }
}

#[test]
fn a_call_goes_back_to_who_asked_and_its_result_comes_again() {
    let server = Server::start("", &["-m", &model()], &[]);
    let tools = json!({ "tools": [{ "type": "function", "function": {
        "name": "weather", "parameters": { "type": "object", "properties": { "city": { "type": "string" } } },
    } }] });
    let script = "call weather {\"city\":\"Ulm\"}";
    let asked = with(question(script), tools.clone());
    let called = server.post(&asked).json();
    let choice = &called["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    let call = choice["message"]["tool_calls"][0].clone();
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weather")));
    assert_eq!(call["function"]["arguments"], "{\"city\":\"Ulm\"}");
    let streamed = events(&server.post(&with(asked.clone(), json!({ "stream": true }))).body);
    let delta = streamed.iter().find(|event| event["choices"][0]["delta"]["tool_calls"].is_array()).unwrap();
    let delta = &delta["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!((&delta["index"], &delta["function"]["arguments"]), (&json!(0), &json!("{\"city\":\"Ulm\"}")));
    assert_eq!(streamed.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
    let messages = json!({ "messages": [
        { "role": "user", "content": script },
        { "role": "assistant", "content": null, "tool_calls": [call] },
        { "role": "tool", "tool_call_id": call["id"], "content": "rain" },
    ] });
    let answer = server.post(&with(with(asked, messages), tools)).json();
    let said = answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(said.contains("the last one says: `rain`"), "{said}");
    let leak = server.post(&question("leak weather {}")).json();
    assert_eq!(leak["choices"][0]["message"]["content"], "Let me look. ", "{leak}");
}

#[test]
fn the_starter_is_not_given_the_tools_of_others() {
    let server = Server::start("", &[], &[]);
    let tools = json!({ "tools": [{ "type": "function", "function": { "name": "weather" } }] });
    let refused = server.post(&with(question("Hi"), tools));
    assert_eq!(refused.error(), (400, "unsupported_parameter".into(), "tools".into()));
}

fn picture(url: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "What is it?" }, { "type": "image_url", "image_url": { "url": url } },
    ] }] })
}

#[test]
fn a_picture_is_looked_at_and_leaves_no_file() {
    use base64::Engine as _;
    let server = Server::start("", &[], &[]);
    let bytes = std::fs::read(sample("error.png")).unwrap();
    let encoded = base64::engine::general_purpose::STANDARD.encode(&bytes);
    let answer = server.post(&picture(&format!("data:image/png;base64,{encoded}"))).json();
    let said = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said.contains("\"What is it?\" about 1 pictures"), "{said}");
    assert_eq!(answer["usage"]["prompt_tokens"], 103);
    let folder = server.home.path("cache/serve").join(server.port.to_string());
    wait_until("the picture is gone", || std::fs::read_dir(&folder).unwrap().next().is_none());

    let url = "messages[0].content[1].image_url.url".to_owned();
    let half = base64::engine::general_purpose::STANDARD.encode(&bytes[..bytes.len() / 2]);
    for broken in [half.as_str(), "", "R0lGODlh", "aGVsbG8gd29ybGQ=", "UklGRgAAAABXQVZFZm10IA=="] {
        let refused = server.post(&picture(&format!("data:image/png;base64,{broken}")));
        assert_eq!(refused.error(), (400, "invalid_image".into(), url.clone()), "{broken}: {refused:?}");
    }
    assert!(std::fs::read_dir(&folder).unwrap().next().is_none());
}

#[test]
fn what_the_model_refuses_is_the_asker_s_error_in_a_stream_too() {
    for (fake, code) in [("small", "context_length_exceeded"), ("blind", "invalid_image")] {
        let server = Server::start(fake, &[], &[]);
        let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
        for stream in [false, true] {
            let refused = server.post(&with(picture(png), json!({ "stream": stream })));
            assert_eq!(refused.error(), (400, code.to_owned(), "messages".to_owned()), "{refused:?}");
        }
    }
}

#[test]
fn another_model_of_this_machine_is_loaded_when_it_is_named() {
    let home = Home::new();
    assert_eq!(home.run("", &["models", "add", "other", &model()]).code, Some(0));
    let server = Server::in_home(home, "", &[], &[]);
    let listed = server.get("/v1/models").json();
    let ids: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["starter", "other"]);
    assert_eq!(listed["data"][0]["max_model_len"], 4096);
    let asked = |name: &str| server.post(&with(question("Hi"), json!({ "model": name }))).json();
    assert_eq!(asked("other")["model"], "other");
    assert_eq!(asked("default")["model"], "other", "the loaded one");
    assert_eq!(asked("starter")["model"], "starter");
    assert_eq!(server.worker().matches("load Finished").count(), 3, "{}", server.worker());
}

#[test]
fn what_an_editor_sends_never_goes_on_to_another_server() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/v1", elsewhere.local_addr().unwrap());
    let settings = [("PERCEPT_EMBEDDING_KIND", "openai"), ("PERCEPT_EMBEDDING_BASE_URL", url.as_str())];
    let server = Server::start("", &[], &settings);
    let refused = server.exchange(&server.request("POST", "/v1/embeddings", "{\"input\":\"a\"}"));
    assert_eq!(refused.error().0, 404, "{refused:?}");
    assert!(refused.body.contains("ask that server itself"), "{refused:?}");
    assert!(elsewhere.accept().is_err(), "nobody asked it");
    assert_eq!(server.post(&question("Hi")).status, 200);
}

#[test]
fn vectors_are_found_with_the_model_of_the_index() {
    let home = Home::new();
    let file = embedding_model(&home.path("vectors.gguf"), 8, 1);
    assert_eq!(home.run("", &["models", "add", "vectors", file.to_str().unwrap()]).code, Some(0));
    let server = Server::in_home(home, "", &[], &[]);
    let ask = |body: Value| server.exchange(&server.request("POST", "/v1/embeddings", &body.to_string()));
    let found = ask(json!({ "model": "vectors", "input": ["a cat", "a dog"] })).json();
    assert_eq!((&found["model"], &found["data"][1]["index"]), (&json!("vectors"), &json!(1)));
    assert_eq!(found["data"][0]["embedding"].as_array().unwrap().len(), 8);
    let many =
        ask(json!({ "input": vec!["a cat"; 40], "dimensions": 8, "encoding_format": "base64" })).json();
    assert_eq!(many["data"].as_array().unwrap().len(), 40);
    assert!(many["data"][39]["embedding"].is_string(), "{many}");
    let other = ask(json!({ "model": "text-embedding-3-small", "input": "a" }));
    assert_eq!(other.error(), (404, "model_not_found".into(), "model".into()));
    assert!(other.body.contains("`vectors`"), "{other:?}");
    let longer = ask(json!({ "input": "a", "dimensions": 9 }));
    assert_eq!(longer.error(), (400, "unsupported_parameter".into(), "dimensions".into()));
    assert_eq!(server.get("/v1/models/vectors").status, 200);
    let chat = server.post(&with(question("Hi"), json!({ "model": "vectors" })));
    assert_eq!(chat.error().0, 404, "it doesn't answer");
    if let Some(python) = crate::kit::python() {
        run_script(&server, &python, "vectors.py", &[]);
    }

    let none = Server::start("", &[], &[]);
    let refused = none.exchange(&none.request("POST", "/v1/embeddings", "{\"input\":\"a\"}"));
    assert_eq!(refused.error(), (404, "model_not_found".into(), "model".into()));
}

#[cfg(unix)]
#[test]
fn percept_itself_can_ask() {
    let server = Server::start("", &[], &[]);
    let home = Home::new();
    let mut ask = home.percept("", &["ask", "-a", &sample("error.png"), "What does it say?"]);
    ask.env("PERCEPT_ENGINE_KIND", "openai")
        .env("PERCEPT_ENGINE_KEY_VARIABLE", "KEY")
        .env("KEY", &server.token);
    ask.env("PERCEPT_ENGINE_BASE_URL", format!("http://localhost:{}/v1", server.port));
    ask.env("PERCEPT_TOOLS_ENABLED", "false");
    let ran = Ran::from(ask.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?} {}", server.said());
    assert!(ran.out.contains("What does it say?") && ran.out.contains("about 1 pictures"), "{ran:?}");
}
