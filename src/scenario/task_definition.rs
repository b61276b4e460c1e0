//! Task definitions as `aws ecs describe-task-definition` prints them, brought into the tree.
//!
//! `task_definitions: { shop: { file: shop.json } }` becomes the same definition written in the language, before
//! anything is checked: its values keep their places in the JSON file, so every later problem points there. What stands
//! beside `file` in the scenario is laid over it. Both the wrapped form (`{"taskDefinition": …}`) and the bare one are
//! read; numbers may be strings, as AWS mixes them. Fields that mean nothing to the simulation are counted and left out.

use super::diagnostic::{Code, Diagnostic};
use super::path::Step;
use super::source::{MAX_BYTES, Place, Sources};
use super::table::read_problem;
use super::tree::{Key, Node, Value};
use super::yaml;

/// What importing did besides changing the tree.
#[derive(Default)]
pub(super) struct Imported {
    pub problems: Vec<Diagnostic>,
    /// Definitions that could not be read; nothing that hangs on them is to be blamed.
    pub poisoned: Vec<Vec<Step>>,
    /// Fields of the JSON files that were left out.
    pub ignored: usize,
}

/// Replaces every definition that names a file by what the file says.
pub(super) fn import(tree: &mut Node, sources: &mut Sources) -> Imported {
    let mut imported = Imported::default();
    let Value::Map(sections) = &mut tree.value else {
        return imported;
    };
    let Some((_, definitions)) = sections.iter_mut().find(|(key, _)| key.text == "task_definitions") else {
        return imported;
    };
    let Value::Map(definitions) = &mut definitions.value else {
        return imported;
    };
    for (name, definition) in definitions {
        let Some((Value::Text(file), place)) = definition.get("file").map(|node| (node.value.clone(), node.place))
        else {
            continue;
        };
        let made = read(&file, place, sources, &mut imported);
        let path = vec![Step::Key("task_definitions".to_owned()), Step::Key(name.text.clone())];
        let Value::Map(beside) = &mut definition.value else {
            continue;
        };
        beside.retain(|(key, _)| key.text != "file");
        match made {
            None => imported.poisoned.push(path),
            Some(made) => {
                let beside = std::mem::take(beside);
                definition.value = Value::Map(lay_over(made, beside, &mut imported.problems));
            }
        }
    }
    imported
}

/// The entries of a definition in the language.
fn read(file: &str, place: Place, sources: &mut Sources, imported: &mut Imported) -> Option<Vec<(Key, Node)>> {
    let number = match sources.read(file, MAX_BYTES) {
        Ok(number) => number,
        Err(problem) => {
            let (code, message) = read_problem(file, &problem);
            imported.problems.push(Diagnostic::new(code, place, message));
            return None;
        }
    };
    let (root, mut problems) = yaml::parse(sources, number);
    if problems.iter().any(|problem| problem.code == Code::MalformedYaml) {
        problems = not_json(sources, number).map_or(problems, |problem| vec![problem]);
    }
    let broken = !problems.is_empty();
    imported.problems.extend(problems);
    let root = root.filter(|_| !broken)?;
    let body = root.get("taskDefinition").unwrap_or(&root);
    if body.get("containerDefinitions").is_none() && body.get("family").is_none() {
        imported.problems.push(
            Diagnostic::new(
                Code::MalformedTaskDefinition,
                place,
                format!("`{file}` is not a task definition"),
            )
            .expected("the JSON that `aws ecs describe-task-definition` prints"),
        );
        return None;
    }
    let mut converter = Converter { imported, good: true };
    let made = converter.definition(body);
    converter.good.then_some(made)
}

/// What is wrong with a text that should be JSON, in the words of a parser of JSON, which knows the place: YAML's takes the
/// first bracket that never closes for the beginning of all evil.
fn not_json(sources: &Sources, number: u16) -> Option<Diagnostic> {
    let file = sources.file(number);
    let error = serde_json::from_str::<serde_json::Value>(&file.text).err()?;
    let at = file.byte_at(error.line(), error.column());
    let place = Place {
        file: number,
        start: at as u32,
        end: (at + 1).min(file.text.len()) as u32,
    };
    let whole = error.to_string();
    let (why, _) = whole.rsplit_once(" at line ").unwrap_or((&whole, ""));
    let diagnostic = Diagnostic::new(Code::MalformedTaskDefinition, place, format!("this is not JSON: {why}"));
    Some(diagnostic.expected("the JSON that `aws ecs describe-task-definition` prints"))
}

