//! Every order of things at the desk.

use std::path::PathBuf;

use super::*;
use crate::catalogue::Turns;
use crate::wire::{DoneReport, Failure, FailureKind, LoadOptions, Sampling, StopReason};

fn model(name: &str) -> Arc<ReadyModel> {
    Arc::new(ReadyModel {
        name: name.to_owned(),
        model: PathBuf::from(format!("{name}.gguf")),
        mmproj: None,
        load: LoadOptions::default(),
        sampling: Sampling::default(),
        system_prompt: true,
        tools: true,
        turns: Turns::All,
        starter: false,
        unsure_below: None,
    })
}

fn ask(id: u64, name: &str) -> Matter {
    let request = Request::generate(Vec::new(), Sampling::default(), None);
    Matter::Asked(Job { id, model: model(name), request })
}

fn said(id: u64, body: Event) -> Matter {
    Matter::Said(Envelope { id, body })
}

fn done(id: u64, stop: StopReason) -> Matter {
    said(id, Event::Done(DoneReport { stop, ..DoneReport::default() }))
}

/// What is done, a word each.
fn words(acts: Vec<Act>) -> Vec<String> {
    let word = |act: Act| match act {
        Act::Send(_, Request::Load { model, .. }) => format!("load {}", model.display()),
        Act::Send(_, Request::Cancel { target }) => format!("cancel {target}"),
        Act::Send(id, request) => format!("{} {id}", request.name()),
        Act::Tell(id, Heard::Gone(why)) => format!("gone {id}: {why}"),
        Act::Tell(id, Heard::Event(event)) => {
            let name = serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
            format!("tell {id} {name}")
        }
        Act::Loaded(model, _) => format!("loaded {}", model.name),
    };
    acts.into_iter().map(word).collect()
}

/// A desk whose worker has loaded the model `a`; the last number that it gave away is 1.
fn ready() -> Desk {
    let mut desk = Desk::new(model("a"));
    assert_eq!(words(desk.handle(Matter::Up)), ["load a.gguf"]);
    assert_eq!(words(desk.handle(said(1, Event::Loaded(ModelInfo::default())))), ["loaded a"]);
    assert!(desk.handle(done(1, StopReason::Finished)).is_empty());
    desk
}

#[test]
fn one_is_answered_and_the_others_wait_in_their_order() {
    let mut desk = ready();
    assert_eq!(words(desk.handle(ask(101, "a"))), ["generate 101"]);
    assert!(desk.handle(ask(102, "a")).is_empty());
    assert!(desk.handle(ask(103, "a")).is_empty());
    let token = Event::Token { text: "x".into(), logprob: 0.0 };
    assert_eq!(words(desk.handle(said(101, token.clone()))), ["tell 101 token"]);
    assert!(desk.handle(said(77, token)).is_empty(), "of nobody");
    assert_eq!(words(desk.handle(done(101, StopReason::Finished))), ["tell 101 done", "generate 102"]);
    assert_eq!(words(desk.handle(done(102, StopReason::Finished))), ["tell 102 done", "generate 103"]);
}

#[test]
fn who_leaves_is_taken_out_or_stopped_once() {
    let mut desk = ready();
    desk.handle(ask(101, "a"));
    desk.handle(ask(102, "a"));
    assert!(desk.handle(Matter::Left(102)).is_empty());
    assert_eq!(desk.stopping(), None);
    assert_eq!(words(desk.handle(Matter::Enough(101))), ["cancel 101"]);
    assert!(desk.handle(Matter::Left(101)).is_empty(), "it is stopping already");
    assert_eq!(desk.stopping(), Some(101));
    assert_eq!(words(desk.handle(done(101, StopReason::Cancelled))), ["tell 101 done"]);
    assert_eq!(desk.stopping(), None);
    assert!(desk.handle(Matter::Left(101)).is_empty(), "it is over");
}

