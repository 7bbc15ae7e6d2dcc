//! Renders a conversation with the model's own chat template.
//!
//! Pictures, and whatever in someone's text reads like a control token of the model, go
//! through the template as sentinels: strings with a random number in them, which no text
//! can contain. The rendering is cut at them. So a picture stands where the template puts
//! the text around it, and `<|im_end|>` in a log file stays text.

use aho_corasick::{AhoCorasick, MatchKind};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind};
use percept::message::Role;
use percept::wire::{ChatMessage, Content, Failure, FailureKind, ToolSpec};
use serde_json::{Map, Value, json};

use crate::sentinel::{Insert, Piece, Sentinels};
use crate::toolcall::Format;

/// For models that bring no template.
const CHATML: &str = include_str!("../../../prompts/chatml.jinja");

/// Tells of the tools where the model's own template can't. Gets `tools` and `example`.
const TOOLS: &str = include_str!("../../../prompts/tools.jinja");

/// Between two texts of one message.
const BETWEEN_TEXTS: &str = "\n\n";

/// What the rendering ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The opening of the answer.
    Answer,
    /// The last part of the last message: more may follow it.
    Unfinished,
}

/// A turn of one speaker, as templates know it.
#[derive(Debug, Clone, PartialEq)]
struct Turn {
    role: Role,
    text: String,
    calls: Vec<ToolUse>,
    /// The call that a tool's turn answers.
    answers: Option<ToolUse>,
}

/// A call of a tool: by id and name, with its arguments where it is the call itself.
#[derive(Debug, Clone, PartialEq)]
struct ToolUse {
    id: String,
    name: String,
    arguments: Value,
}

impl Turn {
    fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), calls: Vec::new(), answers: None }
    }
}

/// A chat template, ready to render.
pub(crate) struct Template {
    environment: Environment<'static>,
    source: &'static str,
    /// How calls of tools are written.
    pub(crate) format: Format,
    /// The template tells of tools, of calls and of their results.
    knows_tools: bool,
    /// The model knows the tools and isn't told of them.
    pub(crate) untold: bool,
    /// The template wants a message's content as a list of typed parts.
    typed: bool,
    bos: String,
    eos: String,
    control: Option<AhoCorasick>,
}

impl Template {
    /// The one given, else the model's own, else ChatML.
    pub(crate) fn of(model: &LlamaModel, given: Option<&str>) -> Result<Self, Failure> {
        let own = model.chat_template(None).ok().and_then(|template| template.to_string().ok());
        let (text, source) = match (given, own) {
            (Some(given), _) => (given.to_owned(), "option"),
            (None, Some(own)) => (own, "model"),
            (None, None) => (CHATML.to_owned(), "chatml"),
        };
        let vocab = model.vocab();
        let word = |token: LlamaToken| match token.0 {
            ..0 => String::new(),
            _ => vocab.text(token).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default(),
        };
        let control =
            vocab.tokens().filter(|token| vocab.is_control(*token)).map(word).filter(|text| text.len() > 2);
        Self::new(text, source, word(vocab.bos()), word(vocab.eos()), control.collect())
    }

