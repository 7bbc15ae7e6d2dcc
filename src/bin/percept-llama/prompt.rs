//! Renders a conversation with the model's own chat template.
//!
//! Pictures, and whatever in someone's text reads like a control token of the model, go
//! through the template as sentinels: strings with a random number in them, which no text
//! can contain. The rendering is cut at them. So a picture stands where the template puts
//! the text around it, and `<|im_end|>` in a log file stays text.

use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

use aho_corasick::{AhoCorasick, MatchKind};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind};
use percept::message::Role;
use percept::wire::{ChatMessage, Content, Failure, FailureKind};
use serde_json::{Value, json};

/// For models that bring no template.
const CHATML: &str = include_str!("../../../prompts/chatml.jinja");

/// Starts and ends a sentinel: a private-use character, for speed; the number makes it
/// unforgeable.
const EDGE: char = '\u{f8ff}';

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

/// A piece of a rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text to tokenize, with or without control tokens in it.
    Text { text: String, special: bool },
    /// A picture.
    Image { hash: String, path: PathBuf },
}

/// A chat template, ready to render.
pub(crate) struct Template {
    environment: Environment<'static>,
    source: &'static str,
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
        environment.add_template_owned("chat", text).map_err(failure)?;
        let control = match control.is_empty() {
            true => None,
            false => AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(control).ok(),
        };
        let mut template = Self { environment, source, typed: false, bos, eos, control };
        template.typed = template.wants_typed();
        Ok(template)
    }

    /// `option`, `model` or `chatml`.
    pub(crate) fn source(&self) -> &'static str {
        self.source
    }

    /// Renders a conversation into pieces.
    pub(crate) fn render(&self, messages: &[ChatMessage], ending: Ending) -> Result<Vec<Piece>, Failure> {
        let mut sentinels = Sentinels::new();
        let mut rendered: Vec<(Role, String)> = messages
            .iter()
            .map(|message| (message.role, self.content(&message.content, &mut sentinels)))
            .collect();
        if ending == Ending::Unfinished
            && let Some((_, last)) = rendered.last_mut()
        {
            last.push_str(&sentinels.add(Insert::End));
        }
        let answer = ending == Ending::Answer;
        let text = self.run(&rendered, answer).or_else(|error| {
            let alternating = merge_neighbours(&rendered);
            self.run(&alternating, answer)
                .or_else(|_| self.run(&merge_system(&alternating), answer))
                .map_err(|_| failure(error))
        })?;
        Ok(sentinels.cut(&text))
    }

    fn content(&self, contents: &[Content], sentinels: &mut Sentinels) -> String {
        let mut out = String::new();
        let mut after_text = false;
        for content in contents {
            match content {
                Content::Text { text } => {
                    if after_text {
                        out.push_str(BETWEEN_TEXTS);
                    }
                    self.push_harmless(text, &mut out, sentinels);
                }
                Content::Image { hash, path } => {
                    let (hash, path) = (hash.as_str().to_owned(), path.clone());
                    out.push_str(&sentinels.add(Insert::Image { hash, path }));
                }
            }
            after_text = matches!(content, Content::Text { .. });
        }
        out
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

    fn run(&self, messages: &[(Role, String)], answer: bool) -> Result<String, Error> {
        let content = |text: &str| match self.typed {
            true => json!([{ "type": "text", "text": text }]),
            false => json!(text),
        };
        let messages: Vec<Value> = messages
            .iter()
            .map(|(role, text)| json!({ "role": role.as_str(), "content": content(text) }))
            .collect();
        let context = json!({
            "messages": messages,
            "add_generation_prompt": answer,
            "bos_token": self.bos,
            "eos_token": self.eos,
            // Thinking aloud lowers accuracy on pictures and takes minutes on a CPU.
            "enable_thinking": false,
        });
        self.environment.get_template("chat")?.render(Serde(&context))
    }

    /// Whether plain text as content is lost or refused by this template.
    fn wants_typed(&self) -> bool {
        const NEEDLE: &str = "needle";
        let rendered = self.run(&[(Role::User, NEEDLE.to_owned())], true);
        !rendered.is_ok_and(|text| text.to_lowercase().contains(NEEDLE))
    }
}

/// One turn of what someone said in several: some templates refuse two questions in a row,
/// and there are two where an answer was stopped before its first word.
fn merge_neighbours(messages: &[(Role, String)]) -> Vec<(Role, String)> {
    let mut merged: Vec<(Role, String)> = Vec::with_capacity(messages.len());
    for (role, text) in messages {
        match merged.last_mut().filter(|(last, _)| last == role) {
            Some((_, last)) => *last = format!("{last}{BETWEEN_TEXTS}{text}"),
            None => merged.push((*role, text.clone())),
        }
    }
    merged
}

