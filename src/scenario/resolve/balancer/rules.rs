//! Listeners and their rules: conditions, actions, and who may forward to whom.

use crate::aws::quotas::alb;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::{Context, Table, behaviour, each};
use crate::scenario::schema::{self, Named};
use crate::units::Span;

pub(super) fn listeners(
    cx: &mut Context,
    at: usize,
    balancer: &str,
    said: &Named<schema::Listener>,
    path: &Path,
) -> Vec<Listener> {
    let section = path.key("listeners");
    if said.is_empty() {
        cx.report(
            Code::NoListener,
            path,
            format!("`{balancer}` has no listener, so nothing can reach it"),
        );
    }
    let mut listeners: Vec<Listener> = Vec::new();
    each(said, &section, |_, name, listener, path| {
        if let Some(other) = listeners.iter().find(|other| other.port == listener.port) {
            let message = format!("port {} is `{}`'s already", listener.port, other.name);
            cx.report(Code::DuplicatePort, &path.key("port"), message);
        }
        let here = path.key("default_action");
        let default_action = match &listener.default_action {
            schema::Action::Forward(groups) => Action::Forward(forward(cx, at, groups, &here.key("forward"))),
            schema::Action::FixedResponse(code) => fixed_response(cx, *code, &here.key("fixed_response")),
            schema::Action::Redirect(redirect) => redirected(*redirect),
        };
        let stickiness = listener.target_group_stickiness;
        let group_stickiness = group_stickiness(cx, stickiness, &default_action, path);
        let rules = rules(cx, at, &listener.rules, &path.key("rules"));
        listeners.push(Listener {
            name: name.to_owned(),
            port: listener.port,
            rules,
            default_action,
            group_stickiness,
        });
    });
    listeners
}

fn rules(cx: &mut Context, balancer: usize, said: &[schema::Rule], path: &Path) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for (at, rule) in said.iter().enumerate() {
        let path = path.at(at);
        if said[..at].iter().any(|other| other.priority == rule.priority) {
            let message = format!("another rule of this listener has the priority {}", rule.priority);
            cx.report(Code::DuplicatePriority, &path.key("priority"), message);
        }
        values(cx, rule, &path);
        let Some(action) = action(cx, balancer, rule, &path) else {
            continue;
        };
        let group_stickiness = group_stickiness(cx, rule.target_group_stickiness, &action, &path);
        let sources = sources(cx, &rule.source_ip, &path.key("source_ip"));
        rules.push(Rule {
            priority: rule.priority,
            paths: patterns(&rule.path_pattern),
            hosts: patterns(&rule.host_header),
            methods: rule
                .http_request_method
                .iter()
                .map(|method| behaviour::method(*method))
                .collect(),
            sources,
            headers: rule.http_header.iter().map(header).collect(),
            queries: rule.query_string.iter().map(query).collect(),
            action,
            group_stickiness,
        });
    }
    rules.sort_by_key(|rule| rule.priority);
    rules
}

/// Stickiness of groups, which is a part of forwarding [BC:elbv2 TargetGroupStickinessConfig].
fn group_stickiness(
    cx: &mut Context,
    said: Option<schema::GroupStickiness>,
    action: &Action,
    path: &Path,
) -> Option<Span> {
    let said = said?;
    let here = path.key("target_group_stickiness");
    cx.within(said.duration.0, alb::STICKINESS_RANGE_S, &here.key("duration"));
    if !matches!(action, Action::Forward(groups) if groups.len() > 1) {
        let message = "there is one target group or none to stay with";
        cx.report_hint(
            Code::ConflictingKeys,
            &here,
            message,
            "leave it out, or forward to several",
        );
    }
    Some(said.duration.0)
}

fn patterns(said: &[String]) -> Vec<PathPattern> {
    said.iter().cloned().map(PathPattern).collect()
}

fn header(said: &schema::HttpHeader) -> HeaderCondition {
    HeaderCondition {
        name: said.http_header_name.clone(),
        values: patterns(&said.values),
    }
}

