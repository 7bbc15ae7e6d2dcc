//! Editing, going on from elsewhere, and answers beside each other.

use super::*;

/// A scene with two questions and their answers; the ids of the four messages.
fn talk() -> (Scene, [MessageId; 4]) {
    let mut scene = Scene::ready();
    for (question, answer) in [("one?", "First."), ("two?", "Second.")] {
        let id = scene.ask(question);
        scene.answer(id, &[answer]);
    }
    let ids: Vec<MessageId> = scene.agent.transcript.iter().map(|message| message.id).collect();
    scene.effects.clear();
    (scene, ids.try_into().unwrap())
}

fn shown(scene: &Scene) -> Vec<String> {
    scene.agent.transcript.iter().map(Message::text).collect()
}

fn chips(scene: &Scene) -> Vec<&str> {
    scene.agent.chips.iter().map(|chip| chip.name.as_str()).collect()
}

/// The head of the last write, and the messages that it wrote.
fn written(effects: &[Effect]) -> (Option<MessageId>, Vec<MessageId>) {
    let stores = effects.iter().rev().find_map(|effect| match effect {
        Effect::Store { messages, head, .. } => Some((*head, messages.iter().map(|m| m.id).collect())),
        _ => None,
    });
    stores.expect("something was stored")
}

fn model_named(name: &str) -> Event {
    Event::ModelFound(Box::new(ReadyModel { name: name.into(), ..model() }))
}

#[test]
fn an_edited_message_stands_beside_the_one_before() {
    let (mut scene, [_, first, second, last]) = talk();
    assert_eq!(names(&scene.send(Event::Edit(second))), ["cancel", "prefill"]);
    assert_eq!(scene.agent.editing(), Some(second));
    assert_eq!(shown(&scene).len(), 4, "nothing is gone before it is sent");
    let Some(Effect::Ask { conversation, .. }) = scene.effects.last() else { panic!() };
    assert_eq!(conversation.last().unwrap().id, first, "what comes after the message is not evaluated");

    let id = scene.ask("two, or three?");
    assert_eq!(shown(&scene), ["one?", "First.", "two, or three?", ""]);
    assert_eq!(scene.agent.editing(), None);
    scene.answer(id, &["Three."]);
    let edited = scene.agent.transcript[2].clone();
    assert_eq!(edited.parent, Some(first));
    assert_eq!(scene.agent.tree().versions(edited.id), [second, edited.id]);
    let beside: Vec<MessageId> = scene.agent.beside.iter().map(|message| message.id).collect();
    assert_eq!(beside, [second, last]);
}

#[test]
fn attachments_come_back_as_chips_and_those_of_the_draft_wait() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("a.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("a.png")) });
    let id = scene.ask("what?");
    scene.answer(id, &["A cat."]);
    let question = scene.agent.transcript[0].id;
    let draft = scene.attach("draft.png");

    scene.send(Event::Edit(question));
    assert_eq!(chips(&scene), ["a.png"]);
    let taken = scene.send(Event::Taken { ticket: draft, result: Ok(picture("draft.png")) });
    assert!(!names(&taken).contains(&"take"), "nothing is read again: {taken:?}");
    let reading = scene.attach("more.png");
    let effects = scene.send(Event::StopEditing);
    assert!(effects.contains(&Effect::StopTaking(reading)), "{effects:?}");
    assert_eq!(chips(&scene), ["draft.png"]);
    assert!(!scene.agent.chips[0].is_taking(), "it was read meanwhile");
    assert_eq!(shown(&scene), ["what?", "A cat."]);

    scene.send(Event::Edit(question));
    scene.ask("which?");
    assert_eq!(scene.agent.transcript[0].parts, [Part::attachment(picture("a.png")), Part::text("which?")]);
    assert_eq!(scene.agent.transcript[0].parent, None);
    assert_eq!(chips(&scene), ["draft.png"], "what was attached before waits for the next message");
}

