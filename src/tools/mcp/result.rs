//! What came of a call: text and pictures, bounded, with nothing in it that a terminal obeys.
//!
//! Read from plain JSON, so that a kind of content that is new is named, not an error.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::text::{self, printable};

use super::listing::{cut, line};

/// The longest text of a result, in bytes; of a longer one the middle is left out.
pub const MOST_TEXT: usize = 65_536;

/// The most pictures of a result.
pub const MOST_PICTURES: usize = 8;

/// The largest picture, in bytes.
pub const MOST_PICTURE: usize = 10 * 1024 * 1024;

/// Of a name, an address or a type in a remark, so many bytes are shown.
const MOST_WORDS: usize = 200;

/// Servers disagree about padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What came of a call, or of reading a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct McpResult {
    /// All of its text, bounded, without control characters; what is not in it is named.
    pub text: String,
    /// Its pictures as files' contents, of whatever format the server chose.
    pub pictures: Vec<Vec<u8>>,
    /// Whether the server says that the tool failed.
    pub failed: bool,
}

impl McpResult {
    /// Reads the result of `tools/call`.
    pub(super) fn of_call(result: &Value) -> Self {
        let mut parts = Parts::default();
        for block in result.get("content").and_then(Value::as_array).into_iter().flatten() {
            parts.block(block);
        }
        if parts.text.is_empty()
            && let Some(structured) = result.get("structuredContent")
        {
            parts.say(&serde_json::to_string_pretty(structured).unwrap_or_default());
        }
        let failed = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
        Self { text: bounded(&parts.text.join("\n")), pictures: parts.pictures, failed }
    }

    /// Reads the result of `resources/read`.
    pub(super) fn of_resource(result: &Value) -> Self {
        let mut parts = Parts::default();
        for content in result.get("contents").and_then(Value::as_array).into_iter().flatten() {
            parts.resource(content);
        }
        Self { text: bounded(&parts.text.join("\n")), pictures: parts.pictures, failed: false }
    }
}

#[derive(Default)]
struct Parts {
    text: Vec<String>,
    pictures: Vec<Vec<u8>>,
}

impl Parts {
    fn say(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push(printable(text));
        }
    }

    fn remark(&mut self, what: &str) {
        self.text.push(format!("[{what}]"));
    }

    fn block(&mut self, block: &Value) {
        match word(block, "type") {
            "text" => self.say(word(block, "text")),
            "image" => self.picture(word(block, "data"), "picture"),
            "audio" => self.remark(&format!("{}: audio is not taken from servers", binary(block, "data"))),
            "resource" => self.resource(block.get("resource").unwrap_or(&Value::Null)),
            "resource_link" => self.link(block),
            other => self.remark(&format!("content of the kind `{}`, which is not known here", short(other))),
        }
    }

    fn link(&mut self, link: &Value) {
        let description = match short(word(link, "description")) {
            words if words.is_empty() => words,
            words => format!(": {words}"),
        };
        let (name, uri) = (short(word(link, "name")), short(word(link, "uri")));
        self.remark(&format!("resource {name} <{uri}>{description}"));
    }

    fn resource(&mut self, content: &Value) {
        let uri = short(word(content, "uri"));
        if let Some(text) = content.get("text").and_then(Value::as_str) {
            self.say(text);
        } else if word(content, "mimeType").starts_with("image/") {
            self.picture(word(content, "blob"), &format!("picture <{uri}>"));
        } else {
            self.remark(&format!("{} <{uri}>: it is not text", binary(content, "blob")));
        }
    }

    fn picture(&mut self, data: &str, what: &str) {
        if self.pictures.len() >= MOST_PICTURES {
            return self.remark(&format!("{what} left out: a result may have {MOST_PICTURES}"));
        }
        let most = text::size(MOST_PICTURE as u64);
        // Some wrap their lines.
        let data: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        match BASE64.decode(data) {
            Ok(bytes) if bytes.is_empty() => self.remark(&format!("{what} left out: it is empty")),
            Ok(bytes) if bytes.len() > MOST_PICTURE => {
                let size = text::size(bytes.len() as u64);
                self.remark(&format!("{what} of {size} left out: it may have {most}"));
            }
            Ok(bytes) => self.pictures.push(bytes),
            Err(error) => self.remark(&format!("{what} left out: its base64 is wrong: {error}")),
        }
    }
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn short(words: &str) -> String {
    cut(&line(words), MOST_WORDS)
}

/// What a content is that isn't shown: its type and size.
fn binary(content: &Value, key: &str) -> String {
    let kind = match short(word(content, "mimeType")) {
        kind if kind.is_empty() => "binary data".to_owned(),
        kind => kind,
    };
    format!("{kind}, {}", text::size(word(content, key).len() as u64 / 4 * 3))
}

