//! Finding what was said, read or attached, by words.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::Serialize;

use super::{SUMMARY, SessionStore, StoreError, summary};
use crate::attachment::{Attachment, AttachmentId, Medium};
use crate::message::{MessageId, Part};
use crate::session::{SessionId, SessionSummary};
use crate::text;

/// Messages that are made findable in one transaction.
const BATCH: usize = 200;

/// Messages that are looked at for a list of sessions: several may be of one.
const MOST_MESSAGES: usize = 1000;

/// What is shown before and after a word that was found, in bytes.
const AROUND: usize = 60;

/// A session in which something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundSession {
    /// It.
    #[serde(flatten)]
    pub session: SessionSummary,
    /// The message in which it was found, the best one.
    pub message: MessageId,
    /// Its words around what was found, in one line.
    pub excerpt: String,
}

impl SessionStore {
    /// The sessions in which all these words stand in one message, the best first. A word is
    /// found in its other forms (`crashes`, `crashed`), the last one by its beginning. `content`
    /// gives the text of what was attached; `None`: it can't be read.
    pub fn search(
        &mut self,
        words: &str,
        most: usize,
        content: &dyn Fn(&AttachmentId) -> Option<String>,
    ) -> Result<Vec<FoundSession>, StoreError> {
        let Some(expression) = expression(words) else { return Ok(Vec::new()) };
        match self.catch_up(content) {
            // What is findable by now is.
            Err(StoreError::ReadOnly | StoreError::Full) => {}
            done => done?,
        }
        let database = self.database()?;
        let mut query = database.prepare(&format!(
            "SELECT {SUMMARY}, messages.id, messages.parts FROM said
             JOIN messages ON messages.rowid = said.rowid JOIN sessions ON sessions.id = messages.session
             WHERE said MATCH ?1 AND removed_ms IS NULL ORDER BY said.rank LIMIT {MOST_MESSAGES}"
        ))?;
        let mut rows = query.query([expression])?;
        let mut found: Vec<FoundSession> = Vec::new();
        while let Some(row) = rows.next()? {
            let id = SessionId(row.get(0)?);
            if found.iter().any(|found| found.session.id == id) {
                continue;
            }
            let text = findable(&row.get::<_, String>(9)?, content);
            let (message, excerpt) = (MessageId(row.get(8)?), excerpt(&text, words));
            found.push(FoundSession { session: summary(row)?, message, excerpt });
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    }

    /// Makes findable what was written since the last time.
    fn catch_up(&mut self, content: &dyn Fn(&AttachmentId) -> Option<String>) -> Result<(), StoreError> {
        while catch_up_some(self.database()?, content)? == BATCH {}
        Ok(())
    }
}

fn catch_up_some(
    database: &Connection,
    content: &dyn Fn(&AttachmentId) -> Option<String>,
) -> Result<usize, StoreError> {
    // It reads before it writes: another percept may write in between.
    let transaction = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
    let waiting: Vec<(i64, String)> = transaction
        .prepare(&format!("SELECT rowid, parts FROM messages WHERE searched = 0 LIMIT {BATCH}"))?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (row, parts) in &waiting {
        transaction.execute("DELETE FROM said WHERE rowid = ?1", [row])?;
        let text = findable(parts, content);
        transaction.execute("INSERT INTO said (rowid, text) VALUES (?1, ?2)", params![row, text])?;
        transaction.execute("UPDATE messages SET searched = 1 WHERE rowid = ?1", [row])?;
    }
    transaction.commit()?;
    Ok(waiting.len())
}

/// What a message is found by.
fn findable(parts: &str, content: &dyn Fn(&AttachmentId) -> Option<String>) -> String {
    // What can't be read is found by nothing; it is said where it is opened.
    let parts: Vec<Part> = serde_json::from_str(parts).unwrap_or_default();
    let texts = parts.into_iter().map(|part| match part {
        Part::Text { text, .. } => text,
        Part::Attachment { attachment, .. } => attached(&attachment, content),
        Part::Summary(summary) => summary.text,
        Part::ToolCall(call) => format!("{} {}", call.name, call.arguments),
        Part::ToolResult(result) => format!("{}\n{}", result.shown, result.text),
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn attached(attachment: &Attachment, content: &dyn Fn(&AttachmentId) -> Option<String>) -> String {
    let text = match attachment.medium {
        Medium::Image { .. } => None,
        _ => content(attachment.view()),
    };
    format!("{}\n{}", attachment.name, text.unwrap_or_default())
}

/// The words of a search, in small letters.
fn words_of(words: &str) -> Vec<String> {
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// What FTS5 is asked; `None`: nothing.
fn expression(words: &str) -> Option<String> {
    let words = words_of(words);
    let (last, others) = words.split_last()?;
    let others: String = others.iter().map(|word| format!("\"{word}\" AND ")).collect();
    Some(format!("{others}(\"{last}\" OR \"{last}\"*)"))
}

/// The text around the first of the words that stands in it, in one line.
fn excerpt(text: &str, words: &str) -> String {
    let lower = text.to_lowercase();
    // Only where both have the same length does a place in one mean the same in the other.
    let at = words_of(words).iter().find_map(|word| lower.find(word.as_str()));
    let at = at.filter(|_| lower.len() == text.len()).unwrap_or(0);
    let start = text::boundary_before(text, at.saturating_sub(AROUND));
    let end = text::boundary_before(text, at.saturating_add(2 * AROUND).min(text.len()));
    let cut = |cut: bool| if cut { "…" } else { "" };
    let middle = text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}{middle}{}", cut(start > 0), cut(end < text.len()))
}
