//! `git`. It runs other programs when its settings say so, and a repository brings its own
//! settings along: those are read before anything is said to be harmless.

use std::path::{Path, PathBuf};

use super::{Arguments, Program, Takes, program};
use crate::tools::permission::place::{Place, normal};
use crate::tools::permission::secret::is_secret;
use crate::tools::permission::word::Word;

/// Flags of the subcommands that show history and differences.
const LOG: &str = "p u s n= S= G= L= O= U= z q i E F P w b M? C? B? R a # patch no-patch stat? shortstat numstat \
    name-only name-status oneline graph decorate? no-decorate all branches? tags? remotes? max-count= skip= since= \
    after= until= before= author= committer= grep= all-match invert-grep merges no-merges first-parent reverse \
    date-order topo-order author-date-order follow format= pretty? abbrev-commit no-abbrev-commit abbrev? date= \
    relative-date parents children left-right cherry cherry-pick cherry-mark boundary simplify-by-decoration \
    full-history dense sparse ancestry-path walk-reflogs unified= raw color? no-color word-diff? \
    word-diff-regex= color-words? ignore-all-space ignore-space-change ignore-space-at-eol ignore-blank-lines \
    diff-filter= find-renames? find-copies? minimal patience histogram summary cc cached staged merge-base \
    exit-code quiet no-renames compact-summary dirstat? pickaxe-regex pickaxe-all function-context text \
    no-ext-diff no-textconv check relative? no-prefix no-pager source full-index binary";

/// Flags of `rev-list`.
const REVISIONS: &str = "n= # count all branches? tags? remotes? max-count= skip= since= until= author= grep= \
    no-merges merges first-parent reverse oneline left-right";

pub(super) const TABLE: &[Program] = &[program(
    "git",
    "C= P no-pager no-optional-locks no-replace-objects literal-pathspecs",
    Takes::Checked,
)
.check(own_settings)
.subcommands(&[
    program("log show whatchanged", LOG, Takes::Checked).check(words),
        program("diff", LOG, Takes::Checked).check(compared),
    program("shortlog", "s n e c all no-merges since= until= author= group= summary numbered email", Takes::Checked)
        .check(words),
    program("status", "s b u? v z short branch long porcelain? untracked-files? ignored? verbose column? no-renames \
         ahead-behind show-stash", Takes::Checked)
        .check(compared),
    program("branch", "a r v l all remotes verbose list show-current color? no-color sort= merged? no-merged? \
         contains? no-contains? format= column?", Takes::Checked)
        .check(listing),
    program("tag", "l n? list sort= merged? no-merged? contains? points-at= format= column?", Takes::Checked)
        .check(listing),
    program("remote", "v verbose", Takes::Checked).check(remote),
    program("rev-parse", "short? verify q quiet abbrev-ref? symbolic symbolic-full-name show-toplevel show-prefix \
         show-cdup git-dir absolute-git-dir git-common-dir is-inside-work-tree is-bare-repository all branches? \
         tags? show-superproject-working-tree", Takes::Checked)
        .check(words),
    program("describe", "all tags long always abbrev= match= exclude= exact-match first-parent contains \
         candidates=", Takes::Checked)
        .check(words),
    program("blame annotate", "b c e f l n p s t w L= M? C? root show-stats porcelain line-porcelain date= \
         show-email show-name abbrev= since=", Takes::Checked)
        .check(words),
    program("ls-files", "c d m o i s u k t v z x= cached deleted modified others ignored stage unmerged killed \
         exclude= exclude-standard directory full-name error-unmatch eol abbrev?", Takes::Checked)
        .check(words),
    program("ls-tree", "r t d l z name-only name-status long full-name full-tree abbrev? format= object-only",
        Takes::Checked)
        .check(words),
    program("grep", "n i v w h H l L c o E F G P e= A= B= C= W p a I q z cached line-number \
         ignore-case invert-match word-regexp files-with-matches name-only files-without-match count \
         only-matching extended-regexp fixed-strings basic-regexp perl-regexp and or not all-match break heading \
         show-function function-context context= after-context= before-context= max-depth= max-count= m= color? \
         no-color text column", Takes::Checked)
        .check(searched),
    program("cat-file", "t s p e", Takes::Checked).check(words),
    program("rev-list", REVISIONS, Takes::Checked).check(words),
    program("merge-base", "a all octopus is-ancestor fork-point independent", Takes::Checked).check(words),
    program("name-rev", "tags refs= all name-only always exclude=", Takes::Checked).check(words),
    program("for-each-ref show-ref", "format= sort= count= contains? merged? points-at= heads tags head d s \
         hash? abbrev? verify q quiet dereference", Takes::Checked)
        .check(words),
    program("count-objects", "v H verbose human-readable", Takes::Nothing),
    program("stash", "", Takes::Checked).subcommands(&[
        program("list", LOG, Takes::Checked).check(words),
        program("show", LOG, Takes::Checked).check(words),
    ]),
    program("reflog", "", Takes::Checked).subcommands(&[program("show", LOG, Takes::Checked).check(words)]),
    program("worktree", "", Takes::Checked).subcommands(&[program("list", "v z porcelain verbose", Takes::Nothing)]),
    program("config", "get local show-origin show-scope type= default= bool int path", Takes::Checked)
        .needs(&["--get"])
        .check(config),
    program("version", "build-options", Takes::Nothing),
    program("add", "A u v n p all update verbose dry-run intent-to-add N", Takes::Checked)
        .check(words)
        .acts("changes the repository"),
    program("commit", "m= a s v q n message= all signoff verbose quiet dry-run amend no-edit allow-empty no-verify",
        Takes::Checked)
        .check(words)
        .acts("changes the repository and runs its hooks"),
])];

