//! A summary in place of what was said.

use super::*;
use crate::agent::window;
use crate::message::Summary;

const CONTEXT: u64 = 1000;

impl Scene {
    /// With two exchanges: one about a picture, one more.
    pub(super) fn talked() -> Self {
        let mut scene = Self::ready();
        let ticket = scene.attach("shot.png");
        scene.send(Event::Taken { ticket, result: Ok(picture("shot.png")) });
        for (question, answer) in [("what is this?", "A red square."), ("and why?", "Paint.")] {
            let id = scene.ask(question);
            scene.answer(id, &[answer]);
        }
        scene.effects.clear();
        scene
    }

    fn compact(&mut self) -> u64 {
        self.send(Event::Compact);
        self.last_compact()
    }

    fn last_compact(&self) -> u64 {
        self.last_request(|effect| matches!(effect, Effect::Ask { ask: Ask::Compact { .. }, .. }))
    }

    /// What the model was last given to sum up.
    fn source(&self) -> Vec<MessageId> {
        let asked = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Ask { ask: Ask::Compact { .. }, conversation, .. } => Some(conversation),
            _ => None,
        });
        asked.unwrap().iter().map(|message| message.id).collect()
    }

    /// Has a summary written and takes it.
    pub(super) fn compacted(&mut self, text: &str) -> Vec<Effect> {
        let id = self.compact();
        self.said(id, token(text));
        self.said(id, wire::Event::Done(DoneReport::default()));
        let text = self.agent.compaction.as_ref().unwrap().text.clone();
        self.send(Event::AcceptSummary(text))
    }

    pub(super) fn summary(&self) -> &Summary {
        self.agent.transcript.iter().rev().find_map(Message::summary).expect("a summary")
    }

    /// The texts and pictures that the model would get now.
    pub(super) fn window(&self) -> Vec<String> {
        let given = window::given(&self.agent.transcript, crate::catalogue::Turns::All);
        let words = |placed: &window::Placed<'_>| match placed.part {
            Part::Text { text, .. } => text.clone(),
            Part::Attachment { attachment, .. } => attachment.name.clone(),
            Part::Summary(summary) => format!("summary: {}", summary.text),
            Part::ToolCall(_) | Part::ToolResult(_) => "tool".to_owned(),
        };
        given.iter().flat_map(|one| &one.parts).map(words).collect()
    }

    fn full(&mut self, total_tokens: u64) {
        let id = self.prefill();
        let row = |message, tokens| LedgerEntry {
            message: Some(message),
            content: Some(0),
            kind: LedgerKind::Text,
            tokens,
            bytes: 1,
            encode_ms: None,
            cached: true,
        };
        let entries = (0..4).map(|message| row(message, total_tokens / 4)).collect();
        self.said(
            id,
            wire::Event::Ledger(Ledger { entries, total_tokens, context: CONTEXT, estimated: false }),
        );
    }
}

#[test]
fn a_window_that_fills_is_said_in_numbers_once_a_tenth_and_nothing_is_cut() {
    let mut scene = Scene::talked();
    let before = scene.agent.transcript.clone();
    scene.send(Event::Remove { message: MessageId(0), part: 0 });
    scene.agent.notices.clear();
    for (total, said) in [(799, 0), (830, 1), (890, 1), (905, 2), (700, 2), (860, 3)] {
        scene.send(Event::Detach(99));
        let ticket = scene.attach("x");
        scene.send(Event::Taken { ticket, result: Ok(picture("x")) });
        scene.full(total);
        scene.send(Event::Detach(ticket));
        assert_eq!(scene.agent.notices.len(), said, "{total}: {:?}", scene.agent.notices);
    }
    let first = &scene.agent.notices[0].text;
    assert!(first.starts_with("The context is 83 % full: 830 of 1,000 tokens. /compact"), "{first}");
    assert_eq!(scene.agent.transcript, before);
}

