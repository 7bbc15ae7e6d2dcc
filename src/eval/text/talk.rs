//! What people say to an assistant that asks for no picture and no tool, and what a model answers
//! that can't talk. For training alone: a model that only ever saw requests calls a tool for a
//! greeting.

use std::sync::LazyLock;

use crate::eval::{Rng, Words};

static TALK: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("talk.txt").lines().collect());

/// Questions about a picture, when there is none.
const LOOKING: [&str; 9] = [
    "What does the error say?",
    "What does the dialog say?",
    "What is the title of the dialog?",
    "What is the title of the window?",
    "What buttons are there?",
    "What is the last line?",
    "What is the first line?",
    "Read the text.",
    "Describe the screenshot.",
];

/// What is said and what is answered, where there is no picture.
pub(in crate::eval) fn talk(rng: &mut Rng) -> (String, &'static str) {
    match rng.chance(0.25) {
        true => ((*rng.pick(&LOOKING)).to_owned(), "There is no picture. Attach one."),
        false => small_talk(rng),
    }
}

/// What is said and what is answered, whether there is a picture or not.
pub(in crate::eval) fn small_talk(rng: &mut Rng) -> (String, &'static str) {
    let said = rng.one_of(&TALK).copied().unwrap_or_default();
    let answer = "I can't talk: I only read small screens and call tools.";
    (Words::new(rng).filled(said), answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_said_is_filled_and_no_request_of_a_tool() {
        let mut rng = Rng::new(3);
        for _ in 0..2000 {
            let (said, answer) = talk(&mut rng);
            assert!(!said.is_empty() && said.is_ascii() && !said.contains(['{', '}']), "{said}");
            assert_eq!(answer.starts_with("There is no picture"), LOOKING.contains(&said.as_str()), "{said}");
        }
    }
}