/// A text with its middle left out where it is longer than [`MOST_TEXT`], and a line that
/// says so.
fn bounded(text: &str) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    let head = text::boundary_before(text, MOST_TEXT / 2);
    let tail = text::boundary_before(text, text.len() - MOST_TEXT / 2);
    let size = text::size((tail - head) as u64);
    format!("{}\n[percept: {size} in the middle left out]\n{}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text_of(content: Value) -> String {
        McpResult::of_call(&json!({ "content": content })).text
    }

    #[test]
    fn texts_are_joined_and_made_harmless() {
        let content = json!([
            { "type": "text", "text": "one\u{1b}[2J" },
            { "type": "resource", "resource": { "uri": "a:b", "text": "two" } },
        ]);
        assert_eq!(text_of(content), "one␛[2J\ntwo");
    }

    #[test]
    fn what_is_not_text_is_named() {
        let content = json!([
            { "type": "audio", "mimeType": "audio/wav", "data": "AAAAAAAA" },
            { "type": "resource", "resource": { "uri": "a:b", "mimeType": "application/zip", "blob": "AAAA" } },
            { "type": "resource_link", "uri": "file:///x", "name": "x", "description": "an\nx" },
            { "type": "hologram\u{7}" },
            17,
        ]);
        assert_eq!(
            text_of(content),
            "[audio/wav, 6 B: audio is not taken from servers]\n\
             [application/zip, 3 B <a:b>: it is not text]\n\
             [resource x <file:///x>: an x]\n\
             [content of the kind `hologram␇`, which is not known here]\n\
             [content of the kind ``, which is not known here]"
        );
    }

    #[test]
    fn structured_content_stands_in_where_there_is_no_text() {
        let result = McpResult::of_call(&json!({ "structuredContent": { "a": 1 }, "isError": true }));
        assert_eq!((result.text.as_str(), result.failed), ("{\n  \"a\": 1\n}", true));
        let both =
            json!({ "content": [{ "type": "text", "text": "a is 1" }], "structuredContent": { "a": 1 } });
        assert_eq!(McpResult::of_call(&both).text, "a is 1");
    }

    #[test]
    fn pictures_are_decoded_with_or_without_padding() {
        let picture = |data: &str| json!({ "type": "image", "mimeType": "image/png", "data": data });
        let result =
            McpResult::of_call(&json!({ "content": [picture("aGk="), picture("aGk"), picture("a G\nk=")] }));
        assert_eq!(result.pictures, vec![b"hi".to_vec(); 3]);
        assert_eq!(result.text, "");
        assert!(text_of(json!([picture("?")])).starts_with("[picture left out: its base64 is wrong"));
        assert_eq!(text_of(json!([picture("")])), "[picture left out: it is empty]");
    }

    #[test]
    fn pictures_are_bounded_in_number_and_size() {
        let small = json!({ "type": "image", "data": "aGk=" });
        let large = json!({ "type": "image", "data": "A".repeat((MOST_PICTURE / 3 + 2) * 4) });
        let mut content = vec![large];
        content.extend(std::iter::repeat_n(small, MOST_PICTURES + 2));
        let result = McpResult::of_call(&json!({ "content": content }));
        assert_eq!(result.pictures.len(), MOST_PICTURES);
        assert_eq!(
            result.text,
            "[picture of 10.0 MiB left out: it may have 10.0 MiB]\n\
             [picture left out: a result may have 8]\n[picture left out: a result may have 8]"
        );
    }

    #[test]
    fn of_a_long_text_head_and_tail_are_kept() {
        let long = format!("head{}tail", "é".repeat(3_000_000));
        let text = text_of(json!([{ "type": "text", "text": long }]));
        assert!(text.starts_with("head") && text.ends_with("tail"));
        assert!(text.contains("in the middle left out]"));
        assert!(text.len() < MOST_TEXT + 100);
    }

    #[test]
    fn a_resource_may_be_a_picture() {
        let read = json!({ "contents": [
            { "uri": "a:b", "text": "words" },
            { "uri": "a:c", "mimeType": "image/png", "blob": "aGk=" },
        ] });
        let result = McpResult::of_resource(&read);
        assert_eq!((result.text.as_str(), result.pictures), ("words", vec![b"hi".to_vec()]));
    }

    #[test]
    fn what_is_no_result_is_an_empty_one() {
        for odd in [json!(null), json!([]), json!({ "content": 7 })] {
            assert_eq!(McpResult::of_call(&odd), McpResult::default());
            assert_eq!(McpResult::of_resource(&odd), McpResult::default());
        }
    }
}