#[test]
fn a_summary_is_asked_for_shown_and_stands_for_what_was_said_when_it_is_taken() {
    let mut scene = Scene::talked();
    let before = scene.agent.transcript.clone();
    let id = scene.compact();
    assert!(scene.agent.busy());
    assert_eq!(scene.source().len(), 4, "with the whole conversation the prefix cache serves");
    let asked = scene.effects.iter().find_map(|effect| match effect {
        Effect::Ask { ask: Ask::Compact { keep, pictures }, .. } => Some((keep.clone(), pictures.clone())),
        _ => None,
    });
    assert_eq!(asked, Some((Some("and why?".to_owned()), vec!["shot.png".to_owned()])));
    scene.said(id, token("Asked about a square.\n"));
    scene.said(id, token("shot.png: a red square"));
    assert_eq!(scene.agent.compaction.as_ref().map(|one| (one.ready, one.tokens)), Some((false, 2)));
    assert!(names(&scene.effects).iter().all(|name| *name != "store"), "nothing is stored before");
    scene.said(id, wire::Event::Done(DoneReport::default()));
    assert!(
        scene.agent.compaction.as_ref().is_some_and(|one| one.ready && one.messages == 2 && one.kept == 2)
    );
    assert_eq!(scene.agent.transcript, before);

    let effects = scene.send(Event::AcceptSummary(scene.agent.compaction.clone().unwrap().text));
    assert_eq!(names(&effects), ["store", "prefill"]);
    assert_eq!(scene.agent.transcript[..4], before, "the original stays");
    let summary = scene.summary();
    assert_eq!(summary.text, "Asked about a square.");
    assert_eq!(summary.gone[0].about.as_deref(), Some("a red square"));
    assert_eq!((summary.first, summary.last), (before[0].id, before[1].id));
    assert_eq!(scene.window(), ["summary: Asked about a square.", "and why?", "Paint."]);
    scene.stored();
    let id = scene.ask("more?");
    scene.answer(id, &["No."]);
    assert_eq!(scene.window(), ["summary: Asked about a square.", "and why?", "Paint.", "more?", "No."]);
}

#[test]
fn tokens_are_counted_from_the_ledger_and_what_is_asked_for_the_summary_is_not() {
    let mut scene = Scene::talked();
    scene.send(Event::Detach(99));
    let id = scene.compact();
    let row = |message: usize, content, tokens| LedgerEntry {
        message: Some(message),
        content: Some(content),
        kind: LedgerKind::Text,
        tokens,
        bytes: 1,
        encode_ms: None,
        cached: true,
    };
    let entries =
        vec![row(0, 0, 500), row(0, 1, 10), row(1, 0, 20), row(2, 0, 5), row(3, 0, 6), row(4, 0, 90)];
    scene.said(
        id,
        wire::Event::Ledger(Ledger { entries, total_tokens: 651, context: 1000, estimated: false }),
    );
    scene.said(id, token("Short."));
    scene.said(id, wire::Event::Done(DoneReport::default()));
    let compaction = scene.agent.compaction.as_ref().unwrap();
    assert_eq!((compaction.before, compaction.leaves), (Some(561), Some(530)));
    let after = compaction.after().unwrap();
    assert!((31..200).contains(&after), "{after}");
}

#[test]
fn cancelled_failed_dropped_and_dead_leave_the_conversation_as_it_was() {
    type Ends = fn(&mut Scene, u64);
    let ends: [(Ends, &str); 5] = [
        (
            |scene, id| {
                assert_eq!(names(&scene.send(Event::DropSummary)), ["cancel"]);
                let stop = StopReason::Cancelled;
                scene.said(id, wire::Event::Done(DoneReport { stop, ..DoneReport::default() }));
            },
            "Nothing was summed up",
        ),
        (
            |scene, id| {
                let failure = Failure::new(FailureKind::Internal, "The engine broke.");
                scene.said(id, wire::Event::Failed(failure));
            },
            "The engine broke.",
        ),
        (
            |scene, id| {
                scene.said(id, wire::Event::Done(DoneReport::default()));
                scene.send(Event::DropSummary);
            },
            "Nothing was changed",
        ),
        (
            |scene, _| {
                let reason = "killed".to_owned();
                let retry_in = Some(std::time::Duration::ZERO);
                scene.send(Event::Worker(WorkerEvent::Down { reason, retry_in }));
            },
            "died: killed",
        ),
        (
            |scene, _| {
                scene.send(Event::Cancel);
                assert_eq!(names(&scene.send(Event::Cancel)), ["restart"]);
                let reason = "ended".to_owned();
                let retry_in = Some(std::time::Duration::ZERO);
                scene.send(Event::Worker(WorkerEvent::Down { reason, retry_in }));
            },
            "is being started again",
        ),
    ];
    for (end, said) in ends {
        let mut scene = Scene::talked();
        let before = scene.agent.transcript.clone();
        let id = scene.compact();
        scene.said(id, token("Half a"));
        end(&mut scene, id);
        assert!(scene.said_to_person().contains(said), "{said}: {}", scene.said_to_person());
        assert_eq!((&scene.agent.transcript, &scene.agent.compaction), (&before, &None), "{said}");
        assert!(!scene.agent.busy() && !names(&scene.effects).contains(&"store"), "{said}");
        // What comes late of it is nobody's.
        scene.said(id, token("later"));
        scene.send(Event::AcceptSummary("late".into()));
        assert_eq!(scene.agent.transcript, before);
    }
}

