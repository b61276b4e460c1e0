//! Traffic: where requests go, when they come, and of which kinds they are.

use super::{Context, Table, balancer, behaviour, each, guard, program};
use crate::blueprint::*;
use crate::scenario::diagnostic::{Code, Diagnostic};
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Duration, Form, Rate};
use crate::scenario::table;
use crate::units::{Instant, Span};
use std::net::IpAddr;

/// A row of `per_minute` may not ask for more than this.
const MAX_RATE: f64 = 1e9;

pub(super) fn traffic(cx: &mut Context) -> (Vec<Traffic>, Vec<RequestClass>) {
    let root = Path::Root;
    let section = root.key("traffic");
    let mut all = Vec::new();
    let mut classes = Vec::new();
    each(&cx.said.traffic, &section, |at, name, said, path| {
        let mine = requests(cx, TrafficIx::from_usize(at), said, &mut classes, path);
        let retry = behaviour::retry(cx, said.retry.as_ref(), &path.key("retry"));
        let guards = guard::guards(cx, guard::Said::of_traffic(said), path);
        let to = destination(cx, said, path);
        let source = source(cx, said, &mine, &classes, path);
        if let Some(timeout) = said.timeout {
            program::check_timeout(cx, timeout.0, 2, &path.key("timeout"));
        }
        if let (Some(to), Some(source)) = (to, source) {
            let timeout = said.timeout.map(|timeout| timeout.0);
            all.push(Traffic {
                name: name.to_owned(),
                to,
                source,
                clients: said.clients,
                classes: mine,
                timeout,
                retry,
                guards,
            });
        }
    });
    (all, classes)
}

fn destination(cx: &mut Context, said: &schema::Traffic, path: &Path) -> Option<Destination> {
    let to = path.key("to");
    let through_balancer = said.to.contains('/') || cx.said.load_balancers.get(&said.to).is_some();
    if through_balancer {
        if said.balancing.is_some() {
            let message = "`balancing` means nothing through a load balancer";
            cx.report_hint(
                Code::ConflictingKeys,
                &path.key("balancing"),
                message,
                "say it in the target group: `load_balancing_algorithm`",
            );
        }
        let (load_balancer, listener) = balancer::listener(cx, &said.to, &to)?;
        return Some(Destination::LoadBalancer {
            load_balancer,
            listener,
        });
    }
    match cx.said.services.position(&said.to) {
        Some(service) => Some(Destination::Service {
            service: ServiceIx::from_usize(service),
            balancing: behaviour::balancing(said.balancing),
        }),
        None => {
            cx.unknown(&[Table::LoadBalancer, Table::Service], &said.to, &to);
            None
        }
    }
}

/// A client's address.
fn address(cx: &mut Context, said: Option<&str>, path: &Path) -> Option<IpAddr> {
    let said = said?;
    let address = said.parse().ok();
    if address.is_none() {
        cx.problems.report_with(
            Code::MalformedAddress,
            path,
            format!("`{said}` is not an address"),
            |d| d.expected("an IPv4 or IPv6 address, like `203.0.113.7`"),
        );
    }
    address
}

fn requests(
    cx: &mut Context,
    traffic: TrafficIx,
    said: &schema::Traffic,
    classes: &mut Vec<RequestClass>,
    path: &Path,
) -> Vec<(ClassIx, f64)> {
    let section = path.key("requests");
    let mut mine = Vec::new();
    for (at, request) in said.requests.iter().enumerate() {
        let here = section.at(at);
        if classes.iter().any(|class| class.name == request.name) {
            let message = format!("another kind of request is called `{}`", request.name);
            cx.report(Code::NameTaken, &here.key("name"), message);
        }
        let methods = [
            (Method::Get, "get", &request.get),
            (Method::Head, "head", &request.head),
            (Method::Post, "post", &request.post),
            (Method::Put, "put", &request.put),
            (Method::Patch, "patch", &request.patch),
            (Method::Delete, "delete", &request.delete),
            (Method::Options, "options", &request.options),
        ];
        let given: Vec<_> = methods
            .into_iter()
            .filter_map(|(method, key, path)| Some((method, key, path.as_ref()?)))
            .collect();
        let [(method, key, target)] = given.as_slice() else {
            cx.problems.report_with(
                Code::NotExactlyOne,
                &here,
                "what this request asks is not clear",
                |diagnostic| {
                    diagnostic.expected("one of `get`, `post`, `put`, `patch`, `delete`, `head`, `options` with a path")
                },
            );
            continue;
        };
        if !target.starts_with('/') {
            let message = format!("`{target}` is not a path");
            cx.problems
                .report_with(Code::MalformedRoute, &here.key(key), message, |diagnostic| {
                    diagnostic.expected("a path that begins with `/`")
                });
        }
        mine.push((ClassIx::from_usize(classes.len()), request.weight));
        classes.push(RequestClass {
            name: request.name.clone(),
            traffic,
            http: HttpRequest {
                method: *method,
                host: request.host.clone().unwrap_or_default(),
                path: (*target).clone(),
                headers: request.headers.0.clone(),
                source: address(cx, request.source_ip.as_deref(), &here.key("source_ip")),
            },
        });
    }
    let sum: f64 = mine.iter().map(|(_, weight)| weight).sum();
    if !mine.is_empty() && sum <= 0.0 {
        cx.report_hint(
            Code::WeightsSumToZero,
            &section,
            "the weights add up to 0",
            "give one of them a weight above 0",
        );
    }
    mine
}

