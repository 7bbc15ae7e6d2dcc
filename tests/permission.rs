//! Which commands run at once, which ask, which are refused: a table, and properties over
//! command lines that are put together by chance.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::Home;
use percept::tools::{Context, Decision, Mode, Scope, Verdict, decide};
use proptest::prelude::*;

/// A home with a working folder that has something to step on.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        for (name, text) in [
            ("src/main.rs", "fn main() {}\n"),
            ("notes.txt", "notes\n"),
            ("app.log", "error\n"),
            ("data.json", "{}"),
            ("conf/.env", "KEY=x\n"),
            ("keys/id_rsa", "x\n"),
        ] {
            std::fs::create_dir_all(work.join(name).parent().unwrap()).unwrap();
            std::fs::write(work.join(name), text).unwrap();
        }
        #[cfg(unix)]
        for (target, link) in [("src", "in"), ("/etc", "out")] {
            std::os::unix::fs::symlink(target, work.join(link)).unwrap();
        }
        Self(dir)
    }

    fn context(&self) -> Context {
        // Links on the way to the temporary folder (as on macOS) are not the matter here.
        let home = self.0.path().canonicalize().unwrap();
        Context { folder: home.join("work"), home: Some(home), ..Context::default() }
    }
}

fn verdict(command: &str, context: &Context) -> Verdict {
    decide(command, context).verdict
}

#[test]
fn every_command_of_the_table_gets_its_verdict() {
    let folder = Folder::new();
    let table = include_str!("data/commands.tsv");
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for (number, line) in table.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let mut fields = line.splitn(3, '\t');
        let (expected, taint) = (fields.next().unwrap(), fields.next().unwrap());
        let command = fields.next().unwrap().replace('␤', "\n").replace('␀', "\0").replace('␍', "\r");
        let context = Context { tainted: taint == "tainted", ..folder.context() };
        let decision = decide(&command, &context);
        judged += 1;
        if decision.verdict.word() != expected {
            wrong.push(format!(
                "line {}: {line}\n    {} ({})",
                number + 1,
                decision.verdict.word(),
                decision.reason
            ));
        }
        assert!(!decision.reason.is_empty(), "line {}", number + 1);
    }
    assert!(judged >= 300, "{judged}");
    assert!(wrong.is_empty(), "{} of {judged} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Scopes for all that can be allowed for good.
fn everything_allowed(context: &Context) -> Vec<Scope> {
    ["cargo test", "cargo build", "git add", "git commit", "mkdir", "touch", "npm test", "docker ps"]
        .map(|words| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            Scope::new(&words, &context.folder).unwrap()
        })
        .to_vec()
}

#[test]
fn what_is_allowed_for_good_runs_within_its_scope() {
    let folder = Folder::new();
    let asked = decide("cargo test --lib tools", &folder.context());
    assert_eq!(asked.verdict, Verdict::Ask);
    let scope = asked.scope.unwrap();
    assert_eq!(
        (scope.program.as_str(), scope.subcommand.as_slice()),
        ("cargo", ["test".to_owned()].as_slice())
    );
    let allowed = Context { remembered: vec![scope], ..folder.context() };
    for command in
        ["cargo test", "cargo test -- --nocapture", "cargo test -p x 2>&1 | tail -20", "cd src && cargo test"]
    {
        assert_eq!(verdict(command, &allowed), Verdict::Auto, "{command}");
    }
    for command in [
        "cargo build",
        "cargo test --config x",
        "cargo test > out",
        "cargo test $(id)",
        "A=1 cargo test",
        "cargo test --manifest-path ../x",
        "cargo test --target-dir /tmp/x",
        "cargo test; cargo build",
        "cargo test & ",
        "cd .. && cargo test",
        "env cargo test",
        "./cargo test",
        "cargo  'test' ; rm x",
    ] {
        assert_eq!(verdict(command, &allowed), Verdict::Ask, "{command}");
    }
    let elsewhere = Context { folder: folder.0.path().to_path_buf(), ..allowed.clone() };
    assert_eq!(verdict("cargo test", &elsewhere), Verdict::Ask);
    let tainted = Context { tainted: true, ..allowed };
    let asked = decide("cargo test", &tainted);
    assert_eq!((asked.verdict, asked.scope), (Verdict::Ask, None), "{}", asked.reason);
    assert!(asked.reason.contains("from outside"));
}

#[test]
fn only_one_program_that_is_known_is_offered_for_good() {
    let context = Folder::new().context();
    let offered = |command: &str| decide(command, &context).scope.map(|scope| scope.subcommand);
    assert_eq!(offered("cargo test | tail"), Some(vec!["test".to_owned()]));
    for command in [
        "cargo test && cargo build",
        "rm x",
        "curl x",
        "cargo test > x",
        "find . -delete",
        "sudo ls",
        "$(id)",
    ] {
        assert_eq!(offered(command), None, "{command}");
    }
}

