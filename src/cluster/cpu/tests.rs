//! The CPU of a task by hand: every instant below is computed on paper.

use super::*;
use crate::engine::arena::Arena;

const MS: u64 = 1_000_000;

fn ms(millis: u64) -> Instant {
    Instant::from_nanos(millis * MS)
}

/// A CPU whose first period begins at 0 unless a phase is given, with jobs that are told apart by number.
struct Stand {
    cpu: Cpu,
    names: Arena<()>,
    jobs: Vec<Id<Attempt>>,
    /// Job and when it was done (ns).
    done: Vec<(usize, u64)>,
}

impl Stand {
    fn new(model: CpuModel, vcpus: f64, threads: u32) -> Self {
        Stand::with_phase(model, vcpus, threads, Span::ZERO)
    }

    fn with_phase(model: CpuModel, vcpus: f64, threads: u32, phase: Span) -> Self {
        let spec = CpuSpec {
            model,
            shared: None,
            share: CpuUnits((vcpus * 1024.0) as u32),
            threads,
            period: Span::from_millis(100),
            phase,
        };
        Stand {
            cpu: Cpu::new(spec, Instant::ZERO),
            names: Arena::new(),
            jobs: vec![],
            done: vec![],
        }
    }

    fn admit(&mut self, at: Instant, work: Span) {
        self.run_until(at);
        let id = Id::from_raw(self.names.insert(()).raw());
        self.jobs.push(id);
        self.cpu.admit(at, id, work);
    }

    /// Turns the CPU whenever it asks for it, up to an instant.
    fn run_until(&mut self, until: Instant) {
        while self.cpu.next_turn() <= until && self.cpu.next_turn() != Instant::NEVER {
            let now = self.cpu.next_turn();
            let (jobs, done) = (&self.jobs, &mut self.done);
            self.cpu.turn(now, |id| {
                let number = jobs.iter().position(|&job| job == id).expect("it was admitted");
                done.push((number, now.nanos()));
            });
        }
    }

    /// Runs to the end and tells when each job was done, in ms.
    fn done(&mut self) -> Vec<(usize, f64)> {
        self.run_until(ms(1_000_000));
        self.done
            .iter()
            .map(|&(job, at)| (job, at as f64 / MS as f64))
            .collect()
    }
}

#[test]
fn half_a_vcpu_runs_for_half_of_each_period() {
    // 120 ms of work on a quota of 50 ms each 100 ms: runs 0 to 50, 100 to 150, 200 to 220.
    let mut stand = Stand::new(CpuModel::CfsQuota, 0.5, 4);
    stand.admit(ms(0), Span::from_millis(120));
    assert_eq!(stand.cpu.next_turn(), ms(50), "throttled");
    stand.run_until(ms(50));
    assert_eq!(stand.cpu.next_turn(), ms(100), "until the period ends");
    assert_eq!(stand.done(), [(0, 220.0)]);
    assert_eq!(stand.cpu.used(ms(300)), 120 * MS);
}

#[test]
fn two_threads_spend_the_quota_of_one_vcpu_in_half_a_period() {
    // Two jobs of 80 ms on two threads: both run 0 to 50 ms, stall to 100, and need 30 ms more.
    let mut stand = Stand::new(CpuModel::CfsQuota, 1.0, 2);
    stand.admit(ms(0), Span::from_millis(80));
    stand.admit(ms(0), Span::from_millis(80));
    assert_eq!(stand.cpu.next_turn(), ms(50));
    assert_eq!(stand.done(), [(0, 130.0), (1, 130.0)]);
}

#[test]
fn more_jobs_than_threads_share_the_threads() {
    // Three jobs of 20 ms on two threads under a quota of 2 vCPUs: each runs at 2/3, done at 30 ms; 60 ms of CPU time.
    let mut stand = Stand::new(CpuModel::CfsQuota, 2.0, 2);
    for _ in 0..3 {
        stand.admit(ms(0), Span::from_millis(20));
    }
    assert_eq!(stand.done(), [(0, 30.0), (1, 30.0), (2, 30.0)]);
    assert_eq!(stand.cpu.used(ms(30)), 60 * MS);
}

