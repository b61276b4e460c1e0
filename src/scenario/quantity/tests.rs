use super::*;
use proptest::prelude::*;

#[test]
fn reads_times_exactly() {
    for (text, nanos) in [
        ("250ms", 250_000_000),
        ("0.1ms", 100_000),
        ("1.5s", 1_500_000_000),
        ("20us", 20_000),
        ("20µs", 20_000),
        ("7ns", 7),
        ("10m", 600_000_000_000),
        ("2h", 7_200_000_000_000),
        ("1d", 86_400_000_000_000),
        ("1e3 ms", 1_000_000_000),
        ("0.000000001s", 1),
        ("0s", 0),
        ("-0s", 0),
        (".5s", 500_000_000),
    ] {
        assert_eq!(duration(text), Ok(Span::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn refuses_what_is_no_time() {
    assert_eq!(duration("10"), Err(Flaw::NoUnit));
    assert_eq!(duration("-1s"), Err(Flaw::Negative));
    assert_eq!(duration(".nan"), Err(Flaw::NotFinite));
    assert_eq!(duration("inf"), Err(Flaw::NotFinite));
    assert_eq!(duration("1 fortnight"), Err(Flaw::Malformed));
    assert_eq!(duration("ten s"), Err(Flaw::Malformed));
    assert_eq!(duration("1.2.3s"), Err(Flaw::Malformed));
    assert!(matches!(duration("0.1ns"), Err(Flaw::OutOfRange(_))));
    assert!(matches!(duration("1e30s"), Err(Flaw::OutOfRange(_))));
    assert!(matches!(duration("600000d"), Err(Flaw::OutOfRange(_))));
    assert!(matches!(
        duration("99999999999999999999999999999999s"),
        Err(Flaw::OutOfRange(_))
    ));
}

#[test]
fn reads_sizes() {
    assert_eq!(cpu("0.25 vCPU"), Ok(CpuUnits(256)));
    assert_eq!(cpu("512"), Ok(CpuUnits(512)));
    assert!(matches!(cpu("0.3 vCPU"), Err(Flaw::OutOfRange(_))));
    assert_eq!(cpu("2 cores"), Err(Flaw::Malformed));
    assert_eq!(memory("2 GiB"), Ok(MiB(2048)));
    assert_eq!(memory("0.5GiB"), Ok(MiB(512)));
    assert_eq!(memory("512"), Err(Flaw::NoUnit));
    assert_eq!(memory("512 MB"), Err(Flaw::Malformed));
    assert_eq!(rate("90/m"), Ok(1.5));
    assert_eq!(ratio("70%").map(Ratio::get), Ok(0.7));
    assert_eq!(ratio("0.7"), Err(Flaw::NoUnit));
    assert!(matches!(ratio("101%"), Err(Flaw::OutOfRange(_))));
    assert_eq!(factor("1.4x"), Ok(1.4));
    assert_eq!(status_codes("200-299,301"), Ok(vec![(200, 299), (301, 301)]));
    assert!(status_codes("500").is_err());
    assert_eq!(intervals("0s"), Ok(0.0));
    assert_eq!(intervals("1 interval"), Ok(1.0));
    assert_eq!(level("250ms"), Ok(Level::Duration(Span::from_millis(250))));
}

#[test]
fn a_rate_beyond_the_clocks_step_is_refused() {
    assert_eq!(rate("999999999/s"), Ok(999_999_999.0));
    for text in ["1e300/s", "1000000000/s", "1e11/m"] {
        assert!(matches!(rate(text), Err(Flaw::OutOfRange(_))), "{text}");
    }
}

#[test]
fn prints_what_a_person_would_write() {
    for text in ["250ms", "1.5s", "90s", "10m", "2h", "1d", "20us", "0s", "0.25ms"] {
        let printed = print_duration(duration(text).expect("valid"));
        assert_eq!(duration(&printed), duration(text));
    }
    assert_eq!(print_duration(Span::from_secs(90)), "90s");
    assert_eq!(print_duration(Span::from_millis(1500)), "1.5s");
    assert_eq!(print_ratio(Ratio::new(0.07).expect("a share")), "7%");
    assert_eq!(print_memory(MiB(2048)), "2 GiB");
    assert_eq!(print_cpu(CpuUnits(256)), "0.25 vCPU");
}

#[test]
fn knows_the_calendar() {
    assert_eq!(moment("1970-01-01T00:00:00Z"), Ok(0));
    assert_eq!(moment("2026-11-27T18:00:00Z"), Ok(1_795_802_400));
    assert_eq!(moment("2000-02-29T00:00Z"), Ok(951_782_400));
    assert!(moment("2026-02-29T00:00:00Z").is_err());
    assert!(moment("2026-13-01T00:00:00Z").is_err());
    assert!(moment("2026-11-27 18:00").is_err());
    assert_eq!(
        Date {
            year: 2026,
            month: 11,
            day: 27
        }
        .weekday(),
        5
    );
}

proptest! {
    #[test]
    fn printed_times_read_back(nanos in 0_u64..1_000_000_000_000_000_000) {
        let span = Span::from_nanos(nanos);
        prop_assert_eq!(duration(&print_duration(span)), Ok(span));
    }

    #[test]
    fn printed_shares_and_sizes_read_back(share in 0.0..=1.0_f64, units in 0_u32..200_000, mib in 0_u64..10_000_000) {
        let share = Ratio::new(share).expect("a share");
        prop_assert_eq!(ratio(&print_ratio(share)), Ok(share));
        prop_assert_eq!(cpu(&print_cpu(CpuUnits(units))), Ok(CpuUnits(units)));
        prop_assert_eq!(memory(&print_memory(MiB(mib))), Ok(MiB(mib)));
    }

    #[test]
    fn printed_moments_read_back(seconds in -30_000_000_000_i64..100_000_000_000) {
        prop_assert_eq!(moment(&print_moment(seconds)), Ok(seconds));
    }

    #[test]
    fn no_text_panics(text in "[-+0-9.eE a-zA-Z%/µ]{0,20}") {
        for kind in Kind::ALL {
            let _ = kind.check(&text);
        }
    }
}
