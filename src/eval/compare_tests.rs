use super::super::item::Verdict;
use super::*;

fn outcome(id: &str, kind: Kind, right: bool) -> Outcome {
    Outcome {
        id: id.into(),
        kind,
        answer: String::new(),
        group: None,
        verdict: Verdict { right, ..Verdict::default() },
        seconds: if right { 1.0 } else { 3.0 },
        words: vec![(0.8, right)],
        chance: 0.0,
        error: None,
    }
}

/// Items of a kind of which so many only the first, only the second, both and neither get right.
fn both(kind: Kind, [first, second, both, neither]: [usize; 4]) -> (Vec<Outcome>, Vec<Outcome>) {
    let rights =
        [(first, (true, false)), (second, (false, true)), (both, (true, true)), (neither, (false, false))];
    let all = rights.into_iter().flat_map(|(number, right)| std::iter::repeat_n(right, number));
    let one = |(at, (first, second))| {
        let id = format!("{}-{at}", kind.name());
        (outcome(&id, kind, first), outcome(&id, kind, second))
    };
    all.enumerate().map(one).unzip()
}

/// Three kinds: one clearly differs, one by itself would, one doesn't.
fn models() -> (Vec<Outcome>, Vec<Outcome>) {
    let (mut first, mut second) = both(Kind::SmallText, [2, 20, 15, 3]);
    for (kind, counts) in [(Kind::Table, [10, 2, 20, 8]), (Kind::Chart, [3, 3, 10, 4])] {
        let (some, others) = both(kind, counts);
        first.extend(some);
        second.extend(others);
    }
    (first, second)
}

#[test]
fn a_difference_is_more_than_chance_after_the_correction() {
    let (first, second) = models();
    let comparison = compare(("a", &first), ("b", &second));
    let rows: Vec<_> = comparison
        .kinds
        .iter()
        .map(|kind| (kind.kind, kind.compared.paired.only_first, kind.compared.more_than_chance))
        .collect();
    assert_eq!(rows, [(Kind::SmallText, 2, true), (Kind::Table, 10, false), (Kind::Chart, 3, false)]);
    let table = comparison.kinds[1].compared;
    assert!((table.p - 0.038_574).abs() < 1e-6, "{table:?}");
    assert!((table.corrected_p - 2.0 * table.p).abs() < 1e-12, "two tests are left");
    assert!((table.difference + 0.2).abs() < 1e-12);
    assert_eq!(table.shares(), (0.75, 0.55));
    assert_eq!(comparison.all.paired, Paired { both: 45, only_first: 15, only_second: 25, neither: 15 });
    assert_eq!(comparison.all.p, comparison.all.corrected_p);
    assert_eq!(comparison.all.seconds, (Some(1.0), Some(1.0)));
}

#[test]
fn what_only_one_was_asked_is_left_out_and_counted() {
    let (mut first, mut second) = both(Kind::Table, [1, 0, 1, 0]);
    first.push(outcome("mine", Kind::Table, true));
    first.push(first[0].clone());
    second.push(outcome("yours", Kind::Table, true));
    second.push(outcome("mine", Kind::Chart, true));
    second.reverse();
    let comparison = compare(("a", &first), ("b", &second));
    assert_eq!(comparison.all.paired, Paired { both: 1, only_first: 1, only_second: 0, neither: 0 });
    assert_eq!((comparison.left_out_first, comparison.left_out_second), (2, 2));
    assert_eq!(comparison.kinds.len(), 1);
}

#[test]
fn an_item_without_an_answer_is_wrong() {
    let first = [outcome("x", Kind::Table, true)];
    let second = [Outcome { error: Some("killed".into()), ..first[0].clone() }];
    let comparison = compare(("a", &first), ("b", &second));
    assert_eq!(comparison.all.paired.only_first, 1);
    assert_eq!(comparison.all.seconds, (Some(1.0), None));
}

#[test]
fn a_comparison_as_text_markdown_and_json() {
    let (first, mut second) = models();
    second.pop();
    let comparison = compare(("qwen3-vl-4b", &first), ("gemma_3|4b", &second));
    insta::assert_snapshot!("comparison_80", comparison.text(80));
    insta::assert_snapshot!("comparison_markdown", comparison.markdown());
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(json["kinds"][0]["kind"], "small-text");
    assert_eq!(json["kinds"][0]["only_second"], 20);
    assert_eq!(serde_json::from_value::<Comparison>(json).unwrap(), comparison);
    let nothing = compare(("a", &[]), ("b", &[]));
    assert_eq!((nothing.all.p, nothing.all.difference, nothing.all.more_than_chance), (1.0, 0.0, false));
    assert!(nothing.text(20).lines().all(|line| line.chars().count() <= 20));
}

proptest::proptest! {
    #[test]
    fn the_other_way_round_it_is_the_same(rights in proptest::collection::vec((0usize..3, proptest::bool::ANY, proptest::bool::ANY), 0..60)) {
        let kinds = [Kind::SmallText, Kind::Table, Kind::Chart];
        let of = |second: bool| -> Vec<Outcome> {
            let one = |(at, (kind, a, b)): (usize, &(usize, bool, bool))| {
                outcome(&at.to_string(), kinds[*kind], if second { *b } else { *a })
            };
            rights.iter().enumerate().map(one).collect()
        };
        let (first, second) = (of(false), of(true));
        let there = compare(("a", &first), ("b", &second));
        let back = compare(("b", &second), ("a", &first));
        proptest::prop_assert_eq!(there.all.p, back.all.p);
        proptest::prop_assert_eq!(there.all.difference, -back.all.difference);
        for (there, back) in there.kinds.iter().zip(&back.kinds) {
            proptest::prop_assert_eq!(there.compared.corrected_p, back.compared.corrected_p);
            proptest::prop_assert!(there.compared.p <= there.compared.corrected_p);
        }
        proptest::prop_assert_eq!(there.left_out_first, 0);
    }
}
