//! The tree of a conversation: the path to a message, the versions of one, and the ends of
//! its branches.
//!
//! It changes nothing, and a damaged tree (a parent that is gone, a circle) is still walked
//! to an end.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::Session;
use crate::message::{Message, MessageId, Role};

/// Messages by their parents.
#[derive(Debug)]
pub struct Tree<'a> {
    messages: HashMap<MessageId, &'a Message>,
    /// What follows each message, the oldest first; those that follow none under `None`.
    next: HashMap<Option<MessageId>, Vec<MessageId>>,
}

/// A branch, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// Its number, from 1: in the order in which the branches parted.
    pub number: usize,
    /// Its last message.
    pub end: MessageId,
    /// Who speaks where it parts from the others.
    pub role: Role,
    /// What is said there: the first line.
    pub begins: String,
    /// Messages from the first to its end.
    pub messages: usize,
    /// When its last message was made, in milliseconds since the Unix epoch.
    pub last_ms: i64,
    /// The model that answered last, if one did.
    pub model: Option<String>,
    /// It is the one that is shown.
    pub shown: bool,
}

impl<'a> Tree<'a> {
    /// The tree of these messages, without summaries that were taken back.
    pub fn of(messages: impl IntoIterator<Item = &'a Message>) -> Self {
        let messages: HashMap<MessageId, &Message> =
            messages.into_iter().filter(|one| !one.is_taken_back()).map(|one| (one.id, one)).collect();
        let mut next: HashMap<Option<MessageId>, Vec<MessageId>> = HashMap::new();
        for message in messages.values() {
            let parent = message.parent.filter(|parent| messages.contains_key(parent));
            next.entry(parent).or_default().push(message.id);
        }
        next.values_mut().for_each(|ids| ids.sort_unstable());
        Self { messages, next }
    }

    /// A message.
    pub fn get(&self, id: MessageId) -> Option<&'a Message> {
        self.messages.get(&id).copied()
    }

    /// The messages from the first to this one.
    pub fn path(&self, end: MessageId) -> Vec<&'a Message> {
        let mut path = Vec::new();
        let mut next = Some(end);
        while let Some(message) = next.and_then(|id| self.get(id)) {
            // A damaged store could hold a circle; a path is never longer than the tree.
            if path.len() >= self.messages.len() {
                break;
            }
            path.push(message);
            next = message.parent;
        }
        path.reverse();
        path
    }

    /// The versions of a message, itself among them: those with the same parent, the oldest
    /// first.
    pub fn versions(&self, id: MessageId) -> &[MessageId] {
        let parent = self.get(id).and_then(|message| message.parent);
        let parent = parent.filter(|parent| self.messages.contains_key(parent));
        self.next.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// Which of how many versions a message is, from 1; `None`: there is no other.
    pub fn version(&self, id: MessageId) -> Option<(usize, usize)> {
        let versions = self.versions(id);
        let place = versions.iter().position(|version| *version == id)?;
        (versions.len() > 1).then_some((place + 1, versions.len()))
    }

    /// What follows a message directly, the oldest first.
    pub fn after(&self, id: MessageId) -> &[MessageId] {
        self.next.get(&Some(id)).map_or(&[], Vec::as_slice)
    }

    /// The newest end of what follows a message; itself where nothing does.
    pub fn newest_end(&self, id: MessageId) -> MessageId {
        self.below(id).into_iter().filter(|id| self.after(*id).is_empty()).max().unwrap_or(id)
    }

    /// A message and all that follows it, in the order in which the branches parted.
    fn below(&self, id: MessageId) -> Vec<MessageId> {
        let (mut found, mut seen, mut open) = (Vec::new(), HashSet::new(), vec![id]);
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                found.push(id);
                open.extend(self.after(id).iter().rev());
            }
        }
        found
    }

    /// Whether each message leads back to a first one: no circle.
    pub fn is_whole(&self) -> bool {
        self.first().iter().map(|id| self.below(*id).len()).sum::<usize>() == self.messages.len()
    }

    /// The messages that follow none, the oldest first.
    pub fn first(&self) -> &[MessageId] {
        self.next.get(&None).map_or(&[], Vec::as_slice)
    }

    /// The ends of all branches, and the head where it is none.
    pub fn branches(&self, head: Option<MessageId>) -> Vec<Branch> {
        let all = self.first().iter().flat_map(|id| self.below(*id));
        let ends = all.filter(|id| self.after(*id).is_empty() || head == Some(*id));
        ends.enumerate().map(|(number, end)| self.branch(number + 1, end, head)).collect()
    }

    fn branch(&self, number: usize, end: MessageId, head: Option<MessageId>) -> Branch {
        let path = self.path(end);
        let parts = path.iter().rev().find(|message| self.version(message.id).is_some()).or(path.first());
        let stats = path.iter().rev().find_map(|message| message.stats.as_ref());
        Branch {
            number,
            end,
            role: parts.map_or(Role::User, |message| message.role),
            begins: parts.map(|message| self.begins_apart(message)).unwrap_or_default(),
            messages: path.len(),
            last_ms: path.last().map_or(0, |message| message.created_ms),
            model: stats.map(|stats| stats.model.clone()),
            shown: head == Some(end),
        }
    }

    /// What a message begins with, from the first word on that tells it from its other versions:
    /// an edited question mostly begins as the one before.
    fn begins_apart(&self, message: &Message) -> String {
        let own = begins(message);
        let words: Vec<&str> = own.split_whitespace().collect();
        let shared = |other: &MessageId| {
            let other = self.get(*other).map(begins).unwrap_or_default();
            words.iter().zip(other.split_whitespace()).take_while(|(own, other)| *own == other).count()
        };
        let others = self.versions(message.id).iter().filter(|id| **id != message.id);
        match others.map(shared).max() {
            Some(shared) if shared > SHORT_BEGINNING && shared < words.len() => {
                format!("…{}", words[shared..].join(" "))
            }
            _ => own,
        }
    }
}

