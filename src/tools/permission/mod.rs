//! Whether a command runs at once, asks first, or is refused.
//!
//! A command is parsed by a real shell parser ([`command`]), each program in it is looked up in
//! a table of what its flags do ([`programs`]), and each path is placed ([`place`]).
//!
//! | word | what it is |
//! | --- | --- |
//! | [`Verdict`], [`Decision`] | what happens to a call, and why |
//! | [`Scope`] | which commands something is about: a program with its subcommand, under a folder |
//! | [`remembered::Allowed`] | what a person allowed: a scope, or a tool |
//! | [`remembered::Grant`] | what it may do then: write, reach the network |
//! | [`remembered::Remembered`] | both of them, with the time |
//! | [`remembered::Permissions`] | all that are remembered, on disk |
//!
//! [`decide`] is the only judge. It says `auto` for what is proven to only read inside the
//! working folder (or to tell how the machine is), and for what a person allowed for good;
//! `deny` for what can only destroy, and where tools are switched off; `ask` for all else.

pub mod command;
mod destroy;
pub mod place;
pub mod programs;
pub mod remembered;
pub mod scope;
mod secret;
pub mod word;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use command::{CommandLine, Redirect, Simple};
use place::Place;
use programs::{Effect, Use};
pub use scope::Scope;
pub(in crate::tools) use secret::is_secret;

/// What happens to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It runs at once.
    Auto,
    /// A person is asked.
    Ask,
    /// It doesn't run.
    Deny,
}

impl Verdict {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What isn't proven to only read, and isn't remembered, asks.
    #[default]
    Ask,
    /// Nobody is there to ask: what would ask is refused.
    Auto,
    /// No command runs.
    Never,
}

impl Mode {
    /// What becomes of a judgement; `runs`: of something that runs, not of a reader of percept's.
    pub fn apply(self, runs: bool, verdict: Verdict, reason: String) -> (Verdict, String) {
        match (self, verdict) {
            (Self::Never, _) if runs => (Verdict::Deny, "commands are switched off".to_owned()),
            (Self::Auto | Self::Never, Verdict::Ask) => {
                (Verdict::Deny, format!("it would ask, and nobody is there: {reason}"))
            }
            _ => (verdict, reason),
        }
    }
}

/// What a decision depends on beside the command.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The working folder, absolute.
    pub folder: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// Folders whose content stays unread: percept's own.
    pub private: Vec<PathBuf>,
    /// Whether the model's window holds text that didn't come from the keyboard.
    pub tainted: bool,
    /// How much is asked.
    pub mode: Mode,
    /// What a person allowed for good.
    pub remembered: Vec<Scope>,
}

/// What happens to a command, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What happens.
    pub verdict: Verdict,
    /// Why: a clause without a full stop, for people.
    pub reason: String,
    /// What could be allowed for good, where that is offered.
    pub scope: Option<Scope>,
}

impl Decision {
    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), scope: None }
    }
}

/// Judges a command. It runs nothing.
pub fn decide(command: &str, context: &Context) -> Decision {
    let Decision { verdict, reason, scope } = judge(command, context);
    let (narrowed, reason) = context.mode.apply(true, verdict, reason);
    Decision { scope: scope.filter(|_| narrowed == verdict), verdict: narrowed, reason }
}

fn judge(command: &str, context: &Context) -> Decision {
    let line = match CommandLine::parse(command) {
        Ok(line) => line,
        Err(why) => return Decision::new(Verdict::Ask, why.to_string()),
    };
    if let Some(why) = destroy::only_destroys(&line, context.home.as_deref()) {
        return Decision::new(Verdict::Deny, why);
    }
    match uses(&line, context) {
        Ok(uses) => weigh(&uses, context),
        Err(why) => Decision::new(Verdict::Ask, with_taint(why, context)),
    }
}

