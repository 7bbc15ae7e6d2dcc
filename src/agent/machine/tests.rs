//! The rules of a conversation; what happens when something goes wrong is in `trouble`.

mod branches;
mod compact;
mod steps;
mod titles;
mod together;
mod trouble;

use std::path::PathBuf;

use super::*;
use crate::attachment::{Attachment, AttachmentId, Medium, Source};
use crate::catalogue::ReadyModel;
use crate::engines::WorkerEvent;
use crate::intake::Given;
use crate::session::{Session, SessionId, SessionSummary};
use crate::wire::{
    self, DoneReport, Envelope, Failure, FailureKind, Ledger, LedgerEntry, LedgerKind, LoadOptions,
    ModelInfo, Sampling, Stage, StopReason,
};

/// Drives an agent and plays a store and a worker where the test doesn't.
struct Scene {
    agent: Agent,
    clock: i64,
    effects: Vec<Effect>,
}

impl Scene {
    fn new() -> Self {
        Self { agent: Agent::new(Rules::default()), clock: 1000, effects: Vec::new() }
    }

    /// With a model loaded.
    fn ready() -> Self {
        let mut scene = Self::new();
        scene.send(Event::ModelFound(Box::new(model())));
        scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
        scene.finish_load();
        scene.effects.clear();
        scene
    }

    fn send(&mut self, event: Event) -> Vec<Effect> {
        self.clock += 10;
        let effects = self.agent.handle(event, Stamp { ms: self.clock, id: self.clock });
        self.effects.extend(effects.clone());
        effects
    }

    fn said(&mut self, id: u64, body: wire::Event) -> Vec<Effect> {
        self.send(Event::Worker(WorkerEvent::Said(Envelope { id, body })))
    }

    fn finish_load(&mut self) {
        let id = self.last_request(|effect| matches!(effect, Effect::Load { .. }));
        self.finish_load_of(id);
    }

    fn finish_load_of(&mut self, id: u64) {
        self.said(id, wire::Event::Loaded(ModelInfo { name: "test".into(), ..ModelInfo::default() }));
        self.said(id, wire::Event::Done(DoneReport::default()));
    }

    /// Says that the last messages handed to the store are on disk.
    fn stored(&mut self) -> Vec<Effect> {
        let message = self
            .effects
            .iter()
            .rev()
            .find_map(|effect| match effect {
                Effect::Store { messages, .. } => messages.last().map(|message| message.id),
                _ => None,
            })
            .expect("something was stored");
        self.send(Event::Stored { session: SessionId(7), message })
    }

    fn attach(&mut self, name: &str) -> u64 {
        let effects = self.send(Event::Attach(Given::Path(PathBuf::from(name))));
        let [Effect::Take { ticket, .. }] = effects[..] else { panic!("{effects:?}") };
        ticket
    }

    fn last_request(&self, which: impl Fn(&Effect) -> bool) -> u64 {
        let found = self.effects.iter().rev().find(|effect| which(effect));
        match found {
            Some(Effect::Load { id, .. } | Effect::Ask { id, .. }) => *id,
            other => panic!("{other:?} in {:?}", self.effects),
        }
    }

    fn generate(&self) -> u64 {
        self.last_request(|effect| matches!(effect, Effect::Ask { ask: Ask::Generate, .. }))
    }

    fn prefill(&self) -> u64 {
        self.last_request(|effect| matches!(effect, Effect::Ask { ask: Ask::Prefill, .. }))
    }

    /// Asks a question and has it stored; the id of the `Generate`.
    fn ask(&mut self, question: &str) -> u64 {
        self.send(Event::Submit(question.into()));
        self.stored();
        self.generate()
    }

    fn answer(&mut self, id: u64, words: &[&str]) {
        for word in words {
            self.said(id, token(word));
        }
        self.said(id, wire::Event::Done(DoneReport::default()));
        self.stored();
    }

    fn last(&self) -> &Message {
        self.agent.transcript.last().expect("a message")
    }

