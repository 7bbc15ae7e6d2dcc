//! The support bundle: a conversation and what belongs to it, without its secrets, in one
//! archive to send to someone.
//!
//! [`Bundle::plan`] decides what is in it and redacts it; nothing is written before someone
//! has seen [`Bundle::listing`] and said yes to [`Bundle::write`]. Pictures are left out
//! unless they are asked for by name: nothing here can redact a picture.

mod archive;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::{Session, redacted_json, redacted_markdown};
use crate::attachment::{Attachment, AttachmentId};
use crate::digest::LogRecord;
use crate::message::Part;
use crate::redact::{Found, Options as RedactOptions, Redactor};
use crate::text;

/// The most that a bundle holds before it is compressed; what doesn't fit is left out.
const MOST_BYTES: usize = 512 * 1024 * 1024;

/// The longest name of a file in the archive, without its number.
const MOST_NAME: usize = 60;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// No attachment has the name that was asked for.
    #[error("no attachment of session {session} is called `{name}`{}", near.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?")))]
    NoAttachment {
        /// The session.
        session: i64,
        /// As it was written.
        name: String,
        /// The name that is most like it.
        near: Option<String>,
    },
    /// The name doesn't say which kind of archive.
    #[error("{}: a bundle is a .tar.gz or a .tar.zst; name it so", .0.display())]
    Ending(PathBuf),
    /// There is such a file.
    #[error("{} is there already; give another name with -o, or --force to replace it", .0.display())]
    Exists(PathBuf),
    /// It can't be written. Nothing is left behind.
    #[error("{} can't be written: {error}. Nothing was left there", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A part of it can't be put into words.
    #[error("the bundle can't be put together: {0}")]
    Json(#[from] serde_json::Error),
}

/// What is put in beyond the transcript, and what is replaced.
#[derive(Debug, Clone, Default)]
pub struct BundleOptions {
    /// Attachments whose originals are put in, by name.
    pub attachments: Vec<String>,
    /// All of them.
    pub all_attachments: bool,
    /// What is replaced beyond secrets.
    pub redact: RedactOptions,
}

/// What made the conversation.
#[derive(Debug, Clone, Serialize)]
pub struct Versions {
    /// Percept's own version.
    pub percept: String,
    /// The operating system.
    pub os: String,
    /// The processor's architecture.
    pub arch: String,
    /// The models that answered.
    pub models: Vec<ModelVersion>,
}

/// A model that answered.
#[derive(Debug, Clone, Serialize)]
pub struct ModelVersion {
    /// Its name.
    pub name: String,
    /// Its files, as they are on this machine now; empty where they are not here.
    pub files: Vec<FileVersion>,
}

/// A file of a model.
#[derive(Debug, Clone, Serialize)]
pub struct FileVersion {
    /// Its name, without the folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its blake3 hash.
    pub blake3: String,
}

/// A file of the archive.
#[derive(Debug, Clone, Serialize)]
pub struct Member {
    /// Its path in the archive.
    pub path: String,
    /// What it is, in a few words.
    pub what: String,
    /// Its size.
    pub bytes: u64,
    /// Its blake3 hash.
    pub blake3: String,
    /// Whether secrets were replaced in it: not in a picture.
    pub redacted: bool,
    #[serde(skip)]
    content: Vec<u8>,
}

/// Something that is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What is in it, what was replaced, and what was left out: `manifest.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// The session's number.
    pub session: i64,
    /// The files, but for the manifest itself.
    pub members: Vec<Member>,
    /// What was replaced.
    pub replaced: Found,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
}

/// A bundle that was put together and not yet written.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// What is in it.
    pub manifest: Manifest,
    /// When the conversation was last written to: the time of all files in it, so that the
    /// same bundle is the same bytes.
    modified_s: u64,
}

