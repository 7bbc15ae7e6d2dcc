use proptest::prelude::*;

use super::*;
use crate::wire::Word;

fn segment(start_ms: u64, end_ms: u64, text: &str) -> Segment {
    Segment { start_ms, end_ms, text: text.to_owned(), words: Vec::new() }
}

fn transcript(segments: Vec<Segment>) -> Transcript {
    Transcript { duration_ms: 11_000, language: Some("en".to_owned()), segments, notes: Vec::new() }
}

#[test]
fn each_format_says_the_same_in_its_own_way() {
    let said = transcript(vec![
        segment(0, 3_500, "And so, my fellow Americans,"),
        segment(3_600, 5_000, " a < b & c --> d"),
        segment(5_000, 5_000, " "),
        segment(3_727_040, 3_728_000, "Ask."),
    ]);
    assert_eq!(said.to_text(), "And so, my fellow Americans, a < b & c --> d\n\nAsk.\n");
    let lines = "[0:00] And so, my fellow Americans,\n[0:03] a < b & c --> d\n[1:02:07] Ask.\n";
    assert_eq!(said.to_lines(), lines);
    assert_eq!(
        said.to_srt(),
        "1\n00:00:00,000 --> 00:00:03,500\nAnd so, my fellow Americans,\n\n\
         2\n00:00:03,600 --> 00:00:05,000\na < b & c → d\n\n\
         3\n01:02:07,040 --> 01:02:08,000\nAsk.\n\n"
    );
    assert_eq!(
        said.to_vtt(),
        "WEBVTT\n\n00:00:00.000 --> 00:00:03.500\nAnd so, my fellow Americans,\n\n\
         00:00:03.600 --> 00:00:05.000\na &lt; b &amp; c --&gt; d\n\n\
         01:02:07.040 --> 01:02:08.000\nAsk.\n\n"
    );
    let read: Transcript = serde_json::from_str(&said.to_json()).unwrap();
    assert_eq!(read, said);
}

#[test]
fn silence_has_the_formats_of_nothing() {
    let nothing = Transcript::default();
    assert_eq!(
        (nothing.to_text(), nothing.to_lines(), nothing.to_srt(), nothing.to_vtt()),
        (String::new(), String::new(), String::new(), "WEBVTT\n\n".to_owned())
    );
}

#[test]
fn long_segments_are_shown_in_parts_by_the_times_of_their_words() {
    let text =
        "ask not what your country can do for you, ask what you can do for your country and more than that";
    let words = text.split(' ').enumerate().map(|(number, word)| {
        let start_ms = 1000 * number as u64;
        Word { start_ms, end_ms: start_ms + 900, text: word.to_owned(), probability: 0.5 }
    });
    let long = Segment { words: words.collect(), ..segment(0, 100_000, text) };
    assert_eq!(
        transcript(vec![long.clone()]).to_srt(),
        "1\n00:00:00,000 --> 00:00:17,900\nask not what your country can do for you,\n\
         ask what you can do for your country and\n\n\
         2\n00:00:18,000 --> 00:00:20,900\nmore than that\n\n"
    );
    // Words of another text tell nothing, so the time is shared out.
    let other = Segment { text: text.replace("more", "less"), ..long };
    assert!(transcript(vec![other]).to_srt().contains("2\n00:01:24,415 --> 00:01:40,000\nless than that\n"));
}

#[test]
fn a_script_without_spaces_is_wrapped_too() {
    let text = "語".repeat(100);
    let srt = transcript(vec![segment(0, 10_000, &text)]).to_srt();
    let shown = cues(&srt, ',');
    assert!(shown.iter().all(|(.., lines)| lines.iter().all(|line| line.chars().count() <= 21)));
    assert_eq!(shown.into_iter().flat_map(|(.., lines)| lines).collect::<String>(), text);
}

/// What a player reads: the times and lines of each text.
fn cues(subtitles: &str, point: char) -> Vec<(u64, u64, Vec<String>)> {
    let time = |text: &str| -> u64 {
        let (clock, ms) = text.split_once(point).unwrap();
        let parts: Vec<u64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
        assert!(parts.len() == 3 && parts[1] < 60 && parts[2] < 60 && ms.len() == 3, "{text}");
        ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + ms.parse::<u64>().unwrap()
    };
    let blocks = subtitles.trim_start_matches("WEBVTT\n\n").split("\n\n").filter(|block| !block.is_empty());
    blocks
        .enumerate()
        .map(|(number, block)| {
            let mut lines = block.lines();
            if point == ',' {
                assert_eq!(lines.next().unwrap(), (number + 1).to_string());
            }
            let (start, end) = lines.next().unwrap().split_once(" --> ").unwrap();
            (time(start), time(end), lines.map(str::to_owned).collect())
        })
        .collect()
}

fn any_segment() -> impl Strategy<Value = Segment> {
    let word = prop_oneof![4 => "[a-zA-Zäöü,.!?<>&'-]{1,12}", 1 => "\\PC{1,60}", 1 => Just("-->".to_owned())];
    let words = proptest::collection::vec((word, 0u64..3000, 0u64..3000), 0..40);
    (0u64..600_000, 0u64..30_000, words, any::<bool>()).prop_map(|(start_ms, length, words, with_words)| {
        let text = words.iter().map(|(word, ..)| word.as_str()).collect::<Vec<_>>().join(" ");
        let mut at = start_ms;
        let timed = words.into_iter().map(|(text, pause, length)| {
            at += pause;
            Word { start_ms: at, end_ms: at + length, text, probability: 1.0 }
        });
        let words = if with_words { timed.collect() } else { Vec::new() };
        Segment { start_ms, end_ms: start_ms + length, text, words }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_player_shows_every_word_in_order_one_text_at_a_time(
        segments in proptest::collection::vec(any_segment(), 0..12),
    ) {
        let said = transcript(segments);
        let bare = |text: String| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let words = bare(said.segments.iter().flat_map(|segment| subtitles::tokens(&segment.text)).collect());
        for (file, point) in [(said.to_srt(), ','), (said.to_vtt(), '.')] {
            let cues = cues(&file, point);
            for (start, end, lines) in &cues {
                prop_assert!(start < end, "{file}");
                prop_assert!((1..=2).contains(&lines.len()), "{file}");
                prop_assert!(lines.iter().all(|line| !line.contains("-->")));
            }
            for pair in cues.windows(2) {
                prop_assert!(pair[0].1 <= pair[1].0, "{file}");
            }
            let shown: String = cues.into_iter().flat_map(|(.., lines)| lines).collect();
            let unescaped = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            let shown = if point == ',' { shown } else { unescaped };
            prop_assert_eq!(bare(shown).replace('→', "-->"), words.replace('→', "-->"));
        }
    }
}
