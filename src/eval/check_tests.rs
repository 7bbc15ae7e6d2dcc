use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn said(text: &str) -> Given {
    Given { text: text.into(), ..Given::default() }
}

fn text_answer(is: &str, not: &[&str]) -> Answer {
    Answer::Text { is: is.into(), not: strings(not) }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn right(answer: &Answer, text: &str) -> bool {
    check(answer, &said(text)).right
}

#[test]
fn a_choice_may_have_several_names() {
    let answer = Answer::Choice { is: "July|Jul".into(), among: vec!["June|Jun".into(), "July|Jul".into()] };
    let right = |text: &str| check(&answer, &Given { text: text.into(), ..Given::default() }).right;
    assert!(right("It was July.") && right("Jul") && right("July (Jul)"));
    assert!(!right("Jun") && !right("Jul or Jun") && !right("Juli") && !right(""));
}

#[test]
fn a_text_stands_by_itself_and_no_other_does() {
    let save = text_answer("Save as", &["Save", "Cancel"]);
    for (answer, expected) in [
        ("Save as", true),
        ("The button says “Save\n  as”.", true),
        ("**Save as**", true),
        ("Save as or Cancel", false),
        ("Save, or Save as", false),
        ("Save assets", false),
        ("save as", false),
        ("AutoSave as", false),
        ("Save", false),
        ("", false),
    ] {
        assert_eq!(right(&save, answer), expected, "{answer}");
    }
    assert!(!right(&text_answer("Save", &["Save as"]), "Save as"), "the longer one is named");
    assert!(right(&text_answer("--force", &[]), "use x--force"), "no word begins with it");
    assert!(right(&text_answer("it’s", &[]), "it's"));
    assert!(right(&text_answer("ab ab", &[]), "xab ab ab"), "places overlap");
    assert!(!right(&text_answer("", &[]), "anything"));
    assert!(right(&text_answer("x", &["", "x"]), "x"), "what is asked for isn't something else");
}

#[test]
fn edits_are_those_of_the_best_stretch() {
    let of = |is: &str, answer: &str| check(&text_answer(is, &[]), &said(answer)).of;
    assert_eq!(of("Permission denied", "It says: Permission denied!"), Some((0, 17)));
    assert_eq!(of("Permission denied", "It says: Permision denled."), Some((2, 17)));
    assert_eq!(of("abc", ""), Some((3, 3)));
    assert_eq!(of("abc", "zzzzzzzzzzz"), Some((3, 3)));
    assert_eq!(of("", "abc"), Some((0, 0)));
    assert_eq!(of("größe", "grösse"), Some((2, 5)));
}

#[test]
fn a_number_is_named_alone() {
    for (number, answer, expected) in [
        (3, "3", true),
        (3, "There are three.", true),
        (3, "Three (3) icons", true),
        (3, "3.0", true),
        (3, "3.5", false),
        (3, "3 or 4", false),
        (3, "three to four", false),
        (3, "13", false),
        (3, "twenty-three", false),
        (3, "The one that has 3 windows", true),
        (1, "There is one window.", true),
        (1, "a window", false),
        (1, "one of 2", false),
        (2, "In the 1st picture: 2", true),
        (2, "F5 is held by 2", true),
        (12, "12px", true),
        (1234, "1,234", true),
        (1_234_567, "1,234,567 rows", true),
        (1234, "1\u{202f}234", true),
        (1234, "1234.", true),
        (1, "1,2345", false),
        (-5, "-5", true),
        (-5, "it is −5 °C", true),
        (-5, "minus five", true),
        (-5, "-$5", true),
        (5, "-5", false),
        (5, ".5", false),
        (5, "3-5", false),
        (0, "zero", true),
        (0, "", false),
        (4, "The difference is 4, 4!", true),
        (7, "99999999999999999999999999999999999999999999999999", false),
        (i64::MIN, "-9223372036854775808", true),
        (i64::MAX, "9223372036854775806", false),
    ] {
        assert_eq!(right(&Answer::Number(number), answer), expected, "{number}: {answer}");
    }
}

#[test]
fn one_option_is_chosen() {
    let blue = Answer::Choice { is: "blue".into(), among: strings(&["blue", "light blue", "red"]) };
    for (answer, expected) in [
        ("Blue.", true),
        ("it is BLUE", true),
        ("light blue", false),
        ("light blue, no: blue", false),
        ("red", false),
        ("not red but blue", false),
        ("bluish", false),
        ("", false),
    ] {
        assert_eq!(right(&blue, answer), expected, "{answer}");
    }
    let light = Answer::Choice { is: "light blue".into(), among: strings(&["blue", "light blue"]) };
    assert!(right(&light, "It is Light Blue."));
    assert!(!right(&light, "It is blue."));
    let state = |is: &str, among: &[&str], answer: &str| {
        right(&Answer::Choice { is: is.into(), among: strings(among) }, answer)
    };
    for (is, answer, expected) in [
        ("on", "It is on.", true),
        ("on", "On", true),
        ("on", "The switch on the left is disabled.", false),
        ("off", "Dark mode is off on this screen.", true),
        ("off", "On this screen dark mode is off.", true),
        ("off", "It is on, not off.", false),
    ] {
        assert_eq!(state(is, &["on", "off"], answer), expected, "{answer}");
    }
    for (answer, expected) in [
        ("No, it is right of it.", true),
        ("no", true),
        ("There is no blue circle.", false),
        ("Say no!", true),
    ] {
        assert_eq!(state("no", &["yes", "no"], answer), expected, "{answer}");
    }
    assert!(state("grey|gray", &["grey|gray", "red"], "It is Gray."));
    let letter = Answer::Choice { is: "B".into(), among: strings(&["A", "B", "C"]) };
    assert!(right(&letter, "B: it shows a dialog"), "\"a\" is a word");
    assert!(!right(&letter, "A or B"));
    assert!(right(&Answer::Choice { is: "on".into(), among: strings(&["On", "off"]) }, "On"), "one option");
}

#[test]
fn what_is_not_there_is_said_in_many_ways() {
    for answer in [
        "No.",
        "None",
        "Nothing is shown.",
        "No such button.",
        "There is no error dialog in the picture.",
        "There's no dialog.",
        "There aren’t any buttons.",
        "There isn't a Save button.",
        "I can't see a dialog.",
        "I don't see any error.",
        "I cannot find a Save button in this picture.",
        "I'm unable to find it.",
        "In this picture, no dialog is visible.",
        "The button isn't visible.",
        "The Save button is not in the picture.",
        "A dialog is not currently shown.",
        "The screenshot does not contain an error.",
        "The picture doesn't show a dialog.",
        "The table does not have such a column.",
        "It cannot be seen.",
        "The button \"Save\" is not present.",
        "A price is absent from the table.",
        "The image contains no chart.",
        "The picture has no table.",
        "I see no error.",
        "This is a terminal, not a chart.",
        "The title is not specified in the image.",
        "There do not seem to be any buttons in the image. The window does not show one.",
    ] {
        assert!(right(&Answer::Absent, answer), "{answer}");
    }
}

#[test]
fn what_a_picture_reads_is_no_denial() {
    for answer in [
        "",
        "Permission not granted",
        "The message is \"There is no such file\".",
        "The message says 'no button is visible' in red.",
        "It reads `No space left on device`.",
        "No such file or directory",
        "No space left on device",
        "File not found",
        "Cannot find module 'left-pad'",
        "Don't show this again",
        "The user does not have permission.",
        "The note says: do not include secrets",
        "Save",
        "Nottingham",
        "It is visible.",
        "Could not connect to the server",
        "The user has no permission.",
        "It is not a directory",
        "argument not provided",
        "this is shown, not that",
    ] {
        assert!(!right(&Answer::Absent, answer), "{answer}");
    }
    let long = format!("There is no dialog. {}", "It goes on. ".repeat(20));
    assert!(!right(&Answer::Absent, &long), "something else is told");
}

#[test]
fn facts_are_named_or_made_up() {
    let caption = Answer::Facts {
        named: strings(&["red", "button bar", "Error 42"]),
        invented: strings(&["button", "cat"]),
    };
    let verdict = check(&caption, &said("A RED window with a button bar; it says error 42."));
    assert_eq!(verdict, Verdict { right: true, of: Some((3, 3)), second: Some((0, 2)), ndcg: None });
    let verdict = check(&caption, &said("A reddish cat on a button"));
    assert_eq!(verdict, Verdict { right: false, of: Some((0, 3)), second: Some((2, 2)), ndcg: None });
    assert!(!check(&caption, &said("red, button bar, error 42, cat")).right);
}

fn called(tool: &str, arguments: Value) -> Given {
    Given { calls: vec![(tool.into(), arguments)], ..Given::default() }
}

#[test]
fn a_call_is_right_whole() {
    let Value::Object(arguments) =
        json!({ "command": "ls -l  /tmp", "depth": 3, "in": [" a", { "x": 1.5 }] })
    else {
        panic!("an object")
    };
    let shell = Answer::Call { tool: "shell".into(), arguments };
    let same = json!({ "command": " ls  -l /tmp ", "depth": 3.0, "in": ["a ", { "x": 1.5 }] });
    assert_eq!(
        check(&shell, &called("shell", same.clone())),
        Verdict { right: true, of: Some((3, 3)), second: Some((1, 1)), ndcg: None }
    );
    let verdict = |given: &Given| {
        let verdict = check(&shell, given);
        (verdict.right, verdict.of.unwrap(), verdict.second.unwrap())
    };
    assert_eq!(verdict(&called("list_dir", same.clone())), (false, (0, 3), (0, 1)));
    assert_eq!(
        verdict(&called("shell", json!({ "command": "ls", "depth": 3, "y": 1 }))),
        (false, (1, 4), (1, 1))
    );
    assert_eq!(verdict(&called("shell", json!("{}"))), (false, (0, 3), (1, 1)));
    assert_eq!(verdict(&said("ls -l /tmp")), (false, (0, 3), (0, 1)));
    let twice =
        Given { calls: vec![("shell".into(), same.clone()), ("shell".into(), same)], ..Given::default() };
    assert_eq!(verdict(&twice), (false, (3, 3), (1, 1)));
    let none = Answer::Call { tool: "memory".into(), arguments: serde_json::Map::new() };
    assert!(check(&none, &called("memory", json!({}))).right);
    assert!(!check(&none, &called("memory", Value::Null)).right, "no object");
}

#[test]
fn arguments_differ_by_value() {
    let same = |right: Value, given: Value| {
        let arguments = serde_json::Map::from_iter([("x".to_owned(), right)]);
        check(&Answer::Call { tool: "t".into(), arguments }, &called("t", json!({ "x": given }))).right
    };
    assert!(same(json!(2), json!(2.0)));
    assert!(same(json!(null), json!(null)));
    assert!(!same(json!(2), json!("2")));
    assert!(!same(json!(9007199254740993i64), json!(9007199254740992i64)), "whole numbers are exact");
    assert!(!same(json!("a  b"), json!("a b")), "no command line");
    assert!(!same(json!([1, 2]), json!([1])));
    assert!(!same(json!({ "a": 1 }), json!({ "b": 1 })));
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert!(!same(deep.clone(), deep), "too deep to tell");
}

#[test]
fn speech_is_words_and_identifiers() {
    let answer = Answer::Speech {
        is: "Run `cargo test`, then it’s done.".into(),
        identifiers: strings(&["cargo", "test"]),
    };
    assert_eq!(
        check(&answer, &said("run Cargo test then it's done")),
        Verdict { right: true, of: Some((0, 6)), second: Some((0, 2)), ndcg: None }
    );
    assert_eq!(
        check(&answer, &said("run car go test then its done")),
        Verdict { right: false, of: Some((3, 6)), second: Some((1, 2)), ndcg: None }
    );
    assert_eq!(check(&answer, &said("")).of, Some((6, 6)));
    let silence = Answer::Speech { is: String::new(), identifiers: Vec::new() };
    assert!(check(&silence, &said(" … ")).right);
    assert_eq!(check(&silence, &said("thank you")).of, Some((2, 0)));
}

fn found(right: &[&str], found: &[&str]) -> Verdict {
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    check(&Answer::Documents(paths(right)), &Given { found: paths(found), ..Given::default() })
}

#[test]
fn documents_count_by_their_places() {
    let all = found(&["a", "b"], &["./a", "b", "c"]);
    assert_eq!(all, Verdict { right: true, of: Some((2, 2)), second: None, ndcg: Some(1.0) });
    let turned = found(&["a", "b"], &["b", "b", "a"]);
    // (1 + 2 / log2 3) / (2 + 1 / log2 3)
    assert!((turned.ndcg.unwrap() - 0.859_7).abs() < 1e-4, "{turned:?}");
    assert!(!turned.right);
    let late = found(&["a"], &["1", "2", "3", "4", "5", "a"]);
    assert_eq!(late.of, Some((0, 1)));
    assert!((late.ndcg.unwrap() - 1.0 / 7f64.log2()).abs() < 1e-12);
    let six = ["a", "b", "c", "d", "e", "f"];
    assert_eq!(found(&six, &six).of, Some((5, 5)));
    assert_eq!(found(&["a"], &[]), Verdict { right: false, of: Some((0, 1)), second: None, ndcg: Some(0.0) });
    assert_eq!(found(&[], &["a"]), Verdict { right: false, of: Some((0, 0)), second: None, ndcg: None });
}

#[test]
fn an_answer_that_does_not_end_is_looked_at_by_its_start() {
    let noise = "a 'b \"c «d no ".repeat(8_000);
    let is = "needle ".repeat(100);
    let verdict = check(&text_answer(&is, &["needle"]), &said(&format!("{noise}{is}")));
    assert!(!verdict.right, "it stands behind what is looked at");
    let all: [Answer; 5] = [
        Answer::Absent,
        Answer::Number(3),
        Answer::Choice { is: "x".into(), among: strings(&["x", "y"]) },
        Answer::Facts { named: strings(&["x"]), invented: Vec::new() },
        Answer::Speech { is: "x".into(), identifiers: Vec::new() },
    ];
    for answer in all {
        assert!(!right(&answer, &noise), "{answer:?}");
    }
}

/// The least edits from a text to a stretch, by its definition.
fn slow_edits(text: &str, answer: &str) -> u32 {
    let text: Vec<char> = text.chars().collect();
    let answer: Vec<char> = answer.chars().collect();
    let stretches = (0..=answer.len()).flat_map(|from| (from..=answer.len()).map(move |to| (from, to)));
    stretches.map(|(from, to)| edits(&text, &answer[from..to])).min().unwrap()
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>(), is in any::<String>(), other in ".{0,8}", number in any::<i64>()) {
        let all = [
            text_answer(&is, &[&other]),
            Answer::Number(number),
            Answer::Choice { is: is.clone(), among: vec![other.clone(), is.clone()] },
            Answer::Absent,
            Answer::Facts { named: vec![is.clone()], invented: vec![other.clone()] },
            Answer::Speech { is, identifiers: vec![other] },
        ];
        for answer in all {
            let verdict = check(&answer, &said(&text));
            prop_assert_eq!(verdict, check(&answer, &said(&text)));
        }
    }

    #[test]
    fn a_number_is_found_in_its_sentence(number in any::<i64>()) {
        let one = format!("It is {number}.");
        prop_assert!(right(&Answer::Number(number), &one));
        let two = format!("It is {number} or {}", number.wrapping_add(1));
        prop_assert!(!right(&Answer::Number(number), &two));
        if number >= 0 {
            prop_assert!(right(&Answer::Number(number), &crate::text::thousands(number as u64)));
        }
    }

    #[test]
    fn the_best_stretch_is_the_best(text in "[ab ]{0,6}", answer in "[abc ]{0,9}") {
        let (text, answer) = (normalised(&text), normalised(&answer));
        prop_assert_eq!(stretch_edits(&text, &answer), (slow_edits(&text, &answer), text.chars().count() as u32));
    }

    #[test]
    fn a_text_is_right_in_any_wrapping(is in "[a-zA-Z0-9_.-]{1,12}", around in "[ \"'(]{1,3}") {
        let answer = format!("{around}{is}{around}");
        prop_assert!(right(&text_answer(&is, &[]), &answer));
        prop_assert_eq!(check(&text_answer(&is, &[]), &said(&answer)).of.unwrap().0, 0);
    }

    #[test]
    fn words_heard_without_error_are_right(words in prop::collection::vec("[a-z0-9]{1,6}", 0..12)) {
        let is = words.join(", ");
        let answer = Answer::Speech { is, identifiers: words.clone() };
        let verdict = check(&answer, &said(&words.join(" ").to_uppercase()));
        prop_assert!(verdict.right);
        prop_assert_eq!(verdict.second, Some((0, words.len() as u32)));
    }

    #[test]
    fn ndcg_is_a_share(
        right in prop::collection::vec("[a-l]", 1..12),
        given in prop::collection::vec("[a-p]", 0..14),
    ) {
        let right: Vec<&str> = right.iter().map(String::as_str).collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let verdict = found(&right, &given);
        prop_assert!((0.0..=1.0 + 1e-12).contains(&verdict.ndcg.unwrap()));
        prop_assert!((found(&right, &right).ndcg.unwrap() - 1.0).abs() < 1e-12);
        let (hits, of) = verdict.of.unwrap();
        prop_assert!(hits <= of);
    }
}
