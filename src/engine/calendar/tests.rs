//! The calendar against a plain list of (time, number of scheduling): the same events at the same times in the same
//! order, whatever lanes and timers do.

use super::*;
use proptest::prelude::*;

/// Orders among the first of an instant are below this.
const FIRSTS: u64 = 1 << 20;

/// The obvious calendar: every event with its time and number, searched for the least.
#[derive(Default)]
struct Plain {
    now: u64,
    scheduled: u64,
    pending: Vec<(u64, u64, u32)>,
}

impl Plain {
    fn schedule(&mut self, at: u64, event: u32) {
        self.scheduled += 1;
        self.pending.push((at, FIRSTS + self.scheduled, event));
    }

    fn schedule_first(&mut self, at: u64, order: u64, event: u32) {
        if at == self.now {
            return self.schedule(at, event);
        }
        self.pending.push((at, order, event));
    }

    fn cancel(&mut self, event: u32) {
        self.pending.retain(|&(_, _, other)| other != event);
    }

    fn pop_until(&mut self, limit: u64) -> Option<u32> {
        let Some(&least) = self.pending.iter().min().filter(|least| least.0 <= limit) else {
            self.now = self.now.max(limit);
            return None;
        };
        self.pending.retain(|&other| other != least);
        self.now = least.0;
        Some(least.2)
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Schedule(u64),
    First(u64),
    InLane(u64),
    /// In the lane of one delay with the delay of another, as when a fault has changed it.
    InLaneAfter(u64, u64),
    Arm(usize, u64),
    Disarm(usize),
    Renew(usize),
    Pop,
    PopUntil(u64),
}

fn operation() -> impl Strategy<Value = Operation> {
    // Few distinct delays, so that times tie often.
    let delay = 0u64..6;
    prop_oneof![
        3 => delay.clone().prop_map(Operation::Schedule),
        2 => delay.clone().prop_map(Operation::First),
        4 => delay.clone().prop_map(Operation::InLane),
        2 => (delay.clone(), delay.clone()).prop_map(|(lane, delay)| Operation::InLaneAfter(lane, delay)),
        3 => (0usize..8, delay.clone()).prop_map(|(timer, delay)| Operation::Arm(timer, delay)),
        1 => (0usize..8).prop_map(Operation::Disarm),
        1 => (0usize..8).prop_map(Operation::Renew),
        6 => Just(Operation::Pop),
        1 => delay.prop_map(Operation::PopUntil),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn events_come_as_from_a_plain_list(operations in prop::collection::vec(operation(), 0..400)) {
        let mut calendar = Calendar::new();
        let mut plain = Plain::default();
        // Timers carry the events 0 to 7, everything else a number of its own.
        let mut timers: Vec<TimerId> = (0..8).map(|event| calendar.timer(event)).collect();
        let mut event = 8;
        for operation in operations {
            event += 1;
            match operation {
                Operation::Schedule(delay) => {
                    calendar.schedule_in(Span::from_nanos(delay), event);
                    plain.schedule(plain.now + delay, event);
                }
                Operation::First(delay) => {
                    // Later ones come earlier, to tell this order from that of scheduling.
                    let order = FIRSTS - u64::from(event);
                    calendar.schedule_first(calendar.now() + Span::from_nanos(delay), order, event);
                    plain.schedule_first(plain.now + delay, order, event);
                }
                Operation::InLane(delay) => {
                    let lane = calendar.lane(Span::from_nanos(delay));
                    calendar.schedule_in_lane(lane, event);
                    plain.schedule(plain.now + delay, event);
                }
                Operation::InLaneAfter(lane, delay) => {
                    let lane = calendar.lane(Span::from_nanos(lane));
                    calendar.schedule_at_in_lane(lane, calendar.now() + Span::from_nanos(delay), event);
                    plain.schedule(plain.now + delay, event);
                }
                Operation::Arm(timer, delay) => {
                    calendar.arm(timers[timer], calendar.now() + Span::from_nanos(delay));
                    plain.cancel(timer as u32);
                    plain.schedule(plain.now + delay, timer as u32);
                }
                Operation::Disarm(timer) => {
                    calendar.disarm(timers[timer]);
                    plain.cancel(timer as u32);
                }
                Operation::Renew(timer) => {
                    calendar.drop_timer(timers[timer]);
                    timers[timer] = calendar.timer(timer as u32);
                    plain.cancel(timer as u32);
                }
                Operation::Pop => {
                    let expected = if plain.pending.is_empty() { None } else { plain.pop_until(u64::MAX) };
                    prop_assert_eq!(calendar.pop(), expected);
                }
                Operation::PopUntil(delay) => {
                    let limit = calendar.now() + Span::from_nanos(delay);
                    prop_assert_eq!(calendar.pop_until(limit), plain.pop_until(limit.nanos()));
                }
            }
            prop_assert_eq!(calendar.now().nanos(), plain.now);
            prop_assert_eq!(calendar.len(), plain.pending.len());
            let next = plain.pending.iter().min().map(|&(at, _, _)| Instant::from_nanos(at));
            prop_assert_eq!(calendar.peek_time(), next);
            for (event, &timer) in timers.iter().enumerate() {
                let armed = plain.pending.iter().find(|&&(_, _, other)| other == event as u32);
                prop_assert_eq!(calendar.armed_at(timer), armed.map(|&(at, _, _)| Instant::from_nanos(at)));
            }
        }
        while let Some(event) = calendar.pop() {
            prop_assert_eq!(Some(event), plain.pop_until(u64::MAX));
        }
        prop_assert!(plain.pending.is_empty());
    }
}

#[test]
fn events_of_one_instant_come_in_the_order_of_scheduling_from_all_sources() {
    let mut calendar = Calendar::new();
    let delay = Span::from_millis(5);
    let lane = calendar.lane(delay);
    let timer = calendar.timer("timer");
    calendar.schedule_in_lane(lane, "lane 1");
    calendar.arm(timer, Instant::ZERO + delay);
    calendar.schedule_in(delay, "heap");
    calendar.schedule_in_lane(lane, "lane 2");
    let order: Vec<_> = std::iter::from_fn(|| calendar.pop()).collect();
    assert_eq!(order, ["lane 1", "timer", "heap", "lane 2"]);
    assert_eq!(calendar.now(), Instant::ZERO + delay);
}

#[test]
fn arming_anew_takes_a_new_place_among_equals() {
    let mut calendar = Calendar::new();
    let timer = calendar.timer("timer");
    calendar.arm(timer, Instant::from_nanos(9));
    calendar.schedule_at(Instant::from_nanos(9), "event");
    calendar.arm(timer, Instant::from_nanos(9));
    assert_eq!(
        [calendar.pop(), calendar.pop(), calendar.pop()],
        [Some("event"), Some("timer"), None]
    );
    assert_eq!(calendar.armed_at(timer), None, "a timer that went off is disarmed");
}

#[test]
fn equal_delays_share_a_lane() {
    let mut calendar = Calendar::<u32>::new();
    let lane = calendar.lane(Span::from_millis(1));
    assert_eq!(calendar.lane(Span::from_nanos(1_000_000)), lane);
    assert_ne!(calendar.lane(Span::ZERO), lane);
}

#[test]
fn a_delay_that_varies_has_a_lane_of_its_own_and_keeps_the_order() {
    let mut calendar = Calendar::new();
    let (own, other) = (calendar.own_lane(), calendar.own_lane());
    assert_ne!(own, other);
    // The second is due before the first, and the fourth with the third.
    for (event, at) in [(1, 30), (2, 20), (3, 40), (4, 40)] {
        calendar.schedule_at_in_lane(own, Instant::from_nanos(at), event);
    }
    let order: Vec<u32> = std::iter::from_fn(|| calendar.pop()).collect();
    assert_eq!(order, [2, 1, 3, 4]);
}

#[test]
fn what_is_scheduled_for_never_takes_no_room() {
    let mut calendar = Calendar::new();
    let forever = calendar.lane(Span::FOREVER);
    let timer = calendar.timer(3);
    calendar.schedule_in(Span::FOREVER, 1);
    calendar.schedule_in_lane(forever, 2);
    calendar.arm(timer, Instant::from_nanos(4));
    calendar.arm(timer, Instant::NEVER);
    assert_eq!((calendar.len(), calendar.pop()), (0, None));
}

#[test]
fn more_lanes_than_a_key_can_number_still_keep_the_order() {
    let mut calendar = Calendar::new();
    for delay in (0..70_000u64).rev() {
        let lane = calendar.lane(Span::from_nanos(delay));
        calendar.schedule_in_lane(lane, delay);
        calendar.schedule_in_lane(lane, delay);
    }
    for delay in 0..70_000 {
        assert_eq!([calendar.pop(), calendar.pop()], [Some(delay), Some(delay)]);
    }
}

#[test]
#[should_panic(expected = "scheduled in the past")]
fn scheduling_in_the_past_is_a_bug() {
    let mut calendar = Calendar::new();
    calendar.pop_until(Instant::from_nanos(2));
    calendar.schedule_at(Instant::from_nanos(1), ());
}

#[test]
#[should_panic(expected = "used after it was dropped")]
fn using_a_dropped_timer_is_a_bug() {
    let mut calendar = Calendar::new();
    let timer = calendar.timer(());
    calendar.drop_timer(timer);
    calendar.arm(timer, Instant::ZERO);
}

#[test]
fn an_entry_is_as_small_as_its_key_and_a_sixteen_byte_event() {
    assert_eq!(size_of::<Entry<[u64; 2]>>(), 32);
}
