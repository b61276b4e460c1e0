//! From a scenario that says everything to a [`Blueprint`]: names become indices, quantities become units, and every
//! rule of AWS that the scenario breaks is reported.
//!
//! Each topic is a file that takes the [`Context`] and returns its table. A topic that finds something wrong reports it
//! and goes on; tables may then be incomplete, and no blueprint is made. Forms are right by now
//! ([`super::conform`]); what was left out has been filled in ([`super::imply`]).

use super::diagnostic::{Code, Problems, nearest};
use super::path::Path;
use super::results::ResultTables;
use super::schema::{self, Form, Named, Scenario, Time};
use super::source::Sources;
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

mod alarm;
mod balancer;
mod behaviour;
mod brown_out;
mod cache;
mod capacity;
mod code_deploy;
mod container;
mod dependency;
mod deployment;
mod direct;
mod event;
mod expectation;
mod experiment;
mod expression;
mod finish;
mod graph;
mod guard;
mod hook;
mod link;
mod load;
mod model;
mod objective;
mod program;
mod queue;
mod retries;
mod revision;
mod rolling;
mod scaling;
mod schedule;
mod scheduling;
mod server;
mod service;
mod shift;
mod size;
mod skew;
mod standalone;
mod start_up;
mod stress;
mod task;
mod time;
mod traffic;
mod wire;

pub(super) use behaviour::route_parts;

/// What all topics share.
pub(super) struct Context<'t> {
    pub said: &'t Scenario,
    pub problems: Problems<'t>,
    pub sources: Sources,
    /// What `expect:` may speak of.
    pub results: &'t ResultTables,
    pub zones: Vec<String>,
    pub programs: Vec<Program>,
    pub calls: Vec<CallSite>,
    pub wires: Wires,
    pub caches: Vec<Cache>,
    pub images: Vec<Image>,
    pub layers: Vec<Layer>,
    /// Those that the scenario names, which images share.
    pub named_layers: Vec<LayerIx>,
    pub task_definitions: Vec<TaskDefinition>,
    /// Every target group with its balancer's position, in order of their indices.
    pub target_groups: Vec<(usize, &'t str)>,
    /// The program of health checks that run nothing.
    pub nothing: ProgramIx,
}

/// The tables that a name can refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Zone,
    CapacityProvider,
    TaskDefinition,
    Service,
    Dependency,
    Cache,
    Queue,
    LoadBalancer,
    TargetGroup,
    Alarm,
    StandaloneTask,
    Traffic,
}

impl Table {
    fn noun(self) -> &'static str {
        match self {
            Table::Zone => "availability zone",
            Table::CapacityProvider => "capacity provider",
            Table::TaskDefinition => "task definition",
            Table::Service => "service",
            Table::Dependency => "dependency",
            Table::Cache => "cache",
            Table::Queue => "queue",
            Table::LoadBalancer => "load balancer",
            Table::TargetGroup => "target group",
            Table::Alarm => "alarm",
            Table::StandaloneTask => "standalone task",
            Table::Traffic => "traffic",
        }
    }

    /// The sections whose entries these are: if they are wrong in form, names are not blamed.
    fn sections(self) -> &'static [&'static str] {
        match self {
            Table::Zone | Table::CapacityProvider => &["cluster"],
            Table::TaskDefinition => &["task_definitions"],
            Table::Service => &["services"],
            Table::Dependency => &["dependencies"],
            Table::Cache => &["caches"],
            Table::Queue => &["queues"],
            Table::LoadBalancer | Table::TargetGroup => &["load_balancers"],
            Table::Alarm => &["alarms"],
            Table::StandaloneTask => &["tasks"],
            Table::Traffic => &["traffic"],
        }
    }
}

