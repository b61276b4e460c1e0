//! Pulls of images: the registry is asked, and what is missing of the layers is fetched.
//!
//! A task on an instance asks the registry as its agent is set to, pulls the layers that nobody has pulled there, and
//! waits for those that another task pulls; the pulls on an instance share its network. Fargate has no cache: each task
//! pulls all it lists. A registry that does not answer is asked five times in all [AGENT:docker_client.go]; then the
//! agent's default takes what is cached.

use super::ControlPlane;
use super::backends::{Api, Reply};
use super::laws::purpose;
use crate::aws::agent;
use crate::aws::fargate::STORAGE_INCLUDED_GIB;
use crate::blueprint::{ImageIx, ImagePullBehavior, LayerIx, Loading, Provider};
use crate::cluster::Instance;
use crate::cluster::image_store::Fetch;
use crate::cluster::instance::Power;
use crate::cluster::rate::transfer_time;
use crate::cluster::task::{Preparing, StopCode, Task, TaskState};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::units::{Instant, Span};

impl ControlPlane {
    pub(super) fn begin_pull(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        self.tasks[id].pull_started = Some(cx.now());
        self.take_images(cx, id);
        self.ask_registry(cx, id, 0);
    }

    /// The task's images, each once.
    fn images(&self, cx: &Context<'_>, id: Id<Task>) -> Vec<ImageIx> {
        let containers = self.definition(cx, id).containers.iter();
        let mut images: Vec<ImageIx> = containers.map(|container| container.image).collect();
        images.sort_unstable();
        images.dedup();
        images
    }

    /// From now on the task needs its images on the instance's disk.
    pub(super) fn take_images(&mut self, cx: &Context<'_>, id: Id<Task>) {
        if let Some(instance) = self.tasks[id].instance {
            for image in self.images(cx, id) {
                self.instances[instance].images.take(image);
            }
        }
    }

    /// The task is STOPPED and needs its images no more, if it ever did.
    pub(super) fn give_images_back(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        if let (Some(instance), Some(_)) = (self.tasks[id].instance, self.tasks[id].pull_started) {
            for image in self.images(cx, id) {
                self.instances[instance].images.give_back(image, cx.now());
            }
            self.await_cleanup(cx, instance);
        }
    }

    /// The agent looks for images to clean up at each `interval` from its registration: at the first of these at which
    /// one could go.
    pub(super) fn await_cleanup(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let instance = &mut self.instances[id];
        let Some(cleanup) = cx.blueprint.auto_scaling_groups[instance.group.at()]
            .agent
            .image_cleanup
        else {
            return;
        };
        // What goes unused later may go later: the next look is early enough for it.
        if instance.cleanup_due != Instant::NEVER {
            return;
        }
        let (Some(cleanable), Some(registered)) = (instance.images.cleanable_at(&cleanup), instance.registered) else {
            return;
        };
        let now = cx.calendar.now();
        let after = cleanable.since(registered).nanos();
        let passed = now.since(registered).nanos() / cleanup.interval.nanos();
        let looks = after.div_ceil(cleanup.interval.nanos()).max(passed + 1);
        let due = registered + Span::from_nanos(cleanup.interval.nanos() * looks);
        instance.cleanup_due = due;
        cx.calendar
            .schedule_at(due, Event::control(ControlEvent::ImageCleanup, id, 0));
    }

    pub(super) fn clean_images(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let now = cx.now();
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        instance.cleanup_due = Instant::NEVER;
        if instance.power == Power::Dead {
            return;
        }
        let group = &cx.blueprint.auto_scaling_groups[instance.group.at()];
        let Some(cleanup) = &group.agent.image_cleanup else {
            return;
        };
        let gone = instance.images.clean(now, cleanup, &cx.blueprint.images);
        if !gone.is_empty() {
            let names: Vec<&str> = gone
                .iter()
                .map(|at| cx.blueprint.images[at.at()].name.as_str())
                .collect();
            let state = instance.state().name();
            self.tell_of_instance(
                cx,
                id,
                state,
                state,
                &format!("images cleaned up: {}", names.join(", ")),
            );
        }
        self.await_cleanup(cx, id);
    }

