//! Every layer of the configuration, and every mistake in one.

use proptest::prelude::*;

use super::*;
use crate::catalogue::Turns;
use crate::wire::Sampling;

fn load(user: &str, project: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let layer = |name: &str, text: &str| Some((name.to_owned(), text.to_owned())).filter(|l| !l.1.is_empty());
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::from_layers(layer("config.toml", user), layer(".percept.toml", project), &variables)
        .map_err(|error| error.to_string())
}

#[test]
fn the_default_is_whole_and_says_what_the_code_does() {
    let config = load("", "", &[]).unwrap();
    assert_eq!(config.model.name, "starter");
    assert_eq!(config.intake(), intake::Options::default());
}

#[test]
fn later_layers_win() {
    let user = "[model]\nname = 'a'\ncontext = 1\n[chat]\nmouse = false";
    let project = "[model]\ncontext = 2\n[sampling]\ntemperature = 1";
    let variables = [("PERCEPT_SAMPLING_TEMPERATURE", "0.5"), ("PERCEPT_WORKER_LLAMA", "/x y")];
    let config = load(user, project, &variables).unwrap();
    assert_eq!((config.model.name.as_str(), config.model.context), ("a", Auto::Set(2)));
    assert_eq!(config.sampling.temperature, Auto::Set(0.5));
    assert_eq!(config.worker.llama, PathBuf::from("/x y"));
    assert!(!config.chat.mouse);
    assert_eq!(load("", "", &[("PERCEPT_CHAT_THEME", "light")]).unwrap().chat.theme, tui::Palette::Light);
}

/// A model whose entry has settings of its own.
fn model() -> ReadyModel {
    let load = LoadOptions {
        context: Some(100),
        threads: Some(9999),
        image_min_tokens: Some(1024),
        image_max_tokens: Some(2048),
        ..LoadOptions::default()
    };
    ReadyModel {
        name: "m".to_owned(),
        model: PathBuf::from("m.gguf"),
        mmproj: None,
        load,
        sampling: Sampling { temperature: 0.7, top_k: 20, ..Sampling::default() },
        system_prompt: true,
        tools: true,
        turns: Turns::All,
        starter: false,
        unsure_below: None,
    }
}

#[test]
fn what_is_set_goes_over_the_models_own_settings_and_the_rest_stays() {
    let tuned = |user: &str| {
        let mut model = model();
        load(user, "", &[]).unwrap().tune(&mut model);
        model
    };
    let own = tuned("");
    assert_eq!(own.load, LoadOptions { threads: Some(MAX_THREADS), ..model().load });
    assert_eq!(own.sampling, model().sampling);

    let set = tuned(
        "[model]\ncontext = 200\nthreads = 3\ngpu_layers = 4\nimage_max_tokens = 512\nmemory_check = false
         [sampling]\ntemperature = 0.0\ntop_p = 0.9\nmin_p = 0.1\nrepeat_penalty = 1.1\npresence_penalty = 0.5\nseed = 7",
    );
    let wanted = LoadOptions {
        context: Some(200),
        threads: Some(3),
        gpu_layers: Some(4),
        // The entry's least gives way to the most that the person allows.
        image_min_tokens: Some(512),
        image_max_tokens: Some(512),
        ignore_memory: true,
        ..LoadOptions::default()
    };
    assert_eq!(set.load, wanted);
    let wanted = Sampling {
        temperature: 0.0,
        top_k: 20,
        top_p: 0.9,
        min_p: 0.1,
        repeat_penalty: 1.1,
        presence_penalty: 0.5,
        seed: Some(7),
    };
    assert_eq!(set.sampling, wanted);
    assert_eq!(tuned("[model]\nimage_min_tokens = 4096").load.image_max_tokens, Some(4096));
}

#[test]
fn mistakes_are_named_with_the_nearest_key() {
    let wrong = |user: &str| load(user, "", &[]).unwrap_err();
    insta::assert_snapshot!(
        [
            wrong("[model]\ncontxt = 3"),
            wrong("[modle]\ncontext = 3"),
            wrong("[model]\nzzz = 3"),
            wrong("[modle]"),
            wrong("name = 'x'"),
            wrong("[model]\ncontext = 'big'"),
            wrong("[chat]\nmouse = 'no'"),
            wrong("[chat]\ntheme = 'drak'"),
            wrong("[chat]\ntheme = 3"),
            wrong("[attach]\nmax_edge = -1"),
            wrong("[model]\nthreads = 513"),
            wrong("[model]\nimage_min_tokens = 2\nimage_max_tokens = 1"),
            load("", "", &[("PERCEPT_CHAT_MOUSE", "maybe")]).unwrap_err(),
            load("", "", &[("PERCEPT_MODEL_CONTXT", "1")]).unwrap_err(),
            load("", "", &[("PERCEPT_ZZZ", "")]).unwrap_err(),
        ]
        .join("\n")
    );
    assert!(wrong("[model").contains("config.toml"));
    assert!(load("[model]\ncontext = -1", "", &[]).is_err());
    // What is not percept's, and what sets no key, is let be.
    let others = [("PERCEPTION", "1"), ("PERCEPT_LOG", "debug"), ("PERCEPT_FAKE_ONCE", "x"), ("HOME", "/")];
    load("", "", &others).unwrap();
}