impl<'t> Context<'t> {
    pub fn names(&self, table: Table) -> Vec<&'t str> {
        let said = self.said;
        match table {
            Table::Zone => said
                .cluster
                .availability_zones
                .iter()
                .flatten()
                .map(String::as_str)
                .collect(),
            Table::CapacityProvider => said.cluster.capacity_providers.names().collect(),
            Table::TaskDefinition => said.task_definitions.names().collect(),
            Table::Service => said.services.names().collect(),
            Table::Dependency => said.dependencies.names().collect(),
            Table::Cache => said.caches.names().collect(),
            Table::Queue => said.queues.names().collect(),
            Table::LoadBalancer => said.load_balancers.names().collect(),
            Table::TargetGroup => self.target_groups.iter().map(|(_, name)| *name).collect(),
            Table::Alarm => said.alarms.names().collect(),
            Table::StandaloneTask => said.tasks.names().collect(),
            Table::Traffic => said.traffic.names().collect(),
        }
    }

    /// The position of a name in its table; a name that refers to nothing is reported.
    pub fn find(&mut self, table: Table, name: &str, path: &Path) -> Option<usize> {
        let names = self.names(table);
        if let Some(at) = names.iter().position(|known| *known == name) {
            return Some(at);
        }
        self.unknown(&[table], name, path);
        None
    }

    /// Reports a name that is in none of the tables.
    pub fn unknown(&mut self, tables: &[Table], name: &str, path: &Path) {
        let root = Path::Root;
        let sections = || tables.iter().flat_map(|table| table.sections());
        if sections().any(|section| self.problems.is_poisoned(&root.key(section)) || self.inside_poisoned(section)) {
            return;
        }
        let nouns: Vec<&str> = tables.iter().map(|table| table.noun()).collect();
        let known: Vec<&str> = tables.iter().flat_map(|table| self.names(*table)).collect();
        let message = format!("there is no {} `{name}`", nouns.join(" or "));
        self.problems
            .report_with(Code::UnknownName, path, message, |diagnostic| {
                match nearest(name, known.iter().copied()) {
                    Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                    None if known.is_empty() => diagnostic.hint(format!("the scenario has no {}", nouns.join(" or "))),
                    None => {
                        let shown: Vec<String> = known.iter().take(10).map(|name| format!("`{name}`")).collect();
                        let one_of = if shown.len() > 1 { "one of " } else { "" };
                        diagnostic.expected(format!("{one_of}{}", shown.join(", ")))
                    }
                }
            });
    }

    /// Whether an entry of the section is wrong in its form, so that names inside it may be missing.
    fn inside_poisoned(&self, section: &str) -> bool {
        let root = Path::Root;
        let section_path = root.key(section);
        let names: Vec<&str> = match section {
            "load_balancers" => self.said.load_balancers.names().collect(),
            _ => Vec::new(),
        };
        names.iter().any(|name| {
            let here = section_path.key(name);
            self.problems.is_poisoned(&here) || self.problems.is_poisoned(&here.key("target_groups"))
        })
    }

    pub fn report(&mut self, code: Code, path: &Path, message: impl Into<String>) {
        self.problems.report(code, path, message);
    }

    pub fn report_hint(&mut self, code: Code, path: &Path, message: impl Into<String>, hint: impl Into<String>) {
        self.problems
            .report_with(code, path, message, |diagnostic| diagnostic.hint(hint));
    }

    /// Reports a span outside AWS's range in seconds.
    pub fn within(&mut self, span: Span, seconds: std::ops::RangeInclusive<u64>, path: &Path) {
        let (low, high) = (Span::from_secs(*seconds.start()), Span::from_secs(*seconds.end()));
        if span < low || span > high {
            let message = format!("`{}` is outside what AWS allows", super::quantity::print_duration(span));
            self.problems
                .report_with(Code::OutOfRange, path, message, |diagnostic| {
                    diagnostic.expected(format!("{}s to {}s", seconds.start(), seconds.end()))
                });
        }
    }

    /// Reports a span of no length where one is needed.
    pub fn positive(&mut self, span: Span, path: &Path) {
        if span.is_zero() {
            self.problems.report_with(
                Code::OutOfRange,
                path,
                "this must last longer than nothing",
                |diagnostic| diagnostic.expected("a time above 0s"),
            );
        }
    }

    /// How long the run is, unless that is not known because it is written wrong.
    pub fn duration(&self) -> Option<Span> {
        let root = Path::Root;
        (!self.problems.is_poisoned(&root.key("duration"))).then_some(self.said.duration.0)
    }

    pub fn dist(&mut self, time: &Time, path: &Path) -> Dist {
        time::dist(self, time, path)
    }

    /// Names that are used in references must be plain.
    fn check_names<'a>(&mut self, names: impl Iterator<Item = &'a str>, path: &Path) {
        for (at, name) in names.enumerate() {
            let bad = name.trim() != name || name.is_empty() || name.len() > 255 || name.contains('/');
            let control = name.chars().any(char::is_control);
            if bad || control {
                self.problems.report_with(
                    Code::MalformedReference,
                    &path.key(name),
                    format!("`{}` cannot be a name", name.escape_debug()),
                    |diagnostic| diagnostic.expected("1 to 255 characters without `/`, line breaks and outer spaces"),
                );
            }
            if at == usize::from(u16::MAX) {
                self.report(Code::OutOfRange, path, "more than 65,535 entries stand here");
            }
        }
    }
}

