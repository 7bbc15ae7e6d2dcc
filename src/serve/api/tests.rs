//! OpenAI's JSON in and out.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::message::Role;
use crate::wire::{Content, DoneReport, Event, Failure, FailureKind, Sampling, StopReason, ToolSpec, Usage};

/// A body with a question, and these fields.
fn body(fields: Value) -> Value {
    let mut body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    for (name, value) in fields.as_object().unwrap() {
        body[name.as_str()] = value.clone();
    }
    body
}

fn text(text: &str) -> Part {
    Part::Plain(Content::Text { text: text.to_owned() })
}

#[test]
fn a_question_alone_is_asked_as_the_model_has_it() {
    let plain = asked(&body(json!({}))).unwrap();
    let wanted = Asked {
        model: None,
        stream: false,
        stream_usage: false,
        logprobs: false,
        stops: Vec::new(),
        turns: vec![Turn { role: Role::User, parts: vec![text("Hi")] }],
        tools: Vec::new(),
        must_call: false,
        max_tokens: None,
        wishes: Wishes::default(),
    };
    assert_eq!(plain, wanted);
    let own = Sampling { temperature: 0.7, top_k: 20, seed: Some(3), ..Sampling::default() };
    assert_eq!(plain.wishes.over(&own), own);
    for name in ["", "default", "percept"] {
        assert_eq!(asked(&body(json!({ "model": name }))).unwrap().model, None);
    }
}

#[test]
fn what_changes_nothing_is_ignored() {
    let ignored = json!({
        "n": 1, "user": "me", "store": false, "metadata": {}, "logit_bias": {}, "frequency_penalty": 0.0,
        "response_format": { "type": "text" }, "modalities": ["text"], "top_logprobs": 0, "stop": null,
        "parallel_tool_calls": true, "service_tier": "auto", "anything": [1, 2], "tools": null, "audio": null,
        "max_tokens": -1, "temperature": null, "stream_options": null,
    });
    assert_eq!(asked(&body(ignored)).unwrap(), asked(&body(json!({}))).unwrap());
}

#[test]
fn every_setting_comes_through() {
    let all = asked(&body(json!({
        "model": "qwen", "stream": true, "stream_options": { "include_usage": true }, "logprobs": true,
        "stop": ["a", "b"], "max_tokens": 5, "max_completion_tokens": 7, "temperature": 0.5, "top_k": -1,
        "top_p": 0.9, "min_p": 0.1, "repeat_penalty": 1.1, "presence_penalty": -0.5, "seed": 7,
    })))
    .unwrap();
    let wishes = Wishes {
        temperature: Some(0.5),
        top_k: Some(0),
        top_p: Some(0.9),
        min_p: Some(0.1),
        repeat_penalty: Some(1.1),
        presence_penalty: Some(-0.5),
        seed: Some(7),
    };
    assert_eq!(
        (all.model.as_deref(), all.stream, all.stream_usage, all.logprobs),
        (Some("qwen"), true, true, true)
    );
    assert_eq!(
        (all.stops, all.max_tokens, all.wishes),
        (vec!["a".to_owned(), "b".to_owned()], Some(7), wishes)
    );
    let seed = |seed: i64| asked(&body(json!({ "seed": seed }))).unwrap().wishes.seed;
    assert_eq!((seed(0), seed(4_294_967_296)), (Some(0), Some(1)));
    assert!(seed(-1).is_some());
}

#[test]
fn a_conversation_comes_through() {
    let png = "data:image/png;base64,iVBORw0KGgo";
    let messages = json!([
        { "role": "developer", "content": "Be short." },
        { "role": "user", "content": [
            { "type": "text", "text": "What is it?" }, { "type": "image_url", "image_url": { "url": png, "detail": "low" } },
        ] },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "c1", "type": "function", "function": { "name": "zoom", "arguments": "{\"by\":2}" } },
            { "id": "c2", "type": "function", "function": { "name": "look", "arguments": "" } },
        ] },
        { "role": "tool", "tool_call_id": "c2", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
        { "role": "assistant", "content": "" },
        { "role": "system", "content": "" },
        { "role": "assistant", "content": "A cat." },
        { "role": "user", "content": "Sure?", "name": "me" },
    ]);
    let turns = asked(&json!({ "messages": messages })).unwrap().turns;
    let call = |id: &str, name: &str, arguments: Value| {
        Part::Plain(Content::ToolCall { call: id.into(), name: name.into(), arguments })
    };
    let result = Content::ToolResult { call: "c2".into(), name: "look".into(), text: "a\nb".into() };
    let at = "messages[1].content[1].image_url.url".to_owned();
    let picture = Part::Picture { at: at.clone(), bytes: b"\x89PNG\r\n\x1a\n".to_vec() };
    let turn = |role: Role, parts: Vec<Part>| Turn { role, parts };
    assert_eq!(
        turns,
        [
            turn(Role::System, vec![text("Be short.")]),
            turn(Role::User, vec![text("What is it?"), picture]),
            turn(
                Role::Assistant,
                vec![call("c1", "zoom", json!({ "by": 2 })), call("c2", "look", json!({}))]
            ),
            turn(Role::Tool, vec![Part::Plain(result)]),
            turn(Role::Assistant, vec![text("A cat.")]),
            turn(Role::User, vec![text("Sure?")]),
        ]
    );
    assert_eq!(turns[1].picture(), Some(at.as_str()));
}

