//! What tells an object of a store from the one that replaces it.

use object_store::ObjectMeta;

/// An object as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    size: u64,
    /// Some servers list objects without it.
    tag: Option<String>,
    /// Seconds, which is all that every store tells.
    modified: i64,
}

impl Pin {
    /// Some servers list tags without the quotes that they send with objects.
    pub(crate) fn of(meta: &ObjectMeta) -> Self {
        let tag = meta.e_tag.as_ref().map(|tag| tag.trim_matches('"').to_owned());
        Self { size: meta.size, tag, modified: meta.last_modified.timestamp() }
    }

    /// Whether both are of one object, as far as can be told.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.size == other.size
            && match (&self.tag, &other.tag) {
                (Some(ours), Some(theirs)) => ours == theirs,
                _ => self.modified == other.modified,
            }
    }
}
