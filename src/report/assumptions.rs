//! What the answer rests on besides what the user wrote: values that AWS does not publish.

use crate::blueprint::Blueprint;

/// The keys under `model:` that have their defaults, in the order of the reference.
pub fn left_at_default(blueprint: &Blueprint) -> Vec<&str> {
    let left = blueprint.model_keys.iter().filter(|key| key.is_default);
    left.map(|key| key.key.as_str()).collect()
}
