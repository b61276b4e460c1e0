use crate::blueprint::*;
use crate::sim::data_plane::tests as sample;
use crate::sim::observation::*;
use crate::units::*;

struct Print(u64, std::collections::BTreeMap<String, u64>);
impl Observer for Print {
    fn request_finished(&mut self, r: &RequestFinished) {
        self.0 += 1;
        *self.1.entry(format!("{:?}", r.outcome)).or_default() += 1;
    }
    fn observed(&mut self, o: Observation) {
        match o {
            Observation::Happened(e) => {
                println!("{:.1} {} {:?} {} -> {} {}", e.at.seconds(), e.kind.name(), e.task, e.from, e.to, e.reason)
            }
            Observation::Sampled(s) if s.at.seconds() > 0.0 => {}
            Observation::BalancerMinute { .. } => {}
            o => println!("   {o:?}"),
        }
    }
}

#[test]
fn try_it() {
    let mut b = sample::blueprint(
        vec![Step::Cpu(sample::exponential(0.02))],
        Runtime::ThreadPool { workers: 100, backlog: 100 },
        100.0,
        1200,
    );
    sample::balanced(&mut b, 0, Algorithm::RoundRobin, 1);
    b.traffic[0].to = Destination::LoadBalancer { load_balancer: LoadBalancerIx(0), listener: 0 };
    b.images.push(Image { name: "i".into(), size: MiB(100) });
    b.task_definitions.push(TaskDefinition {
        name: "web".into(),
        cpu: CpuUnits(1024),
        memory: MiB(2048),
        network_mode: NetworkMode::Awsvpc,
        architecture: Architecture::X86_64,
        extra_storage_gib: 0,
        containers: vec![Container {
            name: "app".into(),
            essential: true,
            image: ImageIx(0),
            host_ports: vec![],
            depends_on: vec![],
            health_check: None,
            start_timeout: None,
            stop_timeout: Span::from_secs(30),
            shut_down: sample::constant(1.0),
            exits: None,
        }],
    });
    b.services[0].desired_count = 3;
    b.services[0].capacity.push(CapacityShare { provider: Provider::Fargate, base: 0, weight: 1 });
    let r = b.services[0].revisions[0].clone();
    b.services[0].revisions.push(r);
    b.events.push(TimedEvent {
        at: Instant::from_nanos(60_000_000_000),
        what: Happening::Deploy(vec![(ServiceIx(0), RevisionIx(1))]),
    });
    b.events.push(TimedEvent {
        at: Instant::from_nanos(800_000_000_000),
        what: Happening::Fault(Fault {
            label: "zone".into(),
            kind: FaultKind::ZoneOutage { zone: ZoneIx(1) },
            lasting: Some(Span::from_secs(200)),
        }),
    });
    let mut p = Print(0, Default::default());
    super::run(&b, 0, &mut p);
    println!("{} {:?}", p.0, p.1);
}
