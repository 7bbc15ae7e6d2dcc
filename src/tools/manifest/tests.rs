//! What can be wrong in a declaration, what becomes of a call's values, and the shipped ones.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::arguments::Arguments;
use super::super::builtin::BuiltIn;
use super::super::permission::{Context, Verdict, decide};
use super::sources::SHIPPED;
use super::*;

/// The beginning of a declaration that is fine.
const HEAD: &str = "name = \"t\"\ndescription = \"d\"\n";

fn parse(text: &str) -> Result<Option<Manifest>, ManifestError> {
    Manifest::parse("t.toml", text, None)
}

fn parsed(rest: &str) -> Manifest {
    parse(&format!("{HEAD}{rest}")).unwrap().unwrap()
}

fn command(manifest: &Manifest, given: &Value) -> Vec<String> {
    let Action::Command(template) = &manifest.action else { panic!("{} is built in", manifest.name) };
    Arguments::check(manifest, given).unwrap().command(template, &manifest.parameters)
}

#[test]
fn every_mistake_is_said_with_its_line() {
    let parameter = |keys: &str| {
        format!("{HEAD}argv = [\"p\"]\n[[parameters]]\nname = \"a\"\ndescription = \"d\"\n{keys}")
    };
    let cases = [
        (format!("{HEAD}argv = [\"p\"]\nworkdir = \"/\""), 4, "unknown field `workdir`"),
        (format!("{HEAD}argv = \"p\""), 3, "expected a sequence"),
        (format!("{HEAD}argv = [\"p\", 5]"), 3, "argv holds 5"),
        (format!("{HEAD}argv = [\"p\",\n\"{{x}}\"]"), 4, "argv uses `{x}`, and there is no parameter"),
        (
            format!(
                "{HEAD}argv = [\"{{a}}\"]\n[[parameters]]\nname = \"a\"\ntype = \"string\"\ndescription = \"d\""
            ),
            1,
            "argv must begin with the program",
        ),
        (format!("{HEAD}argv = [[\"p\"]]"), 1, "argv must begin with the program"),
        (format!("{HEAD}argv = [\"\"]"), 1, "argv must begin with the program"),
        (format!("{HEAD}argv = []"), 1, "it has no argv"),
        (format!("{HEAD}built_in = true\nargv = [\"p\"]"), 4, "a built-in tool has no argv"),
        (
            format!("{HEAD}argv = [\"p\"]\nsandbox = \"network\"\napproval = \"auto\""),
            5,
            "only what is read-only",
        ),
        (format!("{HEAD}argv = [\"p\"]\nsandbox = \"none\""), 4, "unknown variant `none`"),
        (format!("{HEAD}argv = [\"p\"]\ntimeout_s = 0"), 4, "timeout_s must be from 1 to 3600"),
        (format!("{HEAD}argv = [\"p\"]\noutput_kib = 9999"), 4, "output_kib must be from 1 to 1024"),
        ("name = \"a b\"\ndescription = \"d\"\nargv = [\"p\"]".to_owned(), 1, "can't be a tool's name"),
        ("name = \"t\"\ndescription = \" \"\nargv = [\"p\"]".to_owned(), 2, "the description is empty"),
        ("description = \"d\"\nargv = [\"p\"]".to_owned(), 1, "missing field `name`"),
        ("name = \"t\"\ndescription = [".to_owned(), 2, ""),
        (parameter("type = \"list\""), 7, "unknown variant `list`"),
        (parameter("type = \"string\"\nsecret = true"), 8, "unknown field `secret`"),
        (
            parameter(
                "type = \"string\"\n[[parameters]]\nname = \"a\"\ntype = \"path\"\ndescription = \"d\"",
            ),
            8,
            "two parameters `a`",
        ),
        (parameter("type = \"boolean\""), 4, "it needs a flag"),
        (parameter("type = \"string\"\nflag = \"-x\""), 4, "has a flag and is no boolean"),
        (parameter("type = \"text\""), 4, "only built-in tools take"),
        (parameter("type = \"integer\"\ndefault = \"5\""), 4, "has a default of another type"),
        (parameter("type = \"string\"\nmaximum = 5"), 4, "is no number and has bounds"),
        (parameter("type = \"integer\"\nchoices = [\"5\"]"), 4, "has choices and is no string"),
    ];
    for (text, line, why) in cases {
        let error = parse(&text).unwrap_err();
        assert!(error.why.contains(why), "{text}\n{error}");
        assert_eq!((error.file.as_str(), error.line), ("t.toml", line), "{text}\n{error}");
    }
    let own = Path::new("own.toml");
    let error = Manifest::parse("own.toml", &format!("{HEAD}built_in = true"), Some(own)).unwrap_err();
    assert!(error.why.contains("only percept's own tools are built in"), "{error}");
}

