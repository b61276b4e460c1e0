//! What tasks need to start: images and their layers, the agent's settings, faults of the services they call.

use super::{Context, Table};
use crate::aws::fargate;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_rate;
use crate::scenario::schema::{self, Memory, Named};
use crate::units::MiB;

pub(super) fn agent(cx: &mut Context, said: &schema::Agent, instance: MiB, path: &Path) -> Agent {
    let image_pull_behavior = match said.image_pull_behavior {
        schema::ImagePullBehavior::Default => ImagePullBehavior::Default,
        schema::ImagePullBehavior::Always => ImagePullBehavior::Always,
        schema::ImagePullBehavior::Once => ImagePullBehavior::Once,
        schema::ImagePullBehavior::PreferCached => ImagePullBehavior::PreferCached,
    };
    cx.positive(said.image_cleanup_interval.0, &path.key("image_cleanup_interval"));
    if said.reserved_memory.0 >= instance {
        let message = "the agent keeps all of an instance's memory from tasks";
        cx.report(Code::ContradictorySizes, &path.key("reserved_memory"), message);
    }
    let stays = said.disable_image_cleanup || image_pull_behavior == ImagePullBehavior::PreferCached;
    Agent {
        image_pull_behavior,
        image_cleanup: (!stays).then_some(ImageCleanup {
            interval: said.image_cleanup_interval.0,
            minimum_age: said.image_minimum_cleanup_age.0,
            images_per_cycle: said.num_images_delete_per_cycle,
            task_wait: said.engine_task_cleanup_wait_duration.0,
        }),
        reserved_memory: said.reserved_memory.0,
        at_spot_warning: match said.enable_spot_instance_draining {
            true => AtSpotWarning::Drains,
            false => AtSpotWarning::GoesOn,
        },
    }
}

pub(super) fn model(cx: &mut Context, said: &schema::StartUpModel, path: &Path) -> StartUpModel {
    if said.lazy_slowdown.0 < 1.0 {
        let message = "an image that still loads makes no start quicker";
        cx.problems
            .report_with(Code::OutOfRange, &path.key("lazy_slowdown"), message, |d| {
                d.expected("a factor of at least 1")
            });
    }
    for (key, rate) in [
        ("get_parameters_rate", said.get_parameters_rate),
        ("create_log_stream_rate", said.create_log_stream_rate),
    ] {
        super::model::above_zero(cx, rate.0, &path.key(key));
    }
    super::model::above_zero(cx, said.unpacked.0, &path.key("unpacked"));
    StartUpModel {
        credentials: cx.dist(&said.credentials, &path.key("credentials")),
        secret: cx.dist(&said.secret, &path.key("secret")),
        log_stream: cx.dist(&said.log_stream, &path.key("log_stream")),
        get_parameters_rate: said.get_parameters_rate.0,
        create_log_stream_rate: said.create_log_stream_rate.0,
        manifest: cx.dist(&said.manifest, &path.key("manifest")),
        throttling_patience: said.throttling_patience.0,
        unpacked: said.unpacked.0,
        lazy_share: said.lazy_share.0,
        lazy_slowdown: said.lazy_slowdown.0,
    }
}

/// The fault of a service that tasks call at their start, if the event is one.
pub(super) fn fault(cx: &mut Context, said: &schema::Event, path: &Path) -> Option<(String, FaultKind)> {
    let out = |label: &str, of: &[Backend]| {
        let (of, trouble) = (of.to_vec(), Trouble::Out);
        Some((label.to_owned(), FaultKind::Backend { of, trouble }))
    };
    if let Some(cut) = &said.agent_disconnect {
        let here = path.key("agent_disconnect");
        let found = cx.find(
            Table::CapacityProvider,
            &cut.capacity_provider,
            &here.key("capacity_provider"),
        )?;
        let (group, count) = (GroupIx::from_usize(found), cut.count);
        let label = format!("agent_disconnect {count} of {}", cut.capacity_provider);
        return Some((label, FaultKind::AgentDisconnect { group, count }));
    }
    if said.logs_stall.is_some() {
        return Some(("logs_stall".to_owned(), FaultKind::LogsStall));
    }
    if said.registry_outage.is_some() {
        return out("registry_outage", &[Backend::Registry]);
    }
    if said.iam_outage.is_some() {
        return out("iam_outage", &[Backend::Iam]);
    }
    if said.logs_outage.is_some() {
        return out("logs_outage", &[Backend::CloudWatchLogs]);
    }
    let stores = [Backend::SecretsManager, Backend::ParameterStore];
    match said.secrets_outage {
        Some(schema::SecretStore::SecretsManager) => return out("secrets_outage secretsmanager", &stores[..1]),
        Some(schema::SecretStore::Ssm) => return out("secrets_outage ssm", &stores[1..]),
        Some(schema::SecretStore::All) => return out("secrets_outage all", &stores),
        None => {}
    }
    let rate = said.registry_throttled.as_ref()?.rate.0;
    let here = path.key("registry_throttled");
    super::model::above_zero(cx, rate, &here.key("rate"));
    Some((
        format!("registry_throttled {}", print_rate(rate)),
        FaultKind::Backend {
            of: vec![Backend::Registry],
            trouble: Trouble::Throttled(rate),
        },
    ))
}

