//! What happens goes in, what is to be done is compared.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::engines::WorkerOptions;
use crate::wire::{DoneReport, Envelope, Event as Said, Failure, FailureKind, Limits, Ready, Segment, Stage};

/// A tenth of a second.
const BLOCK: usize = SAMPLE_RATE as usize / 10;

fn options() -> Options {
    Options { commands: true, ..Options::new(WorkerOptions::new("percept-whisper".into()), "m.bin".into()) }
}

/// A machine, with what it wanted done since it was last looked at.
struct Bench {
    machine: Dictation,
    effects: Vec<Effect>,
}

impl Bench {
    fn new() -> Self {
        Self { machine: Dictation::new(options()), effects: Vec::new() }
    }

    /// Armed, with a worker that has loaded.
    fn ready() -> Self {
        let mut bench = Self::new();
        bench.feed([Event::Start, Event::Vocabulary(vec!["mmproj".into()]), Event::Opened]);
        bench.up();
        bench
    }

    fn feed(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.effects.extend(self.machine.handle(event));
        }
    }

    fn up(&mut self) {
        let ready = Ready {
            protocol: PROTOCOL,
            engine: "fake".into(),
            build: String::new(),
            cpu_features: Vec::new(),
            limits: Limits { max_line_bytes: 1 },
            gpus: Vec::new(),
        };
        self.feed([Event::Worker(WorkerEvent::Up(ready))]);
        let load = self.asked("load").expect("a load");
        self.said(load, Said::Done(DoneReport::default()));
    }

    fn down(&mut self, again: bool) {
        let retry_in = again.then_some(Duration::ZERO);
        self.feed([Event::Worker(WorkerEvent::Down { reason: "gone".into(), retry_in })]);
    }

    fn said(&mut self, id: u64, body: Said) {
        self.feed([Event::Worker(WorkerEvent::Said(Envelope { id, body }))]);
    }

    fn talk(&mut self, take: u64, blocks: usize) {
        for _ in 0..blocks {
            self.feed([Event::Sound(take, Sound::Samples(vec![0.5; BLOCK]))]);
        }
    }

    fn segment(&mut self, id: u64, end_ms: u64, text: &str) {
        self.said(id, Said::Segment(Segment { end_ms, text: text.into(), ..Segment::default() }));
    }

    /// The id of the last request of that name.
    fn asked(&self, name: &str) -> Option<u64> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Ask(id, request) if request.name() == name => Some(*id),
            _ => None,
        })
    }

    /// Samples that were given to a `Listen`.
    fn given(&self, listen: u64) -> usize {
        let of = |effect: &Effect| match effect {
            Effect::Ask(_, Request::Frames { target, pcm }) if *target == listen => {
                floats::decode(pcm).unwrap().len()
            }
            _ => 0,
        };
        self.effects.iter().map(of).sum()
    }

    fn has(&self, effect: &Effect) -> bool {
        self.effects.contains(effect)
    }

    /// What was told since it was last asked, the ends of recordings left out.
    fn told(&mut self) -> Vec<Told> {
        let effects = std::mem::take(&mut self.effects).into_iter();
        let told = effects.filter_map(|effect| match effect {
            Effect::Tell(Told::Ended { .. } | Told::Began { .. }) => None,
            Effect::Tell(told) => Some(told),
            _ => None,
        });
        told.collect()
    }

    fn state(&self) -> State {
        self.machine.state()
    }
}

const PROTOCOL: u32 = crate::wire::PROTOCOL_VERSION;

fn settled(take: u64, text: &str) -> Told {
    Told::Settled { take, text: text.into() }
}

