//! What a request must show to be answered: 256 random bits, in a file that only its owner
//! can read.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Random bytes of a token.
const BYTES: usize = 32;

/// A shorter text is no token of percept's.
const LEAST: usize = 32;

/// The secret. It is never printed with `{:?}`.
#[derive(Clone)]
pub struct Token {
    text: String,
    hash: blake3::Hash,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Its file can't be read or written.
    #[error("{} can't be used: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Others may have read it.
    #[error("{} can be read by others; delete it, and the next start makes another one", .0.display())]
    Open(PathBuf),
    /// The file holds something else.
    #[error("{} holds no key of percept's; delete it, and the next start makes another one", .0.display())]
    Foreign(PathBuf),
    /// The system has no random numbers.
    #[error("the system gives no random numbers; a key can't be made")]
    NoRandom,
}

impl Token {
    /// Reads the token of that file; makes both at the first time.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    pub fn at(path: &Path) -> Result<Self, TokenError> {
        let failed = |error| TokenError::File { path: path.to_owned(), error };
        match fs::read_to_string(path) {
            Ok(text) => Self::read(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let token = Self::random()?;
                match token.write(path) {
                    Ok(()) => Ok(token),
                    // Another percept was first.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        Self::read(path, &fs::read_to_string(path).map_err(failed)?)
                    }
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn read(path: &Path, text: &str) -> Result<Self, TokenError> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let metadata = fs::metadata(path);
            let metadata = metadata.map_err(|error| TokenError::File { path: path.to_owned(), error })?;
            if metadata.permissions().mode() & 0o077 != 0 {
                return Err(TokenError::Open(path.to_owned()));
            }
        }
        let text = text.trim();
        match text.len() >= LEAST && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self::of(text)),
            false => Err(TokenError::Foreign(path.to_owned())),
        }
    }

    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), hash: blake3::hash(text.as_bytes()) }
    }

    fn random() -> Result<Self, TokenError> {
        let mut bytes = [0; BYTES];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut bytes).map_err(|_| TokenError::NoRandom)?;
        Ok(Self::of(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
    }

    /// Writes it whole or not at all, and never over another one.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        // Its owner alone can read it from the first byte on.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{}", self.text)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map(drop).map_err(|error| error.error)
    }

    /// The token itself, for its owner.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether that is it; how long that takes says nothing of where they differ.
    pub fn is(&self, shown: &[u8]) -> bool {
        // Equality of hashes takes the same time always.
        blake3::hash(shown) == self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serve-token");
        let token = Token::at(&path).unwrap();
        assert_eq!(token.reveal().len(), 2 * BYTES);
        assert_eq!(Token::at(&path).unwrap().reveal(), token.reveal());
        assert_ne!(Token::random().unwrap().reveal(), token.reveal());
        assert!(token.is(token.reveal().as_bytes()));
        assert!(!token.is(b"") && !token.is(&token.reveal().as_bytes()[1..]));
        assert_eq!(format!("{token:?}"), "Token(…)");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(Token::at(&path), Err(TokenError::Open(_))));
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "\n", "short", &"with spaces ".repeat(9), &"ü".repeat(40)] {
            let path = folder.path().join("serve-token");
            Token::of(text).write(&path).unwrap();
            assert!(matches!(Token::at(&path), Err(TokenError::Foreign(_))), "{text:?}");
            fs::remove_file(&path).unwrap();
        }
        let nowhere = folder.path().join("no/where");
        assert!(matches!(Token::at(&nowhere), Err(TokenError::File { .. })));
    }
}