#[test]
fn a_summary_without_a_word_is_none() {
    for stop in [StopReason::Finished, StopReason::ToolCall] {
        let mut scene = Scene::talked();
        let id = scene.compact();
        scene.said(id, wire::Event::Done(DoneReport { stop, ..DoneReport::default() }));
        assert_eq!(scene.agent.compaction, None);
        assert!(scene.said_to_person().contains("no summary"));
    }
}

#[test]
fn what_does_not_fit_is_summed_up_from_its_beginning_as_far_as_it_fits() {
    let mut scene = Scene::talked();
    let id = scene.ask("third?");
    let overflow = || wire::Event::Failed(Failure::new(FailureKind::ContextOverflow, "Too long."));
    scene.said(id, overflow());
    assert!(scene.said_to_person().contains("/compact"), "{}", scene.said_to_person());
    let ids: Vec<MessageId> = scene.agent.transcript.iter().map(|message| message.id).collect();
    assert_eq!(ids.len(), 5, "the question is kept");

    let id = scene.compact();
    assert_eq!(scene.source(), ids);
    scene.said(id, overflow());
    assert_eq!(scene.source(), ids[..4]);
    let id = scene.last_compact();
    // There was no room for the summary itself.
    let stop = StopReason::ContextFull;
    scene.said(id, token("Cut"));
    scene.said(id, wire::Event::Done(DoneReport { stop, ..DoneReport::default() }));
    assert_eq!(scene.source(), ids[..2]);
    let id = scene.last_compact();
    assert_eq!(scene.agent.compaction.as_ref().map(|one| (one.text.as_str(), one.kept)), Some(("", 3)));
    scene.said(id, token("A square."));
    scene.said(id, wire::Event::Done(DoneReport::default()));
    scene.send(Event::AcceptSummary("A square.".into()));
    scene.stored();
    assert_eq!(scene.window(), ["summary: A square.", "and why?", "Paint.", "third?"]);
    // The question is asked again; the summary stays in front of its answer.
    let effects = scene.send(Event::Retry);
    assert!(names(&effects).contains(&"generate"), "{:?}", names(&effects));
    assert_eq!(scene.window(), ["summary: A square.", "and why?", "Paint.", "third?"]);

    let mut scene = Scene::talked();
    scene.compact();
    for _ in 0..4 {
        if scene.agent.busy() {
            let id = scene.last_compact();
            scene.said(id, overflow());
        }
    }
    assert!(!scene.agent.busy() && scene.said_to_person().contains("Not even the first question fits"));
}

#[test]
fn another_answer_to_the_last_question_keeps_the_summary_that_was_taken_behind_it() {
    let mut scene = Scene::talked();
    scene.compacted("A square.");
    scene.stored();
    let old = scene.last().id;
    scene.send(Event::Retry);
    let [.., question, summary, answer] = scene.agent.transcript.as_slice() else { panic!("too few") };
    assert_eq!((question.role, answer.role), (Role::User, Role::Assistant));
    assert_eq!((summary.parent, answer.parent), (Some(question.id), Some(summary.id)));
    assert!(summary.id != old && summary.id < answer.id && summary.summary().is_some());
    assert_eq!(scene.window(), ["summary: A square.", "and why?"]);
}

#[test]
fn the_last_summary_counts_and_carries_on_what_earlier_ones_said_of_pictures() {
    let mut scene = Scene::talked();
    scene.compacted("A square.\nshot.png: a red square");
    scene.stored();
    scene.send(Event::Compact);
    assert!(scene.said_to_person().contains("nothing to sum up"), "{}", scene.said_to_person());
    let id = scene.ask("more?");
    scene.answer(id, &["No."]);
    scene.compacted("All of it.");
    let summary = scene.summary();
    assert_eq!(summary.gone[0].about.as_deref(), Some("a red square"));
    assert_eq!(scene.window(), ["summary: All of it.", "more?", "No."]);
    assert_eq!(scene.agent.transcript.iter().filter(|message| message.summary().is_some()).count(), 2);
}

