//! All sources read, each file on disk once: an archive is unpacked once for all of its
//! members, in its own order.
//!
//! So the order of reading is not the order of the sources. Each source comes with its
//! index in [`Gathered::sources`], by which whoever merges puts the pieces in order.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::archive::Unpacked;
use super::disk::{Context, Disk};
use super::error::InputError;
use super::gather::Gathered;
use super::note::Note;
use super::reader::Reader;
use super::source::Source;

/// A file on disk with the sources in it, in the order in which it holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDisk {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its sources, by their index: one, or those of an archive.
    pub sources: Vec<usize>,
}

impl Gathered {
    /// The files on disk, in the order of their first source. Each can be read by a
    /// thread of its own.
    pub fn on_disk(&self) -> Vec<OnDisk> {
        let mut files: Vec<OnDisk> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for (index, source) in self.sources.iter().enumerate() {
            let place = *places.entry(&source.path).or_insert(files.len());
            match files.get_mut(place) {
                Some(file) => file.sources.push(index),
                None => {
                    let path = source.path.clone();
                    files.push(OnDisk { path, bytes: source.bytes, sources: vec![index] });
                }
            }
        }
        for file in &mut files {
            file.sources.sort_by_key(|&index| self.sources[index].member.as_ref().map(|member| member.at));
        }
        files
    }

    /// The size of all files on disk: what [`Reader::consumed`] adds up to.
    pub fn bytes_on_disk(&self) -> u64 {
        self.on_disk().iter().map(|file| file.bytes).sum()
    }
}

impl OnDisk {
    /// Reads each source in this file, in one go from the file's start to its end.
    ///
    /// # Errors
    ///
    /// The first error of `each` ends it.
    pub fn for_each_source<E>(
        &self,
        sources: &[Source],
        stop: &AtomicBool,
        mut each: impl FnMut(usize, Result<&mut Reader<'_>, InputError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let context = Context::new(stop);
        let mut archive = None;
        for &index in &self.sources {
            let source = &sources[index];
            let Some(member) = &source.member else {
                match source.open_until(stop) {
                    Ok(mut reader) => each(index, Ok(&mut reader))?,
                    Err(error) => each(index, Err(error))?,
                }
                continue;
            };
            if archive.is_none() {
                match Disk::open(&source.path, source.identity, context.clone()) {
                    Ok(disk) => {
                        if disk.size() != source.bytes {
                            context.notes.add(Note::Changed);
                        }
                        archive = Some(Unpacked::new(disk, member.archive, context.clone()));
                    }
                    Err(error) => each(index, Err(InputError::io(&source.name, error)))?,
                }
            }
            if let Some(archive) = &mut archive {
                each(index, Ok(&mut Reader::member(archive, &context, source, member, 0)))?;
            }
        }
        Ok(())
    }
}
