//! Memory of requests: garbage that is collected while everything stands, and memory that runs out.
//!
//! Both are looked at when a server with rules takes a request in, which is when they change for the worse. Killing a
//! container is the control plane's business; it is told once.

use super::{DataPlane, purpose};
use crate::cluster::Task;
use crate::cluster::attempt::Attempt;
use crate::cluster::server::Door;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::Signal;
use crate::units::Span;

impl DataPlane {
    /// A request that a server has taken in allocates what it needs.
    pub(super) fn takes_memory(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>) {
        let now = cx.now();
        let server = self.servers.get_mut(task).expect("it has just taken a request in");
        let present = server.present;
        let age = now.since(server.started);
        let extras = server.extras.as_mut().expect("a server with rules");
        let in_hand = extras.in_hand(present);
        if let Some(memory) = &mut extras.memory
            && memory.used(in_hand, extras.answered) > memory.room(age)
        {
            // Said once: the process does not outlive it.
            memory.room = f64::INFINITY;
            cx.signals.push(Signal::OutOfMemory(task));
        }
        let rules = self.rulebook.of(server.revision);
        let (Some(heap), Some((collection, pause))) = (&mut extras.heap, &rules.collection) else {
            return;
        };
        heap.allocated += collection.allocation;
        let alive = collection.live.0 as f64 + collection.allocation * f64::from(in_hand);
        if heap.is_collecting || heap.allocated < collection.heap.0 as f64 - alive {
            return;
        }
        heap.allocated = 0.0;
        heap.is_collecting = true;
        let key = self.attempts[id].key.child(purpose::COLLECTION);
        let scan = collection.scan.map_or(0.0, |speed| alive / speed);
        let length = pause.sample(key) + Span::from_secs_f64(scan);
        server.cpu.pause(now);
        self.cpus_changed.push(task.index());
        cx.calendar
            .schedule_in(length, Event::data(DataEvent::CollectionEnds, task));
    }

    /// A garbage collection is over: the process goes on, if it still lives.
    #[cold]
    pub(super) fn collection_ends(&mut self, cx: &mut Context<'_>, task: Id<Task>) {
        let Some(server) = self.servers.get_mut(task).filter(|server| server.door != Door::Silent) else {
            return;
        };
        if let Some(heap) = server.extras.as_mut().and_then(|extras| extras.heap.as_mut()) {
            heap.is_collecting = false;
        }
        server.cpu.resume(cx.now());
        self.cpus_changed.push(task.index());
    }
}
