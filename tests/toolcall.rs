//! Tool calls of the real llama worker: under the grammar even random weights emit valid ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod random_model;
mod worker_client;

use std::path::{Path, PathBuf};

use percept::message::Role;
use percept::wire::{
    ChatMessage, Content, Event, LoadOptions, PROTOCOL_VERSION, Request, Sampling, StopReason, ToolSpec,
};
use serde_json::{Value, json};
use worker_client::{Answer, WorkerClient};

/// Seeds of the noise: each another answer.
const SEEDS: u32 = 200;

/// As a model of each family has its template, as far as tools go.
const TEMPLATES: [(&str, &str); 4] = [
    (
        "hermes",
        "{% if tools %}{{ '<tool_call>' }} for: {{ tools | tojson }}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ),
    (
        "llama3",
        "{% if tools %}Answer with {\"name\": …, \"parameters\": …}: {{ tools | tojson }}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.tool_calls %}{{ m.tool_calls[0].function | tojson }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ),
    (
        "mistral",
        "{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}{% for m in messages %}{% if m.tool_calls %}[TOOL_CALLS]{{ m.tool_calls | tojson }}{% else %}[{{ m.role }}]{{ m.content }}{% endif %}{% endfor %}",
    ),
    // The starter's own knows no tools: they are told in words.
    ("own", ""),
];

fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, description: &str, properties: Value, required: &[&str]| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }),
    };
    vec![
        tool(
            "read_file",
            "Reads lines of a file.",
            json!({ "path": { "type": "string", "maxLength": 20 }, "from": { "type": "integer" } }),
            &["path"],
        ),
        tool(
            "level",
            "Sets a level.",
            json!({ "level": { "enum": ["low", "high"] }, "on": { "type": "boolean" } }),
            &["level", "on"],
        ),
        tool(
            "list",
            "Lists.",
            json!({ "names": { "type": "array", "items": { "type": "string", "maxLength": 5 }, "maxItems": 3 } }),
            &["names"],
        ),
    ]
}

/// What is wrong with a call; nothing if it is one of a tool as its schema has it.
fn wrong(name: &str, arguments: &Value) -> Option<String> {
    let Some(tool) = tools().into_iter().find(|tool| tool.name == name) else {
        return Some(format!("there is no tool `{name}`"));
    };
    let given = arguments.as_object()?;
    let properties = tool.parameters["properties"].as_object().unwrap().clone();
    for required in tool.parameters["required"].as_array().unwrap() {
        if !given.contains_key(required.as_str().unwrap()) {
            return Some(format!("{required} is missing in {arguments}"));
        }
    }
    given.iter().find_map(|(key, value)| {
        let Some(schema) = properties.get(key) else { return Some(format!("`{key}` is unknown")) };
        let fits = match schema["type"].as_str() {
            Some("string") => value.as_str().is_some_and(|text| characters(text) <= 20),
            Some("integer") => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            Some("boolean") => value.is_boolean(),
            Some("array") => {
                value.as_array().is_some_and(|items| items.len() <= 3 && items.iter().all(Value::is_string))
            }
            _ => schema["enum"].as_array().unwrap().contains(value),
        };
        (!fits).then(|| format!("`{key}` is {value}"))
    })
}

/// Characters of a text. Noise is no UTF-8: the grammar counts a broken character once, and
/// each of its bytes comes as a replacement.
fn characters(text: &str) -> usize {
    text.chars().filter(|&c| c != char::REPLACEMENT_CHARACTER).count()
}

fn loaded(dir: &Path, template: &str) -> WorkerClient {
    let like = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/starter/starter-f16.gguf");
    let model = dir.join("noise.gguf");
    random_model::write_hybrid(&model, &like, 11);
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-llama"));
    let options = LoadOptions {
        threads: Some(1),
        context: Some(2048),
        chat_template: (!template.is_empty()).then(|| template.to_owned()),
        ..LoadOptions::default()
    };
    worker.ask(Request::Load { protocol: PROTOCOL_VERSION, model, mmproj: None, options }).done();
    worker
}

fn call_of(answer: &Answer) -> (String, Value) {
    let mut calls = answer.events.iter().filter_map(|event| match event {
        Event::ToolCall { name, arguments, leaked_bytes: 0 } => Some((name.clone(), arguments.clone())),
        _ => None,
    });
    let call = calls.next().unwrap_or_else(|| panic!("no call: {:?}", answer.text()));
    assert!(calls.next().is_none(), "one at a time");
    call
}

#[test]
fn noise_makes_only_valid_calls_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    for (family, template) in TEMPLATES {
        let mut worker = loaded(dir.path(), template);
        let mut names = std::collections::BTreeSet::new();
        let mut valid = 0;
        for seed in 0..SEEDS / 4 {
            let sampling = Sampling { temperature: 2.0, seed: Some(seed), ..Sampling::default() };
            let messages = vec![ChatMessage::text(Role::User, "go")];
            let (tools, must_call) = (tools(), true);
            let answer = worker.ask(Request::Generate {
                messages,
                sampling,
                max_tokens: Some(1500),
                tools,
                must_call,
            });
            if answer.done().stop == StopReason::MaxTokens {
                continue; // A number can go on for ever; that it was cut off is said.
            }
            assert_eq!(answer.done().stop, StopReason::ToolCall, "{family} {seed}: {:?}", answer.text());
            let (name, arguments) = call_of(&answer);
            assert_eq!(wrong(&name, &arguments), None, "{family}, seed {seed}");
            assert_eq!(answer.text(), "", "{family}, seed {seed}: a call is not text");
            names.insert(name);
            valid += 1;
        }
        assert!(valid >= SEEDS / 4 * 9 / 10, "{family}: only {valid} calls came to an end");
        assert_eq!(names.len(), tools().len(), "{family}: noise calls all of them: {names:?}");
    }
}