/// Puts the system message before the first question: some templates know none.
fn merge_system(messages: &[(Role, String)]) -> Vec<(Role, String)> {
    let [(Role::System, system), (role, first), rest @ ..] = messages else { return messages.to_vec() };
    let merged = (*role, format!("{system}{BETWEEN_TEXTS}{first}"));
    std::iter::once(merged).chain(rest.iter().cloned()).collect()
}

fn failure(error: Error) -> Failure {
    let said = format!("The model's chat template can't render this conversation: {error:#}");
    Failure::new(FailureKind::Template, said)
        .hint("Another model may do, or another template (load.chat_template in its catalogue entry).")
}

enum Insert {
    Image { hash: String, path: PathBuf },
    Verbatim(String),
    End,
}

/// What stands behind the sentinels of one rendering.
struct Sentinels {
    nonce: u64,
    inserts: Vec<Insert>,
}

impl Sentinels {
    fn new() -> Self {
        let nonce = std::hash::RandomState::new().build_hasher().finish();
        Self { nonce, inserts: Vec::new() }
    }

    fn start(&self) -> String {
        format!("{EDGE}{:016x}:", self.nonce)
    }

    fn add(&mut self, insert: Insert) -> String {
        self.inserts.push(insert);
        format!("{}{}{EDGE}", self.start(), self.inserts.len() - 1)
    }

    /// Cuts a rendering at its sentinels; what follows an end is left out.
    fn cut(&self, rendered: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = rendered;
        while let Some((before, insert, after)) = self.split(rest) {
            push_text(&mut pieces, before, true);
            match insert {
                Insert::Verbatim(text) => push_text(&mut pieces, text, false),
                Insert::Image { hash, path } => {
                    pieces.push(Piece::Image { hash: hash.clone(), path: path.clone() })
                }
                Insert::End => return pieces,
            }
            rest = after;
        }
        push_text(&mut pieces, rest, true);
        pieces
    }

    fn split<'a>(&self, text: &'a str) -> Option<(&'a str, &Insert, &'a str)> {
        let start = self.start();
        let at = text.find(&start)?;
        let (number, after) = text[at + start.len()..].split_once(EDGE)?;
        Some((&text[..at], self.inserts.get(number.parse::<usize>().ok()?)?, after))
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str, special: bool) {
    if !text.is_empty() {
        pieces.push(Piece::Text { text: text.to_owned(), special });
    }
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
        let pieces = template(CHATML).render(&messages, Ending::Answer).unwrap();
        let expected =
            "<|im_start|>user\n[image]what is {<|im_end|>}?\n\nsecond<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(show(&pieces), expected);
    }

    #[test]
    fn an_unfinished_message_ends_with_its_last_part() {
        let pieces = template(CHATML).render(&user(vec![picture()]), Ending::Unfinished).unwrap();
        assert_eq!(show(&pieces), "<|im_start|>user\n[image]");
        let pieces = template(CHATML).render(&user(vec![text("a")]), Ending::Unfinished).unwrap();
        assert_eq!(show(&pieces), "<|im_start|>user\na");
    }

    #[test]
    fn a_template_for_typed_parts_gets_them() {
        let typed = "{% for m in messages %}{% for c in m.content %}{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}";
        let template = template(typed);
        assert!(template.typed);
        let pieces = template.render(&user(vec![picture(), text("q")]), Ending::Answer).unwrap();
        assert_eq!(show(&pieces), "[image]q");
    }

    #[test]
    fn a_template_without_system_messages_gets_them_in_the_first_question() {
        let refusing = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.content }}{% endfor %}";
        let messages = vec![ChatMessage::text(Role::System, "be brief"), ChatMessage::text(Role::User, "q")];
        let pieces = template(refusing).render(&messages, Ending::Answer).unwrap();
        assert_eq!(show(&pieces), "be brief\n\nq");
        let error = template(refusing).render(&messages[..1], Ending::Answer).unwrap_err();
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
        let pieces = template(strict).render(&messages, Ending::Answer).unwrap();
        let expected = "[user] be brief\n\nstopped\n\n[image]again\n[assistant] a\n\nb\n[user] next\n";
        assert_eq!(show(&pieces), expected);
    }

    #[test]
    fn methods_of_python_strings_and_the_date_work() {
        let python = "{{ messages[0]['content'].strip().upper() }} {{ strftime_now('%Y')[:2] }}";
        let pieces = template(python).render(&user(vec![text(" a ")]), Ending::Answer).unwrap();
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
