//! What the candidates have to stand: what-ifs that are put on top of a scenario.

use super::super::diagnostic::Diagnostics;
use super::super::quantity::print_duration;
use super::super::schema::{self, Form};
use super::super::tree::{Key, Node, Value};
use super::super::{Scenario, yaml};
use super::{Put, put};

/// A what-if: values that are replaced and events that are added.
pub(super) struct Situation {
    pub name: String,
    pub puts: Vec<Put>,
    pub events: Vec<Node>,
}

impl Scenario {
    /// What-ifs, each tried on `base`, the scenario as written; and it, with the texts that were written for them.
    pub(super) fn situations(
        &self,
        mut base: Scenario,
        said: &schema::Sizing,
        whole: &schema::Scenario,
    ) -> Result<(Scenario, Vec<Situation>), Diagnostics> {
        let mut situations = Vec::new();
        match &said.through {
            None => {}
            Some(Form::Short(schema::StockWhatIf::ZoneLoss)) => {
                situations.extend(base.zone_losses("", &schema::ZoneLoss::default(), whole));
            }
            Some(Form::Long(what_ifs)) => {
                for ((key, node), (_, what_if)) in self.size_node("through").iter().zip(what_ifs.iter()) {
                    let set = node.get("set").map_or(&[][..], Node::entries);
                    let events = match node.get("events").map(|events| &events.value) {
                        Some(Value::List(events)) => events.clone(),
                        _ => Vec::new(),
                    };
                    let common = Situation {
                        name: key.text.clone(),
                        puts: set
                            .iter()
                            .map(|(path, value)| put(&path.text, value.clone(), path.place))
                            .collect(),
                        events,
                    };
                    let Some(loss) = &what_if.zone_loss else {
                        situations.push(common);
                        continue;
                    };
                    for lost in base.zone_losses(&key.text, loss, whole) {
                        situations.push(Situation {
                            puts: common.puts.clone(),
                            events: common.events.iter().cloned().chain(lost.events).collect(),
                            name: lost.name,
                        });
                    }
                }
            }
        }
        let mut wrong: Option<Diagnostics> = None;
        for situation in &situations {
            let found = match base.in_situation(situation) {
                Ok(scenario) => scenario.resolve().1,
                Err(found) => found,
            };
            if found.has_errors() {
                wrong = Some(wrong.map_or(found.clone(), |before| before.merge(found)));
            }
        }
        wrong.map_or(Ok((base, situations)), Err)
    }

    /// One situation for each zone that is lost.
    fn zone_losses(&mut self, name: &str, loss: &schema::ZoneLoss, whole: &schema::Scenario) -> Vec<Situation> {
        let third = crate::units::Span::from_nanos(whole.duration.0.nanos() / 3);
        let zones = loss.zones.clone().or_else(|| whole.cluster.availability_zones.clone());
        let at = print_duration(loss.at.map_or(third, |at| at.0));
        let lasting = print_duration(loss.lasting.map_or(third, |lasting| lasting.0));
        let mut situations = Vec::new();
        for zone in zones.unwrap_or_default() {
            let text = format!("{{ at: {at}, zone_outage: {zone:?}, lasting: {lasting} }}");
            let node = self.written("loss of a zone", &text);
            let before = if name.is_empty() {
                String::new()
            } else {
                format!("{name}: ")
            };
            situations.push(Situation {
                name: format!("{before}loss of {zone}"),
                puts: Vec::new(),
                events: vec![node],
            });
        }
        situations
    }

    /// A value that stands in no file of the user's.
    fn written(&mut self, name: &str, text: &str) -> Node {
        let file = self.sources.add(name, text);
        yaml::parse(&self.sources, file)
            .0
            .expect("what is written here is YAML")
    }

    pub(super) fn in_situation(&self, situation: &Situation) -> Result<Scenario, Diagnostics> {
        let mut scenario = self.clone();
        for put in &situation.puts {
            scenario.put_all(std::slice::from_ref(put))?;
        }
        if situation.events.is_empty() {
            return Ok(scenario);
        }
        let Value::Map(sections) = &mut scenario.tree.value else {
            unreachable!("a scenario is a map");
        };
        let place = situation.events[0].place;
        let at = sections
            .iter()
            .position(|(key, _)| key.text == "events")
            .unwrap_or_else(|| {
                let key = Key {
                    text: "events".to_owned(),
                    place,
                };
                sections.push((
                    key,
                    Node {
                        value: Value::List(Vec::new()),
                        place,
                    },
                ));
                sections.len() - 1
            });
        if let Value::List(events) = &mut sections[at].1.value {
            events.extend(situation.events.iter().cloned());
        }
        Ok(scenario)
    }
}
