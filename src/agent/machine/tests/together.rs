//! Summaries, edits, other answers and branches, together.

use super::*;

const SUMMARY: &str = "A red square.";

fn with_another(scene: &mut Scene) -> u64 {
    scene.send(Event::Compare("other".into()));
    scene.send(Event::ModelFound(Box::new(ReadyModel { name: "other".into(), ..model() })));
    scene.finish_load();
    scene.generate()
}

/// The same with a summary that is written before the model is there, or behind that.
fn with_another_and_a_summary(scene: &mut Scene, slow_store: bool) -> u64 {
    scene.send(Event::Compare("other".into()));
    let at = scene.last().id;
    let written = Event::Stored { session: SessionId(7), message: at };
    if !slow_store {
        assert!(names(&scene.send(written.clone())).is_empty(), "it waits for the model");
    }
    scene.send(Event::ModelFound(Box::new(ReadyModel { name: "other".into(), ..model() })));
    scene.finish_load();
    if slow_store {
        scene.send(written);
    }
    scene.generate()
}

fn pin(scene: &Scene) -> bool {
    let part = scene.agent.transcript[0].parts.first();
    matches!(part, Some(Part::Attachment { pinned: true, .. }))
}

#[test]
fn another_model_answers_with_the_summary_and_both_answers_can_be_seen() {
    for slow_store in [false, true] {
        let mut scene = Scene::talked();
        let question = scene.agent.transcript[2].id;
        scene.compacted(SUMMARY);
        scene.stored();
        let before: Vec<MessageId> = scene.agent.transcript.iter().map(|message| message.id).collect();
        let id = with_another_and_a_summary(&mut scene, slow_store);
        assert!(scene.window().contains(&format!("summary: {SUMMARY}")), "{:?}", scene.window());
        scene.answer(id, &["Ink."]);
        let comparison = scene.agent.comparison.clone().expect("a choice");
        assert!(comparison.ready && comparison.question == question, "{comparison:?}");
        let answers = scene.agent.tree().after(question).to_vec();
        assert_eq!(answers.len(), 2, "the old answer, and the summary before the new one");
        // The old one is taken: with its summary, as before.
        scene.send(Event::Choose(answers[0]));
        let shown: Vec<MessageId> = scene.agent.transcript.iter().map(|message| message.id).collect();
        assert_eq!(shown, before);
    }
}

#[test]
fn an_unanswered_question_with_a_summary_behind_it_has_no_answer_to_compare() {
    let mut scene = Scene::talked();
    let id = scene.ask("and then?");
    scene
        .said(id, wire::Event::Failed(Failure::new(FailureKind::ContextOverflow, "It has too many tokens.")));
    scene.compacted(SUMMARY);
    scene.send(Event::Compare("other".into()));
    assert!(scene.said_to_person().contains("no answer yet"), "{}", scene.said_to_person());
    assert!(!scene.agent.busy());
}

#[test]
fn a_summary_that_was_taken_back_is_no_version_of_anything() {
    let mut scene = Scene::talked();
    scene.compacted(SUMMARY);
    scene.stored();
    let effects = scene.send(Event::UndoSummary);
    let written = effects.iter().find_map(|effect| match effect {
        Effect::Store { messages, .. } => messages.iter().find(|message| message.summary().is_some()),
        _ => None,
    });
    assert!(written.is_some_and(Message::is_taken_back), "the store knows it");
    let answer = scene.last().id;
    assert_eq!(scene.agent.tree().newest_end(answer), answer);
    let id = scene.ask("and then?");
    scene.answer(id, &["Dry."]);
    let question = scene.agent.transcript[4].id;
    assert_eq!(scene.agent.tree().version(question), None);
    assert_eq!(scene.agent.tree().branches(None).len(), 1);
}