#[test]
fn tools_and_the_choice_among_them_come_through() {
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name, "description": "d", "parameters": { "properties": {} } } });
    let spec = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: "d".to_owned(),
        parameters: json!({ "type": "object", "properties": {} }),
    };
    let choose = |choice: Value| {
        let asked = asked(&body(json!({ "tools": [tool("a"), tool("b")], "tool_choice": choice }))).unwrap();
        (asked.tools, asked.must_call)
    };
    let both = || vec![spec("a"), spec("b")];
    assert_eq!(choose(Value::Null), (both(), false));
    assert_eq!(choose("auto".into()), (both(), false));
    assert_eq!(choose("none".into()), (Vec::new(), false));
    assert_eq!(choose("required".into()), (both(), true));
    let named = json!({ "type": "function", "function": { "name": "b" } });
    assert_eq!(choose(named), (vec![spec("b")], true));
}

/// Bodies that are refused: the fields over a question, the field that the error names, its code.
#[test]
fn what_is_wrong_or_not_done_is_named() {
    let user = |content: Value| json!({ "messages": [{ "role": "user", "content": content }] });
    let url = |url: &str| user(json!([{ "type": "image_url", "image_url": { "url": url } }]));
    let tool = |function: Value| json!({ "tools": [{ "type": "function", "function": function }] });
    let said = |call: Value| json!({ "messages": [{ "role": "assistant", "tool_calls": [call] }] });
    let unsupported = Some("unsupported_parameter");
    let image = "messages[0].content[0].image_url.url";
    let cases: Vec<(Value, &str, Option<&str>)> = vec![
        (json!({ "n": 2 }), "n", unsupported),
        (json!({ "n": "x" }), "n", None),
        (json!({ "functions": [] }), "functions", unsupported),
        (json!({ "audio": {} }), "audio", unsupported),
        (json!({ "modalities": ["text", "audio"] }), "modalities", unsupported),
        (json!({ "logit_bias": { "1": 1 } }), "logit_bias", unsupported),
        (json!({ "top_logprobs": 3 }), "top_logprobs", unsupported),
        (json!({ "frequency_penalty": 0.5 }), "frequency_penalty", unsupported),
        (json!({ "response_format": { "type": "json_object" } }), "response_format", unsupported),
        (json!({ "response_format": 1 }), "response_format", None),
        (json!({ "stream": "yes" }), "stream", None),
        (json!({ "stream_options": {} }), "stream_options", None),
        (json!({ "model": 1 }), "model", None),
        (json!({ "temperature": 3 }), "temperature", None),
        (json!({ "top_p": "x" }), "top_p", None),
        (json!({ "max_tokens": 0 }), "max_tokens", None),
        (json!({ "max_completion_tokens": 1.5 }), "max_completion_tokens", None),
        (json!({ "seed": "x" }), "seed", None),
        (json!({ "stop": ["a", "b", "c", "d", "e"] }), "stop", None),
        (json!({ "stop": "" }), "stop", None),
        (json!({ "stop": [1] }), "stop", None),
        (json!({ "stop": "x".repeat(1025) }), "stop", None),
        (json!({ "messages": null }), "messages", None),
        (json!({ "messages": [] }), "messages", None),
        (json!({ "messages": "Hi" }), "messages", None),
        (json!({ "messages": [{ "role": "system", "content": "" }] }), "messages", None),
        (json!({ "messages": ["Hi"] }), "messages[0]", None),
        (json!({ "messages": [{ "content": "x" }] }), "messages[0].role", None),
        (json!({ "messages": [{ "role": "robot" }] }), "messages[0].role", None),
        (json!({ "messages": [{ "role": "function" }] }), "messages[0].role", unsupported),
        (json!({ "messages": [{ "role": "user" }] }), "messages[0].content", None),
        (
            json!({ "messages": [{ "role": "system", "content": [{ "type": "image_url" }] }] }),
            "messages[0].content[0]",
            unsupported,
        ),
        (user(json!(3)), "messages[0].content", None),
        (user(json!([{}])), "messages[0].content[0].type", None),
        (user(json!([{ "type": "input_audio" }])), "messages[0].content[0].type", unsupported),
        (
            user(json!([{ "type": "image_url", "image_url": "data:" }])),
            "messages[0].content[0].image_url",
            None,
        ),
        (url("https://example.com/cat.png"), image, None),
        (url("file:///etc/passwd"), image, None),
        (url("/etc/passwd"), image, None),
        (url(""), image, None),
        (url("data:text/plain;base64,eA=="), image, None),
        (url("data:image/png,abc"), image, None),
        (url("data:image/png;base64,***"), image, None),
        (url("data:image/png;base64"), image, None),
        (
            said(json!({ "id": "c", "function": { "name": "f", "arguments": "[1]" } })),
            "messages[0].tool_calls[0].function.arguments",
            None,
        ),
        (said(json!({ "function": {} })), "messages[0].tool_calls[0].id", None),
        (
            json!({ "messages": [{ "role": "tool", "tool_call_id": "c", "content": "x" }] }),
            "messages[0].tool_call_id",
            None,
        ),
        (json!({ "tools": [{ "type": "web_search" }] }), "tools[0].type", unsupported),
        (tool(json!({ "name": "a b" })), "tools[0].function.name", None),
        (tool(json!({ "name": "a", "parameters": [] })), "tools[0].function.parameters", None),
        (json!({ "tool_choice": "required" }), "tool_choice", None),
        (json!({ "tool_choice": "some" }), "tool_choice", None),
        (
            json!({ "tool_choice": { "type": "function", "function": { "name": "x" } } }),
            "tool_choice.function.name",
            None,
        ),
    ];
    for (fields, param, code) in cases {
        let error = asked(&body(fields.clone())).unwrap_err();
        assert_eq!(
            (error.status, error.param.as_deref(), error.code),
            (400, Some(param), code),
            "{fields} {error:?}"
        );
        assert_eq!(error.body()["error"]["type"], "invalid_request_error");
        assert!(error.message.contains(param.split(['.', '[']).next().unwrap()), "{}", error.message);
    }
    let two = json!({ "tools": [{ "type": "function", "function": { "name": "a" } }, { "type": "function", "function": { "name": "a" } }] });
    assert_eq!(asked(&body(two)).unwrap_err().param.as_deref(), Some("tools[1]"));
    assert_eq!(asked(&json!([])).unwrap_err().param, None);
}