/// Settings that make `git` run a program, by the end of their names.
const RUNNING: &[&str] = &[
    "fsmonitor",
    "external",
    "textconv",
    "command",
    "pager",
    "program",
    "sshcommand",
    "askpass",
    "editor",
    "driver",
    "smudge",
    "clean",
    "process",
    "hookspath",
    "helper",
    "cmd",
    "packobjectshook",
    "worktree",
    "alternaterefscommand",
    "difffilter",
    "promisor",
    "partialclone",
    "uploadpack",
    // `diff.submodule` makes `git log -p` start a git in a submodule.
    "submodule",
];

/// Settings of [`RUNNING`] that are plain words with these values.
const PLAIN_VALUES: &[&str] = &["false", "never", "0"];

/// The most of a repository's settings that is read.
const MAX_CONFIG: u64 = 64 * 1024;

/// The most of a repository's index that is read.
const MAX_INDEX: u64 = 16 * 1024 * 1024;

/// Words of `git` are revisions, paths, or both with a colon between.
fn words(arguments: &Arguments<'_>, place: &Place) -> Result<(), String> {
    arguments.positionals.iter().try_for_each(|word| pathspec(word))?;
    named(arguments, place)
}

/// What words name, wherever git looks for it.
fn named(arguments: &Arguments<'_>, place: &Place) -> Result<(), String> {
    let values = arguments.flags.iter().filter_map(|(_, value)| value.as_deref());
    let texts = values.chain(arguments.positionals.iter().map(|word| word.text.as_str()));
    let mut texts = texts;
    if let Some(text) = texts.find(|text| text.contains("%G") || text.contains("(signature")) {
        return Err(format!("`{text}` has a signature checked by another program"));
    }
    for word in &arguments.positionals {
        place.path(word)?;
        let (revision, path) = word.text.split_once(':').unwrap_or((&word.text, ""));
        if revision.is_empty() {
            return Err(format!("`{}` can name what lies outside the working folder", word.raw));
        }
        if is_secret(Path::new(path)) {
            return Err(format!("{path} looks like something secret"));
        }
        place.path(&Word::plain(path))?;
    }
    Ok(())
}

/// Git reads patterns itself, also in quotes, and goes through folders with them: only those
/// that end in a plain ending (`src/*.rs`) can't match what looks secret.
fn pathspec(word: &Word) -> Result<(), String> {
    let text = word.text.as_str();
    let Some((before, ending)) = text.rsplit_once('*') else {
        return match text.contains(['?', '[']) || text.starts_with(':') && text.len() > 1 {
            true => Err(format!("git reads `{}` as a pattern", word.raw)),
            false => Ok(()),
        };
    };
    let plain = ending.strip_prefix('.').is_some_and(|end| end.chars().all(|c| c.is_ascii_alphanumeric()));
    match plain && !before.contains(['?', '[', ':']) && !is_secret(Path::new(&format!("x{ending}"))) {
        true => Ok(()),
        false => Err(format!("git reads `{}` as a pattern", word.raw)),
    }
}