#[test]
fn a_summary_that_something_follows_is_not_taken_back() {
    let mut scene = Scene::talked();
    scene.compacted(SUMMARY);
    let summary = scene.last().id;
    let id = scene.ask("and then?");
    scene.answer(id, &["Dry."]);
    scene.send(Event::GoTo(summary));
    scene.send(Event::UndoSummary);
    assert_eq!(scene.last().id, summary);
    assert!(scene.said_to_person().contains("can't be taken back"));
}

#[test]
fn an_edited_question_goes_on_with_the_summary_behind_it() {
    let mut scene = Scene::talked();
    scene.compacted(SUMMARY);
    let question = scene.agent.transcript[2].id;
    scene.send(Event::Edit(question));
    let id = scene.ask("and when?");
    assert_eq!(scene.window(), [format!("summary: {SUMMARY}"), "and when?".to_owned()]);
    scene.answer(id, &["Today."]);
    let edited = scene.agent.transcript.iter().find(|message| message.text() == "and when?").unwrap();
    assert_eq!(edited.parent, Some(scene.agent.transcript[2].id), "behind the summary");
}

#[test]
fn of_two_summaries_the_one_that_still_holds_stays() {
    let mut scene = Scene::talked();
    let id = scene.ask("and then?");
    scene
        .said(id, wire::Event::Failed(Failure::new(FailureKind::ContextOverflow, "It has too many tokens.")));
    scene.compacted("The first.");
    scene.send(Event::Retry);
    let id = scene.generate();
    scene.answer(id, &["Dry."]);
    scene.compacted("The second.");
    assert_eq!(scene.summary().text, "The second.");
    scene.send(Event::Retry);
    assert_eq!(scene.summary().text, "The first.", "the second stands for the answer that is gone");
}

#[test]
fn another_answer_that_does_not_come_leaves_no_copies_of_a_summary() {
    let mut scene = Scene::talked();
    scene.compacted(SUMMARY);
    scene.stored();
    let end = scene.last().id;
    for _ in 0..3 {
        scene.send(Event::Retry);
        let id = scene.generate();
        scene.send(Event::Cancel);
        scene
            .said(id, wire::Event::Done(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() }));
        assert_eq!(scene.last().id, end);
    }
    let summaries = scene.agent.beside.iter().filter(|message| message.summary().is_some()).count();
    assert_eq!(summaries, 1, "the one of the first time");
}

#[test]
fn no_answer_is_chosen_while_one_is_written() {
    let mut scene = Scene::talked();
    let old = scene.last().id;
    let id = with_another(&mut scene);
    assert!(names(&scene.send(Event::Choose(old))).is_empty());
    assert!(scene.agent.comparison.is_some());
    scene.answer(id, &["Ink."]);
    assert!(scene.agent.comparison.as_ref().is_some_and(|comparison| comparison.ready));
}

#[test]
fn what_is_pinned_is_pinned_in_the_edited_message_too() {
    let mut scene = Scene::talked();
    let first = scene.agent.transcript[0].id;
    scene.send(Event::Pin { message: first, part: 0 });
    assert!(pin(&scene));
    scene.send(Event::Edit(first));
    scene.ask("what is that?");
    assert_ne!(scene.agent.transcript[0].id, first);
    assert!(pin(&scene));
}

#[test]
fn a_summary_that_is_stopped_is_not_asked_for_anew() {
    let mut scene = Scene::talked();
    scene.send(Event::Compact);
    let id = scene.last_request(|effect| matches!(effect, Effect::Ask { ask: Ask::Compact { .. }, .. }));
    scene.send(Event::Cancel);
    scene
        .said(id, wire::Event::Failed(Failure::new(FailureKind::ContextOverflow, "It has too many tokens.")));
    assert!(!scene.agent.busy());
    assert!(scene.agent.compaction.is_none());
}

#[test]
fn who_leaves_waits_for_no_model() {
    let mut scene = Scene::talked();
    let id = with_another(&mut scene);
    scene.answer(id, &["Ink."]);
    let effects = scene.send(Event::Leave);
    assert!(!names(&effects).contains(&"load"), "{effects:?}");
}
