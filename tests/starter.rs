//! percept on its own weights, through the door: nothing here is played.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod random_model;

use common::{Home, REAL, sample};

#[test]
fn what_the_error_says_is_printed() {
    let home = Home::new();
    let ran = home.run(REAL, &["ask", "-a", &sample("error.png"), "What does the error say?"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "Permission denied: /etc/hosts\n"), "{ran:?}");
    let ran = home.run(REAL, &["ask", "--json", "-a", &sample("error.png"), "What does the error say?"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["answer"], "Permission denied: /etc/hosts");
    assert!(report["stats"]["encode_ms"].as_f64().unwrap() > 0.0, "{report}");
    let rows = report["ledger"]["entries"].as_array().unwrap();
    let image = rows.iter().find(|row| row["kind"] == "image").unwrap();
    assert!(image["encode_ms"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn a_dialog_on_a_large_screen_is_read_where_its_text_is() {
    let home = Home::new();
    let dialog = image::open(sample("error.png")).unwrap().to_rgb8();
    let mut screen = image::RgbImage::from_pixel(1280, 800, image::Rgb([50, 70, 120]));
    image::imageops::overlay(&mut screen, &dialog, 500, 300);
    let path = home.path("screen.png");
    screen.save(&path).unwrap();
    let ran =
        home.run(REAL, &["ask", "--json", "-a", path.to_str().unwrap(), "What is the title of the dialog?"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["answer"], "Error", "{report}");
    let rows = report["ledger"]["entries"].as_array().unwrap();
    let image = rows.iter().find(|row| row["kind"] == "image").unwrap();
    // 400x200 pixels: ten rows of twenty, and what stands between and behind them.
    assert!((200..215).contains(&image["tokens"].as_u64().unwrap()), "{image}");
}

/// What is printed of an answer as JSON, and its calls.
fn asked(home: &Home, question: &str) -> (serde_json::Value, Vec<serde_json::Value>) {
    let ran = home.run(REAL, &["ask", "--json", question]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let steps = report["steps"].as_array().cloned().unwrap_or_default();
    (report, steps)
}

#[cfg(unix)]
#[test]
fn the_plainest_requests_are_run() {
    let home = Home::new();
    let [df] = &asked(&home, "run df -h").1[..] else { panic!("one call") };
    assert_eq!((&df["name"], &df["shown"]), (&"shell".into(), &"df -h".into()), "{df}");
    assert!(df["text"].as_str().unwrap().contains("Filesystem"), "{df}");

    let [uname] = &asked(&home, "Run `uname -a` for me.").1[..] else { panic!("one call") };
    assert_eq!(uname["shown"], "uname -a", "{uname}");

    // Without an index there is nothing to find, which is said: no other tool is called in its place.
    let [notes] = &asked(&home, "find the notes about alsa").1[..] else { panic!("one call") };
    assert_eq!(notes["name"], "find_documents", "{notes}");
    assert!(notes["text"].as_str().unwrap().starts_with("Nothing is indexed"), "{notes}");
}

#[cfg(unix)]
#[test]
fn a_request_beside_a_picture_is_run_too() {
    let home = Home::new();
    let ran = home.run(REAL, &["ask", "--json", "-a", &sample("error.png"), "git status, please"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["steps"][0]["name"], "git_status", "{report}");
}

#[test]
fn a_greeting_calls_nothing() {
    let home = Home::new();
    let none = "There is no picture. Attach one.";
    let talk = "I can't talk: I only read small screens and call tools.";
    for (said, answer) in [("hello", talk), ("How are you?", talk), ("What does the error say?", none)] {
        let (report, steps) = asked(&home, said);
        assert!(steps.is_empty() && report["answer"] == answer, "{said}: {report}");
    }
}

#[test]
fn a_picture_is_described_with_what_is_unsure() {
    let home = Home::new();
    let ran = home.run(REAL, &["describe", &sample("error.png")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.out.trim().is_empty());
}

#[test]
fn words_find_pictures_that_nobody_read() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("config")).unwrap();
    home.write(
        "config/config.toml",
        "[find]\nmodel = 'starter-pictures'\n[index]\nread_pictures = false\nwatch = false\n",
    );
    // A seed that training never drew; five of 200 that are found by chance are one in forty.
    let ran = home.run(REAL, &["eval", "-k", "picture-search", "-n", "20", "--seed", "23", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let measures = report["kinds"][0]["measures"].as_array().unwrap();
    let found = measures.iter().find(|one| one["measure"] == "recall-at-five").unwrap();
    assert!(found["value"].as_f64().unwrap() > 0.2, "{report}");
}

#[test]
fn the_doctor_says_what_ggml_found_of_the_cpu() {
    let ran = Home::new().run(REAL, &["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["workers"][0]["engine"], "llama");
    if cfg!(target_arch = "x86_64") {
        let features = report["workers"][0]["cpu_features"].as_array().unwrap();
        assert!(features.iter().any(|feature| feature == "SSE3"), "{features:?}");
    }
}

#[cfg(unix)]
mod chat {
    //! The same in a terminal.

    use std::path::Path;

    use super::common::{Home, REAL, sample};
    use super::pty::Terminal;
    use super::random_model::write_hybrid;

    #[test]
    fn two_questions_about_the_sample_and_the_next_day() {
        for (columns, rows) in [(80, 24), (200, 60)] {
            let home = Home::new();
            let mut chat = Terminal::start(&home, REAL, &[&sample("error.png")], columns, rows);
            chat.shows("This is the starter model");
            chat.shows("119 tok · ready]");
            chat.press("What does the error say?\r");
            chat.shows("Permission denied: /etc/hosts");
            chat.shows("first word after");
            chat.shows(" ready ");
            chat.press("What is the title of the dialog?\r");
            chat.shows("\n  Error\n");
            chat.shows(" ready ");
            chat.press("\x04");
            assert_eq!(chat.wait(), 0);
            assert!(home.path("cache/states/1.state").exists(), "the evaluated prompt is kept");

            let mut chat = Terminal::start(&home, REAL, &["--continue"], columns, rows);
            chat.shows("Permission denied: /etc/hosts");
            chat.shows(" ready ");
            chat.press("What buttons are there?\r");
            chat.shows("What buttons are there?\n\npercept  starter");
            chat.press("\x04");
            assert_eq!(chat.wait(), 0);
            let json = home.run(REAL, &["sessions", "show", "--json"]).out;
            let session: serde_json::Value = serde_json::from_str(&json).unwrap();
            let last = &session["tree"][5];
            assert_eq!(last["stats"]["encode_ms"], 0.0, "the picture was not looked at again: {last}");
            assert!(last["stats"]["cached_tokens"].as_u64().unwrap() >= 119, "{last}");
        }
    }

    /// A chat on noise that goes on until the context is full.
    fn noisy(home: &Home) -> Terminal {
        let model = home.path("noise.gguf");
        let like = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/starter/starter-f16.gguf");
        write_hybrid(&model, &like, 7);
        let settings = [("PERCEPT_MODEL_THREADS", "1"), ("PERCEPT_MODEL_CONTEXT", "32768")];
        let arguments = ["-m", model.to_str().unwrap()];
        Terminal::with(home, REAL, &arguments, &settings, (80, 24))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_worker_killed_in_mid_answer_is_said_and_the_next_question_works() {
        use rustix::process::{Pid, Signal, kill_process};
        let home = Home::new();
        let mut chat = noisy(&home);
        chat.shows(" ready ");
        let worker = super::common::child_of(chat.child.process_id().unwrap(), "percept-llama").unwrap();
        chat.press("go on\r");
        chat.shows("tok/s · answering");
        kill_process(Pid::from_raw(worker as i32).unwrap(), Signal::KILL).unwrap();
        chat.shows("The model's worker died: signal 9");
        chat.shows("(the worker died)");
        chat.shows(" ready ");
        chat.press("and on\r");
        chat.shows("tok/s · answering");
        chat.press("\x1b");
        chat.shows("(stopped by you)");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_worker_that_can_not_even_run_ends_with_percept() {
        use rustix::process::{Pid, Signal, kill_process};
        let home = Home::new();
        let mut chat = noisy(&home);
        chat.shows(" ready ");
        let worker = super::common::child_of(chat.child.process_id().unwrap(), "percept-llama").unwrap();
        kill_process(Pid::from_raw(worker as i32).unwrap(), Signal::STOP).unwrap();
        chat.signal(Signal::KILL);
        chat.wait();
        assert!(super::common::is_gone(worker), "the worker outlives percept");
    }
}