/// `git branch` and `git tag`: a name makes one, unless a list is asked for.
fn listing(arguments: &Arguments<'_>, place: &Place) -> Result<(), String> {
    match arguments.positionals.first() {
        Some(name) if !arguments.has(&["--list"]) => Err(format!("`git` would make `{}`", name.text)),
        // Names of branches and tags, and patterns of them.
        _ => named(arguments, place),
    }
}

/// `git remote`, `-v` and `get-url`; others change it or ask the network.
fn remote(arguments: &Arguments<'_>, place: &Place) -> Result<(), String> {
    let holds_password = |repository: &Repository| {
        std::fs::read_to_string(repository.shared.join("config")).is_ok_and(|text| text.contains('@'))
    };
    if place.standing().iter().flat_map(|folder| Repository::all(folder)).any(|one| holds_password(&one)) {
        return Err("the address of a remote may hold a password".to_owned());
    }
    match arguments.positionals.first().map(|word| word.text.as_str()) {
        None | Some("get-url") => Ok(()),
        Some(word) => Err(super::notes::unknown_subcommand("git remote", word)),
    }
}

/// `git config --get NAME`, but for what may be a password.
fn config(arguments: &Arguments<'_>, _: &Place) -> Result<(), String> {
    let secret = |text: &str| {
        let text = text.to_lowercase();
        ["token", "pass", "secret", "header", "credential", "key", "cookie", "url", "proxy", "auth", "cert"]
            .iter()
            .any(|s| text.contains(s))
    };
    match arguments
        .values(&["--get"])
        .chain(arguments.positionals.iter().map(|word| word.text.as_str()))
        .find(|t| secret(t))
    {
        Some(name) => Err(format!("the setting `{name}` may hold a secret")),
        None if arguments.positionals.len() > 1 => {
            Err("`git config NAME VALUE` changes a setting".to_owned())
        }
        None => Ok(()),
    }
}

/// Where `git -C FOLDER` stands; `None` for where the shell does.
pub(super) fn standing(before: &Arguments<'_>, place: &Place) -> Result<Option<Place>, String> {
    let mut folders = before.values(&["-C"]).peekable();
    if folders.peek().is_none() {
        return Ok(None);
    }
    let mut there = place.clone();
    folders.try_for_each(|folder| there.go(&Word::plain(folder)))?;
    Ok(Some(there))
}

/// Whether the repository's own settings make `git` run something.
fn own_settings(before: &Arguments<'_>, place: &Place) -> Result<(), String> {
    let there = standing(before, place)?;
    let read = there.as_ref().unwrap_or(place).standing();
    // A link leads into another repository.
    let real = read.iter().filter_map(|folder| folder.canonicalize().ok());
    let folders: Vec<PathBuf> = read.iter().map(|folder| normal(folder)).chain(real).collect();
    for folder in &folders {
        if let Some(bare) = folder.ancestors().find(|folder| is_bare(folder)) {
            return Err(format!("git may take {} for a repository of its own", bare.display()));
        }
        Repository::all(folder).iter().try_for_each(Repository::harmless)?;
    }
    Ok(())
}

/// Whether a folder has what git takes for a repository without a working tree: a clone can
/// carry one, with settings of its own.
fn is_bare(folder: &Path) -> bool {
    folder.file_name().is_none_or(|name| name != ".git")
        && ["HEAD", "objects", "refs"].iter().all(|name| folder.join(name).exists())
}

/// `git status` and `git diff` also start a `git` in every submodule.
fn compared(arguments: &Arguments<'_>, place: &Place) -> Result<(), String> {
    words(arguments, place)?;
    let mut repositories = place.standing().iter().flat_map(|folder| Repository::all(folder));
    match repositories.find(Repository::has_submodules) {
        Some(_) => Err("it has submodules, whose own settings can make git run a program".to_owned()),
        None => Ok(()),
    }
}

/// `git grep` goes through all that is tracked, also where a `.env` was added by mistake.
fn searched(arguments: &Arguments<'_>, place: &Place) -> Result<(), String> {
    words(arguments, place)?;
    let mut repositories = place.standing().iter().flat_map(|folder| Repository::all(folder));
    repositories.try_for_each(|repository| repository.tracks_no_secret())
}

/// Where a repository keeps itself.
struct Repository {
    /// What belongs to one working tree.
    own: PathBuf,
    /// What all of its working trees share.
    shared: PathBuf,
}

