//! What a conversation does when something dies, hangs, is missing or can't be written.

use super::*;

fn died() -> Event {
    let retry_in = Some(std::time::Duration::from_millis(250));
    Event::Worker(WorkerEvent::Down { reason: "killed".into(), retry_in })
}

fn up() -> Event {
    Event::Worker(WorkerEvent::Up(ready_event()))
}

#[test]
fn a_model_that_is_not_there_is_no_reason_to_wait_in_whatever_order_things_happen() {
    let missing = || Event::ModelMissing("There is no model `x`.".into());
    let orders: [fn(&mut Scene, Event); 3] = [
        // Before the worker is up and the message sent.
        |scene, missing| {
            scene.send(missing);
            scene.send(Event::Submit("q".into()));
            scene.stored();
            scene.send(up());
        },
        // While the message waits for a worker that is up.
        |scene, missing| {
            scene.send(up());
            scene.send(Event::Submit("q".into()));
            scene.stored();
            scene.send(missing);
        },
        // While it waits for the worker.
        |scene, missing| {
            scene.send(Event::Submit("q".into()));
            scene.stored();
            scene.send(missing);
            scene.send(up());
        },
    ];
    for (number, order) in orders.into_iter().enumerate() {
        let mut scene = Scene::new();
        scene.send(Event::UseModel("x".into()));
        assert_eq!(scene.agent.hopeless(), None);
        order(&mut scene, missing());
        assert_eq!(scene.agent.turn, Turn::Idle, "order {number}");
        assert!(scene.agent.hopeless().is_some(), "order {number}");
        assert!(!scene.agent.notices.is_empty(), "order {number}");
    }
}

#[test]
fn a_load_that_is_stopped_or_fails_lets_no_message_wait() {
    let stopped = wire::Event::Done(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() });
    let failed = wire::Event::Failed(Failure::new(FailureKind::ModelFile, "It is cut off."));
    for ending in [stopped, failed] {
        let mut scene = Scene::new();
        scene.send(Event::ModelFound(Box::new(model())));
        scene.send(up());
        scene.send(Event::Submit("q".into()));
        scene.stored();
        assert!(matches!(scene.agent.turn, Turn::Sending { .. }));
        let id = scene.last_request(|effect| matches!(effect, Effect::Load { .. }));
        scene.said(id, ending);
        assert_eq!(scene.agent.turn, Turn::Idle);
    }
}

#[test]
fn what_killed_the_worker_is_not_evaluated_again_by_itself() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("poison.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("poison.png")) });
    scene.send(died());
    scene.send(up());
    let load = scene.agent.requests;
    scene.effects.clear();
    scene.finish_load_of(load);
    assert_eq!(names(&scene.effects), [""; 0], "neither restored nor prefilled");
    // Taking it off and going on works as ever.
    scene.send(Event::Detach(ticket));
    let id = scene.ask("hello?");
    scene.answer(id, &["Hello."]);
    assert!(scene.effects.iter().any(|effect| matches!(effect, Effect::Ask { ask: Ask::Prefill, .. })));
}

#[test]
fn a_second_esc_ends_a_worker_that_does_not_stop() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.said(id, token("Bec"));
    assert_eq!(names(&scene.send(Event::Cancel)), ["cancel"]);
    assert_eq!(names(&scene.send(Event::Cancel)), ["restart"]);
    assert_eq!(names(&scene.send(Event::Cancel)), [""; 0]);
    assert_eq!(names(&scene.send(died())), ["store"]);
    assert_eq!(scene.last().status, Status::Interrupted { why: "stopped by you".into() });
    assert_eq!(scene.agent.failure, None, "nothing failed");
    assert_eq!(names(&scene.send(up())), ["load"]);
}

#[test]
fn a_worker_given_up_in_an_empty_chat_is_started_again_by_retry() {
    let mut scene = Scene::ready();
    scene.send(Event::Worker(WorkerEvent::Down { reason: "no".into(), retry_in: None }));
    assert_eq!(names(&scene.send(Event::Retry)), ["load"]);
    assert!(matches!(scene.agent.engine, EngineState::Down { restarting: true, .. }));
}