    fn said_to_person(&self) -> String {
        self.agent.notices.iter().map(|notice| notice.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn a_question_asked_before_the_model_is_found_waits_for_it() {
    let mut scene = Scene::new();
    scene.send(Event::UseModel("test".into()));
    scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
    let effects = scene.send(Event::Submit("q".into()));
    assert_eq!(names(&effects), ["store"]);
    let message = scene.agent.transcript[0].id;
    scene.send(Event::Stored { session: SessionId(1), message });
    assert!(scene.agent.busy());
    let effects = scene.send(Event::ModelFound(Box::new(model())));
    assert_eq!(names(&effects), ["load"]);

    let mut scene = Scene::new();
    scene.send(Event::UseModel("none".into()));
    scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
    scene.send(Event::Submit("q".into()));
    let message = scene.agent.transcript[0].id;
    scene.send(Event::Stored { session: SessionId(1), message });
    scene.send(Event::ModelMissing("there is no model `none`".into()));
    assert!(!scene.agent.busy());
    assert!(scene.agent.notices[0].text.contains("no model `none`"));
}

fn token(text: &str) -> wire::Event {
    wire::Event::Token { text: text.into(), logprob: -0.1 }
}

fn model() -> ReadyModel {
    ReadyModel {
        name: "test".into(),
        model: "m.gguf".into(),
        mmproj: None,
        load: LoadOptions::default(),
        sampling: Sampling::default(),
        system_prompt: false,
        tools: true,
        turns: crate::catalogue::Turns::All,
        starter: false,
        unsure_below: None,
    }
}

fn ready_event() -> wire::Ready {
    wire::Ready {
        protocol: wire::PROTOCOL_VERSION,
        engine: "fake".into(),
        build: "0".into(),
        cpu_features: vec![],
        limits: wire::Limits { max_line_bytes: wire::MAX_LINE_BYTES },
        gpus: Vec::new(),
    }
}

fn picture(name: &str) -> Attachment {
    Attachment {
        id: AttachmentId::of(name.as_bytes()),
        name: name.into(),
        bytes: 10,
        medium: Medium::Image { width: 4, height: 3, format: "png".into(), view: None },
        source: Source::Clipboard,
    }
}

fn names(effects: &[Effect]) -> Vec<&'static str> {
    effects
        .iter()
        .map(|effect| match effect {
            Effect::Judge { .. } => "judge",
            Effect::RunTool { .. } => "run tool",
            Effect::StopTool { .. } => "stop tool",
            Effect::Remember { .. } => "remember",
            Effect::Revoke(_) => "revoke",
            Effect::RestartServer(_) => "restart server",
            Effect::ListTools => "list tools",
            Effect::StopTaking(_) => "stop taking",
            Effect::Take { .. } => "take",
            Effect::Store { .. } => "store",
            Effect::Ask { ask: Ask::Prefill, .. } => "prefill",
            Effect::Ask { ask: Ask::Generate, .. } => "generate",
            Effect::Ask { ask: Ask::Title, .. } => "title",
            Effect::Entitle { .. } => "entitle",
            Effect::Ask { ask: Ask::Compact { .. }, .. } => "compact",
            Effect::Cancel { .. } => "cancel",
            Effect::RestartWorker => "restart",
            Effect::FindModel(_) => "find",
            Effect::Load { .. } => "load",
            Effect::SaveState { .. } => "save",
            Effect::RestoreState { .. } => "restore",
            Effect::Open(_) => "open",
            Effect::Shelve { .. } => "shelve",
            Effect::Bundle { write: false, .. } => "show bundle",
            Effect::Bundle { .. } => "write bundle",
            Effect::Export { .. } => "export",
        })
        .collect()
}

#[test]
fn a_message_is_on_disk_before_the_model_gets_it() {
    let mut scene = Scene::ready();
    assert_eq!(names(&scene.send(Event::Submit("why?".into()))), ["store"]);
    assert!(scene.agent.busy());
    assert_eq!(names(&scene.stored()), ["generate"]);
    assert_eq!(scene.agent.session, Some(SessionId(7)));
    assert_eq!(scene.agent.title, "why?");
}

#[test]
fn an_answer_grows_is_stored_and_ends() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    assert_eq!(names(&scene.said(id, token("Be"))), ["store"], "the first word is stored at once");
    assert_eq!(names(&scene.said(id, token("cause"))), [""; 0], "the next ones with the tick");
    assert_eq!(names(&scene.send(Event::Tick { says: String::new() })), ["store"]);
    assert_eq!(
        names(&scene.send(Event::Tick { says: String::new() })),
        [""; 0],
        "nothing new, nothing to write"
    );
    assert_eq!(scene.last().status, Status::Streaming);
    let effects = scene.said(id, wire::Event::Done(DoneReport::default()));
    assert_eq!(names(&effects), ["store", "prefill"]);
    assert_eq!((scene.last().text().as_str(), &scene.last().status), ("Because", &Status::Complete));
}

#[test]
fn a_server_names_its_model_caches_nothing_ahead_and_what_was_replaced_is_said_once() {
    let mut scene = Scene::new();
    scene.send(Event::ModelFound(Box::new(ReadyModel::at_server("", wire::ServerOptions::default()))));
    scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
    let load = scene.last_request(|effect| matches!(effect, Effect::Load { .. }));
    let server = wire::ServerInfo { address: "a.example".into(), elsewhere: true };
    let info = ModelInfo { name: "qwen".into(), server: Some(server), ..ModelInfo::default() };
    scene.said(load, wire::Event::Loaded(info));
    assert_eq!(scene.agent.leaves_to(), None, "nothing is sent yet");
    scene.said(load, wire::Event::Done(DoneReport::default()));
    assert_eq!(scene.agent.model.as_ref().unwrap().name, "qwen");
    assert_eq!(scene.agent.leaves_to(), Some("a.example"));

    let ticket = scene.attach("shot.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("shot.png")) });
    let prefill = scene.prefill();
    scene.said(prefill, wire::Event::Done(DoneReport::default()));
    assert!(matches!(&scene.agent.chips[0].state, ChipState::Taken { cached: false, .. }));

    let found = |places| crate::redact::Found {
        secrets: crate::redact::Count { values: 1, places },
        ..crate::redact::Found::default()
    };
    for (places, news) in [(1, true), (1, false), (2, true)] {
        let id = scene.ask("why?");
        scene.said(id, wire::Event::Redacted(found(places)));
        scene.said(id, token("So."));
        scene.said(id, wire::Event::Done(DoneReport::default()));
        assert_eq!(scene.said_to_person().contains("1 secret in"), news, "{places} places");
    }
}

#[test]
fn what_the_model_is_told_is_evaluated_before_the_first_question() {
    let mut scene = Scene::new();
    let told = ReadyModel { system_prompt: true, ..model() };
    scene.send(Event::ModelFound(Box::new(told)));
    scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
    scene.finish_load();
    let id = scene.prefill();
    // A template that wants a question fails here, and that is nothing to worry the person with.
    scene.said(id, wire::Event::Failed(Failure::new(FailureKind::Template, "no user message")));
    assert_eq!(scene.said_to_person(), "");
    assert_eq!(names(&scene.send(Event::Submit("q".into()))), ["store"]);
}

#[test]
fn a_picture_is_encoded_while_the_person_types() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("shot.png");
    assert_eq!(names(&scene.send(Event::Taken { ticket, result: Ok(picture("shot.png")) })), ["prefill"]);
    let prefill = scene.prefill();
    let row = |kind, tokens| LedgerEntry {
        message: Some(0),
        content: Some(0),
        kind,
        tokens,
        bytes: 1,
        encode_ms: None,
        cached: false,
    };
    let entries = vec![row(LedgerKind::Image, 64), row(LedgerKind::Template, 9)];
    scene.said(
        prefill,
        wire::Event::Ledger(Ledger { entries, total_tokens: 73, context: 4096, estimated: false }),
    );
    scene.said(prefill, wire::Event::Progress { stage: Stage::Encoding, done: 0, total: 1 });
    assert!(matches!(scene.agent.turn, Turn::Prefilling { progress: Some((Stage::Encoding, 0, 1)), .. }));
    scene.said(prefill, wire::Event::Done(DoneReport::default()));
    let ChipState::Taken { cached: true, tokens: Some(64), .. } = scene.agent.chips[0].state else {
        panic!("{:?}", scene.agent.chips)
    };
}

#[test]
fn sending_lets_a_running_prefill_go_on() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("shot.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("shot.png")) });
    let prefill = scene.prefill();
    scene.effects.clear();
    scene.ask("what is it?");
    assert_eq!(names(&scene.effects), ["store", "generate"], "nothing is cancelled");
    scene.said(prefill, wire::Event::Progress { stage: Stage::Encoding, done: 0, total: 1 });
    assert!(matches!(scene.agent.turn, Turn::Answering { progress: Some(_), .. }), "its progress is shown");
    assert!(matches!(&scene.agent.transcript[0].parts[..], [Part::Attachment { .. }, Part::Text { .. }]));
}

#[test]
fn a_message_waits_for_its_attachments() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("slow.png");
    assert_eq!(names(&scene.send(Event::Submit("what is it?".into()))), [""; 0]);
    let effects = scene.send(Event::Taken { ticket, result: Ok(picture("slow.png")) });
    assert_eq!(names(&effects), ["store"]);
    assert_eq!(scene.agent.transcript[0].parts.len(), 2);
}

