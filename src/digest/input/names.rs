//! What containers' logs are called: the paths that Docker and Kubernetes give them hold
//! long identifiers, and the little of them that a person knows.

use std::path::Path;

/// The digits of a container's identifier.
const CONTAINER_ID: usize = 64;

/// As many of them as `docker ps` shows.
const SHORT_ID: usize = 12;

/// The set of a name: the name without date, number and packing.
pub(super) fn set(name: &str) -> String {
    let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
    let base = super::order::rotated(file).base;
    if folder.is_empty() { base } else { format!("{folder}/{base}") }
}

/// A short name for a container's log, if the path is one's:
/// `…/pods/shop_web-1_UID/nginx/0.log` is `shop/web-1/nginx/0.log`, and
/// `…/containers/ID/ID-json.log` is `0123456789ab-json.log`.
pub(super) fn short(path: &Path) -> Option<String> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let (&file, folders) = parts.split_last()?;
    pod(file, folders).or_else(|| identified(file))
}

fn pod(file: &str, folders: &[&str]) -> Option<String> {
    let [.., pod, container] = folders else { return None };
    let counted = file.split_once(".log")?.0;
    if counted.is_empty() || !counted.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = pod.split('_');
    let (namespace, pod, uid) = (parts.next()?, parts.next()?, parts.next()?);
    let is_uid = uid.len() >= 32 && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (is_uid && parts.next().is_none()).then(|| format!("{namespace}/{pod}/{container}/{file}"))
}

fn identified(file: &str) -> Option<String> {
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let bytes = file.as_bytes();
    let at = bytes.windows(CONTAINER_ID).position(|window| window.iter().all(is_hex))?;
    let outside = |at: Option<&u8>| at.is_none_or(|byte| !is_hex(byte));
    let whole = outside(at.checked_sub(1).and_then(|before| bytes.get(before)))
        && outside(bytes.get(at + CONTAINER_ID));
    whole.then(|| format!("{}{}", &file[..at + SHORT_ID], &file[at + CONTAINER_ID..]))
}