/// So many words are no reason to leave them out.
const SHORT_BEGINNING: usize = 2;

/// The first line of what a message says, or what it holds where it says nothing.
pub fn begins(message: &Message) -> String {
    let text = message.text();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    let call = || message.call().map(|call| call.name.clone());
    let attached = || message.attachments().next().map(|attachment| attachment.name.clone());
    let summary = || message.summary().and_then(|summary| summary.text.lines().next().map(str::to_owned));
    line.or_else(call).or_else(attached).or_else(summary).unwrap_or_default()
}

impl Session {
    /// Its messages as a tree.
    pub fn as_tree(&self) -> Tree<'_> {
        Tree::of(&self.tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Part, Status};

    fn message(id: i64, parent: Option<i64>, text: &str) -> Message {
        Message {
            id: MessageId(id),
            parent: parent.map(MessageId),
            role: if id % 2 == 1 { Role::User } else { Role::Assistant },
            parts: vec![Part::text(text)],
            status: Status::Complete,
            created_ms: id,
            stats: None,
        }
    }

    /// Two answers to a question, the first of which went on in two ways.
    fn tree() -> Vec<Message> {
        vec![
            message(1, None, "q"),
            message(2, Some(1), "\n a \nmore"),
            message(3, Some(2), "then?"),
            message(4, Some(1), "b"),
            message(5, Some(2), "or?"),
            message(6, Some(5), "so"),
        ]
    }

    #[test]
    fn branches_are_numbered_in_the_order_in_which_they_parted() {
        let messages = tree();
        let tree = Tree::of(&messages);
        let listed = |head| -> Vec<(usize, i64, String, usize, bool)> {
            let branches = tree.branches(Some(MessageId(head))).into_iter();
            branches.map(|b| (b.number, b.end.0, b.begins, b.messages, b.shown)).collect()
        };
        let ends = [
            (1, 3, "then?".to_owned(), 3, false),
            (2, 6, "or?".to_owned(), 4, true),
            (3, 4, "b".to_owned(), 2, false),
        ];
        assert_eq!(listed(6), ends);
        assert_eq!(listed(2)[0], (1, 2, "a".to_owned(), 2, true), "a head in mid-branch is one too");
        assert_eq!(tree.version(MessageId(5)), Some((2, 2)));
        assert_eq!(tree.version(MessageId(6)), None);
        assert_eq!(tree.newest_end(MessageId(2)), MessageId(6));
        assert_eq!(tree.newest_end(MessageId(4)), MessageId(4));
    }

    #[test]
    fn an_edited_question_is_told_by_the_words_that_were_changed() {
        let begin = |texts: &[&str]| -> Vec<String> {
            let messages: Vec<Message> =
                texts.iter().zip(1..).map(|(text, id)| message(2 * id - 1, None, text)).collect();
            Tree::of(&messages).branches(None).into_iter().map(|branch| branch.begins).collect()
        };
        assert_eq!(begin(&["why does it stop at six?", "why does it stop now?"]), ["…at six?", "…now?"]);
        assert_eq!(begin(&["why not?", "why then?"]), ["why not?", "why then?"], "two words are short");
        assert_eq!(begin(&["a b c d", "a b c d e"]), ["a b c d", "…e"], "all of it is shared");
        assert_eq!(begin(&["one two three four"]), ["one two three four"], "there is no other");
    }

    #[test]
    fn a_damaged_tree_is_walked_to_an_end() {
        let mut messages = tree();
        assert!(Tree::of(&messages).is_whole());
        messages.push(message(9, Some(77), "whose parent is gone"));
        assert!(Tree::of(&messages).is_whole());
        assert_eq!(Tree::of(&messages).path(MessageId(9)).len(), 1);
        messages.extend([message(10, Some(11), "x"), message(11, Some(10), "y")]);
        let tree = Tree::of(&messages);
        assert!(!tree.is_whole());
        assert!(tree.path(MessageId(10)).len() <= messages.len());
        assert_eq!(tree.newest_end(MessageId(10)), MessageId(10));
        assert_eq!(tree.branches(None).len(), 4);
    }
}