#[test]
fn what_is_not_given_is_left_out_with_its_group() {
    let manifest = parsed(
        r#"
argv = ["p", "-n", "{count}", ["-u", "{unit}"], "{all}", "--in={path}", ["{x}:{y}"]]
parameters = [
    { name = "count", type = "integer", description = "d", default = 20 },
    { name = "unit", type = "string", description = "d" },
    { name = "all", type = "boolean", description = "d", flag = "--all" },
    { name = "path", type = "path", description = "d" },
    { name = "x", type = "number", description = "d" },
    { name = "y", type = "string", description = "d" },
]"#,
    );
    assert_eq!(command(&manifest, &json!({})), ["p", "-n", "20"]);
    assert_eq!(
        command(
            &manifest,
            &json!({"count": 5, "unit": "a b", "all": true, "path": "c", "x": 1.5, "y": "{x}"})
        ),
        ["p", "-n", "5", "-u", "a b", "--all", "--in=c", "1.5:{x}"]
    );
    assert_eq!(command(&manifest, &json!({"all": false, "x": 1, "unit": null})), ["p", "-n", "20"]);
}

#[test]
fn a_tool_for_another_system_is_none() {
    let text = |platforms: &str| format!("{HEAD}argv = [\"p\"]\nplatforms = {platforms}");
    let here = std::env::consts::OS;
    assert_eq!(parse(&text("[\"templeos\"]")), Ok(None));
    assert!(parse(&text(&format!("[\"templeos\", \"{here}\"]"))).unwrap().is_some());
    assert!(parse(&text("[]")).unwrap().is_some());
}

