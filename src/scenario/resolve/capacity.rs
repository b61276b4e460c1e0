//! Auto Scaling groups, and which capacity a service's tasks run on.

use super::{Context, Table, each};
use crate::aws::credits as aws_credits;
use crate::aws::fargate;
use crate::aws::instance_types::{self, Trunking};
use crate::blueprint::*;
use crate::scenario::diagnostic::{Code, nearest};
use crate::scenario::imply::on_fargate;
use crate::scenario::path::Path;
use crate::scenario::quantity::{print_cpu, print_memory};
use crate::scenario::schema::{self, LaunchType};

pub(super) fn auto_scaling_groups(cx: &mut Context) -> Vec<AutoScalingGroup> {
    let root = Path::Root;
    let cluster = root.key("cluster");
    let section = cluster.key("capacity_providers");
    let mut groups = Vec::new();
    each(
        &cx.said.cluster.capacity_providers,
        &section,
        |_, name, provider, path| {
            if name.starts_with("FARGATE") {
                cx.report(
                    Code::NameTaken,
                    path,
                    format!("`{name}` always exists and is not an Auto Scaling group"),
                );
            }
            let path = path.key("auto_scaling_group");
            let group = &provider.auto_scaling_group;
            let types = path.key("instance_types");
            let instance_type = match group.instance_types.as_slice() {
                [one] => instance_type(cx, one, &types.at(0)),
                [] => {
                    let message = "an Auto Scaling group needs an instance type";
                    cx.problems.report_with(Code::WrongLength, &types, message, |d| {
                        d.expected("one type, like `m6i.large`")
                    });
                    None
                }
                _ => {
                    let message = "several instance types in a group are not modelled yet";
                    cx.report_hint(
                        Code::NotModelledYet,
                        &types,
                        message,
                        "give one type, or make a capacity provider for each",
                    );
                    None
                }
            };
            let desired = group.desired_capacity.unwrap_or(group.min_size);
            if group.min_size > desired || desired > group.max_size {
                let message = format!(
                    "min {} ≤ desired {desired} ≤ max {} does not hold",
                    group.min_size, group.max_size
                );
                cx.report(Code::ContradictorySizes, &path.key("desired_capacity"), message);
            }
            let zones = zones(
                cx,
                group.availability_zones.as_deref().unwrap_or_default(),
                &path.key("availability_zones"),
            );
            let launch_time = cx.dist(&group.launch_time, &path.key("launch_time"));
            if let Some(instance_type) = instance_type {
                if let Some(bandwidth) = group.pull_bandwidth {
                    super::model::above_zero(cx, bandwidth.0, &path.key("pull_bandwidth"));
                }
                let agent = super::start_up::agent(cx, &group.agent, instance_type.memory, &path.key("agent"));
                let trunking = if group.awsvpc_trunking {
                    Trunking::On
                } else {
                    Trunking::Off
                };
                groups.push(AutoScalingGroup {
                    name: name.to_owned(),
                    instance_type,
                    zones,
                    min_size: group.min_size,
                    desired_capacity: desired,
                    max_size: group.max_size,
                    awsvpc_tasks: instance_type.awsvpc_tasks(trunking),
                    launch_time,
                    pull_bandwidth: group
                        .pull_bandwidth
                        .map_or_else(|| instance_type.baseline_mib(), |bandwidth| bandwidth.0),
                    agent,
                    credits: credits(cx, group, instance_type, &path),
                    market: match group.instance_market_options {
                        Some(_) => Market::Spot,
                        None => Market::OnDemand,
                    },
                });
            }
        },
    );
    groups
}