#[test]
fn a_dead_worker_costs_one_answer_and_the_next_is_from_a_new_one() {
    let mut desk = ready();
    desk.handle(ask(101, "a"));
    desk.handle(ask(102, "a"));
    let down = |again| Matter::Down { reason: "signal 9".into(), again };
    let gone = |id: u64| format!("gone {id}: The model's worker died: signal 9.");
    assert_eq!(words(desk.handle(down(true))), [gone(101)]);
    assert!(desk.handle(ask(103, "a")).is_empty(), "it comes by itself");
    assert_eq!(words(desk.handle(Matter::Up)), ["load a.gguf"]);
    assert_eq!(words(desk.handle(down(false))), [gone(102), gone(103)], "no more of it");
    assert_eq!(words(desk.handle(ask(104, "a"))), ["cancel 0"], "whatever is sent wakes it");
    assert!(desk.handle(ask(105, "a")).is_empty());
    assert_eq!(words(desk.handle(Matter::Up)), ["load a.gguf"]);
}

#[test]
fn nothing_is_sent_to_a_worker_that_is_ended() {
    let mut desk = ready();
    desk.handle(ask(101, "a"));
    desk.handle(ask(102, "a"));
    desk.handle(Matter::Left(101));
    desk.ending();
    // Its end was on its way.
    assert_eq!(words(desk.handle(done(101, StopReason::Cancelled))), ["tell 101 done"]);
    assert!(desk.handle(ask(103, "a")).is_empty());
    assert!(
        desk.handle(Matter::Down { reason: "signal 9".into(), again: true }).is_empty(),
        "nobody is lost"
    );
    assert_eq!(words(desk.handle(Matter::Up)), ["load a.gguf"]);
    let load = desk.last_id;
    assert_eq!(words(desk.handle(done(load, StopReason::Finished))), ["generate 102"]);
}

#[test]
fn another_model_is_loaded_for_who_asks_for_it() {
    let mut desk = ready();
    assert_eq!(words(desk.handle(ask(101, "b"))), ["load b.gguf"]);
    assert!(desk.handle(ask(102, "a")).is_empty());
    let failed = Failure::new(FailureKind::Memory, "Too big.").hint("Take a smaller one.");
    let load = desk.last_id;
    let acts = words(desk.handle(said(load, Event::Failed(failed))));
    assert_eq!(acts, ["gone 101: Too big. Take a smaller one.", "load a.gguf"]);
    let load = desk.last_id;
    assert_eq!(words(desk.handle(done(load, StopReason::Finished))), ["generate 102"]);
}

#[test]
fn what_could_not_be_loaded_is_not_tried_again_for_nobody() {
    let mut desk = Desk::new(model("a"));
    desk.handle(Matter::Up);
    let failed = Failure::new(FailureKind::ModelFile, "Cut off.");
    assert!(desk.handle(said(1, Event::Failed(failed))).is_empty());
    assert!(desk.handle(Matter::Up).is_empty());
    assert_eq!(words(desk.handle(ask(101, "a"))), ["load a.gguf"]);
    // Who asked has left meanwhile: the model stays.
    assert!(desk.handle(Matter::Left(101)).is_empty());
    let load = desk.busy.as_ref().map(|busy| match busy {
        Busy::Loading { id, .. } | Busy::Answering { id, .. } => *id,
    });
    assert!(desk.handle(done(load.unwrap(), StopReason::Finished)).is_empty());
    assert_eq!(words(desk.handle(ask(102, "a"))), ["generate 102"]);
}

#[test]
fn at_the_end_what_runs_is_finished_and_nobody_else_is_answered() {
    let mut desk = ready();
    desk.handle(ask(101, "a"));
    desk.handle(ask(102, "a"));
    let ends = |id: u64| format!("gone {id}: percept serve is ending.");
    assert_eq!(words(desk.handle(Matter::Close)), [ends(102)]);
    assert_eq!(words(desk.handle(ask(103, "a"))), [ends(103)]);
    assert_eq!(words(desk.handle(done(101, StopReason::Finished))), ["tell 101 done"]);
}