#[test]
fn from_off_to_words_and_back_to_armed_then_off() {
    let mut bench = Bench::new();
    assert_eq!(bench.state(), State::Off);
    bench.feed([Event::Start]);
    assert_eq!(bench.state(), State::Arming);
    let began = Effect::Tell(Told::Began { take: 1 });
    assert_eq!(bench.effects, [began, Effect::Open, Effect::StartWorker]);
    bench.feed([Event::Opened]);
    assert_eq!(bench.state(), State::Recording);
    assert!(bench.has(&Effect::Record(1)));
    bench.up();
    assert_eq!(bench.asked("listen"), None, "its words are not known yet");
    bench.feed([Event::Vocabulary(vec!["mmproj".into()])]);
    let listen = bench.asked("listen").unwrap();
    let speech = options().speech(vec!["mmproj".into()]);
    assert!(bench.has(&Effect::Ask(listen, Request::Listen { speech })));
    bench.talk(1, 12);
    assert_eq!(bench.given(listen), 12 * BLOCK);
    bench.said(listen, Said::Partial { text: " hello ".into() });
    assert_eq!((bench.machine.partial().as_str(), bench.machine.elapsed_ms()), ("hello", 1200));
    bench.segment(listen, 900, "Hello.");
    assert_eq!((bench.machine.partial().as_str(), bench.told()), ("", vec![settled(1, "Hello.")]));
    bench.feed([Event::Stop]);
    assert_eq!((bench.state(), bench.effects.clone()), (State::Settling, vec![Effect::StopRecording]));
    bench.feed([Event::Sound(1, Sound::Samples(vec![0.0; BLOCK])), Event::Sound(1, Sound::Ended)]);
    let finish = bench.asked("finish").unwrap();
    assert_eq!(bench.effects.last(), Some(&Effect::Ask(finish, Request::Finish { target: listen })));
    bench.segment(listen, 1300, "World");
    bench.said(listen, Said::Done(DoneReport::default()));
    assert_eq!((bench.state(), bench.told()), (State::Armed, vec![settled(1, "World")]));
    bench.feed([Event::Idle]);
    assert_eq!((bench.state(), bench.effects), (State::Off, vec![Effect::Close, Effect::EndWorker]));
}

#[test]
fn what_was_said_before_the_worker_is_loaded_is_heard_when_it_is() {
    let mut bench = Bench::new();
    bench.feed([Event::Start, Event::Vocabulary(Vec::new()), Event::Opened]);
    bench.talk(1, 150);
    bench.feed([Event::Stop, Event::Sound(1, Sound::Ended)]);
    assert_eq!((bench.state(), bench.machine.loading()), (State::Settling, Some(0)));
    bench.up();
    let listen = bench.asked("listen").unwrap();
    assert_eq!(bench.given(listen), 150 * BLOCK);
    assert!(bench.asked("finish").is_some());
    bench.segment(listen, 1000, "Late.");
    bench.said(listen, Said::Done(DoneReport::default()));
    assert_eq!((bench.told(), bench.state()), (vec![settled(1, "Late.")], State::Armed));
}

#[test]
fn a_worker_that_dies_hears_again_what_is_no_text_yet() {
    let mut bench = Bench::ready();
    let first = bench.asked("listen").unwrap();
    bench.talk(1, 30);
    bench.segment(first, 1200, "Kept.");
    bench.said(first, Said::Partial { text: "in betw".into() });
    bench.down(true);
    assert_eq!((bench.state(), bench.machine.partial().as_str()), (State::Recording, "in betw"));
    bench.talk(1, 5);
    let told = bench.told();
    assert!(
        matches!(&told[..], [Told::Settled { .. }, Told::Said(words)] if words.contains("gone")),
        "{told:?}"
    );
    bench.up();
    let second = bench.asked("listen").unwrap();
    assert_eq!(bench.given(second), (30 - 12 + 5) * BLOCK);
    bench.segment(first, 9000, "of the dead one");
    bench.segment(second, 100, "in between");
    assert_eq!(bench.told(), [settled(1, "in between")]);
}

#[test]
fn a_worker_that_is_given_up_leaves_the_text_with_what_was_being_said() {
    let mut bench = Bench::ready();
    let listen = bench.asked("listen").unwrap();
    bench.talk(1, 3);
    bench.said(listen, Said::Partial { text: "half a sen".into() });
    bench.told();
    bench.down(false);
    assert_eq!(bench.state(), State::Off);
    assert!(bench.has(&Effect::Close) && bench.has(&Effect::EndWorker));
    let told = bench.told();
    assert!(matches!(&told[..], [kept, Told::Failed(_)] if *kept == settled(1, "half a sen")), "{told:?}");
    // The next start is a new beginning.
    bench.feed([Event::Start]);
    assert!(bench.has(&Effect::StartWorker) && bench.has(&Effect::Open));
}

