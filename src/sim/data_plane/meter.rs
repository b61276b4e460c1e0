//! Reads the counters: CloudWatch's every minute, the timeline's at the end of each window.

use super::DataPlane;
use super::dependency::DependencyState;
use crate::blueprint::AlbModel;
use crate::cluster::Task;
use crate::cluster::server::{Door, Metered, Server};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::observation::{Sample, ServiceSample};
use crate::sim::signal::{Meter, ServiceMeter};
use crate::units::Instant;

/// CPU time used and reserved since an earlier reading, and the present reading.
fn read(server: &mut Server, last: Metered, now: Instant) -> (u64, u64, Metered) {
    let used = server.used(now);
    let reserved = server.reserved_since(last.at, now);
    (used - last.used, reserved, Metered { at: now, used })
}

fn count(meter: &mut ServiceMeter, used: u64, reserved: u64) {
    if reserved == 0 {
        return;
    }
    let share = used as f64 / reserved as f64;
    meter.lowest = if meter.cpu_reserved == 0 {
        share
    } else {
        meter.lowest.min(share)
    };
    meter.highest = meter.highest.max(share);
    meter.cpu_used += used;
    meter.cpu_reserved += reserved;
}

impl DataPlane {
    /// The task is RUNNING from now on.
    pub(super) fn count_cpu(&mut self, now: Instant, task: Id<Task>) {
        if let Some(server) = self.servers.get_mut(task) {
            let used = server.used(now);
            server.counted = Some(Metered { at: now, used });
        }
    }

    /// The task is RUNNING no more: what it has used of the minute still counts in it.
    pub(super) fn stop_counting_cpu(&mut self, now: Instant, task: Id<Task>) {
        let Some(server) = self.servers.get_mut(task) else {
            return;
        };
        if let Some(last) = server.counted.take() {
            let (used, reserved, _) = read(server, last, now);
            if self.network.down_since(server.zone).is_none() {
                count(&mut self.cpu_meters[server.service.at()], used, reserved);
            }
        }
    }

    /// The minute's counters, which begin again at zero. Tasks in an unreachable zone report nothing.
    pub fn meter(&mut self, minute: u32, now: Instant, model: &AlbModel) -> Meter {
        if cfg!(debug_assertions) {
            self.check_foregone();
        }
        for server in self.servers.iter_mut() {
            let Some(last) = server.counted else {
                continue;
            };
            // Reading an idle CPU changes nothing in it; a busy one is brought up to date whoever asks.
            if !self.cpu_is_read[server.service.at()] && server.cpu.jobs() == 0 {
                continue;
            }
            let (used, reserved, reading) = read(server, last, now);
            server.counted = Some(reading);
            if self.network.down_since(server.zone).is_none() {
                count(&mut self.cpu_meters[server.service.at()], used, reserved);
            }
        }
        let queues = self.meter_queues(now);
        let services = self.cpu_meters.iter_mut().map(std::mem::take).collect();
        let active = self.open_requests;
        let request_memory = self.servers.iter().filter_map(Server::request_memory).collect();
        Meter {
            minute,
            ended: now,
            services,
            queues,
            request_memory,
            target_groups: self
                .groups
                .iter_mut()
                .map(|group| std::mem::take(&mut group.meter))
                .collect(),
            load_balancers: self
                .balancers
                .iter_mut()
                .enumerate()
                .map(|(at, balancer)| {
                    let mut meter = std::mem::take(&mut balancer.meter);
                    meter.active = active;
                    let known = balancer.extras.as_mut().and_then(|extras| extras.clients.as_mut());
                    let (known, opened) = known.map_or((0, 0), |clients| {
                        meter.active = clients.open(now);
                        (
                            std::mem::take(&mut clients.requests),
                            std::mem::take(&mut clients.opened),
                        )
                    });
                    let others = (meter.requests - known) as f64;
                    meter.connections = opened + (others / model.requests_per_connection).ceil() as u64;
                    let sized = self.wires.as_mut().map(|wires| wires.take_processed(at));
                    let sized = sized.unwrap_or_default();
                    let others = meter.requests.saturating_sub(sized.requests);
                    meter.bytes = others * model.bytes_per_request + sized.bytes;
                    meter
                })
                .collect(),
        }
    }

    /// Usage since the last sample and queues at this instant.
    pub fn sample(&mut self, cx: &Context<'_>) -> Sample {
        let now = cx.now();
        let mut services = vec![ServiceSample::default(); self.operations.services()];
        for (work, revision) in self.work.iter_mut().zip(&self.operations.revisions) {
            services[revision.service.at()].work.add(&std::mem::take(work));
        }
        for server in self.servers.iter_mut().filter(|server| server.door != Door::Silent) {
            let (used, reserved, reading) = read(server, server.sampled, now);
            server.sampled = reading;
            let sample = &mut services[server.service.at()];
            sample.cpu_used += used;
            sample.cpu_reserved += reserved;
            sample.queued += u64::from(server.queue.len());
            sample.in_service +=
                u64::from(server.present) - u64::from(server.queue.len()).min(u64::from(server.present));
        }
        let (senders, failures) = self.take_sent(cx.blueprint);
        let credits = self.hosts.as_mut().map(|hosts| hosts.sample_credits(now));
        let dependencies = self.dependencies.iter().map(DependencyState::sample);
        Sample {
            at: now,
            services,
            dependencies: dependencies.collect(),
            queues: self.sample_queues(),
            senders,
            failures,
            credits: credits.unwrap_or_default(),
            caches: self.cache_looks(),
        }
    }
}