/// CPU credits of a group's instances, if its type has any.
fn credits(
    cx: &mut Context,
    said: &schema::AutoScalingGroup,
    instance_type: &instance_types::InstanceType,
    path: &Path,
) -> Option<Credits> {
    let Some(burstable) = aws_credits::of(instance_type) else {
        let said = [
            ("credit_specification", said.credit_specification.is_some()),
            ("cpu_credit_balance", said.cpu_credit_balance.is_some()),
        ];
        for (key, _) in said.iter().filter(|(_, given)| *given) {
            let message = format!("{} has no CPU credits", instance_type.name);
            let hint = "leave it out, or take a type of a T family, such as t3.medium";
            cx.report_hint(Code::CreditsOfNobody, &path.key(key), message, hint);
        }
        return None;
    };
    let most = burstable.most();
    let at_start = said.cpu_credit_balance.unwrap_or(most);
    if !(0.0..=most).contains(&at_start) {
        let message = format!("{} cannot have {at_start} CPU credits", instance_type.name);
        cx.problems
            .report_with(Code::OutOfRange, &path.key("cpu_credit_balance"), message, |d| {
                d.expected(format!("0 to {most}, which it earns in a day"))
            });
    }
    Some(Credits {
        burstable,
        mode: match said.credit_specification.unwrap_or_default().cpu_credits {
            schema::CpuCredits::Standard => CreditMode::Standard,
            schema::CpuCredits::Unlimited => CreditMode::Unlimited,
        },
        at_start,
    })
}

/// A row of the table; an unknown type is reported.
pub(super) fn instance_type(
    cx: &mut Context,
    name: &str,
    path: &Path,
) -> Option<&'static instance_types::InstanceType> {
    let found = instance_types::find(name);
    if found.is_none() {
        let known = instance_types::TABLE.iter().map(|row| row.name);
        cx.problems.report_with(
            Code::UnknownInstanceType,
            path,
            format!("`{name}` is not in the table of types"),
            |d| match nearest(name, known) {
                Some(near) => d.hint(format!("did you mean `{near}`?")),
                None => d.expected("a type such as `m6i.large`, `c7g.xlarge` or `t3.medium`"),
            },
        );
    }
    found
}

/// Zones by name, each once, at least one.
pub(super) fn zones(cx: &mut Context, names: &[String], path: &Path) -> Vec<ZoneIx> {
    let mut zones = Vec::new();
    if names.is_empty() && !cx.zones.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, path, "no availability zone", |d| {
                d.expected("at least one zone")
            });
    }
    for (at, name) in names.iter().enumerate() {
        let here = path.at(at);
        if names[..at].contains(name) {
            cx.report(Code::NameTaken, &here, format!("`{name}` stands here twice"));
        } else if let Some(zone) = cx.find(Table::Zone, name, &here) {
            zones.push(ZoneIx::from_usize(zone));
        }
    }
    zones
}

/// Where a service's tasks may run.
pub(super) fn shares(cx: &mut Context, service: &schema::Service, path: &Path) -> Vec<CapacityShare> {
    let strategy = path.key("capacity_provider_strategy");
    let items = &service.capacity_provider_strategy;
    match (service.launch_type, items.is_empty()) {
        (Some(_), false) => {
            let message = "`launch_type` and `capacity_provider_strategy` exclude each other";
            cx.report_hint(
                Code::ConflictingKeys,
                &path.key("launch_type"),
                message,
                "AWS takes one of them; remove the other",
            );
            Vec::new()
        }
        (Some(LaunchType::Fargate) | None, true) => {
            vec![CapacityShare {
                provider: Provider::Fargate,
                base: 0,
                weight: 1,
            }]
        }
        (Some(LaunchType::Ec2), true) => {
            let groups = cx.said.cluster.capacity_providers.len();
            if groups == 0 {
                let message = "the launch type EC2 needs instances";
                cx.report_hint(
                    Code::NoCapacity,
                    &path.key("launch_type"),
                    message,
                    "describe an Auto Scaling group under `cluster.capacity_providers`",
                );
            }
            let share = |at| CapacityShare {
                provider: Provider::Group(GroupIx::from_usize(at)),
                base: 0,
                weight: 1,
            };
            (0..groups).map(share).collect()
        }
        (None, false) => {
            let shares: Vec<CapacityShare> = items
                .iter()
                .enumerate()
                .filter_map(|(at, item)| {
                    let here = strategy.at(at);
                    let provider = match item.capacity_provider.as_str() {
                        "FARGATE" => Provider::Fargate,
                        "FARGATE_SPOT" => Provider::FargateSpot,
                        name => {
                            let group = cx.find(Table::CapacityProvider, name, &here.key("capacity_provider"))?;
                            Provider::Group(GroupIx::from_usize(group))
                        }
                    };
                    Some(CapacityShare {
                        provider,
                        base: item.base,
                        weight: item.weight,
                    })
                })
                .collect();
            check_strategy(cx, &shares, items.len(), &strategy);
            shares
        }
    }
}