#[test]
fn a_device_that_is_lost_ends_the_recording_and_its_text_stays() {
    let mut bench = Bench::ready();
    let listen = bench.asked("listen").unwrap();
    bench.talk(1, 3);
    bench.told();
    bench.feed([Event::Sound(1, Sound::Lost("It was unplugged.".into()))]);
    assert_eq!(bench.state(), State::Settling);
    assert!(bench.has(&Effect::Close) && bench.asked("finish").is_some());
    bench.segment(listen, 300, "So far.");
    bench.said(listen, Said::Done(DoneReport::default()));
    assert!(bench.has(&Effect::EndWorker));
    assert_eq!(bench.told(), [Told::Failed("It was unplugged.".into()), settled(1, "So far.")]);
    assert_eq!(bench.state(), State::Off);
}

#[test]
fn a_device_that_was_lost_while_it_waited_is_opened_anew_once() {
    let mut bench = Bench::ready();
    bench.effects.clear();
    let lost = || Event::Sound(1, Sound::Lost("gone".into()));
    bench.feed([lost()]);
    assert_eq!((bench.state(), bench.effects.clone()), (State::Arming, vec![Effect::Close, Effect::Open]));
    bench.feed([Event::Opened, lost()]);
    assert_eq!(bench.told(), [Told::Failed("gone".into())]);
    assert_eq!(bench.machine.device, Device::Closed);
}

#[test]
fn no_microphone_or_no_model_is_said_and_nothing_stays_open() {
    let mut bench = Bench::new();
    bench.feed([Event::Start, Event::NotOpened("No microphone.".into())]);
    assert!(bench.has(&Effect::EndWorker));
    assert_eq!((bench.state(), bench.told()), (State::Off, vec![Told::Failed("No microphone.".into())]));

    let mut bench = Bench::ready();
    bench.down(true);
    bench.feed([Event::Worker(WorkerEvent::Up(Ready {
        protocol: PROTOCOL,
        engine: String::new(),
        build: String::new(),
        cpu_features: Vec::new(),
        limits: Limits { max_line_bytes: 1 },
        gpus: Vec::new(),
    }))]);
    let load = bench.asked("load").unwrap();
    bench.said(load, Said::Progress { stage: Stage::Loading, done: 1, total: 4 });
    assert_eq!(bench.machine.loading(), Some(250));
    bench.told();
    bench.said(
        load,
        Said::Failed(Failure::new(FailureKind::ModelFile, "It is cut off.").hint("Pull it again.")),
    );
    assert_eq!(
        bench.told(),
        [Told::Failed("The speech model can't be loaded. It is cut off. Pull it again.".into())]
    );
    assert_eq!(bench.state(), State::Off);
}

#[test]
fn what_is_discarded_is_gone_also_what_comes_late() {
    let mut bench = Bench::ready();
    let listen = bench.asked("listen").unwrap();
    bench.talk(1, 3);
    bench.told();
    bench.feed([Event::Discard]);
    assert!(bench.has(&Effect::CancelRecording) && bench.asked("cancel").is_some());
    assert_eq!((bench.state(), bench.told()), (State::Armed, vec![Told::Discarded { take: 1 }]));
    bench.segment(listen, 300, "late");
    bench.talk(1, 1);
    assert!(bench.effects.is_empty());
    // While it settles it can be discarded too.
    bench.feed([Event::Start, Event::Vocabulary(Vec::new())]);
    bench.talk(2, 1);
    bench.feed([Event::Stop, Event::Discard]);
    assert_eq!((bench.state(), bench.told()), (State::Armed, vec![Told::Discarded { take: 2 }]));
}

#[test]
fn a_new_recording_may_begin_while_the_last_one_settles() {
    let mut bench = Bench::ready();
    let first = bench.asked("listen").unwrap();
    bench.talk(1, 3);
    bench.feed([Event::Stop, Event::Start, Event::Vocabulary(Vec::new())]);
    assert_eq!(bench.state(), State::Recording);
    let second = bench.asked("listen").unwrap();
    assert!(second > first && bench.has(&Effect::Record(2)));
    assert_eq!(bench.asked("finish"), None, "its last sound is still to come");
    bench.talk(1, 1);
    bench.feed([Event::Sound(1, Sound::Ended)]);
    assert_eq!(bench.given(first), 4 * BLOCK);
    assert!(bench.asked("finish").is_some());
    bench.told();
    bench.said(first, Said::Partial { text: "one".into() });
    bench.said(second, Said::Partial { text: "two".into() });
    assert_eq!(bench.machine.partial(), "one two");
    // Esc is for the newest.
    bench.feed([Event::Discard]);
    assert_eq!((bench.state(), bench.told()), (State::Settling, vec![Told::Discarded { take: 2 }]));
    bench.segment(first, 300, "One.");
    assert_eq!(bench.told(), [settled(1, "One.")]);
}