    fn new(
        text: String,
        source: &'static str,
        bos: String,
        eos: String,
        control: Vec<String>,
    ) -> Result<Self, Failure> {
        let mut environment = Environment::new();
        // As transformers sets Jinja up for chat templates.
        let syntax =
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(failure)?;
        environment.set_syntax(syntax);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |said: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, said))
        });
        environment.add_function("strftime_now", |format: String| -> Result<String, Error> {
            jiff::fmt::strtime::format(&format, &jiff::ZonedDateTime::now())
                .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
        });
        environment.add_template("tools", TOOLS).map_err(failure)?;
        let format = Format::of_template(&text);
        environment.add_template_owned("chat", text).map_err(failure)?;
        let control = match control.is_empty() {
            true => None,
            false => AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(control).ok(),
        };
        let mut template = Self {
            environment,
            source,
            format,
            knows_tools: false,
            untold: false,
            typed: false,
            bos,
            eos,
            control,
        };
        template.typed = template.wants_typed();
        template.knows_tools = template.tells_of_tools();
        if !template.knows_tools {
            template.format = Format::Hermes;
        }
        Ok(template)
    }

    /// `option`, `model` or `chatml`.
    pub(crate) fn source(&self) -> &'static str {
        self.source
    }

    /// Renders a conversation into pieces.
    pub(crate) fn render(
        &self,
        messages: &[ChatMessage],
        tools: &[ToolSpec],
        ending: Ending,
    ) -> Result<Vec<Piece>, Failure> {
        let mut sentinels = Sentinels::new();
        let mut turns: Vec<Turn> =
            messages.iter().map(|message| self.turn(message, &mut sentinels)).collect();
        let tools = if self.untold { &[] } else { tools };
        let mut told = self.told_of(tools, &mut sentinels);
        if !self.knows_tools {
            turns = self.in_words(&turns, &told)?;
            told.clear();
        }
        if ending == Ending::Unfinished
            && let Some(last) = turns.last_mut()
        {
            last.text.push_str(&sentinels.add(Insert::End));
        }
        let answer = ending == Ending::Answer;
        let text = self.run(&turns, &told, answer).or_else(|error| {
            let alternating = merge_neighbours(&turns);
            self.run(&alternating, &told, answer)
                .or_else(|_| self.run(&merge_system(&alternating), &told, answer))
                .map_err(|_| failure(error))
        })?;
        Ok(sentinels.cut(&text))
    }

    fn turn(&self, message: &ChatMessage, sentinels: &mut Sentinels) -> Turn {
        let mut turn = Turn::new(message.role, "");
        let mut after_text = false;
        for content in &message.content {
            let out = &mut turn.text;
            match content {
                Content::Text { text } | Content::ToolResult { text, .. } => {
                    if after_text {
                        out.push_str(BETWEEN_TEXTS);
                    }
                    self.push_harmless(text, out, sentinels);
                }
                Content::Image { hash, path } | Content::Audio { hash, path } => {
                    let (hash, path) = (hash.as_str().to_owned(), path.clone());
                    out.push_str(&sentinels.add(Insert::Image { hash, path }));
                }
                Content::ToolCall { call, name, arguments } => turn.calls.push(ToolUse {
                    id: call.clone(),
                    name: name.clone(),
                    arguments: self.harmless(arguments, sentinels),
                }),
            }
            if let Content::ToolResult { call, name, .. } = content {
                let (id, name) = (call.clone(), name.clone());
                turn.answers = Some(ToolUse { id, name, arguments: Value::Null });
            }
            after_text = matches!(content, Content::Text { .. } | Content::ToolResult { .. });
        }
        turn
    }

    /// The tools as templates want them: as OpenAI's interface has them.
    fn told_of(&self, tools: &[ToolSpec], sentinels: &mut Sentinels) -> Vec<Value> {
        let mut tell = |tool: &ToolSpec| {
            let tool = json!({
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            });
            // What a server says of its tools is data, too.
            json!({ "type": "function", "function": self.harmless(&tool, sentinels) })
        };
        tools.iter().map(&mut tell).collect()
    }

    /// The same with harmless strings in it, however deep.
    fn harmless(&self, value: &Value, sentinels: &mut Sentinels) -> Value {
        let mut string = |text: &str| {
            let mut out = String::new();
            self.push_harmless(text, &mut out, sentinels);
            out
        };
        match value {
            Value::String(text) => Value::String(string(text)),
            Value::Array(values) => values.iter().map(|value| self.harmless(value, sentinels)).collect(),
            Value::Object(fields) => {
                let mut out = Map::new();
                for (key, value) in fields {
                    out.insert(key.clone(), self.harmless(value, sentinels));
                }
                Value::Object(out)
            }
            plain => plain.clone(),
        }
    }

    /// Tools, calls and results as text, for templates that know nothing of them.
    fn in_words(&self, turns: &[Turn], told: &[Value]) -> Result<Vec<Turn>, Failure> {
        let mut out: Vec<Turn> = turns.iter().map(|turn| self.turn_in_words(turn)).collect();
        if told.is_empty() {
            return Ok(out);
        }
        let example = self.format.write("NAME", &json!({ "ARGUMENT": "VALUE" }));
        let context = json!({ "tools": told, "example": example });
        let words = self.environment.get_template("tools").and_then(|tools| tools.render(Serde(&context)));
        let words = words.map_err(failure)?;
        match out.first_mut().filter(|first| first.role == Role::System) {
            Some(system) => system.text = format!("{}{BETWEEN_TEXTS}{words}", system.text),
            None => out.insert(0, Turn::new(Role::System, words)),
        }
        Ok(out)
    }

    fn turn_in_words(&self, turn: &Turn) -> Turn {
        if turn.role == Role::Tool {
            return Turn::new(Role::User, format!("<tool_response>\n{}\n</tool_response>", turn.text));
        }
        let mut text = turn.text.clone();
        for call in &turn.calls {
            let line_break = if text.is_empty() { "" } else { "\n" };
            text = format!("{text}{line_break}{}", self.format.write(&call.name, &call.arguments));
        }
        Turn::new(turn.role, text)
    }

    /// Puts sentinels in place of what reads like control tokens.
    fn push_harmless(&self, text: &str, out: &mut String, sentinels: &mut Sentinels) {
        let mut rest = 0;
        for found in self.control.iter().flat_map(|control| control.find_iter(text)) {
            out.push_str(&text[rest..found.start()]);
            out.push_str(&sentinels.add(Insert::Verbatim(text[found.range()].to_owned())));
            rest = found.end();
        }
        out.push_str(&text[rest..]);
    }

    fn run(&self, turns: &[Turn], tools: &[Value], answer: bool) -> Result<String, Error> {
        let mut context = json!({
            "messages": turns.iter().map(|turn| self.message(turn)).collect::<Vec<_>>(),
            "add_generation_prompt": answer,
            "bos_token": self.bos,
            "eos_token": self.eos,
            // Thinking aloud lowers accuracy on pictures and takes minutes on a CPU.
            "enable_thinking": false,
        });
        // Left out, not empty: templates ask whether it is defined.
        if let Some(context) = context.as_object_mut().filter(|_| !tools.is_empty()) {
            context.insert("tools".to_owned(), json!(tools));
        }
        self.environment.get_template("chat")?.render(Serde(&context))
    }

    fn message(&self, turn: &Turn) -> Value {
        let content = match self.typed {
            true => json!([{ "type": "text", "text": turn.text }]),
            false => json!(turn.text),
        };
        let mut message = json!({ "role": turn.role.as_str(), "content": content });
        if !turn.calls.is_empty() {
            let call = |call: &ToolUse| {
                let function = json!({ "name": call.name, "arguments": call.arguments });
                json!({ "type": "function", "id": call.id, "function": function })
            };
            message["tool_calls"] = turn.calls.iter().map(call).collect();
        }
        if let Some(answered) = &turn.answers {
            message["name"] = json!(answered.name);
            message["tool_call_id"] = json!(answered.id);
        }
        message
    }

    /// Whether tools, a call and its result come out of this template.
    fn tells_of_tools(&self) -> bool {
        const TOOL: &str = "needletool";
        const ARGUMENT: &str = "needleargument";
        const RESULT: &str = "needleresult";
        let tool =
            json!({ "name": TOOL, "description": "d", "parameters": { "type": "object", "properties": {} } });
        let used = ToolUse {
            id: "a1b2c3d4e".to_owned(),
            name: TOOL.to_owned(),
            arguments: json!({ "x": ARGUMENT }),
        };
        let mut call = Turn::new(Role::Assistant, "");
        call.calls.push(used.clone());
        let mut result = Turn::new(Role::Tool, RESULT);
        result.answers = Some(used);
        let tools = [json!({ "type": "function", "function": tool })];
        let asked = self.run(&[Turn::new(Role::User, "q")], &tools, true);
        let turns = [Turn::new(Role::User, "q"), call, result];
        let answered = self.run(&turns, &[], true);
        asked.is_ok_and(|text| text.contains(TOOL))
            && answered.is_ok_and(|text| text.contains(ARGUMENT) && text.contains(RESULT))
    }

    /// Whether plain text as content is lost or refused by this template.
    fn wants_typed(&self) -> bool {
        const NEEDLE: &str = "needle";
        let rendered = self.run(&[Turn::new(Role::User, NEEDLE)], &[], true);
        !rendered.is_ok_and(|text| text.to_lowercase().contains(NEEDLE))
    }
}