/// The blueprint, unless something is wrong; and all problems.
pub fn resolve(
    said: &Scenario,
    problems: Problems,
    sources: Sources,
    results: &ResultTables,
) -> (Option<Blueprint>, Vec<super::diagnostic::Diagnostic>, Sources) {
    let root = Path::Root;
    let mut cx = Context {
        said,
        problems,
        sources,
        results,
        zones: said.cluster.availability_zones.clone().unwrap_or_default(),
        programs: vec![Program { steps: Vec::new() }],
        calls: Vec::new(),
        wires: Wires::default(),
        caches: Vec::new(),
        images: Vec::new(),
        layers: Vec::new(),
        named_layers: Vec::new(),
        task_definitions: Vec::new(),
        target_groups: Vec::new(),
        nothing: ProgramIx(0),
    };
    names(&mut cx);
    let network = network(&mut cx, &root.key("cluster").key("network"));
    cx.wires = wire::wires(&mut cx);
    let auto_scaling_groups = capacity::auto_scaling_groups(&mut cx);
    balancer::list_target_groups(&mut cx);
    let dependencies = dependency::dependencies(&mut cx);
    cache::named(&mut cx);
    let queues = queue::queues(&mut cx);
    task::task_definitions(&mut cx);
    let (load_balancers, target_groups) = balancer::load_balancers(&mut cx);
    let alarms = alarm::alarms(&mut cx);
    let (deploys, revisions) = event::revisions(&mut cx);
    let mut services = service::services(&mut cx, &auto_scaling_groups, &revisions);
    services.extend(standalone::families(&mut cx, &auto_scaling_groups));
    let (traffic, classes) = traffic::traffic(&mut cx);
    let mut events = event::events(&mut cx, &deploys);
    events.extend(standalone::scheduled(&mut cx));
    let objectives = objective::objectives(&mut cx, &classes);
    let expectations = expectation::expectations(&mut cx);
    let precision = experiment::precision(&mut cx);
    let stress = stress::stress(&mut cx, &traffic, &classes, &events);
    let size = size::size(&mut cx);
    let model = model::model(&mut cx);
    let blueprint = Blueprint {
        name: said.name.clone().unwrap_or_default(),
        question: said.question.clone(),
        seed: said.seed,
        warm_up: said.warm_up.0,
        duration: said.duration.0,
        start: match said.start {
            schema::Start::SteadyState => Start::SteadyState,
            schema::Start::Empty => Start::Empty,
        },
        kind: finish::kind(said, &traffic),
        truncation: experiment::truncation(said.experiment.truncation),
        transient: Transient::default(),
        starts_at: said.starts_at.map(|moment| moment.0),
        region: said.cluster.region.clone(),
        zones: cx.zones.clone(),
        network,
        wires: std::mem::take(&mut cx.wires),
        auto_scaling_groups,
        images: std::mem::take(&mut cx.images),
        layers: std::mem::take(&mut cx.layers),
        task_definitions: std::mem::take(&mut cx.task_definitions),
        services,
        programs: std::mem::take(&mut cx.programs),
        calls: std::mem::take(&mut cx.calls),
        caches: std::mem::take(&mut cx.caches),
        dependencies,
        queues,
        load_balancers,
        target_groups,
        traffic,
        classes,
        alarms,
        events,
        objectives,
        expectations,
        replications: said.experiment.replications,
        precision,
        stress,
        size,
        prices: Discounts {
            fargate: said.prices.discount.fargate.0,
            ec2: said.prices.discount.ec2.0,
            alb: said.prices.discount.alb.0,
        },
        model,
        model_keys: model::keys(&said.model),
        traces: Traces {
            sampled: said.experiment.traces.sampled,
            kept: said.experiment.traces.kept,
        },
        limits: Limits {
            in_flight: said.limits.in_flight,
            run_out: said.limits.run_out.0,
        },
    };
    finish::duration(&mut cx);
    if !cx.problems.has_errors() {
        finish::whole(&mut cx, &blueprint);
        skew::check(&mut cx, &blueprint, &revisions);
    }
    let complete = !cx.problems.has_errors();
    (complete.then_some(blueprint), cx.problems.into_list(), cx.sources)
}

