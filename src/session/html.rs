//! A conversation as one HTML file, with its pictures inside.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::BlobStore;
use super::export::{STANDS_FOR, gone_line, heading, line};
use crate::attachment::{Attachment, AttachmentId, Medium};
use crate::message::{Message, Part, Role, Status};

/// Nothing is loaded, nothing runs: what was said is text, whatever is in it.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; padding: .5rem 0; }
h2 { font-size: 1rem; margin: .5rem 0; }
p, pre { white-space: pre-wrap; overflow-wrap: anywhere; }
pre, .note { background: #8882; padding: .5rem; border-radius: .3rem; font-size: .9rem; }
img { max-width: 100%; height: auto; }
</style>
"#;

/// Renders a conversation. Pictures are inside; what else was attached is named.
pub fn to_html(title: &str, conversation: &[Message], blobs: &BlobStore) -> String {
    let title = escaped(title);
    let mut out = format!("{HEAD}<title>{title}</title>\n<h1>{title}</h1>\n");
    for message in conversation {
        let who = if message.role == Role::User { "you" } else { "percept" };
        // Writing to a String can't fail.
        let _ = writeln!(out, "<section class=\"{who}\">\n<h2>{}</h2>", escaped(&heading(message)));
        for part in &message.parts {
            let _ = match part {
                Part::Text { text, .. } => writeln!(out, "<p>{}</p>", escaped(text.trim_end())),
                Part::Attachment { attachment, removed, .. } => {
                    let said = escaped(line(attachment, *removed).trim_start_matches("- "));
                    writeln!(out, "<p class=\"note\">{said}</p>{}", picture(attachment, blobs))
                }
                Part::Summary(summary) => {
                    let text = escaped(summary.text.trim_end());
                    let gone = summary.gone.iter().map(gone_line).collect::<Vec<_>>().join("\n");
                    let gone = escaped(&gone);
                    writeln!(out, "<p class=\"note\">{STANDS_FOR}</p><p>{text}</p><p>{gone}</p>")
                }
                Part::ToolCall(call) => {
                    let call = format!("{} {}", call.name, call.arguments);
                    writeln!(out, "<p class=\"note\">Calls {}</p>", escaped(&call))
                }
                Part::ToolResult(result) => {
                    let (shown, leave) = (escaped(&result.shown), escaped(&result.leave));
                    let text = escaped(result.text.trim_end());
                    writeln!(out, "<p class=\"note\">{shown} ({leave})</p><pre>{text}</pre>")
                }
            };
        }
        if let Status::Interrupted { why } = &message.status {
            let _ = writeln!(out, "<p><em>(not complete: {})</em></p>", escaped(why));
        }
        out.push_str("</section>\n");
    }
    out.push_str("</html>\n");
    out
}

/// A picture as the model was shown it; of a film its pictures. Empty: there is none.
fn picture(attachment: &Attachment, blobs: &BlobStore) -> String {
    match &attachment.medium {
        Medium::Image { .. } => image(&attachment.name, attachment.view(), blobs),
        Medium::Recording { frames, .. } => {
            frames.iter().map(|frame| image(&attachment.name, &frame.picture, blobs)).collect()
        }
        _ => String::new(),
    }
}

fn image(name: &str, id: &AttachmentId, blobs: &BlobStore) -> String {
    let content = blobs.read(id).ok();
    let known =
        content.and_then(|content| Some((image::guess_format(&content).ok()?.to_mime_type(), content)));
    let Some((kind, content)) = known else { return "\n<p><em>(the picture is gone)</em></p>".to_owned() };
    format!("\n<img alt=\"{}\" src=\"data:{kind};base64,{}\">", escaped(name), BASE64.encode(content))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attachment::Source;
    use crate::message::MessageId;

    #[test]
    fn what_was_said_is_text_and_pictures_are_inside() {
        let blobs = BlobStore::temporary().unwrap();
        let png = b"\x89PNG\r\n\x1a\nnot quite a picture";
        let picture = Attachment {
            id: blobs.put(png).unwrap(),
            name: "a\" onload=x".into(),
            bytes: 7,
            medium: Medium::Image { width: 1, height: 1, format: "png".into(), view: None },
            source: Source::Clipboard,
        };
        let message = Message {
            id: MessageId(1),
            parent: None,
            role: Role::User,
            parts: vec![Part::text("<script>alert('x')</script> & more"), Part::attachment(picture)],
            status: Status::Interrupted { why: "<b>".into() },
            created_ms: 0,
            stats: None,
        };
        let html = to_html("<title>", &[message], &blobs);
        let body = html.strip_prefix(HEAD).unwrap();
        assert!(body.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more"), "{body}");
        assert!(!body.contains("<script") && !body.contains("<b>") && !body.contains("a\" onload"), "{body}");
        assert!(body.contains(&format!("src=\"data:image/png;base64,{}\"", BASE64.encode(png))), "{body}");
    }
}
