//! What the speech worker says, and what its death means.

use super::{Device, Dictation, Effect, Engine, Told};
use crate::dictation::spoken::{self, Command};
use crate::engines::WorkerEvent;
use crate::wire::{self, Envelope, PROTOCOL_VERSION, Request, Segment};

impl Dictation {
    pub(super) fn worker(&mut self, event: WorkerEvent) {
        // One that was ended has nothing more to say.
        if self.engine == Engine::Off {
            return;
        }
        match event {
            WorkerEvent::Up(_) => self.load(),
            WorkerEvent::Said(Envelope { id, body }) => match self.engine {
                Engine::Loading(load, _) if load == id => self.load_said(load, body),
                _ => self.listen_said(id, body),
            },
            WorkerEvent::Down { reason, retry_in: Some(_) } => {
                self.engine = Engine::Starting;
                if !self.takes.is_empty() {
                    let words = "it is started again, and hears once more what is no text yet";
                    self.tell(Told::Said(format!("The speech worker died ({reason}): {words}.")));
                }
                for take in &mut self.takes {
                    take.listen = None;
                }
            }
            WorkerEvent::Down { reason, retry_in: None } => {
                self.give_up(format!("Dictation ended: the speech worker does not run ({reason})."));
            }
        }
    }

    fn load(&mut self) {
        let model = self.options.model.clone();
        let options = self.options.load();
        self.ask(Request::Load { protocol: PROTOCOL_VERSION, model, mmproj: None, options });
        self.engine = Engine::Loading(self.last_request, 0);
    }

    fn load_said(&mut self, load: u64, body: wire::Event) {
        match body {
            wire::Event::Progress { done, total, .. } if total > 0 => {
                self.engine = Engine::Loading(load, done.min(total).saturating_mul(1000) / total);
            }
            wire::Event::Done(_) => {
                self.engine = Engine::Ready;
                self.listen();
            }
            wire::Event::Failed(failure) => {
                self.give_up(format!("The speech model can't be loaded. {}", failure.in_words()));
            }
            _ => {}
        }
    }

    fn listen_said(&mut self, request: u64, body: wire::Event) {
        let heard = self.takes.iter_mut().find(|take| take.listen == Some(request));
        let Some(take) = heard else { return };
        let id = take.id;
        match body {
            wire::Event::Partial { text } => take.partial = one_line(&text),
            wire::Event::Segment(segment) => {
                take.settle(segment.end_ms);
                self.settled(id, &segment);
            }
            wire::Event::Done(_) => {
                self.silence(id);
                self.finished(id);
            }
            wire::Event::Failed(failure) => {
                self.keep_partial(id);
                self.silence(id);
                self.finished(id);
                self.tell(Told::Failed(format!("Dictation ended. {}", failure.in_words())));
            }
            _ => {}
        }
    }

    /// Nobody hears any more what the microphone records.
    fn silence(&mut self, id: u64) {
        if self.takes.back().is_some_and(|take| take.id == id && !take.ended) {
            self.cancel(id);
        }
    }

    fn settled(&mut self, take: u64, segment: &Segment) {
        let text = one_line(&segment.text);
        let command = self.options.commands.then(|| spoken::command(&text)).flatten();
        match command {
            Some(Command::NewLine) => self.tell(Told::Settled { take, text: "\n".to_owned() }),
            Some(Command::NewParagraph) => self.tell(Told::Settled { take, text: "\n\n".to_owned() }),
            Some(Command::Scratch) => self.tell(Told::Scratched { take }),
            Some(Command::Stop) if self.takes.back().is_some_and(|last| last.id == take) => self.stop(),
            Some(Command::Stop) => {}
            None if text.is_empty() => {}
            None => self.tell(Told::Settled { take, text }),
        }
    }

    /// What was being said is better than nothing where nobody will say it better.
    fn keep_partial(&mut self, id: u64) {
        let Some(take) = self.takes.iter_mut().find(|take| take.id == id) else { return };
        let text = std::mem::take(&mut take.partial);
        if !text.is_empty() {
            self.tell(Told::Settled { take: id, text });
        }
    }

    /// Ends all recordings, with the text that there is, and closes the microphone.
    fn give_up(&mut self, why: String) {
        let takes: Vec<u64> = self.takes.iter().map(|take| take.id).collect();
        for id in takes {
            self.keep_partial(id);
            self.finished(id);
        }
        if std::mem::take(&mut self.device) != Device::Closed {
            self.effects.push(Effect::Close);
        }
        self.tell(Told::Failed(why));
    }
}

/// What a model says is one line, and harmless for a terminal.
fn one_line(text: &str) -> String {
    crate::text::one_line(text.trim())
}