/// StopTask at a time.
pub(super) fn stop_task(cx: &mut Context, said: &schema::StopTask, path: &Path) -> Option<Happening> {
    let service = cx.find(Table::Service, &said.service, &path.key("service"))?;
    Some(Happening::StopTask {
        service: ServiceIx::from_usize(service),
        count: said.count,
        reason: said.reason.clone(),
    })
}

/// What is said of an image, whatever says it.
pub(super) struct Said<'a> {
    pub size: Option<Memory>,
    pub layers: Option<&'a Named<Memory>>,
    pub loading: Loading,
}

/// The image of this reference; two contents for one reference are reported.
pub(super) fn image(cx: &mut Context, name: String, said: &Said, path: &Path) -> ImageIx {
    let known = cx.images.iter().position(|image| image.name == name);
    let layers = match (said.layers, known) {
        (Some(listed), _) => named_layers(cx, listed, &path.key("image_layers")),
        (None, Some(at)) if is_one_layer(cx, at, size(said)) => cx.images[at].layers.clone(),
        (None, _) => vec![new_layer(cx, name.clone(), size(said))],
    };
    let Some(at) = known else {
        return new_image(cx, name, layers, said.loading);
    };
    if cx.images[at].layers != layers || cx.images[at].loading != said.loading {
        let key = if said.layers.is_some() {
            "image_layers"
        } else {
            "image_size"
        };
        let message = format!("the image `{name}` has another size elsewhere");
        cx.report_hint(
            Code::ConflictingKeys,
            &path.key(key),
            message,
            "an image has one size, one list of layers and one index; give another its own reference",
        );
    }
    ImageIx::from_usize(at)
}

fn size(said: &Said) -> MiB {
    said.size.unwrap_or(schema::Container::IMAGE_SIZE).0
}

fn is_one_layer(cx: &Context, image: usize, size: MiB) -> bool {
    let image = &cx.images[image];
    image.size == size && image.layers.len() == 1
}

/// Layers by name: the same name is the same layer, in all images.
fn named_layers(cx: &mut Context, listed: &Named<Memory>, path: &Path) -> Vec<LayerIx> {
    if listed.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, path, "an image without layers", |d| {
                d.expected("layers by name, from the base up")
            });
    }
    let mut layers = Vec::new();
    for (name, size) in listed.iter() {
        let known = cx
            .named_layers
            .iter()
            .copied()
            .find(|at| cx.layers[at.at()].name == name);
        if known.is_some_and(|at| cx.layers[at.at()].size != size.0) {
            let message = format!("the layer `{name}` has another size elsewhere");
            cx.report_hint(
                Code::LayerOfTwoSizes,
                &path.key(name),
                message,
                "a name is one layer in all images; give another its own name",
            );
        }
        layers.push(known.unwrap_or_else(|| {
            let at = new_layer(cx, name.to_owned(), size.0);
            cx.named_layers.push(at);
            at
        }));
    }
    layers
}

fn new_layer(cx: &mut Context, name: String, size: MiB) -> LayerIx {
    cx.layers.push(Layer { name, size });
    LayerIx(u32::try_from(cx.layers.len() - 1).expect("a scenario's size bounds its layers"))
}

fn new_image(cx: &mut Context, name: String, layers: Vec<LayerIx>, loading: Loading) -> ImageIx {
    let size = layers
        .iter()
        .map(|at| cx.layers[at.at()].size.0)
        .fold(0, u64::saturating_add);
    cx.images.push(Image {
        name,
        size: MiB(size),
        layers,
        loading,
    });
    ImageIx::from_usize(cx.images.len() - 1)
}