#[test]
fn a_failure_that_was_overcome_is_none_of_the_answer() {
    let mut scene = Scene::ready();
    scene.send(Event::Submit("q".into()));
    scene.send(died());
    scene.stored();
    scene.send(up());
    scene.finish_load();
    let id = scene.generate();
    scene.answer(id, &["A."]);
    assert_eq!((scene.agent.failure.clone(), scene.last().text()), (None, "A.".to_owned()));
}

#[test]
fn taking_off_the_chip_that_a_message_waits_for_sends_it() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("slow.png");
    scene.send(Event::Submit("what is it?".into()));
    assert_eq!(names(&scene.send(Event::Detach(ticket))), ["stop taking", "store"]);
    assert_eq!(scene.agent.transcript[0].parts, [Part::text("what is it?")]);
}

#[test]
fn pictures_are_prefilled_in_their_order() {
    let mut scene = Scene::ready();
    let first = scene.attach("a.png");
    let second = scene.attach("b.png");
    let effects = scene.send(Event::Taken { ticket: second, result: Ok(picture("b.png")) });
    assert_eq!(names(&effects), [""; 0], "b stands behind a");
    scene.send(Event::Taken { ticket: first, result: Ok(picture("a.png")) });
    let Some(Effect::Ask { conversation, .. }) = scene.effects.last() else { panic!() };
    let names: Vec<_> = conversation[0].attachments().map(|a| a.name.clone()).collect();
    assert_eq!(names, ["a.png", "b.png"]);
}

#[test]
fn a_prefill_that_ends_after_sending_says_nothing_of_what_is_attached_now() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("a.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("a.png")) });
    let prefill = scene.prefill();
    scene.ask("q");
    let ticket = scene.attach("b.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("b.png")) });
    scene.said(prefill, wire::Event::Done(DoneReport::default()));
    assert!(matches!(scene.agent.chips[0].state, ChipState::Taken { cached: false, .. }));
}

#[test]
fn a_model_that_comes_in_its_place_has_nothing_in_its_cache() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("a.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("a.png")) });
    let prefill = scene.prefill();
    scene.said(prefill, wire::Event::Done(DoneReport::default()));
    assert!(matches!(scene.agent.chips[0].state, ChipState::Taken { cached: true, .. }));
    scene.send(Event::ModelFound(Box::new(model())));
    assert!(matches!(scene.agent.chips[0].state, ChipState::Taken { cached: false, .. }));
}

#[test]
fn a_message_sent_before_the_model_is_loaded_finds_the_saved_prompt() {
    let mut scene = Scene::new();
    scene.send(Event::ModelFound(Box::new(model())));
    let summary = SessionSummary {
        id: SessionId(7),
        title: "q".into(),
        created_ms: 1,
        updated_ms: 2,
        messages: 0,
        branches: 1,
        tags: Vec::new(),
        removed_ms: None,
    };
    scene.send(Event::Opened(Box::new(Session { summary, tree: Vec::new(), head: None })));
    scene.send(up());
    scene.send(Event::Submit("and?".into()));
    scene.stored();
    let load = scene.last_request(|effect| matches!(effect, Effect::Load { .. }));
    scene.effects.clear();
    scene.finish_load_of(load);
    assert_eq!(names(&scene.effects), ["restore", "generate"]);
}

#[test]
fn a_write_that_fails_behind_one_that_worked_is_caught_up() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.said(id, token("Bec"));
    scene.said(id, token("ause"));
    scene.said(id, wire::Event::Done(DoneReport::default()));
    let answer = scene.last().id;
    // Its first version is written, its last one isn't.
    scene.send(Event::Stored { session: SessionId(7), message: answer });
    scene.send(Event::StoreFailed { message: answer, why: "the disk is full".into() });
    scene.send(Event::Submit("next".into()));
    let Some(Effect::Store { messages, .. }) = scene.effects.last() else { panic!() };
    assert!(messages.iter().any(|message| message.id == answer && message.text() == "Because"));
}

