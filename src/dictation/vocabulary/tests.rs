use proptest::prelude::*;

use super::*;

fn passage(origin: Origin, text: &str) -> Passage {
    Passage { origin, text: text.to_owned() }
}

fn words(text: &str) -> Vec<String> {
    let mut words = likely(&[], &[passage(Origin::Written, text)]);
    words.sort();
    words
}

#[test]
fn what_a_model_would_spell_wrong_is_told() {
    let text = "Why does percept-llama say that the mmproj of qwen3-vl is missing in src/tools/build-error.png, \
                see config.toml:12, loadModel and `kubectl` of Grafana? The KV cache uses utf8.";
    let expected = [
        "Grafana",
        "KV",
        "build-error.png",
        "config.toml",
        "kubectl",
        "loadModel",
        "mmproj",
        "percept-llama",
        "qwen3-vl",
        "utf8",
    ];
    assert_eq!(words(text), expected);
}

#[test]
fn what_is_never_said_or_must_not_be_is_left_out() {
    let text = "2024-01-02T03:04:05Z INFO [worker-12] 10.0.0.1 3f2b8c1d-aaaa-4bbb-8ccc-0123456789ab deadbeef42 \
                a1b2c3d 0x7ffe12 12345 1.2.3 v1.2.3 bob@example.org https://example.org/x_y token=snake_case_1 \
                ghp_16C7e42F292c6912E7710c838347Ae178B4a AKIAIOSFODNN7EXAMPLE \
                Q2xhdWRlIGRpZCB0aGlz1 aws_secret_access_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n\
                password: hunter2\nThe well-known read-only Error. Then It e.g. said WARNING";
    assert_eq!(words(text), ["aws_secret_access_key", "worker-12"]);
}

#[test]
fn a_name_is_what_is_never_written_small_nor_only_begins_a_sentence() {
    assert_eq!(words("Postgres is slow. We moved to Postgres."), ["Postgres"]);
    assert!(words("Tables are slow. Look at Tables and tables.").is_empty());
    assert!(words("Shutting down. Tables: Created\nTables").is_empty());
}

#[test]
fn the_persons_own_come_first_then_names_then_what_is_new_and_frequent() {
    let own = ["Ada Lovelace".to_owned(), " ".to_owned(), "ada lovelace".to_owned()];
    let passages = [
        passage(Origin::Name, "build-error.png"),
        passage(Origin::Written, "new_word"),
        passage(Origin::Read, "old_word rare_word old_word Build-Error.png"),
    ];
    let expected = ["Ada Lovelace", "build-error.png", "new_word", "old_word", "rare_word"];
    assert_eq!(likely(&own, &passages), expected);
    assert_eq!(likely(&[], &[]), [""; 0]);
}

#[test]
fn megabytes_are_read_as_far_as_is_bounded() {
    let line = "worker_thread lost the mmproj at db_pool, ünïcode and more\n";
    let text = line.repeat(MOST_OF_A_PASSAGE / line.len() + 1) + "behind_the_bound\n";
    let passages = vec![passage(Origin::Read, &text); 40];
    let found = likely(&[], &passages);
    assert_eq!(found, ["worker_thread", "db_pool", "mmproj"]);
}

proptest! {
    #[test]
    fn any_text_gives_few_words_that_differ(texts in prop::collection::vec(".{0,400}", 0..8), own in prop::collection::vec(".{0,12}", 0..80)) {
        let passages: Vec<Passage> = texts.iter().map(|text| passage(Origin::Read, text)).collect();
        let found = likely(&own, &passages);
        prop_assert!(found.len() <= MOST_WORDS);
        let mut lower: Vec<String> = found.iter().map(|word| word.to_lowercase()).collect();
        lower.sort();
        lower.dedup();
        prop_assert_eq!(lower.len(), found.len());
        prop_assert!(found.iter().all(|word| !word.trim().is_empty() && !word.contains('\n') || own.iter().any(|own| own.trim() == word)));
        prop_assert_eq!(&likely(&own, &passages), &found);
    }

    #[test]
    fn no_hash_is_told(bytes in prop::array::uniform20(any::<u8>())) {
        let hash: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for length in [7, 12, 40] {
            let cut = &hash[..length];
            // One of letters alone may be a word.
            prop_assume!(cut.contains(|c: char| c.is_ascii_digit()));
            prop_assert_eq!(words(cut), [""; 0]);
        }
    }
}