/// Names that stand as keys, and zones.
fn names(cx: &mut Context) {
    let said = cx.said;
    let root = Path::Root;
    let cluster = root.key("cluster");
    cx.check_names(
        said.cluster.capacity_providers.names(),
        &cluster.key("capacity_providers"),
    );
    cx.check_names(said.task_definitions.names(), &root.key("task_definitions"));
    cx.check_names(said.services.names(), &root.key("services"));
    cx.check_names(said.tasks.names(), &root.key("tasks"));
    cx.check_names(said.dependencies.names(), &root.key("dependencies"));
    cx.check_names(said.caches.names(), &root.key("caches"));
    cx.check_names(said.queues.names(), &root.key("queues"));
    cx.check_names(said.load_balancers.names(), &root.key("load_balancers"));
    cx.check_names(said.traffic.names(), &root.key("traffic"));
    cx.check_names(said.alarms.names(), &root.key("alarms"));
    for name in said.dependencies.names() {
        if said.services.get(name).is_some() {
            let message = format!("`{name}` is a service and a dependency");
            cx.report_hint(
                Code::NameTaken,
                &root.key("dependencies").key(name),
                message,
                "calls could mean either; rename one",
            );
        }
    }
    for name in said.queues.names() {
        if said.services.get(name).is_some() || said.load_balancers.get(name).is_some() {
            let message = format!("`{name}` is a queue and something else that traffic goes to");
            let path = root.key("queues");
            cx.report_hint(Code::NameTaken, &path.key(name), message, "rename one");
        }
    }
    let zones = cluster.key("availability_zones");
    let names = cx.zones.clone();
    if names.is_empty() || names.len() > 6 {
        let message = format!("{} availability zones", names.len());
        cx.problems
            .report_with(Code::WrongLength, &zones, message, |diagnostic| {
                diagnostic.expected("1 to 6 zones")
            });
    }
    for (at, zone) in names.iter().enumerate() {
        let here = zones.at(at);
        if names[..at].contains(zone) {
            cx.report(Code::NameTaken, &here, format!("`{zone}` stands here twice"));
        }
        let letter = zone.strip_prefix(said.cluster.region.as_str());
        if !letter.is_some_and(|letter| letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase())) {
            let message = format!("`{zone}` is not a zone of the region `{}`", said.cluster.region);
            cx.problems
                .report_with(Code::ForeignZone, &here, message, |diagnostic| {
                    diagnostic.expected(format!("the region and a letter, like `{}a`", said.cluster.region))
                });
        }
    }
    if said.cluster.region != "us-east-1" {
        let message = format!(
            "costs in `{}` are computed with the prices of us-east-1",
            said.cluster.region
        );
        cx.report(Code::PricesOfAnotherRegion, &cluster.key("region"), message);
    }
}

fn network(cx: &mut Context, path: &Path) -> Network {
    let nothing = || Dist::constant(0.0).expect("zero is a time");
    match &cx.said.cluster.network {
        Form::Short(schema::NoNetwork::None) => Network {
            same_zone: nothing(),
            cross_zone: nothing(),
            client: nothing(),
            to_balancer: None,
            zone_delays: Vec::new(),
            loss: Ratio::ZERO,
        },
        Form::Long(network) => Network {
            same_zone: cx.dist(&network.same_zone, &path.key("same_zone")),
            cross_zone: cx.dist(&network.cross_zone, &path.key("cross_zone")),
            client: cx.dist(&network.client, &path.key("client")),
            to_balancer: network
                .to_balancer
                .as_ref()
                .map(|time| cx.dist(time, &path.key("to_balancer"))),
            zone_delays: link::zone_delays(cx, &network.zone_delays, &path.key("zone_delays")),
            loss: network.loss.0,
        },
    }
}

/// The entries of a section with their paths.
fn each<'t, T>(section: &'t Named<T>, path: &Path, mut take: impl FnMut(usize, &'t str, &'t T, &Path)) {
    for (at, (name, entry)) in section.iter().enumerate() {
        take(at, name, entry, &path.key(name));
    }
}