/// Schemas as servers have them, which no grammar can be made of: their tools can be called with
/// any object, and the others are still kept to theirs.
#[test]
fn a_schema_that_makes_no_grammar_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut worker = loaded(dir.path(), "");
    let odd = [
        json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/X" } }, "required": ["x"],
            "$defs": { "X": { "type": "boolean" } } }),
        json!({ "type": "object", "properties": { "x": { "type": "string", "pattern": "unanchored" } } }),
        json!({ "type": "object", "properties": { "x": { "type": "nothing" } } }),
        json!({ "type": "object", "properties": { "x": { "type": "string", "maxLength": 4_000_000 } } }),
    ];
    let odd = odd.into_iter().enumerate().map(|(number, parameters)| ToolSpec {
        name: format!("odd{number}"),
        description: "Odd.".to_owned(),
        parameters,
    });
    let all: Vec<ToolSpec> = tools().into_iter().chain(odd).collect();
    let mut calls = 0;
    for seed in 0..24 {
        let sampling = Sampling { temperature: 2.0, seed: Some(seed), ..Sampling::default() };
        let messages = vec![ChatMessage::text(Role::User, "go")];
        let (tools, must_call, max_tokens) = (all.clone(), true, Some(700));
        let answer = worker.ask(Request::Generate { messages, sampling, max_tokens, tools, must_call });
        match answer.done().stop {
            // A text without a bound can go on for ever.
            StopReason::MaxTokens | StopReason::ContextFull => continue,
            // So can a number's exponent, and then it is none that JSON's readers take.
            StopReason::Finished => {
                let text = answer.text();
                let body = text.trim_start_matches("<tool_call>").trim_end_matches("</tool_call>");
                let error = serde_json::from_str::<Value>(body.trim()).unwrap_err().to_string();
                assert!(error.contains("number out of range"), "{seed}: {error}: {text:?}");
                continue;
            }
            stop => assert_eq!(stop, StopReason::ToolCall, "{seed}: {:?}", answer.text()),
        }
        calls += 1;
        let (name, arguments) = call_of(&answer);
        match name.starts_with("odd") {
            true => assert!(arguments.is_object(), "{name} {arguments}"),
            false => assert_eq!(wrong(&name, &arguments), None, "{seed}"),
        }
    }
    assert!(calls > 2, "{calls} of 24 calls came to an end");
}

#[test]
fn without_being_told_to_call_noise_is_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut worker = loaded(dir.path(), "");
    let messages = vec![ChatMessage::text(Role::User, "go")];
    let (sampling, tools) = (Sampling::default(), tools());
    let answer =
        worker.ask(Request::Generate { messages, sampling, max_tokens: Some(60), tools, must_call: false });
    assert_eq!(answer.done().stop, StopReason::MaxTokens);
    assert!(!answer.text().is_empty());
}

/// What the model is told of its task and tools is evaluated before there is a question.
#[test]
fn the_tools_are_in_the_cache_before_the_first_question() {
    let dir = tempfile::tempdir().unwrap();
    for (family, template) in TEMPLATES {
        let mut worker = loaded(dir.path(), template);
        let system = ChatMessage::text(Role::System, "You are percept.");
        worker.ask(Request::Prefill { messages: vec![system.clone()], tools: tools() }).done();
        let messages = vec![system, ChatMessage::text(Role::User, "go")];
        let (sampling, max_tokens) = (Sampling::default(), Some(1));
        let request = Request::Generate { messages, sampling, max_tokens, tools: tools(), must_call: false };
        let usage = worker.ask(request).done().usage;
        let rest = usage.prompt_tokens - usage.cached_tokens;
        assert!(usage.cached_tokens > 200 && rest < 80, "{family}: {usage:?}");
    }
}

#[test]
fn calls_and_results_stand_in_the_prompt_of_every_template() {
    let dir = tempfile::tempdir().unwrap();
    for (family, template) in TEMPLATES {
        let mut worker = loaded(dir.path(), template);
        let call = Content::ToolCall {
            call: "a1b2c3d4e".into(),
            name: "list".into(),
            arguments: json!({ "names": ["x".repeat(50)] }),
        };
        let result =
            Content::ToolResult { call: "a1b2c3d4e".into(), name: "list".into(), text: "y".repeat(70) };
        let mut messages = vec![ChatMessage::text(Role::User, "go")];
        let mut tokens = |messages: &[ChatMessage], tools: Vec<ToolSpec>| {
            worker.ask(Request::Measure { messages: messages.to_vec(), tools }).ledger().total_tokens
        };
        let bare = tokens(&messages, Vec::new());
        // A byte is a token in this vocabulary, but for some words.
        let told = tokens(&messages, tools());
        assert!(told > bare + 200, "{family}: the tools are told of: {bare} and {told}");
        messages.push(ChatMessage { role: Role::Assistant, content: vec![call] });
        messages.push(ChatMessage { role: Role::Tool, content: vec![result] });
        let answered = tokens(&messages, tools());
        assert!(answered > told + 110, "{family}: call and result are there: {told} and {answered}");
    }
}
