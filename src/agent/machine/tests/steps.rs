//! The steps of a turn: what is called is judged, asked about, run, and told to the model.

use serde_json::{Value, json};

use super::*;
use crate::agent::Choice;
use crate::message::{Outcome, ToolCall, ToolResult};
use crate::tools::{Allowed, Grant, Plan, Ran, Scope, Verdict, Walls};

const WRITE: Grant = Grant { write: true, network: false };

fn plan(verdict: Verdict) -> Plan {
    Plan {
        verdict,
        reason: "`x` changes files".into(),
        shown: "x --now".into(),
        grant: Grant::default(),
        walls: Walls::Sandbox("a sandbox".into()),
        scope: Scope::new(&["x".to_owned()], std::path::Path::new("/here"))
            .map(|scope| Allowed::Command { scope }),
        target: None,
        proven: false,
        sources: Vec::new(),
        editable: Some("x --now".into()),
    }
}

fn ran(text: &str) -> Ran {
    Ran { outcome: Outcome::Done, took: std::time::Duration::from_millis(7), ..Ran::failed(text) }
}

impl Scene {
    /// The model says something and calls the shell.
    fn calls(&mut self, request: u64, arguments: Value) -> Vec<Effect> {
        self.said(request, token("Let me look."));
        let name = "shell".to_owned();
        self.said(request, wire::Event::ToolCall { name, arguments, leaked_bytes: 0 });
        let done = DoneReport { stop: StopReason::ToolCall, ..DoneReport::default() };
        self.said(request, wire::Event::Done(done))
    }

    /// A question whose answer calls the shell; the effects of that.
    fn asked_and_called(&mut self) -> Vec<Effect> {
        let request = self.ask("why?");
        self.calls(request, json!({ "command": "x --now" }))
    }

