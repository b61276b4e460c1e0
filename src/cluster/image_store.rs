//! What an instance's disk holds of images, and what it is pulling.
//!
//! Layers are stored once, whoever lists them; a layer that one task pulls is waited for by the others that need it, not
//! pulled again. A pull that has begun goes on when its task is stopped. Deliberately not here: when the registry is
//! asked, and what becomes of the task (`sim::control_plane::pulls`).

use super::Task;
use super::download::Downloads;
use crate::blueprint::{Image, ImageCleanup, ImageIx, Layer, LayerIx};
use crate::engine::arena::Id;
use crate::units::{Instant, Span};

#[derive(Clone, Debug)]
pub struct ImageStore {
    /// By layer of the blueprint.
    layers: Vec<LayerState>,
    /// By image of the blueprint.
    images: Vec<Cached>,
    downloads: Downloads,
    /// Tasks that wait for layers which others pull, and for which.
    waiting: Vec<(Id<Task>, Vec<LayerIx>)>,
    /// Number of the turn that is due next; an event with another number has been overtaken.
    pub turn: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LayerState {
    Absent,
    Coming,
    Held,
}

/// What is known of an image on this disk.
#[derive(Clone, Copy, Debug)]
struct Cached {
    /// When it was last pulled whole; [`Instant::NEVER`] if it is not here.
    pulled: Instant,
    /// Tasks here that are not STOPPED and run it.
    users: u32,
    /// When its last user was STOPPED.
    unused_since: Instant,
}

impl Cached {
    fn is_unused(&self) -> bool {
        self.users == 0 && self.pulled != Instant::NEVER
    }

    fn cleanable_at(&self, cleanup: &ImageCleanup) -> Instant {
        (self.unused_since + cleanup.task_wait).max(self.pulled + cleanup.minimum_age)
    }
}

impl ImageStore {
    /// An empty disk behind a link of `link` MiB a second, of which one pull takes at most `each`.
    pub fn new(images: usize, layers: usize, link: f64, each: f64) -> Self {
        ImageStore {
            layers: vec![LayerState::Absent; layers],
            images: vec![
                Cached {
                    pulled: Instant::NEVER,
                    users: 0,
                    unused_since: Instant::ZERO,
                };
                images
            ],
            downloads: Downloads::new(link, each),
            waiting: Vec::new(),
            turn: 0,
        }
    }

    /// Whether the whole image is here.
    pub fn has(&self, image: ImageIx) -> bool {
        self.images[image.at()].pulled != Instant::NEVER
    }

    /// The image is here since before the beginning.
    pub fn hold(&mut self, at: ImageIx, image: &Image, now: Instant) {
        for layer in &image.layers {
            self.layers[layer.at()] = LayerState::Held;
        }
        self.pulled(at, now);
    }

    /// The image has been pulled, or found to be what the registry has.
    pub fn pulled(&mut self, image: ImageIx, now: Instant) {
        self.images[image.at()].pulled = now;
    }

    /// A task here begins to need the image.
    pub fn take(&mut self, image: ImageIx) {
        self.images[image.at()].users += 1;
    }

    /// A task that needed it is STOPPED.
    pub fn give_back(&mut self, image: ImageIx, now: Instant) {
        let cached = &mut self.images[image.at()];
        assert!(
            cached.users > 0,
            "an image is given back once for each time it was taken"
        );
        cached.users -= 1;
        cached.unused_since = now;
    }

    /// How many of these layers nobody has pulled or pulls.
    pub fn missing(&self, layers: &[LayerIx]) -> usize {
        layers
            .iter()
            .filter(|at| self.layers[at.at()] == LayerState::Absent)
            .count()
    }

    /// Pulls for a task what is missing of these layers. Unless all are here, a later [`ImageStore::layers_come`] names
    /// the task.
    pub fn pull(&mut self, now: Instant, task: Id<Task>, needed: &[LayerIx], layers: &[Layer]) -> Fetch {
        let state = |at: &LayerIx| self.layers[at.at()];
        let awaited: Vec<LayerIx> = needed
            .iter()
            .copied()
            .filter(|at| state(at) == LayerState::Coming)
            .collect();
        let missing: Vec<LayerIx> = needed
            .iter()
            .copied()
            .filter(|at| state(at) == LayerState::Absent)
            .collect();
        for layer in &missing {
            self.layers[layer.at()] = LayerState::Coming;
        }
        let fetch = match (missing.is_empty(), awaited.is_empty()) {
            (true, true) => return Fetch::AllHere,
            (true, false) => Fetch::Awaited,
            (false, _) => {
                let sized = missing.iter().map(|at| (*at, layers[at.at()].size));
                self.downloads.begin(now, sized.collect());
                self.turn += 1;
                Fetch::Begun
            }
        };
        let own = missing.into_iter();
        self.waiting.push((task, own.chain(awaited).collect()));
        fetch
    }