struct Converter<'a> {
    imported: &'a mut Imported,
    good: bool,
}

impl Converter<'_> {
    fn wrong(&mut self, place: Place, message: impl Into<String>, expected: &str) {
        self.good = false;
        let diagnostic = Diagnostic::new(Code::MalformedTaskDefinition, place, message);
        self.imported.problems.push(diagnostic.expected(expected));
    }

    fn definition(&mut self, body: &Node) -> Vec<(Key, Node)> {
        let mut made = Vec::new();
        let awsvpc = body.get("networkMode").and_then(Node::scalar) == Some("awsvpc");
        for (key, node) in set_entries(body) {
            match key.text.as_str() {
                "cpu" => self.put(&mut made, key, "cpu", |c| c.units(node)),
                "memory" => self.put(&mut made, key, "memory", |c| c.mebibytes(node)),
                "networkMode" => made.push((named(key, "network_mode"), node.clone())),
                "runtimePlatform" => {
                    self.count_others(node, &["cpuArchitecture"]);
                    if let Some(architecture) = node.get("cpuArchitecture") {
                        let inside = vec![(named(key, "cpu_architecture"), architecture.clone())];
                        made.push((named(key, "runtime_platform"), map(node, inside)));
                    }
                }
                "ephemeralStorage" => {
                    self.count_others(node, &["sizeInGiB"]);
                    if let Some(size) = node.get("sizeInGiB") {
                        self.put(&mut made, key, "ephemeral_storage", |c| c.quantity(size, " GiB"));
                    }
                }
                "containerDefinitions" => {
                    let containers = self.containers(node, awsvpc);
                    made.push((named(key, "containers"), containers));
                }
                _ => self.imported.ignored += 1,
            }
        }
        if body
            .get("containerDefinitions")
            .is_none_or(|list| matches!(list.value, Value::Null))
        {
            self.no_containers(body.place);
        }
        made
    }

    fn no_containers(&mut self, place: Place) {
        self.good = false;
        let diagnostic = Diagnostic::new(Code::NoContainers, place, "this task definition has no containers");
        self.imported
            .problems
            .push(diagnostic.expected("1 to 10 entries in `containerDefinitions`"));
    }

    fn containers(&mut self, list: &Node, awsvpc: bool) -> Node {
        let Value::List(items) = &list.value else {
            self.wrong(
                list.place,
                format!("{} stands here", list.kind()),
                "a list of container definitions",
            );
            return map(list, Vec::new());
        };
        if items.is_empty() {
            self.no_containers(list.place);
        }
        let mut containers: Vec<(Key, Node)> = Vec::new();
        for item in items {
            let Some(name) = item.get("name").filter(|name| name.scalar().is_some()) else {
                self.wrong(item.place, "a container without a name", "`name`");
                continue;
            };
            let text = name.scalar().expect("it is a scalar").to_owned();
            if containers.iter().any(|(key, _)| key.text == text) {
                self.good = false;
                let message = format!("two containers are called `{text}`");
                self.imported
                    .problems
                    .push(Diagnostic::new(Code::NameTaken, name.place, message));
                continue;
            }
            let inside = self.container(item, awsvpc);
            containers.push((
                Key {
                    text,
                    place: name.place,
                },
                map(item, inside),
            ));
        }
        map(list, containers)
    }

    fn container(&mut self, body: &Node, awsvpc: bool) -> Vec<(Key, Node)> {
        let mut made = Vec::new();
        for (key, node) in set_entries(body) {
            match key.text.as_str() {
                "name" => {}
                "image" => made.push((named(key, "image"), node.clone())),
                "essential" => made.push((named(key, "essential"), node.clone())),
                // 0 means "no share of its own".
                "cpu" if node.scalar() == Some("0") => {}
                "cpu" => self.put(&mut made, key, "cpu", |c| c.units(node)),
                "memory" => self.put(&mut made, key, "memory", |c| c.mebibytes(node)),
                "memoryReservation" => self.put(&mut made, key, "memory_reservation", |c| c.mebibytes(node)),
                "startTimeout" => self.put(&mut made, key, "start_timeout", |c| c.quantity(node, "s")),
                "stopTimeout" => self.put(&mut made, key, "stop_timeout", |c| c.quantity(node, "s")),
                "healthCheck" => {
                    let inside = self.health_check(node);
                    made.push((named(key, "health_check"), map(node, inside)));
                }
                "dependsOn" => {
                    let list = self.depends_on(node);
                    made.push((named(key, "depends_on"), list));
                }
                "secrets" => {
                    let list = self.renamed(node, &[("name", "name"), ("valueFrom", "value_from")]);
                    made.push((named(key, "secrets"), list));
                }
                "restartPolicy" => {
                    let inside = self.restart_policy(node);
                    made.push((named(key, "restart_policy"), map(node, inside)));
                }
                "logConfiguration" if node.get("logDriver").and_then(Node::scalar) == Some("awslogs") => {
                    let inside = self.log_configuration(node);
                    made.push((named(key, "log_configuration"), map(node, inside)));
                }
                "portMappings" => {
                    let ports = self.host_ports(node, awsvpc);
                    made.push((named(key, "host_ports"), ports));
                }
                _ => self.imported.ignored += 1,
            }
        }
        made
    }

    fn health_check(&mut self, body: &Node) -> Vec<(Key, Node)> {
        let mut made = Vec::new();
        for (key, node) in set_entries(body) {
            match key.text.as_str() {
                "interval" => self.put(&mut made, key, "interval", |c| c.quantity(node, "s")),
                "timeout" => self.put(&mut made, key, "timeout", |c| c.quantity(node, "s")),
                "startPeriod" => self.put(&mut made, key, "start_period", |c| c.quantity(node, "s")),
                "retries" => self.put(&mut made, key, "retries", |c| c.whole(node)),
                _ => self.imported.ignored += 1,
            }
        }
        made
    }

    fn restart_policy(&mut self, body: &Node) -> Vec<(Key, Node)> {
        let mut made = Vec::new();
        for (key, node) in set_entries(body) {
            match key.text.as_str() {
                "enabled" => made.push((named(key, "enabled"), node.clone())),
                "ignoredExitCodes" => made.push((named(key, "ignored_exit_codes"), node.clone())),
                "restartAttemptPeriod" => self.put(&mut made, key, "restart_attempt_period", |c| c.quantity(node, "s")),
                _ => self.imported.ignored += 1,
            }
        }
        made
    }

    fn log_configuration(&mut self, body: &Node) -> Vec<(Key, Node)> {
        let mut made = Vec::new();
        for (key, node) in set_entries(body) {
            match key.text.as_str() {
                "logDriver" => made.push((named(key, "log_driver"), node.clone())),
                "options" => {
                    self.count_others(node, &["mode"]);
                    if let Some(mode) = node.get("mode") {
                        made.push((named(key, "mode"), mode.clone()));
                    }
                }
                _ => self.imported.ignored += 1,
            }
        }
        made
    }

    fn depends_on(&mut self, body: &Node) -> Node {
        self.renamed(body, &[("containerName", "container_name"), ("condition", "condition")])
    }

    /// A list of maps, of which these words are kept under ours.
    fn renamed(&mut self, body: &Node, words: &[(&str, &str)]) -> Node {
        let Value::List(items) = &body.value else {
            self.wrong(body.place, format!("{} stands here", body.kind()), "a list");
            return body.clone();
        };
        let known: Vec<&str> = words.iter().map(|(aws, _)| *aws).collect();
        let converted = items.iter().map(|item| {
            self.count_others(item, &known);
            let entries = item.entries().iter().filter_map(|(key, node)| {
                let (_, ours) = words.iter().find(|(aws, _)| *aws == key.text)?;
                Some((named(key, ours), node.clone()))
            });
            map(item, entries.collect())
        });
        Node {
            value: Value::List(converted.collect()),
            place: body.place,
        }
    }

    /// Static ports of the instance. An awsvpc task has its own interface and takes none.
    fn host_ports(&mut self, body: &Node, awsvpc: bool) -> Node {
        let Value::List(items) = &body.value else {
            self.wrong(
                body.place,
                format!("{} stands here", body.kind()),
                "a list of port mappings",
            );
            return body.clone();
        };
        let mut ports = Vec::new();
        for item in items {
            self.count_others(item, &["hostPort"]);
            match item.get("hostPort") {
                Some(port) if !awsvpc && port.scalar() != Some("0") => ports.extend(self.whole(port)),
                _ => {}
            }
        }
        Node {
            value: Value::List(ports),
            place: body.place,
        }
    }

    fn put(
        &mut self,
        made: &mut Vec<(Key, Node)>,
        key: &Key,
        ours: &str,
        value: impl FnOnce(&mut Self) -> Option<Node>,
    ) {
        if let Some(value) = value(self) {
            made.push((named(key, ours), value));
        }
    }

    /// CPU units as a number or a string; `1 vCPU` is AWS's other form.
    fn units(&mut self, node: &Node) -> Option<Node> {
        match node.scalar() {
            Some(text) if text.to_ascii_lowercase().contains("vcpu") => {
                let number = text
                    .trim_end_matches(|c: char| c.is_ascii_alphabetic())
                    .trim()
                    .to_owned();
                Some(Node {
                    value: Value::Text(format!("{number} vCPU")),
                    place: node.place,
                })
            }
            _ => self.whole(node),
        }
    }

    /// MiB as a number or a string; `2 GB` is AWS's other form, and means GiB.
    fn mebibytes(&mut self, node: &Node) -> Option<Node> {
        match node.scalar() {
            Some(text) if text.to_ascii_uppercase().ends_with("GB") => {
                let number = text[..text.len() - 2].trim().to_owned();
                Some(Node {
                    value: Value::Text(format!("{number} GiB")),
                    place: node.place,
                })
            }
            _ => self.quantity(node, " MiB"),
        }
    }

    fn quantity(&mut self, node: &Node, unit: &str) -> Option<Node> {
        let number = self.whole(node)?;
        let text = number.scalar().expect("a number is a scalar");
        Some(Node {
            value: Value::Text(format!("{text}{unit}")),
            place: node.place,
        })
    }

    /// A whole number, perhaps written as a string.
    fn whole(&mut self, node: &Node) -> Option<Node> {
        match node.scalar().filter(|text| text.trim().parse::<u64>().is_ok()) {
            Some(text) => Some(Node {
                value: Value::Number(text.trim().to_owned()),
                place: node.place,
            }),
            None => {
                self.wrong(
                    node.place,
                    "this is not a whole number",
                    "a number, or a string that holds one",
                );
                None
            }
        }
    }

    fn count_others(&mut self, body: &Node, known: &[&str]) {
        self.imported.ignored += body
            .entries()
            .iter()
            .filter(|(key, _)| !known.contains(&key.text.as_str()))
            .count();
    }
}