#[test]
fn an_attachment_that_fails_blocks_nothing() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("bad.png");
    scene.send(Event::Submit("hello".into()));
    let effects = scene.send(Event::Taken { ticket, result: Err("bad.png is text.".into()) });
    assert_eq!(names(&effects), ["store"]);
    assert_eq!(scene.agent.transcript[0].parts, [Part::text("hello")]);
    assert!(scene.said_to_person().contains("bad.png is text."));

    let mut scene = Scene::ready();
    let ticket = scene.attach("bad.png");
    scene.send(Event::Submit(String::new()));
    scene.send(Event::Taken { ticket, result: Err("bad.png is text.".into()) });
    assert_eq!(scene.agent.turn, Turn::Idle);
    assert!(scene.said_to_person().contains("Nothing was sent"));
}

#[test]
fn a_chip_taken_off_is_no_part_of_the_message() {
    let mut scene = Scene::ready();
    let first = scene.attach("a.png");
    let second = scene.attach("b.png");
    scene.send(Event::Taken { ticket: first, result: Ok(picture("a.png")) });
    scene.send(Event::Taken { ticket: second, result: Ok(picture("b.png")) });
    assert_eq!(names(&scene.send(Event::Detach(first))), ["cancel", "prefill"]);
    scene.send(Event::Submit("which?".into()));
    let names: Vec<_> = scene.agent.transcript[0].attachments().map(|a| a.name.clone()).collect();
    assert_eq!(names, ["b.png"]);
}

