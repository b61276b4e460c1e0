//! The manifest of a sweep: everything that decides its results, written once when it begins and never changed.
//!
//! Two manifests of one identity are of the same sweep: the same version, draws, scenario, settings, points and cut, so
//! parts made under either fit together. Where the scenario lay, and which command began the sweep, is told beside it.

use super::{Layout, PathColumn};
use crate::experiment::sweep::Cut;
use crate::report::provenance::{FORMAT, fingerprint};
use crate::scenario::Dimension;
use crate::sim::context::GENERATOR_CONTRACT;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// `manifest.json` of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// `sweep`.
    pub kind: String,
    /// Of the files of results.
    pub format: u32,
    pub wavetank: String,
    /// How draws are keyed.
    pub generator_contract: u32,
    pub name: String,
    pub command: String,
    /// The scenario's file, as given.
    pub scenario: String,
    pub scenario_hash: String,
    /// `--set`, as given.
    pub settings: Vec<String>,
    pub seed: u64,
    pub replications: u32,
    pub warm_up_s: f64,
    pub duration_s: f64,
    pub runs: u32,
    pub runs_per_part: u32,
    pub parts: u32,
    pub paths: Vec<Path>,
    /// By point, a value for each path, as written.
    pub points: Vec<Vec<String>>,
    /// Of paths and points.
    pub design_hash: String,
    /// Of all that decides the results: parts carry it.
    pub identity: String,
    /// Of everything above.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    pub path: String,
    /// The unit of the values as numbers; absent for words.
    pub unit: Option<String>,
}

/// What a manifest says of the program, the scenario and the settings.
pub struct About {
    pub name: String,
    pub command: String,
    pub scenario: String,
    pub scenario_hash: String,
    pub settings: Vec<String>,
    pub seed: u64,
    pub warm_up_s: f64,
    pub duration_s: f64,
}

