//! Reads the counters: CloudWatch's every minute, the timeline's at the end of each window.

use super::DataPlane;
use crate::blueprint::AlbModel;
use crate::cluster::server::{Metered, Server};
use crate::sim::observation::{DependencySample, Sample, ServiceSample};
use crate::sim::signal::{Meter, ServiceMeter};
use crate::units::Instant;

/// CPU time used and reserved since the last reading, which this becomes.
fn read(server: &mut Server, which: fn(&mut Server) -> &mut Metered, now: Instant) -> (u64, u64) {
    let used = server.cpu.used(now);
    let last = *which(server);
    *which(server) = Metered { at: now, used };
    (used - last.used, server.reserved_since(last.at, now))
}

impl DataPlane {
    /// The minute's counters, which begin again at zero. Tasks in an unreachable zone report nothing.
    pub fn meter(&mut self, minute: u32, now: Instant, model: &AlbModel) -> Meter {
        let mut services = vec![
            ServiceMeter {
                lowest: f64::INFINITY,
                ..Default::default()
            };
            self.operations.services()
        ];
        for server in self.servers.iter_mut() {
            let (used, reserved) = read(server, |server| &mut server.metered, now);
            if reserved == 0 || self.network.down_since(server.zone).is_some() {
                continue;
            }
            let meter = &mut services[server.service.at()];
            let share = used as f64 / reserved as f64;
            meter.cpu_used += used;
            meter.cpu_reserved += reserved;
            meter.highest = meter.highest.max(share);
            meter.lowest = meter.lowest.min(share);
        }
        for meter in &mut services {
            meter.lowest = meter.lowest.min(meter.highest);
        }
        let active = self.open_requests;
        Meter {
            minute,
            ended: now,
            services,
            target_groups: self
                .groups
                .iter_mut()
                .map(|group| std::mem::take(&mut group.meter))
                .collect(),
            load_balancers: self
                .balancers
                .iter_mut()
                .map(|balancer| {
                    let mut meter = std::mem::take(&mut balancer.meter);
                    meter.active = active;
                    meter.connections = (meter.requests as f64 / model.requests_per_connection).ceil() as u64;
                    meter.bytes = meter.requests * model.bytes_per_request;
                    meter
                })
                .collect(),
        }
    }

    /// Usage since the last sample and queues at this instant.
    pub fn sample(&mut self, now: Instant) -> Sample {
        let mut services = vec![ServiceSample::default(); self.operations.services()];
        for server in self.servers.iter_mut() {
            let (used, reserved) = read(server, |server| &mut server.sampled, now);
            let sample = &mut services[server.service.at()];
            sample.cpu_used += used;
            sample.cpu_reserved += reserved;
            sample.queued += u64::from(server.queue.len());
            sample.in_service +=
                u64::from(server.present) - u64::from(server.queue.len()).min(u64::from(server.present));
        }
        let dependencies = self.dependencies.iter().map(|dependency| DependencySample {
            queued: u64::from(dependency.queue.len()),
            in_service: u64::from(dependency.busy),
        });
        Sample {
            at: now,
            services,
            dependencies: dependencies.collect(),
        }
    }
}
