//! Vectors by the server: what is indexed through it is found by its meaning.

use std::path::{Path, PathBuf};

use crate::common::{Home, Ran};
use crate::server::{Server, free_port, python};

fn minilm() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/all-MiniLM-L6-v2-q8_0.gguf");
    let path =
        if path.exists() { path } else { PathBuf::from("/work/shared/models/all-MiniLM-L6-v2-q8_0.gguf") };
    if !path.exists() {
        eprintln!("skipped: ../shared/models has no MiniLM");
    }
    path.exists().then_some(path)
}

fn run(home: &Home, url: &str, arguments: &[&str]) -> Ran {
    let mut command = home.percept("", arguments);
    command.env("PERCEPT_EMBEDDING_KIND", "openai").env("PERCEPT_EMBEDDING_BASE_URL", url);
    command.env("PERCEPT_EMBEDDING_RETRIES", "0");
    Ran::from(command.output().unwrap())
}

#[test]
fn what_is_indexed_through_a_server_is_found_by_its_meaning() {
    let (Some(python), Some(model)) = (python(), minilm()) else { return };
    let server = Server::start(&python, free_port(), 512, &model, Some(Path::new("embed")));
    let home = Home::new();
    let notes = home.path("notes");
    std::fs::create_dir(&notes).unwrap();
    for (name, text) in [
        ("cats.md", "The kitten slept on the warm windowsill all afternoon."),
        ("money.md", "Interest rates were raised by the central bank again."),
        ("cars.md", "The engine of the lorry was repaired in the garage."),
    ] {
        std::fs::write(notes.join(name), text).unwrap();
    }
    // A word of many tokens: the estimate is wrong, and the server refuses what is too long.
    std::fs::write(notes.join("odd.md"), "ẓ̌ḫ̮ǰ̱".repeat(900)).unwrap();
    let added = run(&home, &server.url(), &["index", "add", notes.to_str().unwrap()]);
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(!added.err.contains("goes to"), "nothing leaves this machine: {}", added.err);
    let found = |query: &str| {
        let ran = run(&home, &server.url(), &["find", "--json", "--mode", "semantic", query]);
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
        report["results"][0]["path"].as_str().unwrap().to_owned()
    };
    assert!(found("a sleeping pet").ends_with("cats.md"));
    assert!(found("inflation and loans").ends_with("money.md"));
    assert!(found("mending a truck").ends_with("cars.md"));
    let status = run(&home, &server.url(), &["index", "status", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(report["vectors"][0]["model"].as_str().unwrap(), model.to_str().unwrap());
    assert_eq!(report["vectors"][0]["passages"], report["passages"], "{}", status.out);

    // Down, it is looked for by words; what was known of its vectors is still known.
    let url = server.url();
    server.kill();
    let ran = run(&home, &url, &["find", "kitten"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("cats.md") && ran.err.contains("can't be reached"), "{ran:?}");
}