impl Repository {
    /// The repositories that a folder lies in: which of them git takes depends on more than
    /// their names.
    fn all(folder: &Path) -> Vec<Self> {
        folder.ancestors().map(|folder| folder.join(".git")).filter_map(|git| Self::at(&git)).collect()
    }

    fn at(git: &Path) -> Option<Self> {
        let own = match git.is_dir() {
            true => git.to_owned(),
            // A worktree or submodule: a file that names the real folder.
            false => {
                let text = std::fs::read_to_string(git).ok()?;
                git.parent()?.join(text.strip_prefix("gitdir:")?.trim())
            }
        };
        let shared = std::fs::read_to_string(own.join("commondir"));
        let shared = shared.map_or_else(|_| own.clone(), |shared| own.join(shared.trim()));
        Some(Self { own, shared })
    }

    /// Whether neither its settings nor a hook make reading run something.
    fn harmless(&self) -> Result<(), String> {
        for file in [self.shared.join("config"), self.own.join("config.worktree")] {
            if let Some(line) = runs(&file) {
                return Err(format!("{} can make git run a program: `{line}`", file.display()));
            }
        }
        // The one hook that reading can start: a refreshed index is written back.
        let hook = self.shared.join("hooks").join("post-index-change");
        match hook.exists() {
            true => Err(format!("git may run {}", hook.display())),
            false => Ok(()),
        }
    }

    /// Its index, empty where there is none; `None`: it can't be read whole.
    fn index(&self) -> Option<Vec<u8>> {
        let mut index = Vec::new();
        let Ok(opened) = std::fs::File::open(self.own.join("index")) else { return Some(index) };
        let read = std::io::Read::read_to_end(&mut std::io::Read::take(opened, MAX_INDEX), &mut index);
        (read.is_ok() && (index.len() as u64) < MAX_INDEX).then_some(index)
    }

    /// Whether an entry of its index is a submodule. It looks for the bytes of their mode
    /// (0160000), and may see one where there is none.
    fn has_submodules(&self) -> bool {
        self.index().is_none_or(|index| index.windows(4).any(|mode| mode == [0, 0, 0xe0, 0]))
    }

    /// Whether no entry of its index looks secret. A name ends with a zero, and what stands
    /// before it isn't printable; a character too many leaves the last part of a path as it is. In
    /// an index of version 4 names are cut short.
    fn tracks_no_secret(&self) -> Result<(), String> {
        let index = self.index().filter(|index| !index.starts_with(b"DIRC\0\0\0\x04"));
        let index = index.ok_or("its index can't be read: something secret may be tracked")?;
        let name = |part: &[u8]| {
            let start = part.iter().rposition(|byte| !(b' '..=b'~').contains(byte)).map_or(0, |at| at + 1);
            String::from_utf8_lossy(&part[start..]).into_owned()
        };
        match index.split(|byte| *byte == 0).map(name).find(|name| is_secret(Path::new(name))) {
            Some(name) => Err(format!("{name} is tracked, and looks like something secret")),
            None => Ok(()),
        }
    }
}

/// The first line of a file of settings that can make `git` run something.
fn runs(file: &Path) -> Option<String> {
    let mut text = String::new();
    let opened = std::fs::File::open(file).ok()?;
    let read = std::io::Read::read_to_string(&mut std::io::Read::take(opened, MAX_CONFIG), &mut text);
    if read.is_err() || text.len() as u64 == MAX_CONFIG {
        return Some("(it can't be read whole)".to_owned());
    }
    text.lines().map(str::trim).find(|line| is_running(&line.to_lowercase())).map(str::to_owned)
}

fn is_running(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim();
    match line.strip_prefix('[') {
        // A setting may stand on the section's own line, behind any bracket: one in quotes
        // closes nothing.
        Some(section) => {
            section.starts_with("include")
                || section.starts_with("alias")
                || section.match_indices(']').any(|(at, _)| is_running_setting(&section[at + 1..]))
        }
        None => is_running_setting(line),
    }
}