#[test]
fn an_attachment_can_be_taken_out_of_a_sent_message_and_put_back() {
    let mut scene = Scene::ready();
    let ticket = scene.attach("a.png");
    scene.send(Event::Taken { ticket, result: Ok(picture("a.png")) });
    let id = scene.ask("what?");
    scene.answer(id, &["A cat."]);
    let message = scene.agent.transcript[0].id;
    let effects = scene.send(Event::Remove { message, part: 0 });
    assert_eq!(names(&effects), ["store", "cancel", "prefill"]);
    let Effect::Store { messages, head, .. } = &effects[0] else { panic!() };
    assert_eq!((messages[0].id, *head), (message, Some(scene.last().id)), "the head stays the last message");
    assert_eq!(scene.agent.transcript[0].attachments().count(), 0);
    scene.send(Event::Remove { message, part: 0 });
    assert_eq!(scene.agent.transcript[0].attachments().count(), 1);
    scene.send(Event::Remove { message, part: 5 });
    assert!(scene.said_to_person().contains("not in this conversation"));
}

#[test]
fn esc_stops_an_answer_and_keeps_what_came() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.said(id, token("Bec"));
    assert_eq!(scene.send(Event::Cancel), [Effect::Cancel { id }]);
    assert!(matches!(scene.agent.turn, Turn::Answering { stopping: true, .. }));
    scene.said(id, wire::Event::Done(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() }));
    assert_eq!(scene.last().status, Status::Interrupted { why: "stopped by you".into() });
    assert_eq!(scene.last().text(), "Bec");
}