#[test]
fn the_model_is_told_types_bounds_and_defaults() {
    let manifest = parsed(
        r#"
argv = ["p", "{n}", "{s}"]
sandbox = "write"
timeout_s = 5
output_kib = 2
parameters = [
    { name = "n", type = "integer", description = "a number", default = 2, minimum = 1, maximum = 9 },
    { name = "s", type = "string", description = "a word", required = true, choices = ["a", "b"] },
]"#,
    );
    assert_eq!((manifest.sandbox, manifest.approval), (Level::Write, Approval::AsCommand));
    assert_eq!((manifest.time, manifest.most_output), (Some(Duration::from_secs(5)), Some(2048)));
    assert_eq!(
        manifest.spec().parameters,
        json!({
            "type": "object",
            "properties": {
                "n": {"type": "integer", "description": "a number", "default": 2, "minimum": 1, "maximum": 9},
                "s": {"type": "string", "description": "a word", "enum": ["a", "b"]},
            },
            "required": ["s"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn the_shipped_tools_are_the_files_and_the_built_in_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let listed: BTreeSet<String> = SHIPPED.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files, listed);
    let mut built_in = BTreeSet::new();
    for ((file, _), manifest) in SHIPPED.iter().zip(shipped()) {
        let Some(manifest) = manifest.unwrap_or_else(|error| panic!("{error}")) else { continue };
        assert_eq!(*file, format!("{}.toml", manifest.name));
        if manifest.action == Action::BuiltIn {
            built_in.insert(manifest.name);
        }
    }
    assert_eq!(built_in, BuiltIn::ALL.iter().map(|(name, _)| (*name).to_owned()).collect());
    assert!(BuiltIn::ALL.iter().all(|(name, tool)| BuiltIn::of(name) == Some(*tool)));
}

#[cfg(target_os = "linux")]
#[test]
fn the_example_of_the_documentation_is_one() {
    let docs = include_str!("../../../docs/tools.md");
    let example = docs.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
    let manifest = parse(example).unwrap().unwrap();
    assert_eq!(
        command(&manifest, &json!({"service": "web.service", "newest_first": true})),
        ["journalctl", "--no-pager", "-n", "50", "-r", "-u", "web.service"]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn shipped_commands_that_only_read_run_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let context = Context { folder: dir.path().to_owned(), ..Context::default() };
    let calls = [
        ("git_log", json!({}), "git log -n 20 --date=short '--format=%h %ad %an: %s'", Verdict::Auto),
        (
            "git_log",
            json!({"count": 3, "stat": true, "path": "src"}),
            "git log -n 3 --date=short '--format=%h %ad %an: %s' --stat -- src",
            Verdict::Auto,
        ),
        ("git_diff", json!({}), "git diff --no-ext-diff --no-textconv", Verdict::Auto),
        (
            "git_diff",
            json!({"staged": true, "stat": true, "path": "a b"}),
            "git diff --no-ext-diff --no-textconv --staged --stat -- 'a b'",
            Verdict::Auto,
        ),
        ("git_status", json!({}), "git status --short --branch", Verdict::Auto),
        ("disk_free", json!({}), "df -h", Verdict::Auto),
        ("disk_free", json!({"path": "/var"}), "df -h /var", Verdict::Auto),
        ("disk_usage", json!({"path": "/var", "depth": 2}), "du -x -h -d 2 /var", Verdict::Auto),
        (
            "processes",
            json!({"sort": "pmem"}),
            "ps -eo pid,user,pcpu,pmem,etime,comm --sort=-pmem",
            Verdict::Auto,
        ),
        ("journal", json!({}), "journalctl --no-pager -n 100", Verdict::Auto),
        (
            "journal",
            json!({"unit": "ssh", "priority": "err", "since": "1 hour ago", "lines": 5}),
            "journalctl --no-pager -n 5 -u ssh -p err --since '1 hour ago'",
            Verdict::Auto,
        ),
        ("ports", json!({}), "ss -tulpn", Verdict::Auto),
        ("memory", json!({}), "free -h", Verdict::Auto),
        ("system", json!({}), "uname -a", Verdict::Auto),
        (
            "http_head",
            json!({"url": "https://example.org/"}),
            "curl -q -sS -I --globoff --proto '=http,https' --max-time 20 https://example.org/",
            Verdict::Ask,
        ),
    ];
    let shipped: Vec<Manifest> = shipped().into_iter().flat_map(Result::unwrap).collect();
    for manifest in shipped.iter().filter(|manifest| manifest.action != Action::BuiltIn) {
        assert!(calls.iter().any(|(name, ..)| *name == manifest.name), "{} is not tried", manifest.name);
    }
    for (name, given, expected, verdict) in calls {
        let manifest = shipped.iter().find(|manifest| manifest.name == name).unwrap();
        let words = command(manifest, &given);
        let line = shlex::try_join(words.iter().map(String::as_str)).unwrap();
        assert_eq!(shlex::split(&line), shlex::split(expected));
        assert_eq!(decide(&line, &context).verdict, verdict, "{line}: {}", decide(&line, &context).reason);
    }
}

#[test]
fn a_folder_of_the_users_is_read_file_by_file() {
    let dir = tempfile::tempdir().unwrap();
    let tool = |name: &str| format!("name = \"{name}\"\ndescription = \"d\"\nargv = [\"p\"]\n");
    let write = |file: &str, text: &str| std::fs::write(dir.path().join(file), text).unwrap();
    write("b.toml", &tool("second"));
    write("a.toml", &tool("first"));
    write("c.toml", &format!("{}colour = 1\n", tool("third")));
    write("d.toml", &tool("first"));
    write("e.toml", &tool("shell"));
    write("g.toml", &format!("{}platforms = [\"templeos\"]\n", tool("elsewhere")));
    write(".h.toml", "not read");
    write("i.txt", "not read");
    std::fs::write(dir.path().join("j.toml"), b"name = \"x\"\n\xff").unwrap();
    write("k.toml", &"#".repeat(70_000));
    std::fs::create_dir(dir.path().join("f.toml")).unwrap();
    let (manifests, errors) = load(dir.path());
    let names: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(manifests[0].file, Some(dir.path().join("a.toml")));
    let at = |file: &str| dir.path().join(file).display().to_string();
    let said: Vec<(String, usize, &str)> =
        errors.iter().map(|error| (error.file.clone(), error.line, error.why.as_str())).collect();
    let taken = format!("the name `first` is taken by the tool in {}; choose another", at("a.toml"));
    assert!(said[0].2.starts_with("unknown field `colour`"), "{said:?}");
    assert_eq!((&said[0].0, said[0].1), (&at("c.toml"), 4));
    assert_eq!(
        said[1..],
        [
            (at("d.toml"), 1, taken.as_str()),
            (at("e.toml"), 1, "the name `shell` is taken by one of percept's own tools; choose another"),
            (at("f.toml"), 1, "it is no regular file"),
            (at("j.toml"), 2, "it is not UTF-8 text"),
            (at("k.toml"), 1, "it is larger than a declaration may be (64.0 KiB)"),
        ]
    );
    assert_eq!(load(&dir.path().join("none")), (Vec::new(), Vec::new()));
    let (none, errors) = load(&dir.path().join("i.txt"));
    assert!(none.is_empty() && errors.len() == 1, "{errors:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may read everything");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.toml");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o0)).unwrap();
    let (_, errors) = load(dir.path());
    assert!(errors[0].why.starts_with("it can't be read"), "{errors:?}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|\n){0,200}") {
        drop(parse(&text));
    }

    #[test]
    fn nothing_behind_a_good_beginning_makes_it_panic(
        argv in "[\\[\\]\"{}a, ]{0,40}",
        key in "(name|argv|sandbox|approval|timeout_s|platforms|[a-z]{1,5})",
        value in "\\PC{0,30}",
    ) {
        drop(parse(&format!("{HEAD}argv = [{argv}]\n{key} = {value}")));
        drop(parse(&format!("{HEAD}[[parameters]]\nname = \"a\"\n{key} = {value}")));
    }

    #[test]
    fn a_value_is_a_part_of_one_word(text in "(\\PC|[{}a$`\"' ;|&<>\\\\-]){0,40}", number in any::<i64>()) {
        let manifest = parsed(r#"
argv = ["p", "{s}", "--x={s}", ["-n", "{n}{s}"], "end"]
parameters = [
    { name = "s", type = "string", description = "d" },
    { name = "n", type = "integer", description = "d" },
]"#);
        let Action::Command(template) = &manifest.action else { panic!() };
        if let Ok(arguments) = Arguments::check(&manifest, &json!({"s": text, "n": number})) {
            let expected = ["p".to_owned(), text.clone(), format!("--x={text}"), "-n".to_owned(), format!("{number}{text}"), "end".to_owned()];
            prop_assert_eq!(arguments.command(template, &manifest.parameters), expected);
            prop_assert!(!text.starts_with('-'));
        } else {
            prop_assert!(text.starts_with('-') || text.chars().any(char::is_control));
        }
    }
}