    /// When the first of the images that nobody uses may go; `None` if there are none.
    pub fn cleanable_at(&self, cleanup: &ImageCleanup) -> Option<Instant> {
        let unused = self.images.iter().filter(|image| image.is_unused());
        unused.map(|image| image.cleanable_at(cleanup)).min()
    }

    /// Takes those off the disk that have gone unused longest, as many as one cycle takes; answers which.
    pub fn clean(&mut self, now: Instant, cleanup: &ImageCleanup, images: &[Image]) -> Vec<ImageIx> {
        let unused = self.images.iter().enumerate().filter(|(_, image)| image.is_unused());
        let mut gone: Vec<(Instant, usize)> = unused
            .filter(|(_, image)| image.cleanable_at(cleanup) <= now)
            .map(|(at, image)| (image.unused_since, at))
            .collect();
        gone.sort_unstable();
        gone.truncate(cleanup.images_per_cycle as usize);
        if gone.is_empty() {
            return Vec::new();
        }
        for (_, at) in &gone {
            self.images[*at].pulled = Instant::NEVER;
        }
        // A layer stays as long as an image has it that is here, or that is being pulled.
        let mut stays = vec![false; self.layers.len()];
        for (cached, image) in self.images.iter().zip(images) {
            if cached.pulled != Instant::NEVER || cached.users > 0 {
                image.layers.iter().for_each(|layer| stays[layer.at()] = true);
            }
        }
        for (_, at) in &gone {
            for layer in &images[*at].layers {
                let state = &mut self.layers[layer.at()];
                if *state == LayerState::Held && !stays[layer.at()] {
                    *state = LayerState::Absent;
                }
            }
        }
        gone.into_iter().map(|(_, at)| ImageIx::from_usize(at)).collect()
    }

    /// How long until the next layer is here.
    pub fn next(&self) -> Option<Span> {
        self.downloads.next()
    }

    /// At the instant that [`ImageStore::next`] told: the tasks that have all their layers now, in the order in which
    /// they asked.
    pub fn layers_come(&mut self, now: Instant) -> Vec<Id<Task>> {
        for layer in self.downloads.turn(now) {
            self.layers[layer.at()] = LayerState::Held;
        }
        self.turn += 1;
        let layers = &self.layers;
        let mut served = Vec::new();
        self.waiting.retain_mut(|(task, needs)| {
            needs.retain(|layer| layers[layer.at()] != LayerState::Held);
            if needs.is_empty() {
                served.push(*task);
            }
            !needs.is_empty()
        });
        served
    }
}

/// What has come of the wish for some layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    AllHere,
    /// The next turn is another one now.
    Begun,
    /// All that is missing is pulled by others.
    Awaited,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::Loading;
    use crate::units::MiB;

    fn image(layers: &[u32]) -> Image {
        Image {
            name: String::new(),
            size: MiB(0),
            layers: layers.iter().map(|at| LayerIx(*at)).collect(),
            loading: Loading::Whole,
        }
    }

    fn hours(hours: u64) -> Instant {
        Instant::ZERO + Span::from_secs(3600 * hours)
    }

    #[test]
    fn what_went_unused_first_is_cleaned_up_first_and_shared_layers_stay() {
        // Layer 0 is shared by all; image 0 is in use, 1 unused since 2 h, 2 since 1 h, 3 never used.
        let images = [image(&[0, 1]), image(&[0, 2]), image(&[0, 3]), image(&[4])];
        let mut store = ImageStore::new(4, 5, 100.0, 100.0);
        for (at, image) in images.iter().enumerate() {
            store.hold(ImageIx::from_usize(at), image, Instant::ZERO);
        }
        store.take(ImageIx(0));
        for (at, stopped) in [(1, 2), (2, 1)] {
            store.take(ImageIx(at));
            store.give_back(ImageIx(at), hours(stopped));
        }
        let cleanup = ImageCleanup {
            images_per_cycle: 2,
            ..ImageCleanup::default()
        };
        assert_eq!(store.cleanable_at(&cleanup), Some(hours(3)));
        assert_eq!(store.clean(hours(3), &cleanup, &images), [ImageIx(3)]);
        assert_eq!(store.clean(hours(6), &cleanup, &images), [ImageIx(2), ImageIx(1)]);
        assert_eq!(store.cleanable_at(&cleanup), None);
        let layers = [LayerIx(0), LayerIx(1), LayerIx(2), LayerIx(3), LayerIx(4)];
        assert_eq!(store.missing(&layers), 3);
    }

    #[test]
    fn an_image_that_was_pulled_within_the_minimum_age_stays() {
        let images = [image(&[0])];
        let mut store = ImageStore::new(1, 1, 100.0, 100.0);
        store.hold(ImageIx(0), &images[0], hours(5));
        let cleanup = ImageCleanup {
            task_wait: Span::ZERO,
            ..ImageCleanup::default()
        };
        assert_eq!(store.cleanable_at(&cleanup), Some(hours(6)));
    }
}