#[test]
fn a_quota_that_is_not_spent_is_not_saved() {
    // Idle for 990 ms, then 60 ms of work on half a vCPU: the present period (900 to 1000) has its full 50 ms, of which
    // 10 ms fit; the next period brings 50 ms: 990 to 1050.
    let mut stand = Stand::new(CpuModel::CfsQuota, 0.5, 4);
    stand.admit(ms(990), Span::from_millis(60));
    assert_eq!(stand.done(), [(0, 1050.0)]);
}

#[test]
fn what_was_spent_before_a_pause_counts_within_the_period_only() {
    // 40 ms from 0; idle to 60; then 30 ms: 10 ms are left of the period's 50, so 60 to 70, then 100 to 120.
    let mut stand = Stand::new(CpuModel::CfsQuota, 0.5, 4);
    stand.admit(ms(0), Span::from_millis(40));
    stand.admit(ms(60), Span::from_millis(30));
    assert_eq!(stand.done(), [(0, 40.0), (1, 120.0)]);
}

#[test]
fn a_job_that_comes_while_throttled_waits_with_the_others() {
    // Half a vCPU, one job of 60 ms from 0: throttled at 50. A job of 1 ms comes at 70. At 100 both run: the short one is
    // done at 101 (two threads), the long one at 110.
    let mut stand = Stand::new(CpuModel::CfsQuota, 0.5, 2);
    stand.admit(ms(0), Span::from_millis(60));
    stand.admit(ms(70), Span::from_millis(1));
    assert_eq!(stand.done(), [(1, 101.0), (0, 110.0)]);
}

#[test]
fn periods_begin_at_the_phase() {
    // The first period began 70 ms before 0 and ends at 30: 30 ms fit before that, for the quota of 50 is whole; then 50 in
    // the period 30 to 130 (done at 80), stall, and 20 more from 130.
    let mut stand = Stand::with_phase(CpuModel::CfsQuota, 0.5, 4, Span::from_millis(70));
    stand.admit(ms(0), Span::from_millis(100));
    assert_eq!(stand.done(), [(0, 150.0)]);
}

#[test]
fn a_quota_of_all_threads_never_throttles() {
    let mut stand = Stand::new(CpuModel::CfsQuota, 2.0, 2);
    for _ in 0..2 {
        stand.admit(ms(0), Span::from_secs(10));
    }
    assert_eq!(stand.done(), [(0, 10_000.0), (1, 10_000.0)]);
}

#[test]
fn a_fluid_share_is_divided_equally_and_a_job_gets_one_core_at_most() {
    // 1.5 vCPUs: one job alone runs at 1; two at 0.75 each. 30 ms from 0 and 30 ms from 10: after 10 ms the first has 20
    // left, at 0.75 done at 10 + 26.67; the second has then done 20, and 10 more alone: 46.67.
    let mut stand = Stand::new(CpuModel::Fluid, 1.5, 8);
    stand.admit(ms(0), Span::from_millis(30));
    stand.admit(ms(10), Span::from_millis(30));
    let done = stand.done();
    // Departures are rounded up to the nanosecond: 36,666,667; virtual time is rounded down by at most 2⁻¹⁶ ns a step.
    assert_eq!(done[0], (0, 36.666667));
    assert!((done[1].1 - 46.666_667).abs() < 2e-6, "{done:?}");
    assert_eq!(done[1].0, 1);
}

#[test]
fn equal_jobs_leave_together_in_order_of_admission() {
    let mut stand = Stand::new(CpuModel::Fluid, 1.0, 8);
    for _ in 0..5 {
        stand.admit(ms(0), Span::from_millis(10));
    }
    assert_eq!(
        stand.done().iter().map(|row| row.0).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4]
    );
    assert!(stand.done.iter().all(|row| row.1 == 50 * MS));
}

