//! Saves and restores the evaluated sequence, so that a session goes on at once.
//!
//! Two files: what llama.cpp writes of the sequence (`PATH.kv`), and what it stands for
//! (`PATH`, JSON). The second is written last and names the first's checksum, so that a
//! crash in between, or a damaged file, is noticed before llama.cpp reads a byte of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use llama_cpp_2::context::session::LlamaStateSeqFlags;
use percept::text;
use percept::wire::{DoneReport, Failure, FailureKind, Usage};
use serde::{Deserialize, Serialize};

use crate::cache::{Entry, SEQUENCE, tokens};
use crate::load::Loaded;

/// What a saved sequence stands for.
#[derive(Serialize, Deserialize)]
struct Saved {
    fingerprint: String,
    entries: Vec<Entry>,
    /// blake3 of the sequence's file.
    checksum: String,
}

pub(crate) fn save(loaded: &mut Loaded, path: &Path, most_bytes: Option<u64>) -> Result<DoneReport, Failure> {
    if loaded.cache.entries().is_empty() {
        return Ok(DoneReport::default());
    }
    let failed = |why: String| {
        Failure::new(
            FailureKind::Internal,
            format!("The evaluated prompt can't be saved to {}: {why}.", path.display()),
        )
    };
    let size = loaded.runtime.with_dependent(|_, context| {
        context.state_seq_get_size_ext(SEQUENCE, LlamaStateSeqFlags::empty()) as u64
    });
    if most_bytes.is_some_and(|most| size > most) {
        return Err(failed(format!(
            "it would take {}, more than [keep] states_mib allows",
            text::size(size)
        )));
    }
    let (kv, temporary) = (kv_path(path), path.with_extension("kv.new"));
    let written =
        loaded.runtime.with_dependent(|_, context| context.state_seq_save_file(&temporary, SEQUENCE, &[]));
    let saved = written.map_err(|error| failed(error.to_string())).and_then(|_| {
        let checksum = checksum(&temporary).map_err(|error| failed(error.to_string()))?;
        let saved = Saved {
            fingerprint: loaded.fingerprint.clone(),
            entries: loaded.cache.entries().to_vec(),
            checksum,
        };
        put(path, &kv, &temporary, &saved).map_err(|error| failed(error.to_string()))
    });
    if saved.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    saved.map(|()| DoneReport::default())
}

fn put(path: &Path, kv: &Path, temporary: &Path, saved: &Saved) -> io::Result<()> {
    let description = path.with_extension("json.new");
    fs::write(&description, serde_json::to_vec(saved)?)?;
    fs::rename(temporary, kv)?;
    fs::rename(description, path)
}

pub(crate) fn restore(loaded: &mut Loaded, path: &Path) -> Result<DoneReport, Failure> {
    let mismatch = |why: &str| {
        Failure::new(
            FailureKind::StateMismatch,
            format!("The saved prompt {} is of no use: {why}.", path.display()),
        )
        .hint("The conversation is evaluated again.")
    };
    let saved = fs::read(path).map_err(|error| mismatch(&error.to_string()))?;
    let saved: Saved = serde_json::from_slice(&saved).map_err(|_| mismatch("it is damaged"))?;
    if saved.fingerprint != loaded.fingerprint {
        return Err(mismatch("it is of another model, build or context"));
    }
    let kv = kv_path(path);
    if checksum(&kv).map_err(|error| mismatch(&error.to_string()))? != saved.checksum {
        return Err(mismatch("it is damaged"));
    }
    let cache = &mut loaded.cache;
    let restored = loaded.runtime.with_dependent_mut(|_, context| {
        cache.clear(context);
        let read = context.state_seq_load_file(&kv, SEQUENCE, 1).map(drop);
        if read.is_err() {
            cache.clear(context);
        }
        read
    });
    restored.map_err(|_| mismatch("llama.cpp can't read it"))?;
    let usage = Usage { cached_tokens: tokens(&saved.entries) as u64, ..Usage::default() };
    cache.replace(saved.entries);
    loaded.runtime.with_dependent(|_, context| cache.checkpoint(context));
    Ok(DoneReport { usage, ..DoneReport::default() })
}

fn kv_path(path: &Path) -> PathBuf {
    path.with_extension("kv")
}

fn checksum(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}