impl Bundle {
    /// Puts a bundle together. `read` gives the content of an attachment, or why it can't.
    ///
    /// # Errors
    ///
    /// An attachment that was asked for is not there.
    pub fn plan(
        session: &Session,
        versions: &Versions,
        options: &BundleOptions,
        read: impl Fn(&AttachmentId) -> Result<Vec<u8>, String>,
    ) -> Result<Self, BundleError> {
        let attachments = attachments(session);
        check_names(session, &attachments, &options.attachments)?;
        let mut gathered = Gathered {
            redactor: Redactor::new(options.redact),
            members: Vec::new(),
            left_out: Vec::new(),
            room: MOST_BYTES,
        };
        let markdown = redacted_markdown(session, &mut gathered.redactor);
        gathered.add("transcript.md".to_owned(), "the conversation", true, markdown.into_bytes());
        let json = redacted_json(session, &mut gathered.redactor)?;
        let json = serde_json::to_vec_pretty(&json)?;
        gathered.add("transcript.json".to_owned(), "the same with all branches and steps", true, json);
        for (number, (attachment, removed)) in attachments.iter().enumerate() {
            let chosen = options.all_attachments || options.attachments.contains(&attachment.name);
            gathered.attachment(number + 1, attachment, *removed, chosen, &read);
        }
        let versions = serde_json::to_vec_pretty(versions)?;
        gathered.add("versions.json".to_owned(), "percept, the system and the models", false, versions);
        let Gathered { redactor, members, left_out, .. } = gathered;
        let session_id = session.summary.id.0;
        let manifest = Manifest { session: session_id, members, replaced: redactor.found(), left_out };
        let modified_s = u64::try_from(session.summary.updated_ms / 1000).unwrap_or(0);
        Ok(Self { manifest, modified_s })
    }

    /// What is in it, for a person, a line each.
    pub fn listing(&self) -> String {
        let mut out = String::new();
        let Manifest { members, replaced, left_out, .. } = &self.manifest;
        for member in members {
            let size = text::size(member.bytes);
            // Writing to a String can't fail.
            let _ = writeln!(out, "  {:<34} {size:>10}  {}", member.path, member.what);
        }
        let _ = writeln!(out, "  {:<34} {:>10}  this list, with hashes", "manifest.json", "");
        let _ = writeln!(out, "Replaced: {replaced}.");
        for left in left_out {
            let _ = writeln!(out, "Left out: {} ({}).", left.what, left.why);
        }
        for picture in
            members.iter().filter(|member| member.path.starts_with("attachments/") && !member.redacted)
        {
            let _ = writeln!(
                out,
                "Warning: {} is a picture and can't be redacted: whoever gets the bundle sees all that it shows.",
                picture.path
            );
        }
        out.push_str(
            "Redaction finds what is known by its form; look through the bundle before you send it.\n",
        );
        out
    }

    /// The same in a sentence, for a notice.
    pub fn summary(&self) -> String {
        let Manifest { members, replaced, left_out, .. } = &self.manifest;
        let names: Vec<&str> = members.iter().map(|member| member.path.as_str()).collect();
        let bytes = members.iter().map(|member| member.bytes).sum();
        let left: Vec<&str> = left_out.iter().map(|left| left.what.as_str()).collect();
        let left = if left.is_empty() { String::new() } else { format!(" Left out: {}.", left.join(", ")) };
        format!("{}, manifest.json ({}). Replaced: {replaced}.{left}", names.join(", "), text::size(bytes))
    }
}

/// What was attached, as it was. Of a log that is its lines, where they are kept.
fn original(
    attachment: &Attachment,
    read: impl Fn(&AttachmentId) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let content = read(&attachment.id)?;
    if !attachment.is_log() {
        return Ok(content);
    }
    match LogRecord::load(&content, |_| PathBuf::new())?.kept {
        Some(kept) => read(&kept),
        None => Err("a log that percept keeps no copy of; add its file by hand".to_owned()),
    }
}