#[test]
fn a_slow_machine_takes_its_factor_longer_from_then_on() {
    // 40 ms of work; at 10 ms the machine falls to a quarter of its speed: 30 ms take 120.
    let mut stand = Stand::new(CpuModel::Fluid, 1.0, 1);
    stand.admit(ms(0), Span::from_millis(40));
    stand.run_until(ms(10));
    stand.cpu.set_speed(ms(10), 0.25);
    assert_eq!(stand.done(), [(0, 130.0)]);
    // The task has the CPU all the while: what it uses does not shrink with what it gets done.
    assert_eq!(stand.cpu.used(ms(130)), 130 * MS);
}

#[test]
fn a_stopped_machine_gets_nothing_done() {
    let mut stand = Stand::new(CpuModel::Fluid, 1.0, 1);
    stand.admit(ms(0), Span::from_millis(40));
    stand.cpu.set_speed(ms(10), 0.0);
    assert_eq!(stand.cpu.next_turn(), Instant::NEVER);
    stand.cpu.set_speed(ms(1000), 1.0);
    assert_eq!(stand.done(), [(0, 1030.0)]);
}

#[test]
fn a_withdrawn_job_leaves_its_share_to_the_others() {
    // Two of 30 ms on one core; at 20 ms (10 done each) the first is withdrawn: the second needs 20 ms more.
    let mut stand = Stand::new(CpuModel::Fluid, 1.0, 1);
    stand.admit(ms(0), Span::from_millis(30));
    stand.admit(ms(0), Span::from_millis(30));
    stand.run_until(ms(20));
    stand.cpu.withdraw(ms(20), stand.jobs[0]);
    assert_eq!(stand.done(), [(1, 40.0)]);
}

#[test]
fn virtual_time_starts_afresh_when_idle() {
    // Else it would overflow within a day of simulated time: 2⁶⁴ · 2⁻¹⁶ ns are three days of work on one CPU.
    let mut stand = Stand::new(CpuModel::Fluid, 1.0, 1);
    for day in 0..10 {
        stand.admit(ms(day * 86_400_000), Span::from_secs(80_000));
        stand.run_until(ms((day + 1) * 86_400_000 - 1));
        assert_eq!(stand.cpu.virtual_now, 0);
        assert_eq!(stand.done.len() as u64, day + 1);
    }
}

#[test]
fn what_changes_nothing_never_advances_virtual_time() {
    // Looking at the usage a thousand times must not move a departure by a nanosecond.
    let admit = |stand: &mut Stand| {
        for work in [7_777_777, 3_333_333, 9_999_999] {
            stand.admit(ms(0), Span::from_nanos(work));
        }
    };
    let mut calm = Stand::new(CpuModel::Fluid, 1.0, 1);
    admit(&mut calm);
    calm.done();
    let mut watched = Stand::new(CpuModel::Fluid, 1.0, 1);
    admit(&mut watched);
    for step in 0..1000 {
        let now = Instant::from_nanos(step * 21_111);
        watched.run_until(now);
        watched.cpu.used(now);
    }
    watched.done();
    // A step rounds virtual time down by less than 2⁻¹⁶ ns, so a thousand looks cost less than a nanosecond in each of the
    // three departures.
    for (one, other) in calm.done.iter().zip(&watched.done) {
        assert_eq!(one.0, other.0);
        assert!(one.1.abs_diff(other.1) <= 1, "{one:?} {other:?}");
    }
}

#[test]
fn usage_of_a_throttled_cpu_is_its_quota() {
    // Ten jobs on eight threads want 8 vCPUs and have 1.5: 150 ms in each period of 100.
    let mut stand = Stand::new(CpuModel::CfsQuota, 1.5, 8);
    for _ in 0..10 {
        stand.admit(ms(0), Span::from_secs(100));
    }
    stand.run_until(ms(10_000));
    let used = stand.cpu.used(ms(10_000));
    // A turn is at a whole nanosecond, so that each period may overshoot by up to one ns on each of the eight threads.
    assert!(used.abs_diff(15_000 * MS) <= 800, "{used}");
}