/// Entries that are not null: the CLI prints some fields so.
fn set_entries(body: &Node) -> impl Iterator<Item = (&Key, &Node)> {
    body.entries()
        .iter()
        .filter(|(_, node)| !matches!(node.value, Value::Null))
        .map(|(key, node)| (key, node))
}

fn named(key: &Key, ours: &str) -> Key {
    Key {
        text: ours.to_owned(),
        place: key.place,
    }
}

fn map(at: &Node, entries: Vec<(Key, Node)>) -> Node {
    Node {
        value: Value::Map(entries),
        place: at.place,
    }
}

/// What the scenario says beside the file wins, container by container.
fn lay_over(mut made: Vec<(Key, Node)>, beside: Vec<(Key, Node)>, problems: &mut Vec<Diagnostic>) -> Vec<(Key, Node)> {
    for (key, node) in beside {
        let known = made.iter().position(|(other, _)| other.text == key.text);
        match (known, &node.value) {
            (Some(at), Value::Map(extras)) if key.text == "containers" => {
                let Value::Map(containers) = &mut made[at].1.value else {
                    continue;
                };
                for (name, extra) in extras {
                    match containers.iter_mut().find(|(other, _)| other.text == name.text) {
                        Some((_, container)) => lay_over_container(container, extra),
                        None => {
                            let known: Vec<&str> = containers.iter().map(|(key, _)| key.text.as_str()).collect();
                            let message = format!("the file has no container `{}`", name.text);
                            let diagnostic = Diagnostic::new(Code::UnknownName, name.place, message);
                            problems.push(diagnostic.did_you_mean(&name.text, known));
                        }
                    }
                }
            }
            (Some(at), _) => made[at] = (key, node),
            (None, _) => made.push((key, node)),
        }
    }
    made
}

fn lay_over_container(container: &mut Node, extra: &Node) {
    let Value::Map(entries) = &mut container.value else {
        return;
    };
    let Value::Map(extras) = &extra.value else {
        // Of the wrong kind; taking its place lets the walk of the schema say so.
        *container = extra.clone();
        return;
    };
    for (key, node) in extras {
        match entries.iter().position(|(other, _)| other.text == key.text) {
            Some(at) => entries[at] = (key.clone(), node.clone()),
            None => entries.push((key.clone(), node.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