/// Why a text is no manifest of a sweep that this program can go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Cannot be read, or does not match its hash.
    Damaged(&'static str),
    /// Of another version: what, what it says, what this program would say.
    OtherVersion(&'static str, String, String),
}

/// In which way two manifests are of different sweeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    Scenario,
    /// The key, and its two values in words.
    Settings(&'static str, String, String),
}

impl Manifest {
    pub fn new(about: About, layout: &Layout, cut: &Cut) -> Manifest {
        let paths: Vec<Path> = layout
            .paths
            .iter()
            .map(|column| Path {
                path: column.path.clone(),
                unit: column.dimension.map(|dimension| dimension.name().to_owned()),
            })
            .collect();
        let mut manifest = Manifest {
            kind: "sweep".to_owned(),
            format: FORMAT,
            wavetank: env!("CARGO_PKG_VERSION").to_owned(),
            generator_contract: GENERATOR_CONTRACT,
            name: about.name,
            command: about.command,
            scenario: about.scenario,
            scenario_hash: about.scenario_hash,
            settings: about.settings,
            seed: about.seed,
            replications: cut.replications(),
            warm_up_s: about.warm_up_s,
            duration_s: about.duration_s,
            runs: cut.runs(),
            runs_per_part: cut.runs_per_part(),
            parts: cut.parts(),
            paths,
            points: layout.points.clone(),
            design_hash: String::new(),
            identity: String::new(),
            hash: String::new(),
        };
        manifest.design_hash = manifest.hash_of(&["paths", "points"]);
        manifest.identity = manifest.identity();
        manifest.hash = manifest.own_hash();
        manifest
    }

    /// Reads what [`Manifest::to_json`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Manifest, Unfit> {
        let json: Json = serde_json::from_slice(bytes).map_err(|_| Unfit::Damaged("it is not JSON"))?;
        if json["kind"] != "sweep" {
            return Err(Unfit::Damaged("it is not that of a sweep"));
        }
        // Before all else, because another version's may have other keys.
        for (key, mine) in [
            ("wavetank", Json::from(env!("CARGO_PKG_VERSION"))),
            ("format", FORMAT.into()),
            ("generator_contract", GENERATOR_CONTRACT.into()),
        ] {
            if json[key] != mine {
                let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                return Err(Unfit::OtherVersion(key, plain(&json[key]), plain(&mine)));
            }
        }
        let manifest: Manifest =
            serde_json::from_value(json).map_err(|_| Unfit::Damaged("a key is missing or wrong"))?;
        let true_to_itself = manifest.hash == manifest.own_hash() && manifest.identity == manifest.identity();
        if !true_to_itself || manifest.cut().is_none_or(|cut| cut.parts() != manifest.parts) {
            return Err(Unfit::Damaged("its contents do not match its hash"));
        }
        Ok(manifest)
    }

    /// How its runs are cut. `None` if its numbers contradict each other.
    pub fn cut(&self) -> Option<Cut> {
        let points = u32::try_from(self.points.len()).ok()?;
        Cut::new(points, self.replications, self.runs_per_part).filter(|cut| cut.runs() == self.runs)
    }

    /// The points as columns.
    pub fn layout(&self) -> Layout {
        let column = |path: &Path| PathColumn {
            path: path.path.clone(),
            dimension: path.unit.as_deref().and_then(Dimension::by_name),
        };
        Layout {
            paths: self.paths.iter().map(column).collect(),
            points: self.points.clone(),
        }
    }

    /// In which way another manifest is of another sweep, the gravest first; `None` if it is of the same.
    pub fn differs(&self, other: &Manifest) -> Option<Difference> {
        if self.identity == other.identity {
            return None;
        }
        let number = |key, mine: u64, theirs: u64| {
            (mine != theirs).then(|| Difference::Settings(key, mine.to_string(), theirs.to_string()))
        };
        let points = |manifest: &Manifest| format!("{} points", manifest.points.len());
        let settings = |manifest: &Manifest| match manifest.settings.as_slice() {
            [] => "none".to_owned(),
            settings => settings.join(", "),
        };
        let found = (self.settings != other.settings)
            .then(|| Difference::Settings("--set", settings(self), settings(other)))
            .or_else(|| number("seed", self.seed, other.seed))
            .or_else(|| number("replications", self.replications.into(), other.replications.into()))
            .or_else(|| {
                let (mine, theirs) = (points(self), points(other));
                let words = if mine == theirs {
                    format!("other {theirs}")
                } else {
                    theirs
                };
                (self.design_hash != other.design_hash).then_some(Difference::Settings("points", mine, words))
            })
            .or_else(|| number("runs per part", self.runs_per_part.into(), other.runs_per_part.into()));
        Some(found.unwrap_or(Difference::Scenario))
    }

    /// As it is written: a line for each key and for each point.
    pub fn to_json(&self) -> Vec<u8> {
        let Ok(Json::Object(keys)) = serde_json::to_value(self) else {
            unreachable!("a manifest is an object with string keys");
        };
        let lines: Vec<String> = keys
            .iter()
            .map(|(key, value)| match value {
                Json::Array(items) if key == "points" => {
                    let rows: Vec<String> = items.iter().map(|row| format!("    {row}")).collect();
                    format!("  \"{key}\": [\n{}\n  ]", rows.join(",\n"))
                }
                value => format!("  \"{key}\": {value}"),
            })
            .collect();
        format!("{{\n{}\n}}\n", lines.join(",\n")).into_bytes()
    }

    fn identity(&self) -> String {
        self.hash_of(&[
            "format",
            "wavetank",
            "generator_contract",
            "name",
            "scenario_hash",
            "settings",
            "seed",
            "replications",
            "warm_up_s",
            "duration_s",
            "runs_per_part",
            "design_hash",
        ])
    }

    fn own_hash(&self) -> String {
        let mut bare = self.clone();
        bare.hash = String::new();
        fingerprint([bare.to_json().as_slice()])
    }

    fn hash_of(&self, keys: &[&str]) -> String {
        let json = serde_json::to_value(self).expect("a manifest has string keys");
        let texts: Vec<String> = keys.iter().map(|key| json[*key].to_string()).collect();
        fingerprint(texts.iter().map(|text| text.as_bytes()))
    }
}