/// The image that a new revision brings in place of another: its last layer is new, or what is said of it.
pub(super) fn next_image(
    cx: &mut Context,
    old: ImageIx,
    said: Option<&schema::DeployedContainer>,
    suffix: usize,
    path: &Path,
) -> ImageIx {
    let old = cx.images[old.at()].clone();
    let name = format!("{}@{suffix}", old.name);
    let (size, listed) = said.map_or((None, None), |said| (said.image_size, said.image_layers.as_ref()));
    let layers = match (listed, size) {
        (Some(listed), _) => named_layers(cx, listed, &path.key("image_layers")),
        (None, Some(size)) => vec![new_layer(cx, name.clone(), size.0)],
        (None, None) => {
            let mut layers = old.layers.clone();
            if let Some(last) = layers.pop() {
                let last = cx.layers[last.at()].clone();
                layers.push(new_layer(cx, format!("{}@{suffix}", last.name), last.size));
            }
            layers
        }
    };
    if listed.is_some() && size.is_some() {
        both_sizes(cx, path);
    }
    new_image(cx, name, layers, old.loading)
}

/// SOCI is Fargate's: an instance's agent pulls whole images.
pub(super) fn check_loading(cx: &mut Context, service: &schema::Service, task: &TaskDefinition, path: &Path) {
    let is_lazy = |container: &&Container| cx.images[container.image.at()].loading == Loading::Lazy;
    if let Some(container) = task.containers.iter().find(is_lazy)
        && !crate::scenario::imply::on_fargate(service)
    {
        let message = format!(
            "the image of `{}` has a SOCI index, and instances do not use it",
            container.name
        );
        cx.report_hint(
            Code::LazyOffFargate,
            path,
            message,
            "only Fargate loads images lazily; leave `soci_index` out",
        );
    }
}

pub(super) fn both_sizes(cx: &mut Context, path: &Path) {
    let message = "`image_size` and `image_layers` exclude each other";
    cx.report_hint(
        Code::ConflictingKeys,
        &path.key("image_layers"),
        message,
        "an image is as large as its layers; remove `image_size`",
    );
}

/// What AWS accepts and what will not do what is meant: looked at when everything is resolved.
pub(super) fn doubts(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let services = root.key("services");
    for service in &blueprint.services {
        let path = services.key(&service.name);
        let definition = |revision: &Revision| &blueprint.task_definitions[revision.task_definition.at()];
        let declares = |revision: &Revision| {
            let containers = &definition(revision).containers;
            containers.iter().any(|container| container.memory_use.is_some())
        };
        let by_memory = |scaling: &AutoScaling| {
            scaling
                .policies
                .iter()
                .any(|policy| policy.metric == ScalingMetric::Memory)
        };
        if service.auto_scaling.as_ref().is_some_and(by_memory) && !service.revisions.iter().any(declares) {
            let message = format!(
                "`{}` is scaled by its memory, and no container says how much it uses",
                service.name
            );
            let hint = "give containers a `memory_use`; without it the metric has no data, and nothing is scaled";
            cx.report_hint(Code::MemoryNotDeclared, &path.key("auto_scaling"), message, hint);
        }
        let on_fargate = |share: &CapacityShare| !matches!(share.provider, Provider::Group(_));
        if !service.capacity.iter().any(on_fargate) {
            continue;
        }
        if let Some(revision) = service
            .revisions
            .iter()
            .find(|revision| overflows(blueprint, definition(revision)))
        {
            let gib = fargate::STORAGE_INCLUDED_GIB + definition(revision).extra_storage_gib;
            let message = format!(
                "the images of `{}` do not fit on {gib} GiB once they are unpacked",
                service.name
            );
            let hint = "raise `ephemeral_storage` of the task definition; tasks fail with no space left on device";
            cx.report_hint(Code::ImagesExceedDisk, &path, message, hint);
        }
    }
}

fn overflows(blueprint: &Blueprint, definition: &TaskDefinition) -> bool {
    let images = definition
        .containers
        .iter()
        .map(|container| &blueprint.images[container.image.at()]);
    let whole = images.filter(|image| image.loading == Loading::Whole);
    let mut layers: Vec<LayerIx> = whole.flat_map(|image| image.layers.iter().copied()).collect();
    layers.sort_unstable();
    layers.dedup();
    let size: u64 = layers.iter().map(|layer| blueprint.layers[layer.at()].size.0).sum();
    let disk = f64::from(fargate::STORAGE_INCLUDED_GIB + definition.extra_storage_gib) * 1024.0;
    size as f64 * blueprint.model.start_up.unpacked > disk
}