#[test]
fn an_answer_without_a_word_leaves_no_empty_message() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.send(Event::Cancel);
    scene.said(id, wire::Event::Done(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() }));
    assert_eq!(scene.agent.transcript.len(), 1);
    assert_eq!(scene.last().role, Role::User);
}

#[test]
fn esc_before_the_store_answered_keeps_the_message_unanswered() {
    let mut scene = Scene::ready();
    scene.send(Event::Submit("why?".into()));
    scene.send(Event::Cancel);
    assert_eq!(names(&scene.stored()), [""; 0]);
    assert_eq!(names(&scene.send(Event::Retry)), ["generate"]);
}

#[test]
fn a_dead_worker_is_said_and_the_next_question_works() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.said(id, token("Bec"));
    let retry_in = Some(std::time::Duration::from_millis(250));
    let down = WorkerEvent::Down { reason: "killed".into(), retry_in };
    let effects = scene.send(Event::Worker(down));
    assert_eq!(names(&effects), ["store"], "what came is kept");
    assert_eq!(scene.last().status, Status::Interrupted { why: "the worker died".into() });
    assert!(scene.said_to_person().contains("killed"));
    assert_eq!(names(&scene.send(Event::Worker(WorkerEvent::Up(ready_event())))), ["load"]);

    // A question asked while the model loads waits for it.
    scene.send(Event::Submit("and now?".into()));
    assert_eq!(names(&scene.stored()), [""; 0]);
    scene.finish_load();
    let id = scene.generate();
    scene.answer(id, &["Better."]);
    assert_eq!(scene.last().text(), "Better.");
    // What the dead worker said late is nobody's.
    scene.said(1, token("ghost"));
    assert_eq!(scene.last().text(), "Better.");
}

#[test]
fn a_worker_given_up_leaves_the_message_and_retry_starts_it() {
    let mut scene = Scene::ready();
    scene.send(Event::Worker(WorkerEvent::Down { reason: "no".into(), retry_in: None }));
    scene.send(Event::Submit("hello?".into()));
    scene.stored();
    assert_eq!(scene.agent.turn, Turn::Idle);
    assert!(scene.said_to_person().contains("/retry"));
    assert_eq!(names(&scene.send(Event::Retry)), ["load"]);
    scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
    scene.finish_load();
    assert!(matches!(scene.agent.turn, Turn::Answering { .. }));
}

#[test]
fn a_full_disk_loses_nothing_on_the_screen_and_is_caught_up() {
    let mut scene = Scene::ready();
    scene.send(Event::Submit("why?".into()));
    let question = scene.last().id;
    scene.send(Event::StoreFailed { message: question, why: "the disk is full".into() });
    assert!(scene.said_to_person().contains("the disk is full"));
    let id = scene.generate();
    let effects = scene.said(id, token("Because"));
    let [Effect::Store { session: None, messages, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(messages.iter().map(|m| m.role).collect::<Vec<_>>(), [Role::User, Role::Assistant]);
    scene.stored();
    assert_eq!(scene.agent.unsaved, None);
}

#[test]
fn a_prompt_that_does_not_fit_is_said_with_the_choices() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    let failure =
        Failure::new(FailureKind::ContextOverflow, "The prompt has 9,000 tokens.").hint("Remove a part.");
    scene.said(id, wire::Event::Failed(failure));
    assert!(scene.said_to_person().contains("9,000 tokens. Remove a part."));
    assert_eq!(scene.agent.turn, Turn::Idle, "what doesn't fit is not evaluated in advance again");
    assert_eq!(scene.agent.transcript.len(), 1, "the question stays");
}

#[test]
fn retry_makes_a_branch() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.answer(id, &["A."]);
    let first = scene.last().clone();
    scene.send(Event::Retry);
    let id = scene.generate();
    scene.answer(id, &["B."]);
    assert_eq!(scene.last().text(), "B.");
    assert_eq!(scene.last().parent, first.parent);
    assert_ne!(scene.last().id, first.id);
}