fn query(said: &schema::QueryString) -> QueryCondition {
    let pair = |pair: &schema::KeyValue| QueryPair {
        key: pair.key.clone().map(PathPattern),
        value: PathPattern(pair.value.clone()),
    };
    QueryCondition {
        pairs: said.values.iter().map(pair).collect(),
    }
}

/// Counts and lengths of the values in a rule's conditions [ALB23:load-balancer-listeners, load-balancer-limits].
fn values(cx: &mut Context, rule: &schema::Rule, path: &Path) {
    let mut counts = vec![
        ("path_pattern", rule.path_pattern.len()),
        ("host_header", rule.host_header.len()),
        ("http_request_method", rule.http_request_method.len()),
        ("source_ip", rule.source_ip.len()),
    ];
    counts.retain(|(_, count)| *count > 0);
    counts.extend(rule.http_header.iter().map(|each| ("http_header", each.values.len())));
    counts.extend(rule.query_string.iter().map(|each| ("query_string", each.values.len())));
    if counts.is_empty() {
        cx.problems
            .report_with(Code::MissingKey, path, "this rule has no condition", |diagnostic| {
                diagnostic
                    .expected(
                        "`path_pattern`, `host_header`, `http_request_method`, `source_ip`, `http_header` or `query_string`",
                    )
                    .hint("what all requests get is the listener's `default_action`")
            });
    }
    for (key, count) in &counts {
        if *count == 0 || *count > alb::VALUES_PER_CONDITION {
            let message = format!("{count} values in a condition");
            cx.problems
                .report_with(Code::WrongLength, &path.key(key), message, |d| {
                    d.expected(format!("1 to {}, as AWS allows", alb::VALUES_PER_CONDITION))
                });
        }
    }
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    if all > alb::VALUES_PER_RULE {
        let message = format!("{all} values in the conditions of a rule");
        cx.problems.report_with(Code::WrongLength, path, message, |d| {
            d.expected(format!("at most {}, as AWS allows", alb::VALUES_PER_RULE))
        });
    }
    let texts = texts(rule);
    for (key, text) in &texts {
        if text.is_empty() || text.len() > alb::PATTERN_LENGTH {
            let message = "a value has 1 to 128 characters";
            cx.report(Code::WrongLength, &path.key(key), message);
        }
    }
    let wildcards: usize = texts.iter().map(|(_, text)| text.matches(['*', '?']).count()).sum();
    if wildcards > alb::WILDCARDS_PER_RULE {
        let message = format!("{wildcards} wildcards in the conditions of a rule");
        cx.problems.report_with(Code::WrongLength, path, message, |d| {
            d.expected(format!(
                "at most {} of `*` and `?`, as AWS allows",
                alb::WILDCARDS_PER_RULE
            ))
        });
    }
    for (at, header) in rule.http_header.iter().enumerate() {
        let section = path.key("http_header");
        let here = section.at(at);
        let here = here.key("http_header_name");
        let name = &header.http_header_name;
        if name.is_empty() || name.len() > alb::HEADER_NAME_LENGTH {
            cx.report(Code::WrongLength, &here, "a header's name has 1 to 40 characters");
        }
        if name.eq_ignore_ascii_case("host") {
            let message = "AWS takes no `http_header` condition on the host";
            cx.report_hint(Code::ConflictingKeys, &here, message, "use `host_header`");
        }
    }
}