fn source(
    cx: &mut Context,
    said: &schema::Traffic,
    mine: &[(ClassIx, f64)],
    classes: &[RequestClass],
    path: &Path,
) -> Option<Source> {
    match (&said.rate, &said.trace, said.users) {
        (Some(rate), None, None) => {
            only_with(cx, "think_time", said.think_time.is_some(), "users", path);
            let profile = profile(cx, rate, &path.key("rate"))?;
            let arrivals = arrivals(cx, said.arrivals.as_ref(), &path.key("arrivals"));
            Some(Source::Open { profile, arrivals })
        }
        (None, Some(file), None) => {
            only_with(cx, "think_time", said.think_time.is_some(), "users", path);
            only_with(cx, "arrivals", said.arrivals.is_some(), "rate", path);
            recorded(cx, file, mine, classes, &path.key("trace"))
        }
        (None, None, Some(users)) => {
            if said.clients.is_some() {
                let message = "`users` are clients already";
                cx.report(Code::ConflictingKeys, &path.key("clients"), message);
            }
            only_with(cx, "arrivals", said.arrivals.is_some(), "rate", path);
            let think_time = match &said.think_time {
                Some(time) => cx.dist(time, &path.key("think_time")),
                None => cx.dist(&schema::constant(0), path),
            };
            Some(Source::Closed { users, think_time })
        }
        _ => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "when the requests come is not clear",
                |diagnostic| diagnostic.expected("one of `rate: 100/s`, `trace: file.csv` and `users: 50`"),
            );
            None
        }
    }
}

fn only_with(cx: &mut Context, key: &str, given: bool, other: &str, path: &Path) {
    if given {
        cx.report(
            Code::ConflictingKeys,
            &path.key(key),
            format!("`{key}` means something with `{other}` only"),
        );
    }
}

fn arrivals(cx: &mut Context, said: Option<&schema::Arrivals>, path: &Path) -> Arrivals {
    match said {
        None | Some(schema::Arrivals::Poisson) => Arrivals::Poisson,
        Some(schema::Arrivals::Regular) => Arrivals::Regular,
        Some(schema::Arrivals::Bursty(bursty)) => {
            let here = path.key("bursty");
            cx.positive(bursty.mean_high.0, &here.key("mean_high"));
            cx.positive(bursty.mean_low.0, &here.key("mean_low"));
            Arrivals::Bursty {
                ratio: bursty.ratio,
                mean_high: bursty.mean_high.0,
                mean_low: bursty.mean_low.0,
            }
        }
    }
}

fn profile(cx: &mut Context, said: &Form<Rate, schema::RateProfile>, path: &Path) -> Option<RateProfile> {
    match said {
        Form::Short(rate) => Some(RateProfile::constant(rate.0)),
        Form::Long(schema::RateProfile::Points(points)) => {
            let points = ordered(cx, points, &path.key("points"))?;
            Some(linear(cx.said.warm_up.0, points))
        }
        Form::Long(schema::RateProfile::Steps(steps)) => {
            let steps = ordered(cx, steps, &path.key("steps"))?;
            Some(stepped(cx.said.warm_up.0, steps))
        }
        Form::Long(schema::RateProfile::PerMinute(file)) => {
            let table = table::read(cx, file, &path.key("per_minute"))?;
            let counts = table.numbers(cx, 0)?;
            if let Some(row) = counts.iter().position(|count| *count > MAX_RATE) {
                let place = table.cell(row, 0).map_or_else(|place| place, |(_, place)| place);
                cx.problems.push(Diagnostic::new(
                    Code::MalformedTable,
                    place,
                    "more requests than anyone can simulate",
                ));
                return None;
            }
            let minute = |at: usize| Duration(Span::from_secs(at as u64 * 60));
            let steps: Vec<_> = counts
                .iter()
                .enumerate()
                .map(|(at, count)| (minute(at), Rate(count / 60.0)))
                .collect();
            Some(stepped(cx.said.warm_up.0, &steps))
        }
    }
}