#[test]
fn a_summary_is_taken_back_as_long_as_nothing_is_said_behind_it() {
    let mut scene = Scene::talked();
    let before = scene.agent.transcript.clone();
    assert!(names(&scene.send(Event::UndoSummary)).is_empty());
    assert!(scene.said_to_person().contains("no summary"));
    scene.compacted("A square.");
    scene.stored();
    let effects = scene.send(Event::UndoSummary);
    let [Effect::Store { head, messages, .. }, Effect::Cancel { .. }, Effect::Ask { .. }] =
        effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    let last = before.last().map(|message| message.id);
    assert_eq!((*head, messages.last().map(|message| message.id)), (last, last));
    assert_eq!(scene.agent.transcript, before);
    scene.stored();
    scene.compacted("A square.");
    scene.stored();
    let id = scene.ask("more?");
    scene.answer(id, &["No."]);
    let length = scene.agent.transcript.len();
    scene.send(Event::UndoSummary);
    assert!(scene.said_to_person().contains("can't be taken back"));
    assert_eq!(scene.agent.transcript.len(), length);
}

#[test]
fn what_is_pinned_stays_and_comes_back_when_it_is_pinned_later() {
    let mut scene = Scene::talked();
    let message = scene.agent.transcript[0].id;
    assert_eq!(names(&scene.send(Event::Pin { message, part: 0 })), ["store"]);
    scene.stored();
    scene.compacted("A square.");
    scene.stored();
    assert_eq!(scene.window(), ["summary: A square.", "shot.png", "and why?", "Paint."]);
    assert_eq!(scene.summary().gone, []);
    scene.send(Event::Pin { message, part: 0 });
    assert_eq!(scene.window(), ["summary: A square.", "and why?", "Paint."]);
    assert_eq!(names(&scene.send(Event::Pin { message, part: 0 })).last(), Some(&"prefill"));
    assert_eq!(scene.window()[1], "shot.png");
    scene.send(Event::Pin { message, part: 7 });
    assert!(scene.said_to_person().contains("not in this conversation"));
}

#[test]
fn a_summary_has_the_taint_of_all_that_was_there_before_it() {
    let mut scene = Scene::talked();
    let message = scene.agent.transcript[0].id;
    // What was taken out still counts: what was answered to it is there.
    scene.send(Event::Remove { message, part: 0 });
    scene.compacted("A square.");
    let part = scene.last().parts[0].clone();
    assert_eq!(part.taint().map(|taint| taint.source), Some(Source::Clipboard));
    assert_eq!(
        scene.summary().outside.iter().map(|taint| taint.name.as_str()).collect::<Vec<_>>(),
        ["shot.png"]
    );
    scene.stored();
    // Also a summary of nothing but a summary and typed words.
    for question in ["a?", "b?"] {
        let id = scene.ask(question);
        scene.answer(id, &["yes"]);
    }
    scene.compacted("Nothing from outside, I swear.");
    let alone = scene.last().parts[0].clone();
    assert!(alone.taint().is_some());

    let mut typed = Scene::ready();
    for question in ["a?", "b?"] {
        let id = typed.ask(question);
        typed.answer(id, &["yes"]);
    }
    typed.compacted("Two letters.");
    assert_eq!(typed.last().parts[0].taint(), None);
}

#[test]
fn nothing_is_summed_up_where_that_is_no_use() {
    let mut scene = Scene::new();
    scene.send(Event::Compact);
    assert!(scene.said_to_person().contains("needs a model"));
    let mut scene = Scene::ready();
    scene.send(Event::Compact);
    assert!(scene.said_to_person().contains("nothing to sum up"));
    let mut scene = Scene::talked();
    scene.agent.model.as_mut().unwrap().turns = crate::catalogue::Turns::LastPicture;
    scene.send(Event::Compact);
    assert!(scene.said_to_person().contains("isn't needed with this model"));
    scene.agent.notices.clear();
    let ticket = scene.attach("x");
    scene.send(Event::Taken { ticket, result: Ok(picture("x")) });
    scene.full(990);
    assert!(scene.agent.notices.is_empty(), "{:?}", scene.agent.notices);
    let mut scene = Scene::ready();
    scene.ask("q");
    scene.send(Event::Compact);
    assert!(scene.said_to_person().contains("Esc"));
}

#[test]
fn one_long_exchange_can_be_summed_up_whole() {
    let mut scene = Scene::ready();
    let id = scene.ask("tell me all");
    scene.answer(id, &["All of it."]);
    scene.compacted("Everything was told.");
    assert_eq!(scene.window(), ["summary: Everything was told."]);
    scene.stored();
    let id = scene.ask("more?");
    scene.answer(id, &["No."]);
    assert_eq!(scene.window(), ["summary: Everything was told.", "more?", "No."]);
    let given = window::given(&scene.agent.transcript, crate::catalogue::Turns::All);
    let roles: Vec<Role> = given.iter().map(|one| one.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant], "no two turns of the same speaker");
}