/// One turn of what someone said in several: some templates refuse two questions in a row,
/// and there are two where an answer was stopped before its first word.
fn merge_neighbours(turns: &[Turn]) -> Vec<Turn> {
    let mut merged: Vec<Turn> = Vec::with_capacity(turns.len());
    let plain = |turn: &Turn| turn.calls.is_empty() && turn.answers.is_none();
    for turn in turns {
        match merged.last_mut().filter(|last| last.role == turn.role && plain(last) && plain(turn)) {
            Some(last) => last.text = format!("{}{BETWEEN_TEXTS}{}", last.text, turn.text),
            None => merged.push(turn.clone()),
        }
    }
    merged
}

/// Puts the system message before the first question: some templates know none.
fn merge_system(turns: &[Turn]) -> Vec<Turn> {
    let [system, first, rest @ ..] = turns else { return turns.to_vec() };
    if system.role != Role::System {
        return turns.to_vec();
    }
    let text = format!("{}{BETWEEN_TEXTS}{}", system.text, first.text);
    let merged = Turn { text, ..first.clone() };
    std::iter::once(merged).chain(rest.iter().cloned()).collect()
}

fn failure(error: Error) -> Failure {
    let said = format!("The model's chat template can't render this conversation: {error:#}");
    Failure::new(FailureKind::Template, said)
        .hint("Another model may do, or another template (load.chat_template in its catalogue entry).")
}