#[test]
fn a_conversation_that_is_not_on_disk_is_left_only_when_asked_twice() {
    for leave in [Event::NewSession, Event::OpenSession(SessionId(1))] {
        let mut scene = Scene::ready();
        scene.send(Event::Submit("why?".into()));
        let question = scene.last().id;
        scene.send(Event::StoreFailed { message: question, why: "the disk is full".into() });
        let id = scene.generate();
        scene.said(id, token("A."));
        scene.said(id, wire::Event::Done(DoneReport::default()));
        assert_eq!(names(&scene.send(leave.clone())), [""; 0]);
        assert_eq!(scene.agent.transcript.len(), 2);
        assert!(scene.said_to_person().contains("/export"));
        assert!(!names(&scene.send(leave)).is_empty() || scene.agent.transcript.is_empty());
    }
}

#[test]
fn a_bundle_is_written_only_as_it_was_shown() {
    let mut scene = Scene::ready();
    let file = || std::path::PathBuf::from("b.tar.gz");
    assert_eq!(names(&scene.send(Event::Bundle(file()))), [""; 0]);
    assert!(scene.said_to_person().contains("nothing to bundle"));
    let answered = |scene: &mut Scene| {
        let id = scene.ask("why?");
        scene.said(id, token("A."));
        scene.said(id, wire::Event::Done(DoneReport::default()));
        scene.stored();
    };
    answered(&mut scene);
    assert_eq!(names(&scene.send(Event::WriteBundle)), [""; 0], "it was not shown");
    assert_eq!(names(&scene.send(Event::Bundle(file()))), ["show bundle"]);
    answered(&mut scene);
    assert_eq!(names(&scene.send(Event::WriteBundle)), ["show bundle"], "it would hold more now");
    assert_eq!(names(&scene.send(Event::WriteBundle)), ["write bundle"]);
    assert_eq!(names(&scene.send(Event::WriteBundle)), [""; 0], "once");
}

#[test]
fn leaving_stops_saves_and_waits_for_the_disk() {
    let mut scene = Scene::ready();
    assert!(!scene.agent.left());
    let id = scene.ask("why?");
    scene.said(id, token("Bec"));
    scene.stored();
    assert_eq!(names(&scene.send(Event::Leave)), ["cancel", "save"]);
    let cancelled = DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() };
    let effects = scene.said(id, wire::Event::Done(cancelled));
    assert_eq!(names(&effects), ["store"], "nothing is prefilled any more");
    let save = scene.agent.requests;
    scene.said(save, wire::Event::Done(DoneReport::default()));
    assert!(!scene.agent.left(), "the last words are being written");
    scene.stored();
    assert!(scene.agent.left());

    let mut scene = Scene::new();
    scene.send(Event::Leave);
    assert!(scene.agent.left(), "there is nothing to wait for");
}

#[test]
fn a_server_that_was_down_is_tried_again_by_retry_and_by_the_next_message() {
    let down = || {
        let failure = Failure::new(FailureKind::Server, "a:1 can't be reached.");
        wire::Event::Failed(failure)
    };
    let mut scene = Scene::new();
    let at_server = crate::catalogue::ReadyModel::at_server("qwen", wire::ServerOptions::default());
    scene.send(Event::ModelFound(Box::new(at_server)));
    scene.send(up());
    let first = scene.agent.requests;
    scene.said(first, down());
    assert_eq!(scene.agent.engine, EngineState::Empty);
    assert!(scene.agent.hopeless().is_some());

    // The next message tries it, and is kept where that fails.
    scene.send(Event::Submit("q".into()));
    scene.stored();
    assert!(matches!(scene.agent.engine, EngineState::Loading { .. }));
    let second = scene.agent.requests;
    scene.said(second, down());
    assert_eq!(scene.agent.turn, Turn::Idle);

    // So does /retry; when it is up, the question is answered.
    scene.send(Event::Retry);
    assert!(matches!(scene.agent.turn, Turn::Sending { .. }));
    let third = scene.agent.requests;
    assert_eq!((second, third), (first + 1, first + 2));
    scene.said(third, wire::Event::Done(DoneReport::default()));
    assert!(matches!(scene.agent.turn, Turn::Answering { .. }), "{:?}", scene.agent.turn);
}
