//! What is read and seen in pictures, so that they are found by words.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use crate::engines::Captioner;
use crate::intake;
use crate::tools::ocr::{self, Surroundings};
use crate::tools::sandbox;

/// Looks at pictures.
pub trait Eyes: Send + Sync {
    /// Who looks, by name; `None`: nobody can.
    fn name(&self) -> Option<String>;

    /// What is read and seen in a picture; empty: nothing.
    ///
    /// # Errors
    ///
    /// A sentence: it is no picture, the program or model failed, it was stopped.
    fn look(&self, name: &str, picture: &[u8], stop: &AtomicBool) -> Result<String, String>;
}

/// Tesseract for the words, and a model for the caption, where either is there.
pub struct Sight {
    /// The home of the person, which Tesseract doesn't see.
    pub home: Option<PathBuf>,
    /// Folders that it doesn't see either.
    pub private: Vec<PathBuf>,
    /// How it is run; `None`: the words in pictures are not read.
    pub commands: Option<sandbox::Options>,
    /// Bounds on pictures.
    pub intake: intake::Options,
    /// Who gives captions.
    pub captions: Option<Captioner>,
}

impl Sight {
    fn reads(&self) -> Option<&sandbox::Options> {
        let commands = self.commands.as_ref()?;
        let can = ocr::tesseract().is_some() && !matches!(commands.by, sandbox::Support::None(_));
        can.then_some(commands)
    }

    fn words(&self, name: &str, picture: &[u8], stop: &AtomicBool) -> Result<String, String> {
        let Some(commands) = self.reads() else { return Ok(String::new()) };
        let around = Surroundings {
            home: self.home.as_deref(),
            private: &self.private,
            commands,
            intake: &self.intake,
        };
        let lines = ocr::read(name, picture, &around, stop)?;
        Ok(lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n"))
    }

    fn caption(&self, picture: &[u8], stop: &AtomicBool) -> Result<String, String> {
        let Some(captions) = &self.captions else { return Ok(String::new()) };
        let failed = |error: std::io::Error| format!("A picture can't be handed on: {error}.");
        let file = tempfile::Builder::new().suffix(".png").tempfile().map_err(failed)?;
        std::fs::write(file.path(), picture).map_err(failed)?;
        captions.caption(file.path(), stop)
    }
}

impl Eyes for Sight {
    fn name(&self) -> Option<String> {
        let reads = self.reads().map(|_| "tesseract".to_owned());
        let captions = self.captions.as_ref().map(|model| model.name().to_owned());
        match (reads, captions) {
            (None, None) => None,
            (reads, captions) => Some(reads.into_iter().chain(captions).collect::<Vec<_>>().join(", ")),
        }
    }

    fn look(&self, name: &str, picture: &[u8], stop: &AtomicBool) -> Result<String, String> {
        let seen = [self.caption(picture, stop)?, self.words(name, picture, stop)?];
        Ok(seen.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"))
    }
}