#[test]
fn any_message_can_be_gone_on_from_and_the_head_is_stored() {
    let (mut scene, [question, first, second, last]) = talk();
    let effects = scene.send(Event::GoTo(first));
    assert_eq!(names(&effects), ["cancel", "store", "prefill"]);
    assert_eq!(written(&effects), (Some(first), vec![first]));
    assert_eq!(shown(&scene), ["one?", "First."]);
    assert!(scene.said_to_person().contains("what you send makes a branch"));
    scene.send(Event::Stored { session: SessionId(7), message: first });
    let id = scene.ask("else?");
    scene.answer(id, &["Else."]);
    assert_eq!(scene.agent.transcript[2].parent, Some(first));
    assert_eq!(scene.agent.tree().version(second), Some((1, 2)));

    let effects = scene.send(Event::GoTo(last));
    assert_eq!(written(&effects).0, Some(last));
    assert_eq!(shown(&scene), ["one?", "First.", "two?", "Second."]);
    assert_eq!(scene.said_to_person(), "", "the end of a branch needs no word");

    scene.send(Event::GoTo(question));
    assert!(scene.said_to_person().contains("/retry answers this question again"));
    scene.send(Event::Retry);
    let id = scene.generate();
    scene.answer(id, &["Again."]);
    assert_eq!(scene.agent.tree().version(first), Some((1, 2)));
    scene.send(Event::GoTo(MessageId(1)));
    assert!(scene.said_to_person().contains("not in this conversation"));
}

#[test]
fn nothing_is_switched_while_an_answer_is_written() {
    let (mut scene, [_, first, second, _]) = talk();
    scene.ask("three?");
    for event in [Event::GoTo(first), Event::Edit(second), Event::Compare("other".into())] {
        assert_eq!(names(&scene.send(event)), [""; 0]);
        assert!(scene.said_to_person().contains("Stop it with Esc first."));
        assert_eq!(shown(&scene).len(), 6);
        scene.send(Event::DismissNotices);
    }
}

#[test]
fn the_middle_of_a_turn_is_nothing_to_go_on_from() {
    let mut scene = Scene::ready();
    let id = scene.ask("list");
    let call =
        wire::Event::ToolCall { name: "shell".into(), arguments: serde_json::json!({}), leaked_bytes: 0 };
    scene.said(id, token("Let me see."));
    scene.said(id, call);
    scene.said(id, wire::Event::Done(DoneReport { stop: StopReason::ToolCall, ..DoneReport::default() }));
    let called = scene.agent.transcript[1].id;
    scene.send(Event::Cancel);
    scene.send(Event::GoTo(called));
    assert!(scene.said_to_person().contains("in the middle of a turn"), "{}", scene.said_to_person());
    assert_eq!(shown(&scene).len(), 3);
}

#[test]
fn what_could_not_be_stored_is_written_from_all_branches() {
    let (mut scene, [_, _, second, last]) = talk();
    scene.send(Event::Retry);
    scene.send(Event::StoreFailed { message: last, why: "the disk is full".into() });
    let id = scene.generate();
    let effects = scene.said(id, token("Anew."));
    let (head, messages) = written(&effects);
    let newest = scene.last().id;
    assert_eq!((head, messages), (Some(newest), vec![last, newest]), "the head comes last");
    assert_eq!(scene.last().parent, Some(second));
}

#[test]
fn another_answer_that_does_not_come_leaves_the_first_one() {
    let (mut scene, [.., last]) = talk();
    scene.send(Event::Retry);
    let id = scene.generate();
    assert_eq!(shown(&scene), ["one?", "First.", "two?", ""]);
    scene.send(Event::Cancel);
    scene.said(id, wire::Event::Done(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() }));
    assert_eq!(scene.last().id, last);
    assert!(scene.agent.beside.is_empty() && scene.agent.comparison.is_none());
}

