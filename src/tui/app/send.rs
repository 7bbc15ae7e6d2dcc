//! What is sent, run and pasted.

use std::path::{Path, PathBuf};

use super::look::QUOTE;
use super::{Action, App};
use crate::agent::{Agent, Event, Turn};
use crate::attachment::Source;
use crate::intake::{Clipping, Given, paths_in_paste};
use crate::session::SessionId;
use crate::text;
use crate::tui::command::{self, Command, Parsed};
use crate::tui::complete::expand;
use crate::tui::panel::Panel;
use crate::tui::pick;

/// Columns of a title in the name of an exported file.
const EXPORT_NAME: usize = 40;

/// What text of the clipboard is called.
const CLIPBOARD: &str = "clipboard";

/// What may stand behind a mention without being a part of the name.
const PUNCTUATION: [char; 10] = ['?', '!', '.', ',', ':', ';', ')', ']', '"', '\''];

impl App {
    pub(super) fn insert(&mut self, text: &str) {
        self.composer.insert_str(text);
        self.unsaved = true;
        self.recomplete();
    }

    pub(super) fn clear_composer(&mut self) {
        let text = self.text();
        self.history.add(&text);
        self.set_text("");
        self.unsaved = true;
    }

    pub(super) fn submit(&mut self, agent: &Agent) -> Vec<Action> {
        if let Some(actions) = self.dictate_enter() {
            return actions;
        }
        let text = self.text();
        match command::parse(&text) {
            Parsed::Command(command, argument) => {
                let actions = self.command(command, argument, agent);
                // A command that can't be done stays, to be mended.
                if self.said.is_none() || !actions.is_empty() {
                    self.clear_composer();
                }
                actions
            }
            Parsed::Unknown(name, near) => {
                let near = near.map_or(String::new(), |near| format!("; did you mean /{near}?"));
                self.said = Some(format!("There is no /{name}{near} ? shows the commands."));
                Vec::new()
            }
            Parsed::Message => self.send(&text, agent),
        }
    }

    fn send(&mut self, text: &str, agent: &Agent) -> Vec<Action> {
        if agent.busy() {
            let what = match agent.turn {
                Turn::Acting { .. } => "A tool is running",
                Turn::Compacting { .. } => "A summary is being written",
                _ => "An answer is being written",
            };
            self.said = Some(format!("{what}: Esc stops it. Your text stays here."));
            return Vec::new();
        }
        if text.trim().is_empty() && agent.chips.is_empty() {
            return Vec::new();
        }
        let (message, files) = take_mentions(text);
        self.clear_composer();
        self.transcript.follow();
        let attach = files.into_iter().map(|path| Action::Tell(Event::Attach(Given::Path(path))));
        attach.chain([Action::Tell(Event::Submit(message))]).collect()
    }

    fn command(&mut self, command: Command, argument: &str, agent: &Agent) -> Vec<Action> {
        let tell = |event| vec![Action::Tell(event)];
        match command {
            Command::Attach => self.attach(argument),
            Command::Paste => self.read_clipboard(false),
            Command::Screenshot => tell(Event::Attach(Given::Screenshot)),
            Command::Attachments => {
                self.panel = Some(Panel::Attachments { selected: 0 });
                Vec::new()
            }
            Command::Log => {
                self.open_log(argument, agent);
                Vec::new()
            }
            Command::Cites => {
                self.open_cites(agent);
                Vec::new()
            }
            Command::Find => self.open_find(argument),
            Command::Index => self.index_command(argument),
            Command::Model if argument.is_empty() => {
                let now = agent.model.as_ref().map(|model| model.name.as_str());
                let selected = self.models.iter().position(|name| Some(name.as_str()) == now).unwrap_or(0);
                self.panel = Some(Panel::Models { selected });
                Vec::new()
            }
            Command::Model => tell(Event::UseModel(argument.to_owned())),
            Command::New => {
                self.transcript.follow();
                tell(Event::NewSession)
            }
            Command::Sessions => {
                self.panel = Some(Panel::Sessions { selected: 0 });
                tell(Event::ListSessions(argument.to_owned()))
            }
            Command::Rename if argument.is_empty() => {
                self.said = Some("/rename takes the new title.".to_owned());
                Vec::new()
            }
            Command::Rename => tell(Event::RenameSession(argument.to_owned())),
            Command::Tag if argument.is_empty() => {
                self.said = Some("/tag takes tags; one behind a - is taken off.".to_owned());
                Vec::new()
            }
            Command::Tag => {
                tell(Event::TagSession(argument.split_whitespace().map(text::printable).collect()))
            }
            Command::Tools => {
                self.panel = Some(Panel::Tools { top: 0 });
                tell(Event::ListTools)
            }
            Command::Restart if argument.is_empty() => {
                self.said = Some("/restart takes the name of an MCP server; /tools shows them.".to_owned());
                Vec::new()
            }
            Command::Restart => {
                self.panel = Some(Panel::Tools { top: 0 });
                tell(Event::RestartServer(argument.to_owned()))
            }
            Command::Permissions => {
                self.panel = Some(Panel::Permissions { selected: 0 });
                tell(Event::ListTools)
            }
            Command::Compact => self.compact_command(argument, agent),
            Command::Dictate => self.dictate_command(argument),
            Command::Retry => tell(Event::Retry),
            Command::Edit => {
                self.open_messages(argument, agent);
                Vec::new()
            }
            Command::Branches => {
                self.open_branches(agent);
                Vec::new()
            }
            Command::Compare if argument.is_empty() => {
                self.open_answers(agent);
                Vec::new()
            }
            Command::Compare => {
                self.transcript.follow();
                tell(Event::Compare(argument.to_owned()))
            }
            Command::Copy => self.copy(argument, agent),
            Command::Export => tell(Event::Export(export_path(argument, &agent.title))),
            Command::Bundle if argument == "yes" => tell(Event::WriteBundle),
            Command::Bundle => tell(Event::Bundle(bundle_path(argument, agent.session))),
            Command::Clear => {
                let chips = agent.chips.iter().map(|chip| Action::Tell(Event::Detach(chip.ticket)));
                chips.collect()
            }
            Command::Help => {
                self.panel = Some(Panel::Help { top: 0 });
                Vec::new()
            }
            Command::Quit => vec![Action::Quit],
        }
    }