    /// The images that the registry must be asked about.
    fn to_be_asked(&self, cx: &Context<'_>, id: Id<Task>) -> Vec<ImageIx> {
        let mut images = self.images(cx, id);
        let task = &self.tasks[id];
        if let (Provider::Group(group), Some(instance)) = (task.provider, task.instance) {
            let store = &self.instances[instance].images;
            match cx.blueprint.auto_scaling_groups[group.at()].agent.image_pull_behavior {
                ImagePullBehavior::Default | ImagePullBehavior::Always => {}
                ImagePullBehavior::Once | ImagePullBehavior::PreferCached => images.retain(|image| !store.has(*image)),
            }
        }
        images
    }

    /// Asks the registry what the images are, `failed` attempts having failed.
    pub(super) fn ask_registry(&mut self, cx: &mut Context<'_>, id: Id<Task>, failed: u32) {
        let asked = self.to_be_asked(cx, id);
        if asked.is_empty() {
            return self.images_are_here(cx, id);
        }
        let patience = cx.blueprint.model.start_up.throttling_patience;
        match self.backends.call(cx.now(), Api::BatchGetImage, asked.len(), patience) {
            Reply::After(wait) => {
                let manifest = self.laws.manifest.sample(self.tasks[id].key.child(purpose::MANIFEST));
                self.tasks[id].preparing = Preparing::Manifest;
                self.go_on_in(cx, id, wait + manifest);
            }
            Reply::Throttled(after) => self.throttled(cx, id, after),
            Reply::Out if failed + 1 < agent::PULL_ATTEMPTS => {
                let failed = failed + 1;
                let luck = self.tasks[id].key.child(purpose::PULL_RETRY).child(u64::from(failed));
                self.tasks[id].preparing = Preparing::Registry { failed };
                self.step_in(cx, id, agent::pull_retry(failed, luck.uniform()));
            }
            Reply::Out => self.registry_is_out(cx, id, &asked),
        }
    }

    /// The last attempt has failed: the agent's default is content with what is cached.
    fn registry_is_out(&mut self, cx: &mut Context<'_>, id: Id<Task>, asked: &[ImageIx]) {
        let task = &self.tasks[id];
        let missing = match (task.provider, task.instance) {
            (Provider::Group(group), Some(instance)) => {
                let may_fall_back = cx.blueprint.auto_scaling_groups[group.at()].agent.image_pull_behavior
                    == ImagePullBehavior::Default;
                let store = &self.instances[instance].images;
                asked.iter().find(|image| !may_fall_back || !store.has(**image))
            }
            _ => asked.first(),
        };
        match missing {
            None => self.images_are_here(cx, id),
            Some(image) => {
                let reason = format!(
                    "CannotPullContainerError: pull image manifest has been retried {} time(s): failed to resolve ref {}",
                    agent::PULL_ATTEMPTS,
                    cx.blueprint.images[image.at()].name
                );
                self.fail_to_start(cx, id, StopCode::TaskFailedToStart, &reason);
            }
        }
    }

    /// The registry refuses so many calls: the task fails when its agent's patience ends.
    fn throttled(&mut self, cx: &mut Context<'_>, id: Id<Task>, after: Span) {
        self.tasks[id].preparing = Preparing::Refused;
        self.step_in(cx, id, after);
    }

    pub(super) fn pull_refused(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let reason = "CannotPullContainerError: toomanyrequests: Rate exceeded";
        self.fail_to_start(cx, id, StopCode::TaskFailedToStart, reason);
    }

    /// The registry has said what the images are: asks for what is missing of them.
    pub(super) fn ask_for_layers(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let layers = self.layers_to_pull(cx, id);
        let missing = match self.tasks[id].instance {
            Some(instance) => self.instances[instance].images.missing(&layers),
            None => layers.len(),
        };
        let patience = cx.blueprint.model.start_up.throttling_patience;
        match self
            .backends
            .call(cx.now(), Api::GetDownloadUrlForLayer, missing, patience)
        {
            Reply::After(wait) => {
                self.tasks[id].preparing = Preparing::Urls;
                self.go_on_in(cx, id, wait);
            }
            Reply::Throttled(after) => self.throttled(cx, id, after),
            // The next attempt begins anew.
            Reply::Out => self.ask_registry(cx, id, 0),
        }
    }

    /// The layers of the images that the registry was asked about, each once.
    fn layers_to_pull(&self, cx: &Context<'_>, id: Id<Task>) -> Vec<LayerIx> {
        let mut layers: Vec<LayerIx> = Vec::new();
        for image in self.to_be_asked(cx, id) {
            for layer in &cx.blueprint.images[image.at()].layers {
                if !layers.contains(layer) {
                    layers.push(*layer);
                }
            }
        }
        layers
    }

