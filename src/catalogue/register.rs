//! Entries of the user's own: written for files that are checked, and taken away.

use std::path::{Path, PathBuf};

use super::hub::Pulled;
use super::{
    Catalogue, CatalogueError, ModelFiles, ModelSpec, Task, check_model, check_projector, described_by,
    embedding, mmproj_beside, parse, speech,
};
use crate::gguf::Header;

impl Catalogue {
    /// Registers files that are on this machine under a name, in the user's folder. A name
    /// of the catalogue keeps what is known of that model.
    ///
    /// # Errors
    ///
    /// The name is no name, a file is no GGUF of its kind, or the entry can't be written.
    pub fn add(
        &self,
        user_folder: &Path,
        name: &str,
        model: &Path,
        mmproj: Option<&Path>,
    ) -> Result<(ModelSpec, PathBuf), CatalogueError> {
        let spec = self.described(name, model, mmproj)?;
        let path = write(user_folder, &spec)?;
        Ok((spec, path))
    }

    /// The same for a model that was downloaded: where it came from is written down.
    ///
    /// # Errors
    ///
    /// Those of [`Self::add`].
    pub fn add_pulled(
        &self,
        user_folder: &Path,
        name: &str,
        pulled: &Pulled,
    ) -> Result<(ModelSpec, PathBuf), CatalogueError> {
        let mut spec = self.described(name, &pulled.model, pulled.mmproj.as_deref())?;
        spec.source = spec.source.or_else(|| pulled.source.clone());
        spec.licence = spec.licence.or_else(|| pulled.licence.clone());
        let path = write(user_folder, &spec)?;
        Ok((spec, path))
    }

    /// Takes a registered model's entry away. Its files stay.
    ///
    /// # Errors
    ///
    /// It has no entry of the user's, or that can't be deleted.
    pub fn remove(&self, user_folder: &Path, name: &str) -> Result<PathBuf, CatalogueError> {
        check_name(name)?;
        // An entry may lie in a file of another name.
        let entries = std::fs::read_dir(user_folder).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path()).filter(|path| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            path.extension().is_some_and(|end| end == "toml")
                && parse(path, &text).is_ok_and(|spec| spec.name == name)
        });
        let path = paths.next().ok_or_else(|| match self.find(name) {
            Some(_) => CatalogueError::BuiltIn(name.to_owned()),
            None => self.unknown(name),
        })?;
        std::fs::remove_file(&path).map_err(|error| CatalogueError::Write { path: path.clone(), error })?;
        Ok(path)
    }

    fn described(
        &self,
        name: &str,
        model: &Path,
        mmproj: Option<&Path>,
    ) -> Result<ModelSpec, CatalogueError> {
        check_name(name)?;
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let model = whole(model);
        let known = self.find(name).cloned();
        let (mut spec, mmproj) = match speech::task_of(&model) {
            Some(task) => (speech::described(name, task, known)?, None),
            None => {
                let header = check_model(&model)?;
                let spec = entry(name, &header, known)?;
                let mmproj = match (mmproj.map(whole), spec.task) {
                    (Some(mmproj), _) => Some(mmproj),
                    (None, Task::Chat) => mmproj_beside(&model),
                    (None, _) => embedding::projector_beside(&model, &header),
                };
                if let Some(mmproj) = &mmproj {
                    check_projector(mmproj, &model, &header)?;
                }
                (spec, mmproj)
            }
        };
        spec.files = ModelFiles { starter: false, model: Some(model), mmproj };
        Ok(spec)
    }
}

fn check_name(name: &str) -> Result<(), CatalogueError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        true => Err(CatalogueError::Name(name.to_owned())),
        false => Ok(()),
    }
}

fn write(user_folder: &Path, spec: &ModelSpec) -> Result<PathBuf, CatalogueError> {
    let path = user_folder.join(format!("{}.toml", spec.name));
    let write = |error| CatalogueError::Write { path: path.clone(), error };
    let text = toml::to_string_pretty(spec)
        .map_err(|error| CatalogueError::Entry { path: path.clone(), why: error.to_string() })?;
    std::fs::create_dir_all(user_folder).map_err(write)?;
    let mut file = tempfile::NamedTempFile::new_in(user_folder).map_err(write)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(write)?;
    file.persist(&path).map_err(|error| write(error.error))?;
    Ok(path)
}

/// The entry for a file that is being registered: what is known under its name, if that is for
/// the same. A model that was known to find vectors need not say so in its file.
fn entry(name: &str, header: &Header, known: Option<ModelSpec>) -> Result<ModelSpec, CatalogueError> {
    let found = described_by(name, header);
    match known {
        Some(known) if known.task == found.task || (known.task, found.task) == (Task::Embed, Task::Chat) => {
            Ok(known)
        }
        Some(known) => Err(speech::for_something_else(&known, found.task)),
        None => Ok(found),
    }
}