fn ordered<'a>(cx: &mut Context, points: &'a [(Duration, Rate)], path: &Path) -> Option<&'a [(Duration, Rate)]> {
    if points.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, path, "a rate of no points", |d| {
                d.expected("at least one pair")
            });
        return None;
    }
    let mut good = true;
    for at in 1..points.len() {
        if points[at].0.0 <= points[at - 1].0.0 {
            let message = "this time is not later than the one before";
            cx.report(Code::PointsOutOfOrder, &path.at(at), message);
            good = false;
        }
    }
    good.then_some(points)
}

/// Linear between the points; the first rate holds from the beginning of the warm-up, the last for ever.
fn linear(warm_up: Span, points: &[(Duration, Rate)]) -> RateProfile {
    let at = |time: Duration| Instant::ZERO + warm_up + time.0;
    let mut segments = Vec::new();
    let (first_time, first_rate) = points[0];
    if at(first_time) > Instant::ZERO {
        let rate = first_rate.0;
        segments.push(RateSegment {
            start: Instant::ZERO,
            end: at(first_time),
            from: rate,
            to: rate,
        });
    }
    for pair in points.windows(2) {
        let [(start, from), (end, to)] = [pair[0], pair[1]];
        segments.push(RateSegment {
            start: at(start),
            end: at(end),
            from: from.0,
            to: to.0,
        });
    }
    if segments.is_empty() {
        return RateProfile::constant(first_rate.0);
    }
    RateProfile { segments }
}

/// Each rate from its time on; the first also before.
fn stepped(warm_up: Span, steps: &[(Duration, Rate)]) -> RateProfile {
    let at = |time: Duration| Instant::ZERO + warm_up + time.0;
    let mut segments = Vec::new();
    for (position, (_, rate)) in steps.iter().enumerate() {
        let start = if position == 0 {
            Instant::ZERO
        } else {
            at(steps[position].0)
        };
        // The last segment's rate holds for ever, so its length does not matter.
        let end = steps
            .get(position + 1)
            .map_or(start + Span::from_secs(1), |next| at(next.0));
        segments.push(RateSegment {
            start,
            end,
            from: rate.0,
            to: rate.0,
        });
    }
    segments.retain(|segment| segment.end > segment.start);
    RateProfile { segments }
}

fn recorded(
    cx: &mut Context,
    file: &str,
    mine: &[(ClassIx, f64)],
    classes: &[RequestClass],
    path: &Path,
) -> Option<Source> {
    let table = table::read(cx, file, path)?;
    let time_column = if table.header.is_empty() {
        Some(0)
    } else {
        table.column("time_s")
    };
    let Some(time_column) = time_column else {
        cx.problems.report_with(
            Code::MalformedTable,
            path,
            format!("`{file}` has no column `time_s`"),
            |diagnostic| diagnostic.expected("a header with `time_s` and perhaps `class`"),
        );
        return None;
    };
    let class_column = table.column("class");
    let times = table.numbers(cx, time_column)?;
    let warm_up = cx.said.warm_up.0;
    let mut arrivals = Vec::with_capacity(times.len());
    let mut good = true;
    for (row, time) in times.iter().enumerate() {
        let place = table
            .cell(row, time_column)
            .map_or_else(|place| place, |(_, place)| place);
        if row > 0 && *time < times[row - 1] && good {
            let message = format!("{time} comes before {}, which stands above it", times[row - 1]);
            cx.problems
                .push(Diagnostic::new(Code::TraceOutOfOrder, place, message).expected("times in order"));
            good = false;
        }
        let class = match class_column {
            None => None,
            Some(column) => match table.cell(row, column) {
                Ok((name, place)) => {
                    let found = mine.iter().find(|(class, _)| classes[class.at()].name == name);
                    if found.is_none() && good {
                        let known = mine.iter().map(|(class, _)| classes[class.at()].name.as_str());
                        let diagnostic =
                            Diagnostic::new(Code::UnknownName, place, format!("there is no request `{name}`"));
                        cx.problems.push(diagnostic.did_you_mean(name, known));
                        good = false;
                    }
                    found.map(|(class, _)| *class)
                }
                Err(place) => {
                    if good {
                        cx.problems
                            .push(Diagnostic::new(Code::MalformedTable, place, "this row names no class"));
                        good = false;
                    }
                    None
                }
            },
        };
        arrivals.push(RecordedArrival {
            at: Instant::ZERO + warm_up + Span::from_secs_f64(*time),
            class,
        });
    }
    good.then(|| Source::Recorded(arrivals.into()))
}
