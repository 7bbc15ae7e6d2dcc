//! Titles by the model.

use super::*;

fn scene() -> Scene {
    let mut scene = Scene::ready();
    scene.agent.titles = true;
    scene
}

/// Asks and has it answered, up to the request for a title.
fn answered(scene: &mut Scene, question: &str) -> Option<u64> {
    let id = scene.ask(question);
    scene.said(id, token("Because."));
    let effects = scene.said(id, wire::Event::Done(DoneReport::default()));
    scene.stored();
    effects.iter().find_map(|effect| match effect {
        Effect::Ask { id, ask: Ask::Title, .. } => Some(*id),
        _ => None,
    })
}

fn entitles(effects: &[Effect]) -> Vec<(&str, &str)> {
    let entitles = effects.iter().filter_map(|effect| match effect {
        Effect::Entitle { from, to, .. } => Some((from.as_str(), to.as_str())),
        _ => None,
    });
    entitles.collect()
}

#[test]
fn the_model_names_a_conversation_behind_its_first_answer() {
    let mut scene = scene();
    let id = answered(&mut scene, "why does the build fail?").expect("a title is asked for");
    assert!(!scene.agent.busy(), "nobody waits for it");
    let messages = scene.agent.transcript.len();
    scene.said(id, token("\"A broken "));
    scene.said(id, token("build\""));
    let effects = scene.said(id, wire::Event::Done(DoneReport::default()));
    assert_eq!(entitles(&effects), [("why does the build fail?", "A broken build")]);
    assert_eq!(names(&effects), ["entitle", "prefill"]);
    assert_eq!(scene.agent.transcript.len(), messages, "it is no message");
    scene.send(Event::Entitled { session: SessionId(7), title: "A broken build".into() });
    assert_eq!(scene.agent.title, "A broken build");
    assert_eq!(answered(&mut scene, "and now?"), None, "once is enough");
}

#[test]
fn what_the_person_does_comes_first() {
    let attach = || Event::Attach(Given::Path(PathBuf::from("a.png")));
    for event in [Event::Submit("next".into()), attach(), Event::Leave, Event::Retry, Event::Cancel] {
        let mut scene = scene();
        let id = answered(&mut scene, "why?").unwrap();
        let effects = scene.send(event.clone());
        assert_eq!(effects.first(), Some(&Effect::Cancel { id }), "{event:?}");
        scene.said(id, token("Late"));
        let effects = scene.said(id, wire::Event::Done(DoneReport::default()));
        assert_eq!(entitles(&effects), [("", ""); 0], "{event:?}");
    }
    let mut scene = scene();
    answered(&mut scene, "why?").unwrap();
    assert!(answered(&mut scene, "and?").is_some(), "it is tried again behind the next answer");
}

#[test]
fn nonsense_leaves_the_title_as_it_was() {
    let call =
        wire::Event::ToolCall { name: "shell".into(), arguments: serde_json::json!({}), leaked_bytes: 0 };
    let cut_off = DoneReport { stop: StopReason::MaxTokens, ..DoneReport::default() };
    let called = DoneReport { stop: StopReason::ToolCall, ..DoneReport::default() };
    let cases = [
        (token("Why?"), DoneReport::default()),
        (token(""), DoneReport::default()),
        (token(&"long ".repeat(20)), DoneReport::default()),
        (token("A title that was cut"), cut_off),
        (call, called),
    ];
    for (said, done) in cases {
        let mut scene = scene();
        let id = answered(&mut scene, "why?").unwrap();
        scene.said(id, said.clone());
        let effects = scene.said(id, wire::Event::Done(done));
        assert_eq!(entitles(&effects), [("", ""); 0], "{said:?}");
        assert_eq!(names(&effects), ["prefill"], "{said:?}");
        assert_eq!(scene.agent.transcript.len(), 2, "a call is not run");
    }
}

#[test]
fn a_title_that_a_person_gave_stays() {
    let mut scene = scene();
    let id = answered(&mut scene, "why?").unwrap();
    scene.said(id, token("By the model"));
    scene.said(id, wire::Event::Done(DoneReport::default()));
    scene.send(Event::RenameSession("Mine".into()));
    scene.send(Event::Entitled { session: SessionId(7), title: "By the model".into() });
    assert_eq!(scene.agent.title, "Mine");

    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.answer(id, &["A."]);
    scene.agent.titles = true;
    scene.agent.title = "Mine, in the store".into();
    assert_eq!(answered(&mut scene, "and?"), None);
}

#[test]
fn no_title_is_asked_of_one_who_sees_one_question_alone_or_where_it_is_off() {
    let mut scene = scene();
    scene.agent.model.as_mut().unwrap().turns = crate::catalogue::Turns::LastPicture;
    assert_eq!(answered(&mut scene, "why?"), None);
    let mut scene = Scene::ready();
    assert_eq!(answered(&mut scene, "why?"), None, "[chat] titles");
}