fn check_strategy(cx: &mut Context, shares: &[CapacityShare], written: usize, path: &Path) {
    let on_instances = shares
        .iter()
        .filter(|share| matches!(share.provider, Provider::Group(_)))
        .count();
    if on_instances > 0 && on_instances < shares.len() {
        let message = "Fargate and Auto Scaling groups cannot be mixed in one strategy";
        cx.report_hint(Code::MixedCapacityProviders, path, message, "make two services");
    }
    if shares.len() == written && shares.iter().all(|share| share.weight == 0 && share.base == 0) {
        let message = "no capacity provider has a weight above 0";
        cx.report_hint(
            Code::NoCapacity,
            path,
            message,
            "AWS's default weight is 0; write `weight: 1`",
        );
    }
    if shares.iter().filter(|share| share.base > 0).count() > 1 {
        cx.report(
            Code::SeveralBases,
            path,
            "only one capacity provider of a strategy can have a base",
        );
    }
}

/// Whether each capacity of a service can hold one of its tasks.
pub(super) fn check_fit(
    cx: &mut Context,
    service: &schema::Service,
    shares: &[CapacityShare],
    groups: &[AutoScalingGroup],
    task: &TaskDefinition,
    path: &Path,
) {
    let size = format!("{} and {}", print_cpu(task.cpu), print_memory(task.memory));
    if on_fargate(service) {
        if !fargate::is_valid(task.cpu, task.memory) {
            let sizes = fargate::valid_memory(task.cpu);
            let expected = match (sizes.first(), sizes.last()) {
                (Some(low), Some(high)) => {
                    format!(
                        "{} to {} with {}",
                        print_memory(*low),
                        print_memory(*high),
                        print_cpu(task.cpu)
                    )
                }
                _ => {
                    let sizes: Vec<String> = fargate::cpu_sizes().map(print_cpu).collect();
                    format!("one of {}", sizes.join(", "))
                }
            };
            let hint = fargate::smallest_holding(task.cpu, task.memory).map(|(cpu, memory)| {
                format!(
                    "the smallest size that holds it is {} with {}",
                    print_cpu(cpu),
                    print_memory(memory)
                )
            });
            cx.problems.report_with(
                Code::FargateSize,
                path,
                format!("Fargate has no size of {size}"),
                |diagnostic| {
                    let diagnostic = diagnostic.expected(expected);
                    match hint {
                        Some(hint) => diagnostic.hint(hint),
                        None => diagnostic,
                    }
                },
            );
        }
        return;
    }
    for share in shares {
        let Provider::Group(group) = share.provider else {
            continue;
        };
        let Some(group) = groups.get(group.at()) else { continue };
        let instance = group.instance_type;
        if task.cpu > instance.cpu || task.memory > group.memory_for_tasks() {
            let message = format!("a task of {size} fits no instance of `{}`", group.name);
            cx.problems
                .report_with(Code::FitsNoInstance, path, message, |diagnostic| {
                    diagnostic.hint(format!(
                        "{} has {} and {}",
                        instance.name,
                        print_cpu(instance.cpu),
                        print_memory(group.memory_for_tasks())
                    ))
                });
        }
        if task.architecture != architecture(instance.name) {
            let message = format!("`{}` does not run tasks of this architecture", group.name);
            cx.problems
                .report_with(Code::WrongArchitecture, path, message, |diagnostic| {
                    diagnostic.hint(format!(
                        "{} is {}; see `runtime_platform` of the task definition",
                        instance.name,
                        match architecture(instance.name) {
                            Architecture::Arm64 => "ARM64",
                            Architecture::X86_64 => "X86_64",
                        }
                    ))
                });
        }
    }
}

/// AWS's names tell: a `g` behind the generation's number is Graviton.
fn architecture(instance_type: &str) -> Architecture {
    let family = instance_type.split('.').next().unwrap_or_default();
    let behind = family
        .trim_start_matches(|c: char| c.is_ascii_alphabetic())
        .trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.contains('g') {
        Architecture::Arm64
    } else {
        Architecture::X86_64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_architecture_from_the_type() {
        assert_eq!(architecture("m7g.large"), Architecture::Arm64);
        assert_eq!(architecture("t4g.small"), Architecture::Arm64);
        assert_eq!(architecture("m6i.large"), Architecture::X86_64);
        assert_eq!(architecture("c5.large"), Architecture::X86_64);
    }
}