#[test]
fn what_is_given_up_ends_the_one_before_whose_end_no_longer_comes() {
    let mut bench = Bench::ready();
    let first = bench.asked("listen").unwrap();
    bench.talk(1, 3);
    bench.feed([Event::Stop, Event::Start, Event::Discard]);
    let finish = bench.asked("finish").unwrap();
    assert!(bench.has(&Effect::Ask(finish, Request::Finish { target: first })));
    bench.said(first, Said::Done(DoneReport::default()));
    assert_eq!(bench.state(), State::Armed);
}

#[test]
fn the_end_of_one_gives_up_no_sound_of_the_next() {
    let mut bench = Bench::ready();
    let first = bench.asked("listen").unwrap();
    bench.feed([Event::Stop, Event::Start]);
    bench.said(first, Said::Failed(Failure::new(FailureKind::Internal, "no")));
    assert!(!bench.has(&Effect::CancelRecording));
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn a_lost_device_ends_the_one_before_and_is_opened_anew_for_the_next() {
    let mut bench = Bench::ready();
    bench.talk(1, 3);
    bench.feed([Event::Stop, Event::Start]);
    bench.told();
    let lost = |take| Event::Sound(take, Sound::Lost("gone".into()));
    bench.feed([lost(1)]);
    assert!(bench.asked("finish").is_some());
    bench.feed([lost(2)]);
    assert_eq!((bench.state(), bench.machine.records()), (State::Arming, true));
}

#[test]
fn the_microphone_is_closed_also_where_the_last_words_never_come() {
    let mut bench = Bench::new();
    bench.feed([Event::Start, Event::Opened]);
    bench.talk(1, 3);
    bench.feed([Event::Stop, Event::Idle]);
    assert!(!bench.has(&Effect::Close), "its last sound is still to come");
    bench.feed([Event::Sound(1, Sound::Ended), Event::Idle]);
    assert_eq!(bench.state(), State::Settling);
    assert!(bench.has(&Effect::Close) && !bench.has(&Effect::EndWorker));
}

#[test]
fn a_device_that_goes_while_nothing_is_recorded_is_closed_and_it_is_said() {
    let mut bench = Bench::ready();
    bench.feed([Event::Gone("gone".into())]);
    assert_eq!(bench.state(), State::Recording, "its sound tells");
    bench.feed([Event::Discard]);
    bench.told();
    bench.feed([Event::Gone("gone".into())]);
    assert!(bench.has(&Effect::Close));
    assert_eq!((bench.state(), bench.told()), (State::Off, vec![Told::Failed("gone".into())]));
}

#[test]
fn stopped_before_the_microphone_is_open_nothing_was_recorded() {
    let mut bench = Bench::new();
    bench.feed([Event::Start, Event::Stop]);
    assert_eq!(bench.state(), State::Arming);
    bench.feed([Event::Opened]);
    assert_eq!(bench.state(), State::Armed);
    assert!(!bench.has(&Effect::Record(1)));
}

#[test]
fn closed_by_the_person_it_still_says_what_it_heard() {
    let mut bench = Bench::ready();
    let listen = bench.asked("listen").unwrap();
    bench.talk(1, 3);
    bench.told();
    bench.feed([Event::Close]);
    assert_eq!(bench.state(), State::Settling);
    assert!(bench.has(&Effect::Close) && bench.asked("finish").is_some());
    bench.segment(listen, 300, "Heard.");
    bench.said(listen, Said::Done(DoneReport::default()));
    assert!(bench.has(&Effect::EndWorker));
    assert_eq!((bench.state(), bench.told()), (State::Off, vec![settled(1, "Heard.")]));

    let mut bench = Bench::new();
    bench.feed([Event::Start, Event::Close]);
    assert_eq!(bench.state(), State::Off);
    assert!(bench.has(&Effect::Close) && bench.has(&Effect::EndWorker));
}

#[test]
fn spoken_commands_do_what_they_say_where_they_are_switched_on() {
    let mut bench = Bench::ready();
    let listen = bench.asked("listen").unwrap();
    bench.told();
    for said in ["One.", "New line.", "Scratch that.", "New paragraph", "  ", "Stop dictation."] {
        bench.segment(listen, 10, said);
    }
    assert!(bench.has(&Effect::StopRecording));
    let expected = [settled(1, "One."), settled(1, "\n"), Told::Scratched { take: 1 }, settled(1, "\n\n")];
    assert_eq!((bench.told(), bench.state()), (expected.to_vec(), State::Settling));

    let mut bench = Bench::ready();
    bench.machine.options.commands = false;
    let listen = bench.asked("listen").unwrap();
    bench.told();
    bench.segment(listen, 10, "New line.");
    assert_eq!(bench.told(), [settled(1, "New line.")]);
}

fn any_event() -> impl Strategy<Value = Event> {
    let sound = prop_oneof![
        4 => Just(Sound::Samples(vec![0.1; 160])),
        1 => Just(Sound::Ended),
        1 => Just(Sound::Lost("lost".into())),
    ];
    let body = prop_oneof![
        Just(Said::Done(DoneReport::default())),
        Just(Said::Partial { text: "par".into() }),
        (0..3000u64).prop_map(|end_ms| Said::Segment(Segment {
            end_ms,
            text: "seg".into(),
            ..Segment::default()
        })),
        Just(Said::Failed(Failure::new(FailureKind::Internal, "no"))),
        any::<(u64, u64)>().prop_map(|(done, total)| Said::Progress { stage: Stage::Loading, done, total }),
    ];
    let ready = Ready {
        protocol: PROTOCOL,
        engine: String::new(),
        build: String::new(),
        cpu_features: Vec::new(),
        limits: Limits { max_line_bytes: 1 },
        gpus: Vec::new(),
    };
    prop_oneof![
        2 => Just(Event::Start),
        1 => Just(Event::Stop),
        1 => Just(Event::Discard),
        1 => Just(Event::Close),
        2 => Just(Event::Vocabulary(Vec::new())),
        2 => Just(Event::Opened),
        1 => Just(Event::NotOpened("no".into())),
        6 => (1..4u64, sound).prop_map(|(take, sound)| Event::Sound(take, sound)),
        2 => Just(Event::Worker(WorkerEvent::Up(ready))),
        6 => (1..30u64, body).prop_map(|(id, body)| Event::Worker(WorkerEvent::Said(Envelope { id, body }))),
        1 => any::<bool>().prop_map(|again| {
            let retry_in = again.then_some(Duration::ZERO);
            Event::Worker(WorkerEvent::Down { reason: "died".into(), retry_in })
        }),
        1 => Just(Event::Idle),
        1 => Just(Event::Gone("gone".into())),
    ]
}

proptest! {
    /// Whatever happens in whatever order: a recording that began ends once, and with the
    /// microphone closed and nothing to say no worker runs.
    #[test]
    fn every_recording_ends_and_nothing_stays_open(events in prop::collection::vec(any_event(), 0..120)) {
        let mut bench = Bench::new();
        bench.feed(events);
        bench.feed([Event::Close]);
        while !bench.machine.takes.is_empty() {
            bench.feed([Event::Discard]);
        }
        prop_assert_eq!(bench.state(), State::Off);
        let count = |wanted: &dyn Fn(&Effect) -> bool| bench.effects.iter().filter(|effect| wanted(effect)).count();
        let begun = count(&|effect| matches!(effect, Effect::Tell(Told::Began { .. })));
        prop_assert_eq!(begun, count(&|effect| matches!(effect, Effect::Tell(Told::Ended { .. }))));
        prop_assert_eq!(count(&|e| *e == Effect::StartWorker), count(&|e| *e == Effect::EndWorker));
        let mut ids: Vec<u64> = bench.effects.iter().filter_map(|effect| match effect {
            Effect::Ask(id, _) => Some(*id),
            _ => None,
        }).collect();
        let all = ids.len();
        ids.dedup();
        prop_assert_eq!(all, ids.len());
    }
}
