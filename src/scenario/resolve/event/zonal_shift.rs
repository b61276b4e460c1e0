//! Zonal shifts: which balancers they move, and what AWS refuses.

use crate::aws::quotas::alb;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::{Context, Table};
use crate::scenario::schema;
use crate::units::Instant;

pub(super) fn zonal_shift(
    cx: &mut Context,
    shift: &schema::ZonalShift,
    event: &schema::Event,
    path: &Path,
) -> Option<ZonalShift> {
    let here = path.key("zonal_shift");
    let lasting = path.key("lasting");
    match event.lasting {
        None => cx.report_hint(
            Code::MissingKey,
            path,
            "a zonal shift expires",
            "give `lasting`, from 1m to 72h",
        ),
        Some(span) => cx.within(span.0, alb::ZONAL_SHIFT_RANGE_S, &lasting),
    }
    let away_from = ZoneIx::from_usize(cx.find(Table::Zone, &shift.away_from, &here.key("away_from"))?);
    let said = &cx.said.load_balancers.0;
    let load_balancers: Vec<usize> = match &shift.load_balancer {
        Some(name) => {
            let at = cx.find(Table::LoadBalancer, name, &here.key("load_balancer"))?;
            if !said[at].1.zonal_shift {
                let message = format!("`{name}` takes no zonal shift");
                let hint = format!("give `load_balancers.{name}` the attribute `zonal_shift: true`");
                cx.report_hint(Code::ZonalShiftRefused, &here.key("load_balancer"), message, hint);
            }
            vec![at]
        }
        None => (0..said.len()).filter(|at| said[*at].1.zonal_shift).collect(),
    };
    if load_balancers.is_empty() {
        cx.report_hint(
            Code::ZonalShiftRefused,
            &here,
            "no load balancer takes a zonal shift",
            "give one the attribute `zonal_shift: true`",
        );
    }
    for at in &load_balancers {
        let zones = said[*at].1.availability_zones.as_ref();
        if zones.is_some_and(|zones| !zones.contains(&shift.away_from)) {
            let message = format!("`{}` has no node in `{}`", said[*at].0, shift.away_from);
            cx.report(Code::ZonalShiftRefused, &here.key("away_from"), message);
        }
    }
    Some(ZonalShift {
        away_from,
        load_balancers: load_balancers.into_iter().map(LoadBalancerIx::from_usize).collect(),
        lasting: event.lasting?.0,
    })
}

/// A balancer is moved away from one zone at a time [ALB23:zonal-shift]. `before` are the events so far, in time.
pub(super) fn check_overlap(cx: &mut Context, before: &[TimedEvent], new: (Instant, &Happening), path: &Path) {
    let (at, Happening::ZonalShift(shift)) = new else {
        return;
    };
    for event in before {
        let Happening::ZonalShift(other) = &event.what else {
            continue;
        };
        let shared = other.load_balancers.iter().find(|it| shift.load_balancers.contains(it));
        if let Some(balancer) = shared
            && at < event.at + other.lasting
        {
            let name = &cx.said.load_balancers.0[balancer.at()].0;
            let message = format!("`{name}` is shifted away from a zone already");
            cx.report_hint(
                Code::ZonalShiftRefused,
                &path.key("zonal_shift"),
                message,
                "AWS shifts one zone at a time; begin after the other shift has expired",
            );
        }
    }
}