    fn call_id(&self) -> String {
        match &self.agent.turn {
            Turn::Acting { call, .. } => call.id.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn judged(&mut self, plan: Result<Plan, String>) -> Vec<Effect> {
        let id = self.call_id();
        self.send(Event::Judged { id, plan: Box::new(plan) })
    }

    fn ended(&mut self, ran: Ran) -> Vec<Effect> {
        let id = self.call_id();
        self.send(Event::ToolEnded { id, ran })
    }

    fn result(&self) -> &ToolResult {
        self.agent.transcript.iter().rev().find_map(Message::result).expect("a result")
    }

    fn runs(&self, effects: &[Effect]) -> (ToolCall, Grant) {
        match effects {
            [.., Effect::RunTool { call, grant, .. }] => (call.clone(), *grant),
            other => panic!("{:?}", names(other)),
        }
    }
}

#[test]
fn what_only_reads_runs_at_once_and_the_model_goes_on_with_its_result() {
    let mut scene = Scene::ready();
    let effects = scene.asked_and_called();
    assert_eq!(names(&effects), ["store", "store", "judge"]);
    let [.., answer, step] = &scene.agent.transcript[..] else { panic!("no step") };
    assert_eq!((answer.text().as_str(), &answer.status), ("Let me look.", &Status::Complete));
    assert_eq!(answer.call().unwrap().arguments, json!({ "command": "x --now" }));
    assert_eq!((step.role, &step.status, step.parent), (Role::Tool, &Status::Streaming, Some(answer.id)));

    let effects = scene.judged(Ok(plan(Verdict::Auto)));
    assert_eq!(names(&effects), ["store", "run tool"], "on disk before it runs");
    assert!(scene.agent.busy());
    let effects = scene.ended(ran("[exit code 0]"));
    assert_eq!(names(&effects), ["store", "generate"]);
    let result = scene.result().clone();
    assert_eq!((result.outcome, result.text.as_str(), result.took_ms), (Outcome::Done, "[exit code 0]", 7));
    assert_eq!((result.shown.as_str(), result.leave.as_str()), ("x --now", "`x` changes files"));
    assert_eq!(result.id, scene.agent.transcript[1].call().unwrap().id);

    let request = scene.generate();
    scene.answer(request, &["Done."]);
    assert_eq!(scene.last().text(), "Done.");
    let ids: Vec<_> = scene.agent.transcript.iter().map(|message| message.id).collect();
    let parents: Vec<_> = scene.agent.transcript.iter().filter_map(|message| message.parent).collect();
    assert_eq!(ids[..ids.len() - 1], parents[..], "a chain");
}

#[test]
fn a_model_of_single_questions_is_done_with_the_result_of_its_call() {
    let mut scene = Scene::ready();
    scene.agent.model.as_mut().unwrap().turns = crate::catalogue::Turns::LastPicture;
    for plan in [plan(Verdict::Auto), plan(Verdict::Deny)] {
        let denied = plan.verdict == Verdict::Deny;
        scene.asked_and_called();
        scene.judged(Ok(plan));
        if !denied {
            let effects = scene.ended(ran("[exit code 0]"));
            assert!(!names(&effects).contains(&"generate"), "{:?}", names(&effects));
            assert_eq!(scene.result().text, "[exit code 0]");
        }
        assert!(!scene.agent.busy());
        assert!(scene.last().result().is_some());
    }
}

#[test]
fn what_asks_runs_only_when_the_person_says_so_and_with_what_they_grant() {
    let mut scene = Scene::ready();
    scene.asked_and_called();
    assert_eq!(names(&scene.judged(Ok(plan(Verdict::Ask)))), ["store"]);
    assert_eq!(scene.agent.asking().unwrap().1.shown, "x --now");
    // Nothing else is an answer.
    for event in [Event::Tick { says: String::new() }, Event::Submit("yes".into()), Event::Retry] {
        assert_eq!(names(&scene.send(event)), [""; 0]);
    }
    assert!(scene.agent.asking().is_some());
    let effects = scene.send(Event::Decide(Choice::Once(WRITE)));
    assert_eq!(names(&effects), ["store", "run tool"]);
    assert_eq!(scene.runs(&effects).1, WRITE);
    assert_eq!(scene.result().leave, "allowed by you, once");
}

#[test]
fn a_scope_is_remembered_for_the_session_or_for_good() {
    for (choice, lasts) in [(Choice::Session(WRITE), false), (Choice::Always(WRITE), true)] {
        let mut scene = Scene::ready();
        scene.asked_and_called();
        scene.judged(Ok(plan(Verdict::Ask)));
        let effects = scene.send(Event::Decide(choice));
        let [Effect::Remember { remembered, for_good }, ..] = &effects[..] else {
            panic!("{:?}", names(&effects))
        };
        assert_eq!((remembered.grant, *for_good), (WRITE, lasts));
        assert_eq!(Some(&remembered.allowed), plan(Verdict::Ask).scope.as_ref());
    }
}

/// A way in which a call does not run.
type Way<'a> = &'a dyn Fn(&mut Scene) -> Vec<Effect>;

#[test]
fn a_call_that_is_denied_refused_or_wrong_is_told_to_the_model_and_does_not_run() {
    let denied = |scene: &mut Scene, reason: Option<&str>| {
        scene.judged(Ok(plan(Verdict::Ask)));
        scene.send(Event::Decide(Choice::Deny(reason.map(str::to_owned))))
    };
    let ways: [(&str, Way<'_>); 4] = [
        ("The person did not allow this.", &|scene| denied(scene, None)),
        ("The person did not allow this: not now.", &|scene| denied(scene, Some("not now"))),
        ("This was not run: `x` changes files.", &|scene| scene.judged(Ok(plan(Verdict::Deny)))),
        ("shell needs `command`.", &|scene| scene.judged(Err("shell needs `command`.".into()))),
    ];
    for (text, way) in ways {
        let mut scene = Scene::ready();
        scene.asked_and_called();
        let effects = way(&mut scene);
        assert_eq!(names(&effects), ["store", "generate"], "{text}");
        assert_eq!(scene.result().text, text);
        assert!(!names(&scene.effects).contains(&"run tool"));
        // A reason of percept's may quote what it found; what the person says is no text from outside.
        let refused = text.starts_with("This was not run");
        let outcome = if refused { Outcome::Refused } else { Outcome::Denied };
        assert_eq!(scene.result().outcome, outcome);
        let tainted = scene.agent.transcript.iter().flat_map(|m| &m.parts).any(|part| part.taint().is_some());
        assert_eq!(tainted, refused, "{text}");
    }
}

#[test]
fn a_changed_command_is_judged_anew_and_the_model_is_told() {
    let mut scene = Scene::ready();
    scene.asked_and_called();
    scene.judged(Ok(plan(Verdict::Ask)));
    let effects = scene.send(Event::Decide(Choice::Edit("x --later".into())));
    let [Effect::Judge { call, .. }] = &effects[..] else { panic!("{:?}", names(&effects)) };
    assert_eq!(call.arguments["command"], "x --later");
    let changed = Plan { shown: "x --later".into(), ..plan(Verdict::Ask) };
    assert_eq!(names(&scene.judged(Ok(changed))), ["store"], "it asks again");
    let effects = scene.send(Event::Decide(Choice::Once(Grant::default())));
    assert_eq!(scene.runs(&effects).0.arguments["command"], "x --later");
    scene.ended(ran("ok"));
    assert_eq!(scene.result().text, "[the person changed the command to: x --later]\nok");
    // What the model said stays as it said it.
    assert_eq!(scene.agent.transcript[1].call().unwrap().arguments["command"], "x --now");
}

#[test]
fn esc_ends_the_turn_wherever_it_is() {
    // While it is judged or asks.
    for asks in [false, true] {
        let mut scene = Scene::ready();
        scene.asked_and_called();
        if asks {
            scene.judged(Ok(plan(Verdict::Ask)));
        }
        let effects = scene.send(Event::Cancel);
        assert_eq!(names(&effects), ["store", "prefill"]);
        assert_eq!(scene.result().outcome, Outcome::Denied);
        let late = Event::Judged { id: "call".into(), plan: Box::new(Ok(plan(Verdict::Auto))) };
        assert_eq!(names(&scene.send(late)), [""; 0], "a judgement that comes late");
    }
    // While it runs: stopped once, and its result is kept.
    let mut scene = Scene::ready();
    scene.asked_and_called();
    scene.judged(Ok(plan(Verdict::Auto)));
    assert_eq!(names(&scene.send(Event::Cancel)), ["stop tool"]);
    assert_eq!(names(&scene.send(Event::Cancel)), [""; 0]);
    assert_eq!(names(&scene.ended(Ran::failed("[stopped]"))), ["store", "prefill"]);
    assert!(!scene.agent.busy());
    assert_eq!((scene.result().outcome, scene.result().text.as_str()), (Outcome::Failed, "[stopped]"));
    // Before the call was complete: it is not made at all.
    let mut scene = Scene::ready();
    let request = scene.ask("why?");
    scene.said(request, token("Let me"));
    scene.send(Event::Cancel);
    scene.calls(request, json!({}));
    assert!(!names(&scene.effects).contains(&"judge"));
    assert!(scene.agent.transcript.iter().all(|message| message.call().is_none()));
}

#[test]
fn a_turn_has_so_many_calls_and_no_more() {
    let mut scene = Scene::ready();
    scene.asked_and_called();
    let most = Rules::default().most_steps;
    for _ in 1..most {
        scene.judged(Ok(plan(Verdict::Auto)));
        scene.ended(ran("ok"));
        let request = scene.generate();
        scene.calls(request, json!({}));
    }
    scene.judged(Ok(plan(Verdict::Auto)));
    scene.ended(ran("ok"));
    // One too many is told so, the next one ends the turn.
    let request = scene.generate();
    assert_eq!(names(&scene.calls(request, json!({}))), ["store", "store", "store", "generate"]);
    let request = scene.generate();
    scene.calls(request, json!({}));
    assert!(!scene.agent.busy());
    assert_eq!(scene.result().outcome, Outcome::Denied);
    assert!(scene.said_to_person().contains("too many calls"));
    let ids: std::collections::BTreeSet<_> = scene.agent.transcript.iter().map(|m| m.id).collect();
    assert_eq!(ids.len(), scene.agent.transcript.len(), "no number twice");
    // The next question begins to count anew.
    let request = scene.ask("go on");
    assert_eq!(names(&scene.calls(request, json!({}))), ["store", "store", "judge"]);
}

#[test]
fn a_call_that_came_as_text_is_taken_out_of_the_answer() {
    let mut scene = Scene::ready();
    let request = scene.ask("why?");
    scene.said(request, token("Let me look.\n"));
    let leaked = r#"{"name": "shell"}"#;
    scene.said(request, token(leaked));
    let (name, arguments, leaked_bytes) = ("shell".into(), json!({}), leaked.len());
    scene.said(request, wire::Event::ToolCall { name, arguments, leaked_bytes });
    let done = DoneReport { stop: StopReason::ToolCall, ..DoneReport::default() };
    scene.said(request, wire::Event::Done(done));
    let answer = &scene.agent.transcript[1];
    assert_eq!(answer.text(), "Let me look.");
    assert!(answer.call().unwrap().leaked);
}

#[test]
fn a_result_taints_and_what_a_tool_attaches_is_a_part_of_it() {
    let mut scene = Scene::ready();
    scene.asked_and_called();
    scene.judged(Ok(plan(Verdict::Auto)));
    scene.ended(Ran { attachments: vec![picture("crop.png")], ..ran("ok") });
    let step = scene.agent.transcript.iter().find(|message| message.role == Role::Tool).unwrap();
    let taints: Vec<String> = step.parts.iter().filter_map(Part::taint).map(|taint| taint.name).collect();
    assert_eq!(taints, ["x --now", "crop.png"]);
}

#[test]
fn a_worker_that_dies_while_a_tool_runs_answers_when_it_is_back() {
    let mut scene = Scene::ready();
    scene.asked_and_called();
    scene.judged(Ok(plan(Verdict::Auto)));
    let retry_in = Some(std::time::Duration::from_millis(250));
    scene.send(Event::Worker(WorkerEvent::Down { reason: "killed".into(), retry_in }));
    assert!(scene.agent.busy(), "the tool goes on");
    assert_eq!(names(&scene.ended(ran("ok"))), ["store"]);
    scene.stored();
    scene.send(Event::Worker(WorkerEvent::Up(ready_event())));
    let before = scene.effects.len();
    scene.finish_load();
    assert!(names(&scene.effects[before..]).contains(&"generate"));
}

/// The worker dies between the call and the end of the answer: the next answer, which calls
/// nothing, must not make that call.
#[test]
fn a_call_of_an_answer_that_failed_is_never_made() {
    let mut scene = Scene::ready();
    let request = scene.ask("why?");
    scene.said(request, token("Let me look."));
    let arguments = json!({ "command": "x --now" });
    scene.said(request, wire::Event::ToolCall { name: "shell".into(), arguments, leaked_bytes: 0 });
    scene.said(request, wire::Event::Failed(Failure::new(FailureKind::Internal, "broken")));
    scene.send(Event::Retry);
    let request = scene.generate();
    scene.answer(request, &["Done."]);
    assert!(!names(&scene.effects).contains(&"judge"));
    assert!(scene.agent.transcript.iter().all(|message| message.call().is_none()));
    assert!(!scene.agent.busy());
}

#[test]
fn leaving_stops_the_tool_and_waits_for_its_end() {
    let mut scene = Scene::ready();
    scene.asked_and_called();
    scene.judged(Ok(plan(Verdict::Auto)));
    assert!(names(&scene.send(Event::Leave)).contains(&"stop tool"));
    scene.ended(Ran::failed("[stopped]"));
    assert_eq!(scene.result().text, "[stopped]");
}
