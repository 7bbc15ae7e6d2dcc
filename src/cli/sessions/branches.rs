//! `percept sessions branches`, and which branch is shown or exported.

use super::find;
use crate::cli::Trouble;
use crate::cli::exit::{print_json, print_line, warn};
use crate::message::Message;
use crate::session::{Session, SessionStore};
use crate::text;

pub(super) fn list(store: &SessionStore, session: &str, json: bool) -> Result<(), Trouble> {
    let session = store.load(find(store, session)?).map_err(Trouble::user)?;
    let branches = session.as_tree().branches(session.head);
    if json {
        return print_json(&branches);
    }
    for branch in branches {
        let mark = if branch.shown { "*" } else { " " };
        let model = branch.model.map_or(String::new(), |model| format!("  {model}"));
        let begins = text::one_line(&branch.begins);
        let (number, when, messages) = (branch.number, text::when(branch.last_ms), branch.messages);
        let who = branch.role.as_str();
        print_line(format!("{mark}{number:>4}  {when}  {messages:>3} messages{model}  {who}: {begins}"))?;
    }
    Ok(())
}

/// The messages of the branch with this number, or of the one that is shown in the chat. Then it
/// is said that there are others.
pub(super) fn path(session: &Session, number: Option<usize>) -> Result<Vec<Message>, Trouble> {
    let tree = session.as_tree();
    let branches = tree.branches(session.head);
    let id = session.summary.id.0;
    let Some(number) = number else {
        if let (others @ 2.., Some(shown)) = (branches.len(), branches.iter().find(|branch| branch.shown)) {
            let said = format!("this is branch {} of {others}", shown.number);
            warn(format!("{said}; `percept sessions branches {id}` lists them, --branch K takes another"));
        }
        return Ok(session.path());
    };
    let branch = branches.iter().find(|branch| branch.number == number).ok_or_else(|| {
        let has = text::counted(branches.len() as u64, "branch", "branches");
        Trouble::User(anyhow::anyhow!(
            "conversation {id} has {has}, and no branch {number}; `percept sessions branches {id}` lists them"
        ))
    })?;
    Ok(tree.path(branch.end).into_iter().cloned().collect())
}