#[test]
fn the_modes_refuse_and_never_allow_more() {
    let context = Folder::new().context();
    let with = |mode| Context { mode, ..context.clone() };
    assert_eq!(verdict("ls", &with(Mode::Never)), Verdict::Deny);
    assert_eq!(verdict("ls", &with(Mode::Auto)), Verdict::Auto);
    let Decision { verdict, reason, .. } = decide("curl x", &with(Mode::Auto));
    assert_eq!(verdict, Verdict::Deny);
    assert!(reason.contains("nobody is there") && reason.contains("network"), "{reason}");
}

/// Programs all of whose words are paths, each with flags that are harmless to it.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("cat", &["-n", "-A", "--number"]),
    ("head", &["-5", "-n 3", "--lines=2", "-c1"]),
    ("wc", &["-l", "-lw"]),
    ("ls", &["-la", "--color=auto", "-t"]),
    ("sort", &["-u", "-k2", "-t,"]),
    ("stat", &["-c '%s'"]),
    ("find", &["-H"]),
    ("git log", &["--oneline", "-n 3", "--"]),
    ("git diff", &["--stat"]),
    ("sed -n p", &["-E"]),
    ("awk '{print $1}'", &["-F:"]),
    ("tac", &["-b"]),
    ("cargo test", &["--lib", "-q"]),
    ("git add", &["-v"]),
    ("mkdir", &["-p"]),
    ("touch", &["-c"]),
];

const HARMLESS: &[&str] =
    &["notes.txt", "src/main.rs", "./src", "'app.log'", "\"a b\"", "in/main.rs", "2>/dev/null", "src/*.rs"];

/// Each is a denied flag, a write, a substitution, or a path outside, to every program.
const HARMFUL: &[&str] = &[
    "../x",
    "/etc/passwd",
    "~",
    "~/x",
    "out/passwd",
    ".env",
    "conf/.env",
    "keys/id_rsa",
    "src/../..",
    "$(id)",
    "`id`",
    "\"$(id)\"",
    "$HOME",
    "\"$x\"",
    "${x:-y}",
    "<(id)",
    ">(id)",
    "> out",
    ">> out",
    "2>out",
    "&> out",
    "< ../x",
    "*",
    "{a,b}",
    "-exec",
    "-delete",
    "-execdir",
    "--output=x",
    "--out=x",
    "--pre=x",
    "--compress-program=x",
    "--to-command=x",
    "--ext-diff",
    "--config=x",
    "--files0-from=x",
    "-i.bak",
    "$'a'",
    "<<< x",
    "; rm x",
    "| sh",
    "& id",
    "&& curl x",
    "|| eval x",
    "\nrm x",
    "; A=1",
    "'../x'",
    "\"../x\"",
    "..\\/x",
    "/proc/self/environ",
    "/dev/sda",
];

const JOINTS: &[&str] = &[" | ", " && ", " || ", "; ", "\n"];

fn part() -> impl Strategy<Value = (usize, Vec<prop::sample::Index>, bool)> {
    (0..PROGRAMS.len(), prop::collection::vec(any::<prop::sample::Index>(), 0..5), any::<bool>())
}