    /// Gets what is missing, from where it lies.
    pub(super) fn fetch(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        self.tasks[id].preparing = Preparing::Layers;
        let Some(instance) = self.tasks[id].instance else {
            return self.fetch_on_fargate(cx, id);
        };
        let layers = self.layers_to_pull(cx, id);
        let store = &mut self.instances[instance].images;
        match store.pull(cx.now(), id, &layers, &cx.blueprint.layers) {
            Fetch::AllHere => self.images_are_here(cx, id),
            Fetch::Begun => self.await_layer(cx, instance),
            Fetch::Awaited => {}
        }
    }

    /// All layers come one after the other, lazily loaded images as far as they are needed to begin with.
    fn fetch_on_fargate(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let share = cx.blueprint.model.start_up.lazy_share.get();
        let (mut whole, mut lazy): (Vec<LayerIx>, Vec<LayerIx>) = (Vec::new(), Vec::new());
        for image in self.images(cx, id) {
            let image = &cx.blueprint.images[image.at()];
            let part = if image.loading == Loading::Lazy {
                &mut lazy
            } else {
                &mut whole
            };
            part.extend(&image.layers);
        }
        let size = |layers: &mut Vec<LayerIx>| {
            layers.sort_unstable();
            layers.dedup();
            layers
                .iter()
                .map(|layer| cx.blueprint.layers[layer.at()].size.0)
                .sum::<u64>()
        };
        let rate = self.laws.fargate.pull_rate;
        let disk = f64::from(STORAGE_INCLUDED_GIB + self.definition(cx, id).extra_storage_gib) * 1024.0;
        let fits = disk / cx.blueprint.model.start_up.unpacked;
        if size(&mut whole) as f64 > fits {
            self.tasks[id].preparing = Preparing::NoSpace;
            return self.step_in(cx, id, transfer_time(fits as u64, rate));
        }
        let lazily = transfer_time(size(&mut lazy), rate);
        let first = transfer_time(size(&mut whole), rate) + lazily.scaled(share);
        self.tasks[id].loads_until = cx.now() + first + lazily.scaled(1.0 - share);
        self.step_in(cx, id, first);
    }

    /// The images did not fit on the disk.
    pub(super) fn no_space(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let reason = "CannotPullContainerError: failed to register layer: write: no space left on device";
        self.fail_to_start(cx, id, StopCode::TaskFailedToStart, reason);
    }

    /// How long a start-up takes that would take `alone` if the task's images were there: as long as they load, it goes
    /// `lazy_slowdown` times slower.
    pub(super) fn while_loading(&self, cx: &Context<'_>, id: Id<Task>, alone: Span) -> Span {
        let loading = self.tasks[id].loads_until.since(cx.now());
        let slowdown = cx.blueprint.model.start_up.lazy_slowdown;
        let slowed = alone.scaled(slowdown);
        if slowed <= loading {
            slowed
        } else {
            loading + Span::from_nanos(alone.nanos() - loading.scaled(1.0 / slowdown).nanos())
        }
    }

    fn await_layer(&self, cx: &mut Context<'_>, id: Id<Instance>) {
        let store = &self.instances[id].images;
        if let Some(time) = store.next() {
            cx.calendar
                .schedule_in(time, Event::control(ControlEvent::LayerPulled, id, store.turn));
        }
    }

    pub(super) fn layer_pulled(&mut self, cx: &mut Context<'_>, id: Id<Instance>, turn: u32) {
        let now = cx.now();
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        if instance.images.turn != turn || instance.power == Power::Dead {
            return;
        }
        let served = instance.images.layers_come(now);
        self.await_layer(cx, id);
        for task in served {
            let waits = |task: &Task| task.state() == TaskState::Pending && task.preparing == Preparing::Layers;
            if self.tasks.get(task).is_some_and(waits) {
                self.images_are_here(cx, task);
            }
        }
    }

    /// Everything is on the disk; the task goes on as soon as its host is heard.
    fn images_are_here(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let now = cx.now();
        if let Some(instance) = self.tasks[id].instance {
            for image in self.to_be_asked(cx, id) {
                self.instances[instance].images.pulled(image, now);
            }
        }
        self.tasks[id].preparing = Preparing::Done;
        let step = self.tasks[id].step;
        self.task_step(cx, id, step);
    }
}
