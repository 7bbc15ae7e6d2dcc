//! Suites without pictures, made from a seed: calls of tools, causes in logs, searches.
//!
//! ```text
//! seed ─▶ tools: requests and calls          tools.txt, commands.txt
//!      ─▶ talk: what asks for no call      talk.txt, for training alone
//!      ─▶ logs: a file and a question        causes
//!      ─▶ notes: a folder and searches       topics.txt ─▶ retrieval: what is found
//! ```

mod causes;
mod logs;
mod notes;
mod retrieval;
mod talk;
#[cfg(test)]
mod tests;
mod tools;

pub use retrieval::{Finder, Found, Step, find};
pub(super) use talk::{small_talk, talk};
pub(super) use tools::tool_call;

use std::io;
use std::path::{Path, PathBuf};

use super::{Answer, Item, Kind, Rng};

/// Searches in one folder of notes; more of them have more folders.
const SEARCHES: usize = 40;

/// Makes items of a kind without pictures, and writes their files into the suite's folder. The
/// same seed makes the same bytes; the first items of a longer suite are those of a shorter one.
///
/// # Errors
///
/// A file can't be written; the kind isn't made here.
pub fn generate(kind: Kind, seed: u64, count: usize, folder: &Path) -> io::Result<Vec<Item>> {
    let rng = Rng::new(seed).fork(kind.name());
    let id = |n: usize| format!("{}-{seed}-{n:04}", kind.name());
    match kind {
        Kind::ToolCall => Ok((1..=count).map(|n| tools::tool_call(id(n), &mut rng.fork(&id(n)))).collect()),
        Kind::LogCause => (1..=count).map(|n| log_cause(id(n), &mut rng.fork(&id(n)), folder)).collect(),
        Kind::Retrieval => {
            let mut items = Vec::with_capacity(count);
            while items.len() < count {
                let name = PathBuf::from(id(items.len() / SEARCHES + 1).replacen("-", "-notes-", 1));
                searches(&name, &mut rng.fork(&name.to_string_lossy()), folder, &mut items, &id)?;
            }
            items.truncate(count);
            Ok(items)
        }
        other => {
            let why = format!("suites of the kind {} are not made of text", other.name());
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        }
    }
}

fn log_cause(id: String, rng: &mut Rng, folder: &Path) -> io::Result<Item> {
    let made = logs::log(rng);
    let file = PathBuf::from(format!("{id}.log"));
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(&file), made.text)?;
    Ok(Item {
        id,
        kind: Kind::LogCause,
        group: Some(made.group.to_owned()),
        attach: vec![file],
        question: made.question,
        answer: Answer::Choice { is: made.right, among: made.choices },
        guess: None,
    })
}

/// Writes a folder of notes, and adds what is searched for in it.
fn searches(
    name: &Path,
    rng: &mut Rng,
    folder: &Path,
    items: &mut Vec<Item>,
    id: &dyn Fn(usize) -> String,
) -> io::Result<()> {
    let made = notes::Notes::new(rng);
    std::fs::create_dir_all(folder.join(name))?;
    for (file, text) in &made.files {
        std::fs::write(folder.join(name).join(file), text)?;
    }
    for search in made.searches(SEARCHES, rng) {
        items.push(Item {
            id: id(items.len() + 1),
            kind: Kind::Retrieval,
            group: Some(search.group.to_owned()),
            attach: vec![name.to_owned()],
            question: search.words,
            answer: Answer::Documents(search.right),
            guess: None,
        });
    }
    Ok(())
}