/// The attachments on all branches, each content once, and whether each was taken out again.
fn attachments(session: &Session) -> Vec<(Attachment, bool)> {
    let mut seen = BTreeSet::new();
    let parts = session.tree.iter().flat_map(|message| &message.parts);
    parts
        .filter_map(|part| match part {
            Part::Attachment { attachment, removed, .. } => Some((attachment.clone(), *removed)),
            _ => None,
        })
        .filter(|(attachment, _)| seen.insert(attachment.id.clone()))
        .collect()
}

fn check_names(
    session: &Session,
    attachments: &[(Attachment, bool)],
    wanted: &[String],
) -> Result<(), BundleError> {
    let known = || attachments.iter().map(|(attachment, _)| attachment.name.as_str());
    match wanted.iter().find(|name| !known().any(|known| known == name.as_str())) {
        Some(name) => Err(BundleError::NoAttachment {
            session: session.summary.id.0,
            name: name.clone(),
            near: text::nearest(name, known()).map(str::to_owned),
        }),
        None => Ok(()),
    }
}

struct Gathered {
    redactor: Redactor,
    members: Vec<Member>,
    left_out: Vec<LeftOut>,
    room: usize,
}

impl Gathered {
    fn add(&mut self, path: String, what: &str, redacted: bool, content: Vec<u8>) {
        if content.len() > self.room {
            let why = format!("with it the bundle would be larger than {}", text::size(MOST_BYTES as u64));
            return self.leave(path, why);
        }
        self.room -= content.len();
        self.members.push(Member {
            path,
            what: what.to_owned(),
            bytes: content.len() as u64,
            blake3: blake3::hash(&content).to_hex().to_string(),
            redacted,
            content,
        });
    }

    fn leave(&mut self, what: String, why: impl Into<String>) {
        self.left_out.push(LeftOut { what, why: why.into() });
    }

    fn attachment(
        &mut self,
        number: usize,
        attachment: &Attachment,
        removed: bool,
        chosen: bool,
        read: impl Fn(&AttachmentId) -> Result<Vec<u8>, String>,
    ) {
        // Its name may say who it is about.
        let name = self.redactor.redact(&attachment.name).into_owned();
        let file = format!("{number:02}-{}", safe(&name));
        if attachment.is_image() {
            return match chosen.then(|| read(&attachment.id)) {
                None => self.leave(name, "a picture, which can't be redacted; choose it by name"),
                Some(Err(why)) => self.leave(name, why),
                Some(Ok(content)) => {
                    self.add(format!("attachments/{file}"), "a picture, as it is", false, content);
                }
            };
        }
        if removed && !chosen {
            return self.leave(name, "it was taken out of the conversation");
        }
        match read(attachment.view()) {
            Ok(content) => self.text(
                format!("views/{}.txt", file.trim_end_matches(".txt")),
                "what the model was shown",
                &name,
                content,
            ),
            Err(why) => self.leave(format!("what the model was shown of {name}"), why),
        }
        match chosen.then(|| original(attachment, &read)) {
            None => self.leave(name, "the original; choose it by name"),
            Some(Err(why)) => self.leave(name, why),
            Some(Ok(content)) => {
                self.text(format!("attachments/{file}"), "the original, redacted", &name, content)
            }
        }
    }

    fn text(&mut self, path: String, what: &str, name: &str, content: Vec<u8>) {
        match String::from_utf8(content) {
            Ok(text) => {
                let redacted = self.redactor.redact(&text).into_owned();
                self.add(path, what, true, redacted.into_bytes());
            }
            Err(_) => self.leave(name.to_owned(), "it is not UTF-8 and can't be redacted"),
        }
    }
}

/// A name as a file may have it anywhere: no folders, no dots in front, letters of ASCII.
fn safe(name: &str) -> String {
    let other = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_');
    let words: Vec<&str> = name.split(other).filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    let name = name.trim_matches(['.', '-']);
    // The ending is what says which kind of file it is.
    let start = name.len().saturating_sub(MOST_NAME);
    if name.is_empty() {
        "attachment".to_owned()
    } else {
        name[start..].trim_start_matches(['.', '-']).to_owned()
    }
}