#[cfg(test)]
mod tests {
    use percept::attachment::AttachmentId;

    use super::*;

    fn template(text: &str) -> Template {
        let control = vec!["<|im_start|>".to_owned(), "<|im_end|>".to_owned()];
        Template::new(text.to_owned(), "option", "<s>".to_owned(), "</s>".to_owned(), control).unwrap()
    }

    fn picture() -> Content {
        Content::Image { hash: AttachmentId::of(b"x"), path: "x.png".into() }
    }

    fn text(text: &str) -> Content {
        Content::Text { text: text.to_owned() }
    }

    /// The pieces as one line: plain text in braces, a picture as `[image]`.
    fn show(pieces: &[Piece]) -> String {
        let show = |piece: &Piece| match piece {
            Piece::Text { text, special: true } => text.clone(),
            Piece::Text { text, special: false } => format!("{{{text}}}"),
            Piece::Image { .. } => "[image]".to_owned(),
        };
        pieces.iter().map(show).collect()
    }

    fn user(content: Vec<Content>) -> Vec<ChatMessage> {
        vec![ChatMessage { role: Role::User, content }]
    }

    #[test]
    fn pictures_stand_where_they_were_put_and_control_tokens_in_text_stay_text() {
        let messages = user(vec![picture(), text("what is <|im_end|>?"), text("second")]);
        let pieces = template(CHATML).render(&messages, &[], Ending::Answer).unwrap();
        let expected =
            "<|im_start|>user\n[image]what is {<|im_end|>}?\n\nsecond<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(show(&pieces), expected);
    }

    #[test]
    fn an_unfinished_message_ends_with_its_last_part() {
        let pieces = template(CHATML).render(&user(vec![picture()]), &[], Ending::Unfinished).unwrap();
        assert_eq!(show(&pieces), "<|im_start|>user\n[image]");
        let pieces = template(CHATML).render(&user(vec![text("a")]), &[], Ending::Unfinished).unwrap();
        assert_eq!(show(&pieces), "<|im_start|>user\na");
    }

    #[test]
    fn a_template_for_typed_parts_gets_them() {
        let typed = "{% for m in messages %}{% for c in m.content %}{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}";
        let template = template(typed);
        assert!(template.typed);
        let pieces = template.render(&user(vec![picture(), text("q")]), &[], Ending::Answer).unwrap();
        assert_eq!(show(&pieces), "[image]q");
    }

    #[test]
    fn a_template_without_system_messages_gets_them_in_the_first_question() {
        let refusing = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.content }}{% endfor %}";
        let messages = vec![ChatMessage::text(Role::System, "be brief"), ChatMessage::text(Role::User, "q")];
        let pieces = template(refusing).render(&messages, &[], Ending::Answer).unwrap();
        assert_eq!(show(&pieces), "be brief\n\nq");
        let error = template(refusing).render(&messages[..1], &[], Ending::Answer).unwrap_err();
        assert_eq!(error.kind, FailureKind::Template);
        assert!(error.message.contains("no system"), "{error}");
    }

    #[test]
    fn a_template_that_wants_alternating_turns_gets_them() {
        let strict = "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.role }}] {{ m.content }}\n{% endfor %}";
        let said = |role, text: &str| ChatMessage::text(role, text);
        let messages = vec![
            said(Role::System, "be brief"),
            said(Role::User, "stopped"),
            ChatMessage { role: Role::User, content: vec![picture(), text("again")] },
            said(Role::Assistant, "a"),
            said(Role::Assistant, "b"),
            said(Role::User, "next"),
        ];
        let pieces = template(strict).render(&messages, &[], Ending::Answer).unwrap();
        let expected = "[user] be brief\n\nstopped\n\n[image]again\n[assistant] a\n\nb\n[user] next\n";
        assert_eq!(show(&pieces), expected);
    }

    #[test]
    fn methods_of_python_strings_and_the_date_work() {
        let python = "{{ messages[0]['content'].strip().upper() }} {{ strftime_now('%Y')[:2] }}";
        let pieces = template(python).render(&user(vec![text(" a ")]), &[], Ending::Answer).unwrap();
        assert_eq!(show(&pieces), "A 20");
    }

    #[test]
    fn a_broken_template_is_refused() {
        let error = Template::new("{% for %}".into(), "model", String::new(), String::new(), Vec::new())
            .err()
            .unwrap();
        assert_eq!(error.kind, FailureKind::Template);
    }
}
