use proptest::prelude::*;

use super::*;

const SETTINGS: Settings = Settings { least: 3, padding: 2, pause: 5, longest: 40 };

fn stretches(settings: Settings, frames: &[Frame]) -> Vec<Stretch> {
    let mut segmenter = Segmenter::new(settings);
    let mut found: Vec<_> = frames.iter().filter_map(|frame| segmenter.push(*frame)).collect();
    found.extend(segmenter.finish());
    found
}

/// `.` is silence, `x` speech, `-` speech that is quiet.
fn picture(drawn: &str) -> Vec<Frame> {
    let frame = |mark| match mark {
        'x' => Frame { speech: 0.9, loudness: 0.5 },
        '-' => Frame { speech: 0.9, loudness: 0.1 },
        _ => Frame { speech: 0.1, loudness: 0.01 },
    };
    drawn.chars().map(frame).collect()
}

fn ranges(drawn: &str) -> Vec<Range<usize>> {
    stretches(SETTINGS, &picture(drawn)).into_iter().map(|stretch| stretch.frames).collect()
}

#[test]
fn speech_is_padded_and_a_pause_ends_it() {
    assert_eq!(ranges("....xxxx......xxx"), [2..10, 12..17]);
}

#[test]
fn a_short_pause_ends_nothing_and_padding_never_overlaps() {
    assert_eq!(ranges("xxxx....xxxx"), std::slice::from_ref(&(0..12)));
    assert_eq!(ranges("xxxx.....xxxx"), [0..6, 7..13]);
}

#[test]
fn a_click_is_no_speech() {
    assert_eq!(ranges("....xx....x....xx"), Vec::<Range<usize>>::new());
}

#[test]
fn what_is_too_long_is_cut_at_its_quietest_place() {
    let drawn = format!("{}---{}", "x".repeat(29), "x".repeat(20));
    let found = stretches(SETTINGS, &picture(&drawn));
    assert_eq!(found, [Stretch { frames: 0..30 }, Stretch { frames: 30..52 }]);
}

#[test]
fn what_is_open_ends_where_the_sound_does() {
    let mut segmenter = Segmenter::new(SETTINGS);
    for frame in picture("..xxxx.") {
        assert_eq!(segmenter.push(frame), None);
    }
    assert_eq!(segmenter.open(), Some(Open { frames: 0..7, silent: 1 }));
    assert_eq!(segmenter.finish(), Some(Stretch { frames: 0..7 }));
    assert_eq!((segmenter.open(), segmenter.finish()), (None, None));
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let run = (any::<bool>(), 1..30_usize, 0.0..1.0_f32).prop_map(|(speech, length, loudness)| {
        vec![Frame { speech: if speech { 0.9 } else { 0.0 }, loudness }; length]
    });
    prop::collection::vec(run, 0..30).prop_map(|runs| runs.concat())
}

proptest! {
    #[test]
    fn stretches_are_in_order_bounded_and_miss_no_speech(
        frames in frames(), least in 1..5_usize, padding in 0..6_usize, pause in 1..10_usize, longest in 10..60_usize
    ) {
        let settings = Settings { least, padding, pause, longest };
        let found = stretches(settings, &frames);
        let mut before = 0;
        for Stretch { frames: range, .. } in &found {
            prop_assert!(before <= range.start && range.start < range.end && range.end <= frames.len());
            prop_assert!(range.len() <= longest + least + padding, "{range:?}");
            before = range.end;
        }
        let runs = frames.chunk_by(|left, right| left.speech == right.speech);
        let mut at = 0;
        for run in runs {
            if run[0].speech > SPEECH && run.len() >= least {
                for place in at..at + run.len() {
                    prop_assert!(found.iter().any(|stretch| stretch.frames.contains(&place)), "{place}");
                }
            }
            at += run.len();
        }
    }

    #[test]
    fn what_is_needed_never_starts_after_what_is_found(frames in frames()) {
        let mut segmenter = Segmenter::new(SETTINGS);
        let mut needed = 0;
        for frame in &frames {
            let found = segmenter.push(*frame);
            prop_assert!(found.is_none_or(|stretch| needed <= stretch.frames.start));
            needed = segmenter.needed();
        }
        prop_assert!(segmenter.finish().is_none_or(|stretch| needed <= stretch.frames.start));
    }
}
