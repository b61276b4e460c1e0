//! Calls: how a task is picked, or what is asked of the balancer.

use crate::scenario::schema::{Balancing, Call, Form, Method, Scenario, Step};

pub(super) fn calls(said: &mut Scenario) {
    let routes: Vec<(String, Vec<(String, String)>)> = said
        .services
        .0
        .iter()
        .map(|(name, service)| (name.clone(), service.routes.0.clone()))
        .collect();
    let listeners: Vec<(String, Vec<String>)> = said
        .load_balancers
        .0
        .iter()
        .map(|(name, balancer)| (name.clone(), balancer.listeners.names().map(str::to_owned).collect()))
        .collect();
    let first_operations: Vec<(String, Option<String>)> = said
        .services
        .0
        .iter()
        .map(|(name, service)| (name.clone(), service.operations.names().next().map(str::to_owned)))
        .collect();
    let fill = |call: &mut Call| {
        let (service, operation) = call.to.split_once('/').unwrap_or((&call.to, ""));
        let first = first_operations.iter().find(|(name, _)| name == service);
        let Some((_, first)) = first else { return };
        match call.via.as_deref() {
            None | Some("service_connect" | "dns") => {
                call.balancing.get_or_insert(Form::Short(Balancing::RoundRobin));
            }
            Some(via) => {
                if let Some((name, names)) = listeners.iter().find(|(name, _)| name == via)
                    && let [listener] = names.as_slice()
                {
                    call.via = Some(format!("{name}/{listener}"));
                }
                let wanted = if operation.is_empty() {
                    first.as_deref().unwrap_or("")
                } else {
                    operation
                };
                let known = routes
                    .iter()
                    .find(|(name, _)| name == service)
                    .map(|(_, routes)| routes.as_slice());
                let route = known.into_iter().flatten().find(|(_, operation)| operation == wanted);
                let (method, path) = match route.map(|(route, _)| route.as_str()) {
                    Some(route) => crate::scenario::resolve::route_parts(route).unwrap_or((None, route)),
                    None => (None, "/"),
                };
                // What the pattern's wildcards stand for does not matter, so nothing stands for them.
                call.path.get_or_insert_with(|| path.replace(['*', '?'], ""));
                call.method.get_or_insert(method.unwrap_or(Method::Get));
            }
        }
    };
    for (_, service) in &mut said.services.0 {
        for (_, steps) in &mut service.operations.0 {
            each_call(steps, &fill);
        }
    }
    for (_, balancer) in &mut said.load_balancers.0 {
        for (_, group) in &mut balancer.target_groups.0 {
            each_call(&mut group.health_check.runs, &fill);
        }
    }
    for event in &mut said.events {
        for (_, deploy) in event.deploys_mut().flat_map(|deploys| &mut deploys.0) {
            for (_, operation) in &mut deploy.operations.0 {
                each_call(operation.steps.as_deref_mut().unwrap_or_default(), &fill);
            }
        }
    }
}

fn each_call(steps: &mut [Step], fill: &impl Fn(&mut Call)) {
    for step in steps {
        match step {
            Step::Call(call) => {
                fill(call);
                each_call(call.fallback.as_deref_mut().unwrap_or_default(), fill);
            }
            Step::Parallel(Form::Short(branches)) => branches.iter_mut().for_each(|branch| each_call(branch, fill)),
            Step::Parallel(Form::Long(parallel)) => {
                let branches = parallel.branches.iter_mut().flatten();
                branches
                    .chain(&mut parallel.steps)
                    .for_each(|branch| each_call(branch, fill));
            }
            Step::Choose(choices) => choices.iter_mut().for_each(|choice| each_call(&mut choice.steps, fill)),
            Step::Cache(cache) => {
                each_call(&mut cache.hit, fill);
                each_call(&mut cache.miss, fill);
            }
            Step::Repeat(repeat) => each_call(&mut repeat.steps, fill),
            Step::Optional(steps) => each_call(steps, fill),
            Step::Cpu(_) | Step::Wait(_) | Step::Fail(_) | Step::Publish(_) => {}
        }
    }
}
