//! The chat.

use std::io::{self, IsTerminal};
use std::time::Duration;

use super::open::{Overrides, Setup, runtime, set, shut_down};
use super::{ChatArgs, Trouble};
use crate::agent::{Agent, Event};
use crate::dictation;
use crate::intake::Given;
use crate::session::{SessionId, to_markdown};
use crate::tui;

pub(super) fn run(args: ChatArgs) -> Result<(), Trouble> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let why = "the chat needs a terminal; `percept ask [-a FILE] QUESTION` answers without one";
        return Err(Trouble::User(anyhow::anyhow!(why)));
    }
    let setup = Setup::load()?;
    let session = session_of(&args, &setup)?;
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let overrides = Overrides { keeps_index: true, gives_titles: true, ..Overrides::default() };
        let mut driver = setup.driver(&overrides)?;
        if let Some(session) = session {
            driver.send(Event::OpenSession(session));
        }
        driver.send(Event::UseModel(setup.model(&args.model)));
        if let Some(leaves) = setup.leaves_in_chat() {
            driver.send(Event::Done(leaves));
        }
        for file in args.files {
            driver.send(Event::Attach(Given::Path(file)));
        }
        let ended = tui::run(&mut driver, options(&setup)).await;
        say_unsaved(&driver.close().await)?;
        ended.map_err(Trouble::from)
    });
    shut_down(runtime);
    let ended = done?;
    if let Some(signal) = ended.signal {
        // As shells have it: whoever sent the signal sees that it worked.
        return Err(Trouble::Signal(signal));
    }
    Ok(())
}

/// What could not be kept on disk is printed at last, so that it is not lost with the window.
fn say_unsaved(agent: &Agent) -> Result<(), Trouble> {
    let Some(why) = &agent.unsaved else { return Ok(()) };
    super::exit::warn(format!("this conversation could not be saved ({why}); here it is:"));
    super::exit::print_text(&to_markdown(&agent.title, &agent.transcript))
}

fn session_of(args: &ChatArgs, setup: &Setup) -> Result<Option<SessionId>, Trouble> {
    if let Some(number) = &args.session {
        return super::sessions::find(&setup.store()?, number).map(Some);
    }
    match args.continue_last {
        true => match setup.store()?.latest().map_err(Trouble::user)? {
            Some(latest) => Ok(Some(latest)),
            None => Err(Trouble::User(anyhow::anyhow!("there is no conversation yet to go on with"))),
        },
        false => Ok(None),
    }
}

/// How dictation is done, or why it can't be: without a speech model the rest works.
fn dictation(setup: &Setup) -> Result<dictation::Options, String> {
    // What is registered meanwhile is found at the next start.
    let model = setup.speech_model().map_err(|why| format!("{why} Then start the chat again."))?;
    let speech = &setup.config.speech;
    Ok(dictation::Options {
        microphone: setup.microphone(),
        vad: model.vad,
        threads: speech.threads.set(),
        language: set(&speech.language).map(str::to_owned),
        translate: speech.translate,
        vocabulary: speech.vocabulary.clone(),
        commands: speech.commands,
        armed_for: Duration::from_secs(speech.armed_minutes.saturating_mul(60)),
        ..dictation::Options::new(setup.whisper(), model.model)
    })
}

fn options(setup: &Setup) -> tui::Options {
    let chat = &setup.config.chat;
    let colors = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tui::Options {
        palette: if colors { chat.theme } else { tui::Palette::Mono },
        pictures: chat.pictures,
        mouse: chat.mouse,
        paste_lines: chat.paste_lines,
        paste_bytes: chat.paste_bytes,
        history: Some(setup.paths.history()),
        dictation: dictation(setup),
        helpers: setup.helpers(),
    }
}