/// A line of parts and joints, with a harmful piece at a place, or without one.
fn line() -> impl Strategy<Value = (String, bool)> {
    let parts = prop::collection::vec((part(), 0..JOINTS.len()), 1..4);
    (parts, prop::option::of((0..HARMFUL.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>())))
        .prop_map(|(parts, harm)| {
            let mut commands: Vec<Vec<String>> = Vec::new();
            for ((program, picks, flag_first), _) in &parts {
                let (name, flags) = PROGRAMS[*program];
                let mut words = vec![name.to_owned()];
                if *flag_first {
                    words.push(flags[picks.first().map_or(0, |pick| pick.index(flags.len()))].to_owned());
                }
                words.extend(picks.iter().map(|pick| HARMLESS[pick.index(HARMLESS.len())].to_owned()));
                commands.push(words);
            }
            if let Some((piece, command, word)) = harm {
                let at = command.index(commands.len());
                let words = &mut commands[at];
                let at = 1 + word.index(words.len());
                words.insert(at.min(words.len()), HARMFUL[piece].to_owned());
            }
            let joints = parts.iter().map(|(_, joint)| JOINTS[*joint]);
            let text =
                commands.iter().zip(joints).map(|(words, joint)| words.join(" ") + joint).collect::<String>();
            (text.trim_end_matches([' ', '|', '&', ';', '\n']).to_owned(), harm.is_some())
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_harmful_runs_by_itself_whatever_is_allowed((command, harmful) in line()) {
        thread_local!(static FOLDER: Folder = Folder::new());
        FOLDER.with(|folder| {
            let context = folder.context();
            let context = Context { remembered: everything_allowed(&context), ..context };
            let Decision { verdict, reason, .. } = decide(&command, &context);
            // Harmless lines run, or this would prove nothing.
            prop_assert_eq!(verdict != Verdict::Auto, harmful, "{} ({})", command, reason);
            let tainted = Context { tainted: true, ..context };
            let acts = ["cargo", "git add", "mkdir", "touch"].iter().any(|program| command.contains(program));
            let alone = decide(&command, &tainted).verdict;
            prop_assert_eq!(alone != Verdict::Auto, harmful || acts, "{}", command);
            Ok(())
        })?;
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}", soup in prop::collection::vec(prop::sample::select(SOUP.to_vec()), 0..30)) {
        decide(&text, &Context::default());
        decide(&soup.concat(), &Context::default());
        decide(&format!("find . {text}"), &Context { folder: "/nowhere".into(), ..Context::default() });
    }
}

/// What shells give a meaning to.
const SOUP: &[&str] = &[
    "a",
    "b",
    " ",
    " ",
    "'",
    "\"",
    "\\",
    "$",
    "`",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "|",
    "&",
    ";",
    "\n",
    "#",
    "~",
    "*",
    "?",
    "!",
    "=",
    ",",
    "..",
    "-",
    "9",
    "if",
    " then ",
    "fi",
    " do ",
    "done",
    "for ",
    "case ",
    "esac",
    "[[",
    "]]",
    "<<",
    "EOF",
    "é",
    "function ",
    "((",
    "))",
    "$((",
    "%",
    ":",
    "@",
    "+",
    "999999999999999999999",
];

/// What is read as one plain command is what a shell makes of it: the words of `printf`,
/// in a folder of its own, from pieces that name no file and no program.
#[cfg(unix)]
#[test]
fn words_are_what_a_shell_gives_the_program() {
    use percept::tools::permission::command::CommandLine;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let pieces = [
        "a", "bc", " ", " ", "'", "'", "\"", "\"", "\\", "$", "{", "}", "~", "#", "=", "!", "%", ":", "-",
        ";", "|", "&", "\n",
    ];
    let dir = tempfile::tempdir().unwrap();
    let soup = prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..12);
    let mut runner = TestRunner::deterministic();
    let mut compared = 0;
    for _ in 0..6000 {
        let line = format!("printf '<%s>' {}", soup.new_tree(&mut runner).unwrap().current().concat());
        let Ok(parsed) = CommandLine::parse(&line) else { continue };
        let [simple] = parsed.commands.as_slice() else { continue };
        let plain =
            simple.words.iter().all(|word| word.unknown.is_none() && word.glob.is_none() && !word.home);
        if !parsed.findings.is_empty() || !plain || simple.words.len() < 3 || compared >= 300 {
            continue;
        }
        let ours: String = simple.words[2..].iter().map(|word| format!("<{}>", word.text)).collect();
        for shell in ["sh", "bash"] {
            let mut shell = std::process::Command::new(shell);
            let Ok(ran) = shell.args(["-c", &line]).current_dir(dir.path()).env_clear().output() else {
                continue;
            };
            assert_eq!(String::from_utf8_lossy(&ran.stdout), ours, "{line:?}");
            compared += 1;
        }
    }
    assert!(compared >= 200, "{compared}");
}

#[test]
fn the_command_says_the_verdict_first_and_runs_nothing() {
    let home = Home::new();
    let ran = home.run("", &["tools", "decide", "git log --oneline"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.out.starts_with("auto  "), "{ran:?}");
    let ran = home.run("", &["tools", "decide", "touch made"]);
    assert!(ran.out.starts_with("ask  ") && ran.out.contains("always would allow: touch"), "{ran:?}");
    assert!(!home.path("made").exists());
    let ran = home.run("", &["tools", "decide", "rm -rf /", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&report["decision"], &report["scope"]),
        (&"deny".into(), &serde_json::Value::Null),
        "{ran:?}"
    );
    let ran = home.run("", &["tools", "decide", "--tainted", "--json", "cargo test"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["decision"], "ask");
    assert!(report["reason"].as_str().unwrap().contains("from outside"), "{ran:?}");
    // A word that starts with a dash is a command like any other.
    assert!(home.run("", &["tools", "decide", "-x"]).out.starts_with("ask  "));
    // No folder of percept's is made, and none is needed.
    assert!(!home.path("config").exists() && !home.path("data").exists());
    let mut bare = home.percept("", &["tools", "decide", "ls"]);
    let ran = common::Ran::from(bare.env_clear().output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("auto  "), "{ran:?}");
}
