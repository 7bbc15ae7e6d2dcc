//! OpenAI's own client.

use crate::common::{model, sample};
use crate::kit::{Server, python, run_script};

#[test]
fn the_client_of_openai_gets_what_it_knows() {
    let Some(python) = python() else { return };
    let server = Server::start("", &["-m", &model()], &[]);
    run_script(&server, &python, "client.py", &[&sample("error.png")]);
}

#[test]
fn the_client_of_openai_knows_a_prompt_that_is_too_long() {
    let Some(python) = python() else { return };
    let server = Server::start("small", &[], &[]);
    run_script(&server, &python, "overflow.py", &[]);
}

#[test]
fn the_client_of_openai_asks_again_after_a_death() {
    let Some(python) = python() else { return };
    let server = Server::start("die", &[], &[]);
    run_script(&server, &python, "again.py", &[]);
}