#[test]
fn a_project_can_not_weaken_safety() {
    for project in [
        "[worker]\nllama = '/tmp/evil'",
        "[engine]\nkind = 'openai'",
        "[engine]\nbase_url = 'https://evil.example/v1'",
        "[engine]\nredact = false",
        "[attach]\nscreenshot_command = ['rm']",
        "[attach]\nmax_megapixels = 100000",
        "[model]\nname = './evil.gguf'",
        "[model]\nname = 'evil.GGUF'",
        "[model]\nmemory_check = false",
    ] {
        assert!(load("", project, &[]).unwrap_err().contains("a project may not set"), "{project}");
    }
    assert_eq!(load("", "[model]\nname = 'b'", &[]).unwrap().model.name, "b");
}

#[test]
fn a_server_answers_only_where_it_is_said_and_a_key_goes_to_its_own_server_alone() {
    let server = |user: &str| load(user, "", &[]).map(|config| config.engine.server());
    assert_eq!(server(""), Ok(None));
    assert_eq!(server("[engine]\nbase_url = 'http://a/v1'"), Ok(None), "not chosen");
    let without = server("[engine]\nkind = 'openai'").unwrap_err();
    assert!(without.contains("engine.base_url") && without.contains("is empty"), "{without}");
    assert!(server("[engine]\nkind = 'vllm'").unwrap_err().contains("one of local, openai"));

    let key = |url: &str, more: &str| {
        let user = format!("[engine]\nkind = 'openai'\nbase_url = '{url}'\n{more}");
        server(&user).unwrap().unwrap().key_variable
    };
    assert_eq!(key("https://api.openai.com/v1", ""), "OPENAI_API_KEY");
    for other in
        ["http://api.openai.com/v1", "https://api.openai.com.evil.example/v1", "http://localhost:1/v1"]
    {
        assert_eq!(key(other, ""), "", "{other}");
    }
    assert_eq!(key("http://localhost:1/v1", "key_variable = 'MINE'"), "MINE");

    let set =
        "[engine]\nkind = 'openai'\nbase_url = 'http://a/v1'\nfirst_s = 7\nredact = false\ncontext = 99";
    let config = load(set, "", &[]).unwrap();
    let options = config.engine.server().unwrap();
    assert_eq!((options.first_ms, options.redact, options.images), (7000, false, true));
    let mut model = ReadyModel::at_server("m", options);
    config.tune(&mut model);
    assert_eq!(model.load.context, Some(99));
}

#[test]
fn each_section_has_its_own_server_and_a_program_may_print_its_key() {
    let user = "[embedding]\nkind = 'openai'\nbase_url = 'https://api.openai.com/v1'\nmodel = 'e'\nquery_prefix = 'q: '
        [transcription]\nkind = 'openai'\nbase_url = 'http://localhost:1/v1'\nkey_command = ['pass', 'show', 'a b']";
    let variables = [("PERCEPT_EMBEDDING_KEY_COMMAND", "ring get 'a b'")];
    let config = load(user, "", &variables).unwrap();
    assert_eq!(config.engine.server(), None);
    let vectors = config.embedding.server().unwrap();
    assert_eq!((vectors.section.as_str(), config.embedding.query_prefix.as_str()), ("embedding", "q: "));
    assert_eq!(vectors.key_command, ["ring", "get", "a b"]);
    assert_eq!(vectors.key_variable, "", "a key of the environment is not meant where a program prints one");
    assert_eq!(config.embedding.leaves_to().as_deref(), Some("api.openai.com"));
    assert_eq!(config.transcription.server().unwrap().key_command, ["pass", "show", "a b"]);
    assert_eq!(config.transcription.leaves_to(), None, "this machine");

    for (wrong, said) in [
        ("[embedding]\nkind = 'openai'", "embedding.base_url` is empty"),
        ("[transcription]\nimages = false", "no key `transcription.images`"),
        ("[engine]\nkey_command = 7", "a string or a list of strings"),
        ("[engine]\nkey_command = ['a', 7]", "a string or a list of strings"),
        ("[engine]\nkey_command = \"pass 'x\"", "has no end"),
    ] {
        let error = load(wrong, "", &[]).unwrap_err();
        assert!(error.contains(said), "{wrong}: {error}");
    }
    for section in ["embedding", "transcription"] {
        let project = format!("[{section}]\nbase_url = 'http://evil.example/v1'");
        assert!(load("", &project, &[]).unwrap_err().contains("a project may not set"), "{section}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}", section in "model|chat|attach", key in "[a-z_]{1,12}", value in "[-a-z0-9.\"\\[\\]{}]{1,12}") {
        let _ = load(&text, "", &[]);
        let _ = load(&format!("[{section}]\n{key} = {value}"), &text, &[]);
    }
}