#[test]
fn two_models_answer_and_the_chosen_one_stays() {
    for keep_old in [true, false] {
        let (mut scene, [.., last]) = talk();
        let effects = scene.send(Event::Compare("other".into()));
        assert_eq!(effects.last(), Some(&Effect::FindModel("other".into())));
        assert!(scene.agent.busy());
        assert_eq!(names(&scene.send(model_named("other"))), ["load"]);
        scene.finish_load();
        let id = scene.generate();
        scene.answer(id, &["Other."]);
        let comparison = scene.agent.comparison.clone().expect("two answers");
        assert!(comparison.ready);
        let new = scene.last().clone();
        assert_eq!(new.stats.as_ref().unwrap().model, "other");
        assert_eq!(scene.agent.tree().versions(last), [last, new.id]);

        scene.effects.clear();
        scene.send(if keep_old { Event::EndComparison } else { Event::Choose(new.id) });
        assert_eq!(scene.agent.comparison, None);
        let (end, name) = if keep_old { (last, "test") } else { (new.id, "other") };
        assert_eq!(scene.last().id, end);
        assert_eq!(scene.agent.model.as_ref().unwrap().name, name);
        let loads = names(&scene.effects).contains(&"load");
        assert_eq!(loads, keep_old, "the old model is loaded again: {:?}", names(&scene.effects));
        assert!(scene.said_to_person().contains(name), "{}", scene.said_to_person());
    }
}

#[test]
fn a_comparison_that_fails_or_is_stopped_leaves_all_as_it_was() {
    type Fail = fn(&mut Scene);
    let missing: Fail = |scene| drop(scene.send(Event::ModelMissing("there is no model `other`".into())));
    let broken: Fail = |scene| {
        scene.send(model_named("other"));
        let load = scene.last_request(|effect| matches!(effect, Effect::Load { .. }));
        scene.said(load, wire::Event::Failed(Failure::new(FailureKind::ModelFile, "It is cut off.")));
    };
    let stopped: Fail = |scene| drop(scene.send(Event::Cancel));
    let stopped_in_load: Fail = |scene| {
        scene.send(model_named("other"));
        scene.send(Event::Cancel);
    };
    let cases =
        [("missing", missing), ("broken", broken), ("stopped", stopped), ("in load", stopped_in_load)];
    for (name, fail) in cases {
        let (mut scene, [.., last]) = talk();
        scene.send(Event::Compare("other".into()));
        fail(&mut scene);
        assert_eq!(scene.last().id, last, "{name}");
        assert!(!scene.agent.busy() && scene.agent.comparison.is_none(), "{name}");
        assert_eq!(scene.agent.model.as_ref().unwrap().name, "test", "{name}");
        // What was being looked for comes too late.
        if name == "stopped" {
            assert_eq!(names(&scene.send(model_named("other"))), [""; 0]);
            assert_eq!(scene.agent.model.as_ref().unwrap().name, "test");
        }
    }
}

#[test]
fn leaving_without_a_choice_keeps_the_old_answer() {
    let (mut scene, [.., last]) = talk();
    scene.send(Event::Compare("test".into()));
    let id = scene.generate();
    scene.answer(id, &["Other."]);
    let effects = scene.send(Event::Leave);
    assert_eq!(written(&effects).0, Some(last));
    assert!(!names(&effects).contains(&"load"));
}

#[test]
fn an_opened_conversation_has_all_its_branches() {
    let (mut scene, [_, first, _, last]) = talk();
    scene.send(Event::GoTo(first));
    let id = scene.ask("else?");
    scene.answer(id, &["Else."]);
    let tree: Vec<Message> = scene.agent.transcript.iter().chain(&scene.agent.beside).cloned().collect();
    let summary = SessionSummary {
        id: SessionId(7),
        title: "one?".into(),
        created_ms: 1,
        updated_ms: 2,
        messages: 6,
        branches: 2,
        tags: Vec::new(),
        removed_ms: None,
    };
    scene.send(Event::NewSession);
    assert!(scene.agent.beside.is_empty());
    scene.send(Event::Opened(Box::new(Session { summary, tree, head: Some(last) })));
    assert_eq!(shown(&scene), ["one?", "First.", "two?", "Second."]);
    assert_eq!(scene.agent.tree().branches(Some(last)).len(), 2);
}
