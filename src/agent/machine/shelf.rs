//! Order among the conversations that are kept.

use super::{Agent, NoticeLevel};
use crate::agent::{Effect, Shelving};
use crate::session::SessionId;

impl Agent {
    pub(super) fn shelve(&mut self, work: Shelving, effects: &mut Vec<Effect>) {
        effects.push(Effect::Shelve { work, words: self.sought.clone() });
    }

    pub(super) fn remove_session(&mut self, id: SessionId, effects: &mut Vec<Effect>) {
        if self.session == Some(id) {
            return self.say(NoticeLevel::Error, "This conversation is open. /new begins another one first.");
        }
        self.removed.push(id);
        self.shelve(Shelving::Remove(id), effects);
    }

    pub(super) fn restore_session(&mut self, effects: &mut Vec<Effect>) {
        match self.removed.pop() {
            Some(id) => self.shelve(Shelving::Restore(id), effects),
            None => self.say(
                NoticeLevel::Error,
                "Nothing was removed here. `percept sessions restore` lists what is in the bin.",
            ),
        }
    }

    pub(super) fn rename_session(&mut self, title: String, effects: &mut Vec<Effect>) {
        match self.session {
            Some(id) => {
                self.say(NoticeLevel::Info, format!("It is called {title} now."));
                self.title.clone_from(&title);
                self.named.by_person = true;
                self.shelve(Shelving::Rename(id, title), effects);
            }
            None => self.say(NoticeLevel::Error, "There is nothing to name yet: nothing was said."),
        }
    }

    pub(super) fn tag_session(&mut self, tags: Vec<String>, effects: &mut Vec<Effect>) {
        let Some(session) = self.session else {
            return self.say(NoticeLevel::Error, "There is nothing to tag yet: nothing was said.");
        };
        let (remove, add): (Vec<_>, Vec<_>) = tags.into_iter().partition(|tag| tag.starts_with('-'));
        let remove: Vec<String> = remove.iter().map(|tag| tag[1..].to_owned()).collect();
        let listed = |tags: &[String], said: &str| match tags.is_empty() {
            true => String::new(),
            false => format!(" {said} {}.", tags.join(", ")),
        };
        let said = format!("{}{}", listed(&add, "Tagged"), listed(&remove, "Taken off:"));
        self.say(NoticeLevel::Info, format!("{} /sessions shows tags.", said.trim_start()));
        self.shelve(Shelving::Tag { session, add, remove }, effects);
    }

    /// The title is that of the store now.
    pub(super) fn entitled(&mut self, session: SessionId, title: String) {
        // A person may have named it meanwhile.
        if self.session == Some(session) && !self.named.by_person {
            self.title = title;
        }
    }
}
