//! What can be copied: the answers and the code blocks in them, each with its number.

use super::markdown::code_blocks;
use crate::agent::Agent;
use crate::message::{Message, Role};

/// An answer, or a code block of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copyable {
    /// As `/copy` takes it: `3`, `code 2`. Both count from 1, through the conversation.
    pub(super) name: String,
    pub(super) text: String,
}

/// All that can be copied, the oldest first; an answer's code blocks follow it.
pub(super) fn copyables(agent: &Agent) -> Vec<Copyable> {
    let mut blocks = 0;
    let mut found = Vec::new();
    for (number, answer) in answers(agent).enumerate() {
        let text = answer.text();
        let code = code_blocks(&text);
        found.push(Copyable { name: (number + 1).to_string(), text });
        for text in code {
            blocks += 1;
            found.push(Copyable { name: format!("code {blocks}"), text });
        }
    }
    found
}

/// What `/copy` with this argument means, or what to say.
pub(super) fn chosen(what: &str, agent: &Agent) -> Result<String, String> {
    let all = copyables(agent);
    let Some(last) = all.iter().rposition(|one| !is_code(one)) else {
        return Err("There is no answer to copy yet.".to_owned());
    };
    let words = what.split_whitespace().collect::<Vec<_>>().join(" ");
    let one = match words.as_str() {
        "" => all.get(last),
        "code" => match all[last + 1..].last() {
            Some(block) => Some(block),
            None => return Err("The last answer has no code block; /copy takes all of it.".to_owned()),
        },
        name => all.iter().find(|one| one.name == name),
    };
    let none = || format!("There is no `{words}` here; /copy list shows the answers and code blocks.");
    one.map(|one| one.text.clone()).ok_or_else(none)
}

pub(super) fn is_code(one: &Copyable) -> bool {
    one.name.starts_with("code")
}

fn answers(agent: &Agent) -> impl Iterator<Item = &Message> {
    agent.transcript.iter().filter(|message| message.role == Role::Assistant)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{conversation, message};
    use super::*;
    use crate::message::Part;

    #[test]
    fn answers_and_blocks_are_counted_through_the_conversation() {
        let mut agent = conversation();
        let second = "Two:\n\n```\na\n```\n\nand\n\n```\nb\n```";
        agent.transcript.push(message(4, Role::Assistant, vec![Part::text(second)]));
        agent.transcript.push(message(6, Role::Assistant, vec![Part::text("none")]));
        let names: Vec<String> = copyables(&agent).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["1", "code 1", "2", "code 2", "code 3", "3"]);
        let chosen = |what: &str| chosen(what, &agent);
        assert_eq!(chosen("").as_deref(), Ok("none"));
        assert_eq!(chosen("2").as_deref(), Ok(second));
        assert_eq!(chosen("code  3").as_deref(), Ok("b\n"));
        assert!(chosen("code").unwrap_err().contains("has no code block"));
        assert!(chosen("code 9").unwrap_err().contains("no `code 9`"));
        assert!(super::chosen("", &Agent::new(crate::agent::Rules::default())).is_err());
    }
}