/// Programs that write nothing, whatever their arguments are.
const HARMLESS: [&str; 14] =
    ["cat", "cd", "cut", "echo", "egrep", "fgrep", "grep", "head", "ls", "nl", "pwd", "tail", "true", "wc"];

/// Whether leave to write holds for a whole line: each of its programs is one that has to be
/// allowed, or one that could do nothing with it. What is wrong about a program that is said to
/// only read is harmless as long as it can't write.
pub fn may_share_leave(command: &str, context: &Context) -> bool {
    let uses = CommandLine::parse(command).ok().and_then(|line| uses(&line, context).ok());
    let harmless = |used: &Use| match used.effect {
        Effect::Acts(_) => true,
        Effect::Reads => used.words.first().is_some_and(|name| HARMLESS.contains(&name.as_str())),
    };
    uses.is_some_and(|uses| uses.iter().all(harmless))
}

/// What every program of a line does; an error where one isn't known.
fn uses(line: &CommandLine, context: &Context) -> Result<Vec<Use>, String> {
    if let Some(finding) = line.findings.first() {
        return Err(finding.to_string());
    }
    if line.commands.is_empty() {
        return Err("there is no command in it".to_owned());
    }
    let mut place = Place::new(&context.folder, context.home.as_deref(), &context.private);
    let one = |simple: &Simple| {
        let used = programs::judge(&simple.words, &mut place)?;
        simple.redirects.iter().try_for_each(|redirect| harmless(redirect, &place))?;
        Ok(used)
    };
    line.commands.iter().map(one).collect()
}

fn harmless(redirect: &Redirect, place: &Place) -> Result<(), String> {
    match redirect {
        Redirect::Read(word) => place.path(word),
        Redirect::Write(word) if word.is_bare() && word.text == "/dev/null" => Ok(()),
        Redirect::Duplicate(word) if word.is_bare() && ["0", "1", "2", "-"].contains(&word.text.as_str()) => {
            Ok(())
        }
        Redirect::Write(word) | Redirect::Duplicate(word) => Err(format!("it writes to {}", word.raw)),
    }
}

/// A verdict on programs that are all known.
fn weigh(uses: &[Use], context: &Context) -> Decision {
    let scope = |used: &Use| Scope::new(&used.words, &context.folder);
    let acting: Vec<(&Use, &str)> = uses
        .iter()
        .filter_map(|used| match used.effect {
            Effect::Reads => None,
            Effect::Acts(what) => Some((used, what)),
        })
        .collect();
    let Some((first, what)) = acting.first() else {
        return Decision {
            scope: if let [used] = uses { scope(used) } else { None },
            ..Decision::new(Verdict::Auto, only_reads(uses))
        };
    };
    let why = format!("`{}` {what}", first.words.join(" "));
    if context.tainted {
        return Decision::new(Verdict::Ask, with_taint(why, context));
    }
    let allowed = |used: &Use| {
        scope(used).is_some_and(|needed| context.remembered.iter().any(|scope| scope.covers(&needed)))
    };
    let open: Vec<&Use> = acting.iter().map(|(used, _)| *used).filter(|used| !allowed(used)).collect();
    match open.split_first() {
        None => Decision {
            scope: scope(first),
            ..Decision::new(Verdict::Auto, format!("you allowed `{}` here", first.words.join(" ")))
        },
        // Offered for one program at a time: what is allowed for good should be seen whole.
        Some((used, rest)) => Decision {
            scope: if rest.iter().all(|other| other.words == used.words) { scope(used) } else { None },
            ..Decision::new(Verdict::Ask, why)
        },
    }
}

fn only_reads(uses: &[Use]) -> String {
    match uses {
        [used] => format!("`{}` is known to only read", used.words.join(" ")),
        _ => "each of its commands is known to only read".to_owned(),
    }
}

fn with_taint(why: String, context: &Context) -> String {
    match context.tainted {
        true => format!("{why}; the conversation holds text from outside"),
        false => why,
    }
}