/// Every text with wildcards, with its key.
fn texts(rule: &schema::Rule) -> Vec<(&'static str, &str)> {
    let mut texts: Vec<(&'static str, &str)> = Vec::new();
    let lists = [("path_pattern", &rule.path_pattern), ("host_header", &rule.host_header)];
    for (key, list) in lists {
        texts.extend(list.iter().map(|text| (key, text.as_str())));
    }
    for header in &rule.http_header {
        texts.extend(header.values.iter().map(|text| ("http_header", text.as_str())));
    }
    for pair in rule.query_string.iter().flat_map(|query| &query.values) {
        let both = pair.key.iter().chain([&pair.value]);
        texts.extend(both.map(|text| ("query_string", text.as_str())));
    }
    texts
}

fn sources(cx: &mut Context, said: &[String], path: &Path) -> Vec<Cidr> {
    let mut blocks = Vec::new();
    for (at, text) in said.iter().enumerate() {
        match cidr(text) {
            Some(block) => blocks.push(block),
            None => cx.problems.report_with(
                Code::MalformedAddress,
                &path.at(at),
                format!("`{text}` is not a block of addresses"),
                |diagnostic| diagnostic.expected("CIDR, like `10.0.0.0/8`, `203.0.113.7/32` or `2001:db8::/32`"),
            ),
        }
    }
    blocks
}

fn cidr(text: &str) -> Option<Cidr> {
    let (address, length) = text.split_once('/')?;
    let address: std::net::IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    (length <= width).then_some(Cidr { address, length })
}

fn action(cx: &mut Context, balancer: usize, rule: &schema::Rule, path: &Path) -> Option<Action> {
    match (&rule.forward, rule.fixed_response, rule.redirect) {
        (Some(groups), None, None) => Some(Action::Forward(forward(cx, balancer, groups, &path.key("forward")))),
        (None, Some(code), None) => Some(fixed_response(cx, code, &path.key("fixed_response"))),
        (None, None, Some(redirect)) => Some(redirected(redirect)),
        (forward, code, redirect) => {
            let message = if forward.is_some() || code.is_some() || redirect.is_some() {
                "more than one action in a rule"
            } else {
                "this rule does nothing"
            };
            cx.problems
                .report_with(Code::NotExactlyOne, path, message, |diagnostic| {
                    diagnostic.expected("one of `forward`, `fixed_response` and `redirect`")
                });
            None
        }
    }
}

fn fixed_response(cx: &mut Context, code: u16, path: &Path) -> Action {
    if (300..400).contains(&code) {
        cx.problems.report_with(
            Code::OutOfRange,
            path,
            format!("a fixed response of {code}"),
            |diagnostic| {
                diagnostic
                    .expected("a code of 2xx, 4xx or 5xx")
                    .hint("what sends the client elsewhere is `redirect`")
            },
        );
    }
    Action::FixedResponse(code)
}

fn redirected(said: schema::Redirect) -> Action {
    Action::Redirect(match said.status_code {
        schema::RedirectCode::Http301 => 301,
        schema::RedirectCode::Http302 => 302,
    })
}

fn forward(cx: &mut Context, balancer: usize, said: &[schema::WeightedTargetGroup], path: &Path) -> Vec<WeightedGroup> {
    if said.is_empty() || said.len() > alb::TARGET_GROUPS_PER_ACTION {
        let message = format!("{} target groups in an action", said.len());
        cx.problems
            .report_with(Code::WrongLength, path, message, |d| d.expected("1 to 5 target groups"));
    } else if said.iter().all(|group| group.weight == 0) {
        cx.report_hint(
            Code::WeightsSumToZero,
            path,
            "the weights add up to 0",
            "give one of them a weight above 0",
        );
    }
    let mut groups: Vec<WeightedGroup> = Vec::new();
    for (at, group) in said.iter().enumerate() {
        let here = path.at(at);
        let name = here.key("target_group");
        let Some(target_group) = cx.find(Table::TargetGroup, &group.target_group, &name) else {
            continue;
        };
        if cx.target_groups[target_group].0 != balancer {
            let owner = &cx.said.load_balancers.0[cx.target_groups[target_group].0].0;
            let message = format!("the target group `{}` is `{owner}`'s", group.target_group);
            cx.report_hint(
                Code::TargetGroupShared,
                &name,
                message,
                "AWS ties a target group to one load balancer; make another one under this balancer",
            );
        }
        let target_group = TargetGroupIx::from_usize(target_group);
        if groups.iter().any(|other| other.target_group == target_group) {
            cx.report(
                Code::NameTaken,
                &name,
                format!("`{}` stands here twice", group.target_group),
            );
        }
        groups.push(WeightedGroup {
            target_group,
            weight: group.weight,
        });
    }
    groups
}