fn hear(stops: &[&str], events: Vec<Event>) -> Vec<Out> {
    let stops = stops.iter().map(|stop| (*stop).to_owned()).collect();
    let mut reply = Reply::new(stops, "call_1".to_owned());
    events.into_iter().flat_map(|event| reply.hear(event)).collect()
}

fn token(text: &str) -> Event {
    Event::Token { text: text.to_owned(), logprob: -0.5 }
}

fn piece(text: &str) -> Piece {
    Piece { text: text.to_owned(), logprob: -0.5 }
}

fn done(stop: StopReason) -> Event {
    Event::Done(DoneReport { stop, usage: usage(), ..DoneReport::default() })
}

fn usage() -> Usage {
    Usage { prompt_tokens: 10, cached_tokens: 4, completion_tokens: 2, ..Usage::default() }
}

fn end(finish: &'static str) -> End {
    End { finish, usage: usage(), leaked_bytes: 0 }
}

#[test]
fn a_worker_s_events_become_an_answer() {
    let said = |text: &str| Out::Text(vec![piece(text)]);
    let ends = |stop| hear(&[], vec![token("a"), done(stop)]);
    assert_eq!(ends(StopReason::Finished), [said("a"), Out::End(end("stop"))]);
    assert_eq!(ends(StopReason::MaxTokens), [said("a"), Out::End(end("length"))]);
    assert_eq!(ends(StopReason::ContextFull), [said("a"), Out::End(end("length"))]);
    assert!(matches!(ends(StopReason::Cancelled).as_slice(), [_, Out::Failed(error)] if error.status == 503));
    let stopped = hear(&["##"], vec![token("a#"), token("#b"), token("c"), done(StopReason::Cancelled)]);
    assert_eq!(stopped, [said("a"), Out::Enough, Out::End(end("stop"))]);
    let half = hear(&["##"], vec![token("a#"), done(StopReason::Finished)]);
    assert_eq!(half, [said("a"), said("#"), Out::End(end("stop"))]);
    let call = Event::ToolCall { name: "f".into(), arguments: json!({ "x": 1 }), leaked_bytes: 0 };
    let called = Out::Call(Call { id: "call_1".into(), name: "f".into(), arguments: "{\"x\":1}".into() });
    let outs = hear(&["##"], vec![token("a#"), call, done(StopReason::ToolCall)]);
    assert_eq!(outs, [said("a"), said("#"), called, Out::End(end("tool_calls"))]);
    let mut reply = Reply::new(vec!["#".into()], String::new());
    assert!(
        matches!(reply.gone("x").as_slice(), [Out::Failed(error)] if error.status == 503 && error.message == "x")
    );
    reply.hear(token("#"));
    assert!(matches!(reply.gone("x").as_slice(), [Out::End(end)] if end.finish == "stop"));
}

