//! Spikes of traffic that an event brings: for a while the rate is so many times what its profile says.
//!
//! What is known beforehand is part of the profile, so a spike is resolved into it; the event itself only tells.

use crate::blueprint::{FaultKind, RateProfile, TrafficIx};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::{Context, Table};
use crate::scenario::schema;
use crate::units::{Instant, Span};

/// The profile of a traffic with all its spikes; several at once multiply.
pub(super) fn multiply(cx: &Context, profile: RateProfile, traffic: &str) -> RateProfile {
    let mut profile = profile;
    for event in &cx.said.events {
        let Some(spike) = event.traffic_spike.as_ref().filter(|spike| spike.traffic == traffic) else {
            continue;
        };
        let from = Instant::ZERO + cx.said.warm_up.0 + event.at.map_or(Span::ZERO, |at| at.0);
        let until = event.lasting.map_or(Instant::NEVER, |lasting| from + lasting.0);
        profile = profile.times(spike.factor.0, from, until);
    }
    profile
}

/// The event with its label.
pub(in crate::scenario::resolve) fn fault(
    cx: &mut Context,
    said: &schema::TrafficSpike,
    path: &Path,
) -> Option<(String, FaultKind)> {
    let found = cx.find(Table::Traffic, &said.traffic, &path.key("traffic"))?;
    if cx.said.traffic.0[found].1.rate.is_none() {
        let message = format!(
            "the requests of `{}` come when they come: they have no `rate`",
            said.traffic
        );
        cx.report(Code::ConflictingKeys, &path.key("traffic"), message);
    }
    let label = format!("traffic_spike {} by {}x", said.traffic, said.factor.0);
    let traffic = TrafficIx::from_usize(found);
    Some((label, FaultKind::TrafficSpike { traffic }))
}
