//! Vectors of texts, from the model that the index finds with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::api::{self, ApiError, INVALID};
use crate::retrieval::{Embedder, Input};

/// Texts that are given to the worker at once: a client that has gone is noticed in between.
const AT_ONCE: usize = 16;

/// Stops what is being embedded when nobody waits for it.
pub(super) struct Watcher(Arc<AtomicBool>);

impl Watcher {
    /// With the flag that it sets when it is dropped.
    pub(super) fn new() -> (Self, Arc<AtomicBool>) {
        let stop = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&stop)), stop)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Answers a body; takes as long as the model does.
///
/// # Errors
///
/// The body is wrong, there is no such model, or it fails.
pub(super) fn embed(
    embedder: Result<&Arc<dyn Embedder>, &String>,
    bytes: &[u8],
    stop: &AtomicBool,
) -> Result<Value, ApiError> {
    let body: Value = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::new(400, INVALID, format!("The body is no JSON: {error}.")))?;
    let wanted = api::embedding(&body)?;
    let unknown = |said: String| {
        let error = ApiError::new(404, INVALID, said).code("model_not_found");
        ApiError { param: Some("model".to_owned()), ..error }
    };
    let embedder = embedder.map_err(|why| unknown(why.clone()))?;
    let space = embedder.space();
    if wanted.model.is_some_and(|name| name != space.name) {
        return Err(unknown(format!("Vectors are found with `{}` ([find] model) alone.", space.name)));
    }
    if wanted.dimensions.is_some_and(|wanted| usize::try_from(wanted) != Ok(space.dimensions)) {
        let said = format!("must be {}, as the vectors of {} have", space.dimensions, space.name);
        return Err(ApiError::unsupported("dimensions", said));
    }
    let mut vectors = Vec::with_capacity(wanted.inputs.len());
    for some in wanted.inputs.chunks(AT_ONCE) {
        let inputs: Vec<Input<'_>> = some.iter().map(|text| Input::Text(text)).collect();
        vectors.extend(embedder.embed(wanted.role, &inputs, stop).map_err(ApiError::unavailable)?);
    }
    Ok(api::vectors(&space.name, &vectors, wanted.base64))
}