#[test]
fn failures_become_errors_of_who_can_do_something() {
    let of = |kind| ApiError::from(&Failure::new(kind, "Said.").hint("Do."));
    let overflow = of(FailureKind::ContextOverflow);
    assert_eq!((overflow.status, overflow.code), (400, Some("context_length_exceeded")));
    assert_eq!(overflow.message, "Said. Do.");
    assert_eq!(of(FailureKind::Media).status, 400);
    assert_eq!(of(FailureKind::Memory).status, 503);
    assert_eq!(of(FailureKind::Internal).status, 500);
}

#[test]
fn an_answer_is_these_bytes() {
    let form =
        Form { id: "chatcmpl-1".into(), model: "m".into(), created: 5, logprobs: true, stream_usage: true };
    let call = Call { id: "call_1".into(), name: "f".into(), arguments: "{}".into() };
    let whole = form.whole(&[piece("Per"), piece("mit")], None, &end("stop"));
    assert_eq!(
        whole["choices"][0]["message"],
        json!({ "role": "assistant", "content": "Permit", "refusal": null })
    );
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    let tokens = whole["choices"][0]["logprobs"]["content"].as_array().unwrap();
    assert_eq!(
        tokens[0],
        json!({ "token": "Per", "logprob": -0.5, "bytes": [80, 101, 114], "top_logprobs": [] })
    );
    assert_eq!(
        whole["usage"],
        json!({
            "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12,
            "prompt_tokens_details": { "cached_tokens": 4 },
        })
    );
    let leaked = End { leaked_bytes: 4, ..end("tool_calls") };
    let called = form.whole(&[piece("Well"), piece(". c"), piece("all")], Some(&call), &leaked);
    assert_eq!(called["choices"][0]["message"]["content"], "Well. ");
    let tokens = called["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let tokens: Vec<&str> = tokens.iter().filter_map(|token| token["token"].as_str()).collect();
    assert_eq!(tokens, ["Well", ". "], "the call is in neither");
    assert_eq!(called["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "f");
    assert_eq!(
        form.whole(&[], Some(&call), &end("tool_calls"))["choices"][0]["message"]["content"],
        Value::Null
    );
    let chunk = form.call(&call);
    assert_eq!(chunk["choices"][0]["delta"]["tool_calls"][0]["index"], 0);
    assert_eq!((chunk["object"].as_str(), &chunk["usage"]), (Some("chat.completion.chunk"), &Value::Null));
    let chunks = form.ending(&end("length"));
    assert_eq!(chunks[0]["choices"][0]["finish_reason"], "length");
    assert_eq!((&chunks[1]["choices"], &chunks[1]["usage"]["total_tokens"]), (&json!([]), &json!(12)));
    let unlikely = form.text(&[Piece { text: "x".into(), logprob: f32::NEG_INFINITY }]);
    assert_eq!(unlikely["choices"][0]["logprobs"]["content"][0]["logprob"], -9999.0);
}

/// Any JSON, out of words that a request is made of.
fn json_of(depth: u32) -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "messages",
        "role",
        "content",
        "user",
        "assistant",
        "tool",
        "type",
        "text",
        "image_url",
        "url",
        "data:image/png;base64,AA",
        "data:",
        "tools",
        "function",
        "name",
        "arguments",
        "{}",
        "parameters",
        "tool_calls",
        "id",
        "tool_call_id",
        "stop",
        "stream",
        "stream_options",
        "tool_choice",
        "n",
        "seed",
        "temperature",
        "max_tokens",
        "logit_bias",
        "response_format",
        "required",
        "ß",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_a_request_or_an_error_with_a_place(value in json_of(5), inside in json_of(4), list in any::<bool>()) {
        let message = json!({ "role": "user", "content": inside });
        let wrapped = if list { json!({ "messages": [message], "tools": [inside] }) } else { json!({ "messages": [inside, message] }) };
        for body in [value, wrapped] {
            if let Err(error) = asked(&body) {
                prop_assert_eq!(error.status, 400);
                prop_assert!(error.param.is_some() || !body.is_object(), "{:?}", error);
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