fn is_running_setting(line: &str) -> bool {
    let (name, value) = line.split_once('=').unwrap_or((line, "true"));
    let (name, value) = (name.trim(), value.trim());
    !name.starts_with(['#', ';']) && RUNNING.contains(&name) && !PLAIN_VALUES.contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_run_programs_are_seen() {
        for line in [
            "fsmonitor = ./x",
            "external=./x",
            "[core] fsmonitor = x",
            "[include]",
            "[alias]",
            "textconv = strings",
            "[filter \"a]b\"] clean = sh ./x",
            "\u{feff}[filter \"x\"] clean = sh ./x",
            "\u{feff}fsmonitor = ./x",
        ] {
            assert!(is_running(line), "{line}");
        }
        for line in
            ["bare = false", "[core]", "url = https://example.com", "fsmonitor = false", "# pager = x", ""]
        {
            assert!(!is_running(line), "{line}");
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        let mut place = Place::new(dir.path(), None, &[]);
        let mut judge = || super::super::judge(&["git", "status"].map(Word::plain), &mut place);
        assert!(judge().is_ok());
        std::fs::write(dir.path().join(".git/index"), b"DIRC\0\0\xe0\0").unwrap();
        assert!(judge().unwrap_err().contains("submodules"));
        std::fs::write(dir.path().join(".git/config"), "[core]\n\tfsmonitor = ./evil\n").unwrap();
        assert!(judge().unwrap_err().contains("./evil"));
    }

    fn judged(folder: &Path, words: &[&str]) -> Result<(), String> {
        let words: Vec<Word> = words.iter().map(|word| Word::plain(word)).collect();
        super::super::judge(&words, &mut Place::new(folder, None, &[])).map(drop)
    }

    #[test]
    fn folders_named_one_after_the_other_and_links_lead_to_settings_too() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("a/b/.git")).unwrap();
        std::fs::create_dir_all(root.join("a/b/d")).unwrap();
        assert!(judged(root, &["git", "-C", "a", "-C", "b", "status"]).is_ok());
        std::fs::write(root.join("a/b/.git/config"), "[filter \"x\"]\nclean = ./evil\n").unwrap();
        assert!(judged(root, &["git", "status"]).is_ok());
        assert!(judged(root, &["git", "-C", "a", "-C", "b", "status"]).unwrap_err().contains("./evil"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("a/b/d", root.join("link")).unwrap();
            assert!(judged(root, &["git", "-C", "link", "diff"]).unwrap_err().contains("./evil"));
        }
        std::fs::write(root.join("a/b/.git/config"), "[diff]\nsubmodule = diff\n").unwrap();
        assert!(judged(&root.join("a/b"), &["git", "log", "-p"]).is_err());
    }

    #[test]
    fn what_is_tracked_is_looked_at_before_it_is_searched() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        let index = |name: &str, version: u8| {
            let entry = format!("{}\0{}{name}\0\0\0", "x".repeat(20), char::from(name.len() as u8));
            let bytes = [b"DIRC\0\0\0".as_slice(), &[version], entry.as_bytes()].concat();
            std::fs::write(dir.path().join(".git/index"), bytes).unwrap();
            judged(dir.path(), &["git", "grep", "KEY"])
        };
        assert_eq!(index("src/main.rs", 2), Ok(()));
        for name in [".env", "conf/.env", "a/folder/with/a/name/of/forty/letters/.env", "keys/id_rsa"] {
            assert!(index(name, 2).unwrap_err().contains("tracked"), "{name}");
        }
        assert!(index("src/main.rs", 4).is_err(), "names are cut short there");
    }

    #[test]
    fn settings_are_looked_for_wherever_git_would() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join(".git")).unwrap();
        assert!(judged(root, &["git", "status"]).is_ok());
        // A repository without a working tree, which a clone can carry.
        for name in ["sub/objects", "sub/refs"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        std::fs::write(root.join("sub/HEAD"), "ref: refs/heads/main").unwrap();
        assert!(judged(root, &["git", "status"]).is_ok());
        assert!(judged(root, &["git", "-C", "sub", "status"]).is_err());
        assert!(judged(&root.join("sub"), &["git", "status"]).is_err());
        // Settings in another folder.
        std::fs::create_dir(root.join("elsewhere")).unwrap();
        std::fs::write(root.join("elsewhere/config"), "[core]\nfsmonitor = ./evil\n").unwrap();
        std::fs::write(root.join(".git/commondir"), "../elsewhere").unwrap();
        assert!(judged(root, &["git", "status"]).unwrap_err().contains("./evil"));
        std::fs::remove_file(root.join(".git/commondir")).unwrap();
        // A folder that is no repository hides none.
        std::fs::create_dir_all(root.join("n/.git")).unwrap();
        std::fs::write(root.join(".git/config"), "[core]\nfsmonitor = ./evil\n").unwrap();
        assert!(judged(&root.join("n"), &["git", "status"]).unwrap_err().contains("./evil"));
    }
}
