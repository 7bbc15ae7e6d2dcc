use super::*;

/// Outcomes of three kinds, one of them in parts, with words and an error.
fn outcomes() -> Vec<Outcome> {
    let mut all = Vec::new();
    for at in 0..40u32 {
        let right = at % 4 != 0;
        all.push(Outcome {
            id: format!("small-{at}"),
            kind: Kind::SmallText,
            answer: String::new(),
            group: Some(if at < 20 { "8 px" } else { "12 px" }.into()),
            verdict: Verdict { right, of: Some((if right { 0 } else { 3 }, 10)), ..Verdict::default() },
            seconds: 1.0 + f64::from(at) / 100.0,
            words: vec![(if right { 0.95 } else { 0.35 }, right), (0.85, true)],
            chance: 0.0,
            error: None,
        });
    }
    for at in 0..10u32 {
        let verdict = Verdict { right: at < 9, ..Verdict::default() };
        let (id, kind, error) = (format!("state-{at}"), Kind::State, None);
        all.push(Outcome {
            id,
            kind,
            answer: String::new(),
            group: None,
            verdict,
            seconds: 2.0,
            words: Vec::new(),
            chance: 0.25,
            error,
        });
    }
    let verdict = Verdict { right: true, of: Some((2, 4)), ndcg: Some(0.75), ..Verdict::default() };
    let mut find = Outcome { id: "find-1".into(), kind: Kind::Retrieval, verdict, ..all[0].clone() };
    (find.group, find.words) = (None, Vec::new());
    all.push(find.clone());
    let error = Some("the worker ended:\nkilled by signal 9".to_owned());
    all.push(Outcome { id: "find-2".into(), verdict: Verdict::default(), error, seconds: 60.0, ..find });
    all
}

#[test]
fn counts_are_kept_by_kind_and_group() {
    let report = Report::of("qwen", &outcomes());
    assert_eq!((report.all.count, report.all.right, report.all.errors), (52, 40, 1));
    let kinds: Vec<_> =
        report.kinds.iter().map(|kind| (kind.kind, kind.tally.count, kind.tally.right)).collect();
    assert_eq!(kinds, [(Kind::SmallText, 40, 30), (Kind::State, 10, 9), (Kind::Retrieval, 2, 1)]);
    let small = &report.kinds[0];
    let groups: Vec<_> = small.groups.iter().map(|group| (group.group.as_str(), group.tally.right)).collect();
    assert_eq!(groups, [("8 px", 15), ("12 px", 15)], "in the order of the suite");
    assert_eq!(
        small.tally.measures,
        [Measure { measure: MeasureName::CharacterErrorRate, value: 0.075, hits: Some(30), of: 400 }]
    );
    assert_eq!(small.tally.chance_p, None);
    let state = &report.kinds[1].tally;
    // 10 · 0.25^9 · 0.75 + 0.25^10
    assert!((state.chance_p.unwrap() - 2.956e-5).abs() < 1e-8, "{state:?}");
    assert_eq!((state.from, state.to), wilson(9, 10));
    assert_eq!(state.measures, []);
}

#[test]
fn an_item_without_an_answer_is_wrong_and_has_no_measure_and_no_time() {
    let report = Report::of("qwen", &outcomes());
    let find = &report.kinds[2].tally;
    assert_eq!((find.count, find.right, find.errors), (2, 1, 1));
    assert_eq!(
        find.measures,
        [
            Measure { measure: MeasureName::NdcgAtTen, value: 0.75, hits: None, of: 1 },
            Measure { measure: MeasureName::RecallAtFive, value: 0.5, hits: Some(2), of: 4 },
        ]
    );
    assert_eq!(find.seconds, Some(Seconds { median: 1.0, mean: None }));
    assert_eq!(report.failures.len(), 1);
    let claimed = Outcome { error: Some("late".into()), ..outcomes()[1].clone() };
    assert_eq!(Report::of("x", &[claimed]).all.right, 0, "an error is never right");
}

#[test]
fn two_measures_of_a_kind_are_both_kept() {
    let verdict = Verdict { right: false, of: Some((3, 4)), second: Some((1, 2)), ndcg: None };
    let one = |kind| Report::of("x", &[Outcome { kind, verdict, ..outcomes()[0].clone() }]);
    for (kind, names) in [
        (Kind::Speech, [MeasureName::WordErrorRate, MeasureName::IdentifiersMissed]),
        (Kind::Caption, [MeasureName::FactsNamed, MeasureName::FactsInvented]),
        (Kind::ToolCall, [MeasureName::ArgumentsRight, MeasureName::ToolsRight]),
    ] {
        let measures = one(kind).kinds[0].tally.measures.clone();
        assert_eq!(measures.iter().map(|measure| measure.measure).collect::<Vec<_>>(), names);
        assert_eq!(measures.iter().map(|measure| measure.value).collect::<Vec<_>>(), [0.75, 0.5]);
    }
}

#[test]
fn json_comes_back_as_it_was() {
    let report = Report::of("qwen", &outcomes());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["kinds"][0]["kind"], "small-text");
    assert_eq!(json["kinds"][0]["right"], 30);
    assert_eq!(json["kinds"][0]["groups"][1]["group"], "12 px");
    assert_eq!(json["kinds"][2]["measures"][0]["measure"], "ndcg-at-ten");
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    let outcome = &outcomes()[0];
    let json = serde_json::to_string(outcome).unwrap();
    assert_eq!(&serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
}

#[test]
fn a_report_as_text_and_as_markdown() {
    let report = Report::of("qwen3-vl-4b", &outcomes());
    insta::assert_snapshot!("report_80", report.text(80));
    insta::assert_snapshot!("report_40", report.text(40));
    insta::assert_snapshot!("report_markdown", report.markdown());
}

#[test]
fn nothing_asked_is_a_report_too() {
    let report = Report::of("x", &[]);
    assert_eq!((report.all.share, report.all.from, report.all.to), (0.0, 0.0, 1.0));
    assert!(report.text(80).contains("0 of 0 items right"));
}

proptest::proptest! {
    #[test]
    fn no_line_is_wider_than_asked(
        width in 1usize..120,
        model in proptest::prelude::any::<String>(),
        group in proptest::prelude::any::<String>(),
    ) {
        use unicode_width::UnicodeWidthStr;
        let mut all = outcomes();
        all[0].group = Some(group.clone());
        all[1].error = Some(group);
        let text = Report::of(&model, &all).text(width);
        for line in text.lines() {
            proptest::prop_assert!(line.width() <= width, "{}", line);
        }
        let escapes = text.contains('\u{1b}');
        proptest::prop_assert!(!escapes);
    }
}
