//! The language: what a user may write, as plain types.
//!
//! These types are its one definition. Their doc comments, defaults and shapes become the JSON Schema
//! ([`json_schema`]), which editors read and against which [`super::conform`] holds the tree; serde then reads the tree
//! into them and prints them back for `check --resolved`. A field with a default is never an `Option`; an `Option` is a
//! thing that may be absent, or whose default depends on the rest of the scenario (`super::imply` fills those in).
//! What the words *mean* is not here: names are still text, and nothing is checked beyond its form.

mod alarm;
mod away;
mod balancer;
mod balancing;
mod brown_out;
mod cache;
mod call;
mod cluster;
mod code_deploy;
mod dependency;
mod deploy;
mod deployment;
mod distribution;
mod environment;
mod fault;
mod guard;
mod hook;
mod link;
mod model;
mod program;
mod question;
mod queue;
mod reference;
mod release;
mod rolling;
mod runtime;
mod server;
mod service;
mod size;
mod skew;
mod standalone;
mod start_up;
mod stress;
mod sweep;
mod task;
mod traffic;
mod values;
mod wire;

pub use alarm::*;
pub use away::*;
pub use balancer::*;
pub use balancing::*;
pub use brown_out::*;
pub use cache::{Cache, CacheFlush, CacheScope, CacheStep, Keys, Zipf};
pub use call::*;
pub use cluster::*;
pub use code_deploy::*;
pub use dependency::*;
pub use deploy::*;
pub use deployment::*;
pub use distribution::*;
pub use environment::*;
pub use fault::*;
pub use guard::*;
pub use hook::*;
pub use link::*;
pub use model::*;
pub use program::*;
pub use question::*;
pub use queue::*;
pub use reference::reference;
pub use release::*;
pub use rolling::*;
pub use runtime::*;
pub use server::*;
pub use service::*;
pub use size::*;
pub use skew::*;
pub use standalone::*;
pub use start_up::*;
pub use stress::*;
pub use sweep::*;
pub use task::*;
pub use traffic::*;
pub use values::*;
pub use wire::*;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// A scenario: services on an ECS cluster, the traffic they serve, what befalls them, and what is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Names the results; the file's name without its ending if absent.
    pub name: Option<String>,
    /// What the scenario is to answer, in a sentence.
    pub question: Option<String>,
    /// Measured time, from 0 on; events count from 0.
    pub duration: Duration,
    /// Lies before 0 and is not measured.
    #[serde(default = "zero")]
    pub warm_up: Duration,
    /// How the world looks when the warm-up begins.
    #[serde(default)]
    pub start: Start,
    /// Wall clock at 0, for cron schedules and labels.
    pub starts_at: Option<Moment>,
    /// Another seed is another random world; the same seed gives the same bytes.
    #[serde(default = "one_u64")]
    pub seed: u64,
    /// Zones, network and capacity.
    #[serde(default)]
    pub cluster: Cluster,
    /// Task definitions by family.
    #[serde(default)]
    pub task_definitions: Named<TaskDefinition>,
    /// ECS services by name.
    #[serde(default)]
    pub services: Named<Service>,
    /// Standalone tasks beside the services, by family.
    #[serde(default)]
    pub tasks: Named<StandaloneTask>,
    /// Databases and other things outside the cluster, by name.
    #[serde(default)]
    pub dependencies: Named<Dependency>,
    /// Caches that several steps or services look into, by name.
    #[serde(default)]
    pub caches: Named<Cache>,
    /// SQS queues by name.
    #[serde(default)]
    pub queues: Named<Queue>,
    /// Application Load Balancers by name.
    #[serde(default)]
    pub load_balancers: Named<LoadBalancer>,
    /// Where requests come from, by name.
    #[serde(default)]
    pub traffic: Named<Traffic>,
    /// CloudWatch alarms by name.
    #[serde(default)]
    pub alarms: Named<Alarm>,
    /// What happens at a time: deployments, changes of the desired count, faults.
    #[serde(default)]
    pub events: Vec<Event>,
    /// What is wanted of the services; each gets a verdict.
    #[serde(default)]
    pub objectives: Vec<Objective>,
    /// How often the scenario is run, and in which variants.
    #[serde(default)]
    pub experiment: Experiment,
    /// What `wavetank test` holds the results against.
    #[serde(default)]
    pub expect: Vec<Expectation>,
    /// Discounts on the published on-demand prices.
    #[serde(default)]
    pub prices: Prices,
    /// What AWS does not publish.
    #[serde(default)]
    pub model: Model,
    /// What ends a run that would not end by itself.
    #[serde(default)]
    pub limits: Limits,
}

/// How the world looks when the warm-up begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Every desired task runs and is healthy, every instance is in service, images are cached.
    #[default]
    SteadyState,
    /// Nothing runs: Auto Scaling groups launch their instances, services start their tasks.
    Empty,
}

/// What ends a run that would not end by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Attempts in flight at once; beyond it the run ends as one whose queue grows without bound.
    #[schemars(range(min = 1))]
    pub in_flight: u32,
    /// How long requests in flight at the end are followed; afterwards they count as unfinished.
    pub run_out: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            in_flight: 1_000_000,
            run_out: Duration::secs(300),
        }
    }
}

fn zero() -> Duration {
    Duration::ZERO
}

fn one_u64() -> u64 {
    1
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// The language as a JSON Schema (draft 2020-12).
pub fn json_schema() -> &'static serde_json::Value {
    static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(|| {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<Scenario>().to_value();
        drop_nulls(&mut schema);
        schema
    });
    &SCHEMA
}

/// Nothing in the language is null: `Option` means that the key may be left out.
fn drop_nulls(schema: &mut serde_json::Value) {
    use serde_json::Value;
    match schema {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    map.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
                branches.retain(|branch| branch.get("type").is_none_or(|name| name != "null"));
                if let [one] = branches.as_slice()
                    && let Value::Object(one) = one.clone()
                {
                    map.remove("anyOf");
                    for (key, value) in one {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            map.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}