    fn attach(&mut self, argument: &str) -> Vec<Action> {
        let whole = expand(argument);
        let paths = match (argument.is_empty(), whole.exists()) {
            (true, _) => {
                self.said =
                    Some("/attach takes one or more paths; or type @ and a part of the name.".to_owned());
                return Vec::new();
            }
            (false, true) => vec![whole],
            // An odd quote is a part of the name: it is looked for, and said if it isn't there.
            (false, false) => shlex::split(argument)
                .filter(|words| !words.is_empty())
                .map_or_else(|| vec![whole], |words| words.iter().map(|word| expand(word)).collect()),
        };
        paths.into_iter().map(|path| Action::Tell(Event::Attach(Given::Path(path)))).collect()
    }

    pub(super) fn copy(&mut self, what: &str, agent: &Agent) -> Vec<Action> {
        if what == "list" {
            self.panel = Some(Panel::Copy { selected: usize::MAX });
            return Vec::new();
        }
        match pick::chosen(what, agent) {
            Ok(text) => vec![Action::Copy(text)],
            Err(why) => {
                self.said = Some(why);
                Vec::new()
            }
        }
    }

    pub(super) fn read_clipboard(&mut self, typed: bool) -> Vec<Action> {
        self.said = Some("Reading the clipboard…".to_owned());
        vec![Action::ReadClipboard { typed }]
    }

    /// The clipboard was read. Its text is taken as a paste where it may be typed.
    pub(in crate::tui) fn clipboard_came(
        &mut self,
        read: Result<Clipping, String>,
        typed: bool,
    ) -> Vec<Action> {
        self.said = None;
        let attach = |given| Action::Tell(Event::Attach(given));
        match read {
            Ok(Clipping::Picture { name, bytes }) => {
                vec![attach(Given::Bytes { name, bytes, source: Source::Clipboard })]
            }
            Ok(Clipping::Files(paths)) => paths.into_iter().map(|path| attach(Given::Path(path))).collect(),
            Ok(Clipping::Text(text)) if typed => self.paste_from(&text, CLIPBOARD, Source::Clipboard),
            Ok(Clipping::Text(text)) => {
                let (name, bytes) = (CLIPBOARD.to_owned(), text.into_bytes());
                vec![attach(Given::Bytes { name, bytes, source: Source::Clipboard })]
            }
            Err(why) => vec![Action::Tell(Event::Failed(why))],
        }
    }

    pub(super) fn paste(&mut self, paste: &str) -> Vec<Action> {
        self.paste_from(paste, "pasted text", Source::Paste)
    }

    /// Paths are attached, a lot of text too, the rest is typed.
    fn paste_from(&mut self, paste: &str, name: &str, source: Source) -> Vec<Action> {
        let paste = paste.replace("\r\n", "\n").replace('\r', "\n");
        let attach = |given| Action::Tell(Event::Attach(given));
        let paths = paths_in_paste(&paste);
        if !paths.is_empty() {
            return paths.into_iter().map(|path| attach(Given::Path(path))).collect();
        }
        if paste.lines().count() > self.options.paste_lines || paste.len() > self.options.paste_bytes {
            let name = name.to_owned();
            return vec![attach(Given::Bytes { name, bytes: paste.into_bytes(), source })];
        }
        // Control characters would be invisible in the composer, and in the message.
        let clean: String = paste.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        self.insert(&clean.replace('\t', "    "));
        Vec::new()
    }
}

/// Takes the `@path`s out of a message whose files are there; their names stay. A line of a
/// log that was quoted mentions nothing: whoever wrote it would attach files.
fn take_mentions(text: &str) -> (String, Vec<PathBuf>) {
    let mut files = Vec::new();
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            if line.starts_with(QUOTE) {
                return line.to_owned();
            }
            let words = line.split(' ').map(|word| match mentioned(word) {
                Some((path, behind)) => {
                    let name =
                        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                    files.push(path);
                    name + behind
                }
                None => word.to_owned(),
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    (lines.join("\n"), files)
}

/// The file that a word mentions, and the punctuation behind it: `@error.png?`
fn mentioned(word: &str) -> Option<(PathBuf, &str)> {
    let path = word.strip_prefix('@')?;
    let bare = path.trim_end_matches(PUNCTUATION);
    [path, bare].into_iter().find_map(|path| {
        let file = Some(expand(path)).filter(|file| file.is_file())?;
        Some((file, &word[1 + path.len()..]))
    })
}

fn bundle_path(argument: &str, session: Option<SessionId>) -> PathBuf {
    match argument {
        "" => PathBuf::from(format!("percept-session-{}.tar.gz", session.map_or(0, |session| session.0))),
        path => expand(path),
    }
}

fn export_path(argument: &str, title: &str) -> PathBuf {
    if !argument.is_empty() {
        return expand(argument);
    }
    let slug: String =
        title.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = slug.split('-').filter(|word| !word.is_empty()).collect();
    let name = text::prefix(&words.join("-"), EXPORT_NAME).to_owned();
    Path::new(&format!("percept-{}.md", if name.is_empty() { "conversation" } else { &name })).to_owned()
}
