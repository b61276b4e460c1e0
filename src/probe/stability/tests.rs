//! Verdicts on timelines made by hand: 100 requests a window, served in 10 ms before the trigger.

use super::*;

fn good() -> Seen {
    window(100, 10)
}

fn window(served: u64, millis: u64) -> Seen {
    Seen {
        offered: 100,
        served,
        latency_sum: served * millis * 1_000_000,
        sent: SenderSample::default(),
    }
}

/// Twenty good windows, then these, then so many good ones. The trigger lasts for five windows from the 20th on.
fn after(trouble: &[Seen], good_ones: usize) -> Standing {
    let mut windows = vec![good(); 20];
    windows.extend(trouble);
    windows.extend(vec![good(); good_ones]);
    standing(&windows, (20, 25))
}

#[test]
fn what_never_left_the_band_is_unharmed() {
    assert_eq!(after(&[window(97, 15); 5], 30), Standing::Unharmed);
}

#[test]
fn a_system_is_back_with_the_first_window_from_which_it_stays_in_the_band() {
    // Down for the trigger's five windows and for seven more.
    assert_eq!(after(&[window(0, 0); 12], 30), Standing::Back { after: 7 });
    assert_eq!(after(&[window(0, 0); 5], 30), Standing::Back { after: 0 });
}

#[test]
fn answers_that_are_slow_are_not_yet_the_state_before() {
    assert_eq!(after(&[window(100, 50); 9], 30), Standing::Back { after: 4 });
    assert_eq!(
        after(&[window(100, 19); 9], 30),
        Standing::Unharmed,
        "twice as slow is within"
    );
}

#[test]
fn one_good_window_in_the_middle_of_trouble_is_no_recovery() {
    let mut trouble = vec![window(0, 0); 20];
    trouble[8] = good();
    assert_eq!(after(&trouble, 30), Standing::Back { after: 15 });
}

#[test]
fn a_bad_window_now_and_then_does_not_undo_a_recovery() {
    let mut trouble = vec![window(0, 0); 6];
    trouble.extend([good(), good(), good(), window(50, 10), good()]);
    assert_eq!(after(&trouble, 30), Standing::Back { after: 1 });
}

#[test]
fn who_falls_down_again_stays_down() {
    let mut trouble = vec![window(0, 0); 6];
    trouble.extend([good(); 20]);
    trouble.extend([window(10, 10); 12]);
    assert_eq!(after(&trouble, 0), Standing::StaysDown);
}

#[test]
fn without_an_end_of_the_trigger_or_a_before_nothing_is_known() {
    assert_eq!(
        after(&[window(0, 0); 12], 1),
        Standing::NotKnown,
        "eight windows are left"
    );
    let windows = vec![good(); 40];
    assert_eq!(standing(&windows, (0, 5)), Standing::NotKnown);
}

#[test]
fn few_requests_may_differ_by_chance() {
    // Of four requests a window, 90 % served before: three standard deviations are 45 %.
    let few = |served| Seen {
        offered: 4,
        served,
        latency_sum: served * 10_000_000,
        sent: SenderSample::default(),
    };
    let band = Band {
        goodput: 0.9,
        latency: 1e7,
    };
    assert!(band.has_goodput(&few(2)) && !band.has_goodput(&few(1)));
}