#[test]
fn leaving_a_session_saves_its_state_and_coming_back_restores_it() {
    let mut scene = Scene::ready();
    let id = scene.ask("why?");
    scene.answer(id, &["A."]);
    let transcript = scene.agent.transcript.clone();
    assert_eq!(names(&scene.send(Event::NewSession)), ["cancel", "save"]);
    assert!(scene.agent.transcript.is_empty() && scene.agent.session.is_none());
    assert_eq!(scene.send(Event::OpenSession(SessionId(7))), [Effect::Open(SessionId(7))]);
    let summary = SessionSummary {
        id: SessionId(7),
        title: "why?".into(),
        created_ms: 1,
        updated_ms: 2,
        messages: 2,
        branches: 1,
        tags: Vec::new(),
        removed_ms: None,
    };
    let head = transcript.last().map(|message| message.id);
    let session = Session { summary, tree: transcript.clone(), head };
    let effects = scene.send(Event::Opened(Box::new(session)));
    assert_eq!(names(&effects), ["restore", "prefill"]);
    assert_eq!(scene.agent.transcript, transcript);
}

#[test]
fn nothing_changes_under_a_running_answer() {
    let mut scene = Scene::ready();
    scene.ask("why?");
    let before = scene.agent.transcript.clone();
    for event in [
        Event::Submit("more".into()),
        Event::Retry,
        Event::NewSession,
        Event::OpenSession(SessionId(1)),
        Event::UseModel("other".into()),
        Event::Remove { message: before[0].id, part: 0 },
    ] {
        assert_eq!(names(&scene.send(event)), [""; 0]);
    }
    assert_eq!(scene.agent.transcript, before);
    assert!(scene.said_to_person().contains("Esc"));
}

#[test]
fn a_model_that_can_not_be_loaded_is_said() {
    let mut scene = Scene::new();
    scene.send(Event::ModelFound(Box::new(model())));
    scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
    let id = scene.last_request(|effect| matches!(effect, Effect::Load { .. }));
    scene.said(id, wire::Event::Progress { stage: Stage::Loading, done: 400, total: 1000 });
    assert!(matches!(scene.agent.engine, EngineState::Loading { done: 400, .. }));
    scene.said(id, wire::Event::Failed(Failure::new(FailureKind::ModelFile, "m.gguf is truncated.")));
    assert_eq!(scene.agent.engine, EngineState::Empty);
    assert!(scene.said_to_person().contains("m.gguf is truncated."));
    scene.send(Event::Submit("hello?".into()));
    scene.stored();
    assert_eq!(scene.agent.turn, Turn::Idle);
    assert!(scene.said_to_person().contains("/model"));
}

#[test]
fn conversations_are_put_in_order_but_for_the_open_one() {
    let mut scene = Scene::new();
    scene.agent.session = Some(SessionId(1));
    scene.agent.title = "old".into();
    let words = |effects: &[Effect]| match effects {
        [Effect::Shelve { work, words }] => (work.clone(), words.clone()),
        other => panic!("{other:?}"),
    };
    let found = scene.send(Event::ListSessions("boom".into()));
    assert_eq!(words(&found), (Shelving::List, "boom".into()));
    assert!(scene.send(Event::RemoveSession(SessionId(1))).is_empty());
    let removed = scene.send(Event::RemoveSession(SessionId(2)));
    assert_eq!(words(&removed), (Shelving::Remove(SessionId(2)), "boom".into()), "the same list is shown");
    assert_eq!(words(&scene.send(Event::RestoreSession)).0, Shelving::Restore(SessionId(2)));
    assert!(scene.send(Event::RestoreSession).is_empty(), "nothing more was removed");
    let renamed = scene.send(Event::RenameSession("new".into()));
    assert_eq!(words(&renamed).0, Shelving::Rename(SessionId(1), "new".into()));
    let tagged = scene.send(Event::TagSession(vec!["work".into(), "-old".into()]));
    let (add, remove) = (vec!["work".into()], vec!["old".into()]);
    assert_eq!(words(&tagged).0, Shelving::Tag { session: SessionId(1), add, remove });
    assert_eq!(scene.agent.title, "new");
}
