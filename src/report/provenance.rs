//! Where results come from: enough to make the same bytes again.
//!
//! The manifest says which program, scenario, seed and settings made a folder, and which files belong to it. Nothing
//! about the machine or the hour is in it, so that equal runs have equal manifests.

use crate::blueprint::Blueprint;
use crate::scenario::ResolvedValue;
use crate::sim::context::GENERATOR_CONTRACT;
use serde::Serialize;

/// What the command line knows of where results come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The command that makes the same results again.
    pub command: String,
    /// The scenario's file, as given.
    pub scenario: String,
    /// A fingerprint of the scenario's text and of the files that it names.
    pub scenario_hash: String,
    /// `--set` and `--vary`, as given.
    pub settings: Vec<String>,
}

/// What was simulated, for whoever has the results and not the scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The scenario's file, as it was written.
    pub written: String,
    /// The scenario as `--set` changed it, with every default filled in.
    pub resolved: String,
    /// Every value of it, and whether it was given.
    pub values: Vec<ResolvedValue>,
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manifest<'a> {
    /// Of the files of results. Changes when a column or key changes its meaning or goes.
    pub format: u32,
    pub wavetank: &'static str,
    /// How draws are keyed; results of different contracts differ by chance.
    pub generator_contract: u32,
    pub name: &'a str,
    pub command: &'a str,
    pub scenario: &'a str,
    pub scenario_hash: &'a str,
    pub settings: &'a [String],
    pub seed: u64,
    pub replications_asked: u32,
    /// Fewer than asked for after an interruption.
    pub replications: usize,
    pub warm_up_s: f64,
    /// Behind the warm-up, not measured, because the runs had not settled.
    pub truncated_s: f64,
    pub duration_s: f64,
    /// What was written beside this file.
    pub files: Vec<String>,
}

/// See [`Manifest::format`].
pub const FORMAT: u32 = 1;

impl<'a> Manifest<'a> {
    pub fn new(provenance: &'a Provenance, blueprint: &'a Blueprint, replications: usize, files: Vec<String>) -> Self {
        Manifest {
            format: FORMAT,
            wavetank: env!("CARGO_PKG_VERSION"),
            generator_contract: GENERATOR_CONTRACT,
            name: &blueprint.name,
            command: &provenance.command,
            scenario: &provenance.scenario,
            scenario_hash: &provenance.scenario_hash,
            settings: &provenance.settings,
            seed: blueprint.seed,
            replications_asked: blueprint.replications,
            replications,
            warm_up_s: blueprint.warm_up.seconds(),
            truncated_s: blueprint.transient.cut.seconds(),
            duration_s: blueprint.duration.seconds(),
            files,
        }
    }

    /// As it is written.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a manifest has string keys");
        bytes.push(b'\n');
        bytes
    }
}

/// A fingerprint of some texts: FNV-1a of 128 bits over their lengths and bytes, in hexadecimal. It tells versions
/// apart; it does not withstand someone who wants two texts to share it.
pub fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash = OFFSET;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    };
    for text in texts {
        eat(&(text.len() as u64).to_le_bytes());
        eat(text);
    }
    format!("fnv1a128:{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_tell_texts_and_their_borders_apart() {
        let of = |texts: &[&str]| fingerprint(texts.iter().map(|text| text.as_bytes()));
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["ab", ""]));
        assert_ne!(of(&["a"]), of(&["b"]));
        // No text at all leaves the hash's published starting value.
        assert_eq!(of(&[]), "fnv1a128:6c62272e07bb014262b821756295c58d");
    }
}
