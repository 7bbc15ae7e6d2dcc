//! The one-shot commands, through the door, with the fake worker.

mod common;

use std::io::Write;
use std::process::Stdio;

use common::{Home, Ran, sample};

#[test]
fn ask_prints_the_answer_and_keeps_it() {
    let home = Home::new();
    let ran = home.run("", &["ask", "-a", &sample("error.png"), "why?"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "You asked \"why?\" about 1 pictures, **perhaps** `code` perhaps so.\n");
    assert_eq!(ran.err, "");
    let listed = home.run("", &["sessions", "list"]).out;
    assert!(listed.contains("2 messages  why?"), "{listed}");
    let shown = home.run("", &["sessions", "show"]).out;
    assert!(shown.contains("error.png") && shown.contains("about 1 pictures"), "{shown}");
    let json = home.run("", &["sessions", "show", "1", "--json"]).out;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["tree"].as_array().unwrap().len(),
        2
    );
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    assert_eq!(home.run("", &["ask", "-a", &sample("error.png"), "why?"]).code, Some(0));
    for folder in ["data", "cache"] {
        let mode = std::fs::metadata(home.path(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn json_has_the_ledger_and_the_unsure_words() {
    let home = Home::new();
    let ran = home.run("", &["ask", "--json", "-a", &sample("error.png"), "-a", &sample("app.log"), "why?"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["complete"], true);
    assert_eq!(report["attachments"].as_array().unwrap().len(), 2);
    assert_eq!(report["ledger"]["entries"][0]["kind"], "image");
    assert_eq!(report["unsure"][0]["word"], "perhaps");
}

#[test]
fn describe_marks_what_is_unsure() {
    let ran = Home::new().run("", &["describe", &sample("error.png")]);
    assert!(ran.out.contains("`code` perhaps(?) so."), "{ran:?}");
}

#[test]
fn standard_input_is_an_attachment() {
    let home = Home::new();
    let mut child = home.percept("", &["ask", "why?"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(home.run("", &["sessions", "show"]).out.contains("standard input"));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let home = Home::new();
    let mut child = home.percept("long slow", &["ask", "why?"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn bad_input_is_exit_1_and_says_what_to_do() {
    let home = Home::new();
    let bomb = {
        // The header of a BMP of 30,000 x 30,000 with 24 bits a pixel and nothing behind it.
        let side = 30_000_u32.to_le_bytes();
        let start = [54, 0, 0, 0, 40, 0, 0, 0];
        let bmp = [&b"BM"[..], &[0; 8], &start, &side, &side, &[1, 0, 24, 0], &[0; 24]].concat();
        home.write("bomb.bmp", bmp)
    };
    let text = home.write("text.png", "hello");
    let empty = home.write("empty.log", "");
    let cases = [
        (bomb.to_str().unwrap(), "30000 x 30000 pixels"),
        (text.to_str().unwrap(), "named like a picture, but holds text"),
        (empty.to_str().unwrap(), "is empty"),
        (home.dir.path().to_str().unwrap(), "is a folder"),
        ("none.png", "is not there"),
        ("/dev/null", "not a regular file"),
    ];
    for (path, said) in cases {
        let ran = home.run("", &["ask", "-a", path, "why?"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(said) && ran.out.is_empty(), "{ran:?}");
    }
    for attached in [&[][..], &["-a", &sample("error.png")]] {
        let ran = home.run("", &[&["ask", "-m", "startr", "why?"], attached].concat());
        assert!(ran.code == Some(1) && ran.err.contains("did you mean `starter`"), "{ran:?}");
    }
    let ran = home.run("", &["sessions", "show", "99"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let ran = home.run("", &[]);
    assert!(ran.code == Some(1) && ran.err.contains("needs a terminal"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let path = home.write("secret.log", "x");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        return; // Root may read everything.
    }
    let ran = home.run("", &["ask", "-a", path.to_str().unwrap(), "why?"]);
    assert!(ran.code == Some(1) && ran.err.contains("permission denied"), "{ran:?}");
}

#[test]
fn usage_is_exit_2_and_a_failing_worker_exit_3() {
    let home = Home::new();
    assert_eq!(home.run("", &["ask"]).code, Some(2));
    assert_eq!(home.run("", &["ask", " "]).code, Some(2));
    assert_eq!(home.run("", &["ask", "--temperature", "hot", "why?"]).code, Some(2));
    let ran = home.run("noload", &["ask", "why?"]);
    assert!(ran.code == Some(3) && ran.err.contains("Copy it again"), "{ran:?}");
    let ran = home.run("old", &["ask", "why?"]);
    assert!(ran.code == Some(3) && ran.err.contains("version 0"), "{ran:?}");
    let ran = home.run("die", &["ask", "why?"]);
    assert!(
        ran.code == Some(3) && ran.err.contains("exit code 7") && ran.err.contains("dying as told"),
        "{ran:?}"
    );
    let ran = home.run("small", &["ask", "why?"]);
    assert!(ran.code == Some(1) && ran.err.contains("context holds"), "{ran:?}");
}

#[test]
fn the_configuration_is_read_from_all_layers_and_mistakes_are_named() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("config")).unwrap();
    home.write("config/config.toml", "[model]\nnmae = 'x'\n");
    let ran = home.run("", &["ask", "why?"]);
    assert!(ran.code == Some(1) && ran.err.contains("did you mean `model.name`"), "{ran:?}");
    home.write("config/config.toml", "[chat]\nunsure_below = 0.0\n");
    home.write(".percept.toml", "[worker]\nllama = '/tmp/evil'\n");
    let ran = home.run("", &["ask", "why?"]);
    assert!(ran.code == Some(1) && ran.err.contains("a project may not set `worker.llama`"), "{ran:?}");
    std::fs::remove_file(home.path(".percept.toml")).unwrap();
    let ran = home.run("", &["describe", &sample("error.png")]);
    assert!(ran.code == Some(0) && !ran.out.contains("(?)"), "{ran:?}");
    let ran =
        Ran::from(home.percept("", &["ask", "why?"]).env("PERCEPT_MODEL_CONTXT", "1").output().unwrap());
    assert!(ran.code == Some(1) && ran.err.contains("did you mean `PERCEPT_MODEL_CONTEXT`"), "{ran:?}");
}

#[test]
fn flags_go_over_the_environment_over_the_project_over_the_user_over_the_default() {
    let home = Home::new();
    let asked = |variables: &[(&str, &str)], flags: &[&str]| {
        let arguments = [&["ask", "--json"], flags, &["why?"]].concat();
        let mut command = home.percept("echo", &arguments);
        let ran = Ran::from(command.envs(variables.iter().copied()).output().unwrap());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let got: serde_json::Value = serde_json::from_str(report["answer"].as_str().unwrap()).unwrap();
        (got["sampling"]["temperature"].as_f64().unwrap(), got["options"].clone())
    };
    // What the starter's own entry says, and what else is set.
    let options = |other: serde_json::Value| {
        let mut options =
            serde_json::json!({ "image_window": [400, 200], "knows_tools": true, "threads": 1 });
        options.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        options
    };
    assert_eq!(asked(&[], &[]), (0.0, options(serde_json::json!({}))));
    std::fs::create_dir_all(home.path("config")).unwrap();
    home.write(
        "config/config.toml",
        "[model]\ncontext = 1000\nmemory_check = false\n[sampling]\ntemperature = 0.25\n",
    );
    let user = options(serde_json::json!({ "context": 1000, "ignore_memory": true }));
    assert_eq!(asked(&[], &[]), (0.25, user));
    home.write(".percept.toml", "[model]\ncontext = 2000\n[sampling]\ntemperature = 0.5\n");
    let project = options(serde_json::json!({ "context": 2000, "ignore_memory": true }));
    assert_eq!(asked(&[], &[]), (0.5, project.clone()));
    let variable = ("PERCEPT_SAMPLING_TEMPERATURE", "0.75");
    assert_eq!(asked(&[variable], &[]), (0.75, project.clone()));
    assert_eq!(asked(&[variable], &["--temperature", "1"]), (1.0, project));
}

#[test]
fn a_broken_project_file_stops_neither_the_doctor_nor_what_needs_no_configuration() {
    let home = Home::new();
    home.run("", &["ask", "why?"]);
    home.write(".percept.toml", "[model\n");
    let ran = home.run("", &["doctor"]);
    assert!(ran.code == Some(1) && ran.out.contains("!!    configuration: "), "{ran:?}");
    assert!(ran.out.contains("ok    percept-llama") && ran.err.contains(".percept.toml"), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&home.run("", &["doctor", "--json"]).out).unwrap();
    assert!(report["configuration"]["problem"].as_str().unwrap().contains(".percept.toml"), "{report}");
    assert_eq!(home.run("", &["sessions", "list"]).code, Some(0));
    assert_eq!(home.run("", &["models", "list"]).code, Some(0));
    assert_eq!(home.run("", &["ask", "why?"]).code, Some(1));
}

#[test]
fn without_a_disk_to_keep_it_on_the_answer_comes_and_it_is_said() {
    let home = Home::new();
    // A file where the folder should be: even root can't make a folder there.
    home.write("data", "");
    let ran = home.run("", &["ask", "-a", &sample("error.png"), "why?"]);
    assert!(ran.code == Some(0) && ran.out.contains("about 1 pictures"), "{ran:?}");
    assert!(ran.err.contains("not being saved"), "{ran:?}");
    let ran = home.run("", &["sessions", "list"]);
    assert!(ran.code == Some(1) && ran.err.contains("data"), "{ran:?}");
}

#[test]
fn models_are_listed_shown_added_and_verified() {
    let home = Home::new();
    assert!(home.run("", &["models", "list"]).out.contains("● starter"));
    assert!(home.run("", &["models", "show", "qwen3-vl-4b"]).out.contains("Apache-2.0"));
    assert_eq!(home.run("", &["models", "verify", "starter"]).out.lines().count(), 2);
    let starter = concat!(env!("CARGO_MANIFEST_DIR"), "/models/starter/starter-f16.gguf");
    let ran = home.run("", &["models", "add", "mine", starter]);
    assert!(ran.code == Some(0) && ran.out.contains("with its projector"), "{ran:?}");
    assert!(home.run("", &["models", "list"]).out.contains("● mine"));
    let listed: serde_json::Value =
        serde_json::from_str(&home.run("", &["models", "list", "--json"]).out).unwrap();
    let here = |name: &str| {
        let model = listed.as_array().unwrap().iter().find(|model| model["name"] == name).unwrap();
        model["on_this_machine"].as_bool().unwrap()
    };
    assert!(here("mine") && !here("qwen3-vl-4b"));
    let cut = home.write("cut.gguf", &std::fs::read(starter).unwrap()[..5000]);
    let ran = home.run("", &["models", "add", "cut", cut.to_str().unwrap()]);
    assert!(ran.code == Some(1) && ran.err.contains("cut off"), "{ran:?}");
    assert_eq!(home.run("", &["models", "show", "none"]).code, Some(1));
}

#[test]
fn a_model_file_that_can_not_be_used_is_the_users_input_by_path_and_by_name() {
    let home = Home::new();
    let whole =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/models/starter/starter-f16.gguf")).unwrap();
    let file = home.write("mine.gguf", &whole);
    let path = file.to_str().unwrap();
    assert_eq!(home.run("", &["models", "add", "mine", path]).code, Some(0));
    assert_eq!(home.run("", &["ask", "-m", "mine", "why?"]).code, Some(0));
    home.write("mine.gguf", &whole[..5000]);
    for model in [path, "mine"] {
        let ran = home.run("", &["ask", "-m", model, "why?"]);
        assert!(ran.code == Some(1) && ran.err.contains("cut off"), "{ran:?}");
    }
}

#[test]
fn the_doctor_and_the_completions_speak() {
    let home = Home::new();
    let ran = home.run("", &["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, report["workers"][0]["engine"].as_str()), (Some(0), Some("fake")));
    assert!(report["sandbox"]["enforced"].is_boolean() && report["sandbox"]["how"].is_string(), "{report}");
    assert!(report["tesseract"].is_null() || report["tesseract"].is_string(), "{report}");
    assert!(home.run("", &["doctor"]).out.contains(" tesseract: "));
    assert_eq!(home.run("old", &["doctor"]).code, Some(3));
    assert!(report["log"].as_str().unwrap().ends_with("percept.log"), "{report}");
    assert!(home.run("", &["completions", "bash"]).out.contains("_percept"));
}

#[cfg(target_os = "linux")]
#[test]
fn killed_in_mid_answer_it_leaves_what_was_said_and_no_worker() {
    let home = Home::new();
    let mut child = home.percept("long slow", &["ask", "why?"]).spawn().unwrap();
    let worker = loop {
        if let Some(pid) = common::child_of(child.id(), "fake-worker") {
            break pid;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !home.run("", &["sessions", "show"]).out.contains("word0 word1") {
        assert!(std::time::Instant::now() < end, "nothing is stored");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(common::is_gone(worker), "the worker lives on");
    let shown = home.run("", &["sessions", "show"]).out;
    assert!(shown.contains("interrupted") || shown.contains("percept ended"), "{shown}");
}

#[cfg(unix)]
#[test]
fn without_a_terminal_make_run_is_a_demonstration() {
    let home = Home::new();
    // As the Makefile calls it, with percept in PATH and the fake worker for the engine.
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_percept")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let ran = Ran::from(
        std::process::Command::new("sh")
            .arg("scripts/run.sh")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .envs(home.variables(""))
            .env("PATH", path)
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    );
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let asked = "$ percept ask -a samples/error.png \"What does the error say?\"\nYou asked \"What does the error say?\" about 1 pictures";
    assert!(ran.out.contains("no terminal here") && ran.out.contains(asked), "{ran:?}");
    assert!(ran.out.contains("$ percept sessions list") && ran.out.contains("2 messages"), "{ran:?}");
    assert!(!home.path("data").exists(), "the demonstration keeps nothing");
}
