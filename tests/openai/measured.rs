//! `percept eval` of a model at a server.

use serde_json::Value;

use super::common::{Home, Ran};
use super::run;
use super::server::{Reply, Server, says};

const ITEMS: usize = 6;

fn suite(home: &Home) -> String {
    std::fs::create_dir(home.path("suite")).unwrap();
    let item = |at| {
        format!(
            "[[item]]\nid = \"{at}\"\nkind = \"count\"\nquestion = \"Which is {at}?\"\nanswer.number = {at}\n"
        )
    };
    home.write("suite/suite.toml", format!("name = \"x\"\n{}", (1..=ITEMS).map(item).collect::<String>()));
    home.path("suite").to_str().unwrap().to_owned()
}

fn measured(home: &Home, server: &Server, suite: &str) -> Ran {
    run(home, &server.url(), None, &["eval", suite, "--json"])
}

#[test]
fn one_question_that_is_refused_ends_nothing_and_a_server_that_is_gone_ends_the_run() {
    let home = Home::new();
    let suite = suite(&home);
    let refused = || Reply::Plain(400, "", "{\"error\": {\"message\": \"not this one\"}}".into());
    let broken = || Reply::Plain(500, "", "{\"error\": {\"message\": \"out of order\"}}".into());
    let server = Server::start([says("1"), refused(), says("3"), broken(), broken(), broken()]);
    let ran = measured(&home, &server, &suite);
    assert_eq!((ran.code, server.questions().len()), (Some(3), 6), "{ran:?}");
    assert!(ran.err.contains("out of order") && ran.err.contains("2 of 6 are answered"), "{ran:?}");

    // Another port would be another server.
    server.say([says("2"), says("4"), says("5"), says("wrong")]);
    let ran = measured(&home, &server, &suite);
    assert_eq!((ran.code, server.questions().len()), (Some(0), 10), "{ran:?}");
    assert!(ran.err.contains("2 of 6 were answered before"), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["all"]["right"], &report["all"]["errors"]), (&5.into(), &0.into()), "{report}");
}
